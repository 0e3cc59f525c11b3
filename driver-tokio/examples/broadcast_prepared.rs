//! Encodes a message once and sends it to many connections by reference count:
//! `cargo run -p driver-tokio --example broadcast_prepared`.

use driver_tokio::{Accept, Prepared, Server, Upgrade, connect};
use tokio::sync::broadcast;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (news, _) = broadcast::channel::<Prepared>(16);
    let publisher = news.clone();
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(server.serve(move |upgrade| deliver(upgrade, news.subscribe())));

    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(connect(&url).await?);
    }
    println!("{} get it", publisher.send(Prepared::text("the news"))?);
    for reader in &mut readers {
        let message = reader.recv().await?;
        assert_eq!(message.as_ref().and_then(|m| m.as_text()), Some("the news"));
    }
    Ok(())
}

async fn deliver(upgrade: Upgrade, mut news: broadcast::Receiver<Prepared>) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    loop {
        // Both futures are cancel-safe.
        tokio::select! {
            received = socket.recv() => match received {
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            },
            item = news.recv() => match item {
                Ok(message) => {
                    if socket.send_prepared(&message).await.is_err() {
                        return;
                    }
                }
                // This reader was too slow and has missed some messages.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}
