//! One task receives while others send on the same connection: whole messages, one in parts, one that
//! must not take long: `cargo run -p driver-tokio --example split`.

use std::time::Duration;

use driver_tokio::{Accept, CloseCode, Event, Kind, SendError, Sender, Server, Upgrade, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(server.serve(echo));

    let (sender, mut receiver) = connect(&url).await?.split();
    let receive = tokio::spawn(async move {
        // Lent, without a copy; `recv` gives messages to keep.
        while let Ok(Some(event)) = receiver.recv_ref().await {
            if let Event::Text(text) = event {
                println!("{}", &*text);
            }
        }
        receiver.closed()
    });
    let mut senders: Vec<_> = ["one", "two", "three"]
        .map(|name| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send(format!("from task {name}")).await })
        })
        .into();
    senders.push(tokio::spawn(tell_in_parts(sender.clone())));
    for task in senders {
        task.await??;
    }
    let soon = Duration::from_secs(1);
    sender.send_timeout("now or never", soon).await?;
    sender.close(CloseCode::NORMAL, "all said").await;
    println!("{:?}", receive.await?);
    Ok(())
}

/// Sends of the other tasks wait meanwhile.
async fn tell_in_parts(sender: Sender) -> Result<(), SendError> {
    sender.start(Kind::Text).await?;
    for part in ["from a task ", "that needs ", "some "] {
        sender.write(part.as_bytes()).await?;
    }
    sender.finish(b"time").await
}

async fn echo(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let _ = socket.feed(message).await;
    }
}
