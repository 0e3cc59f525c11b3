//! A message that is encoded once and sent to everybody by reference count:
//! `cargo run -p driver-smol --example smol_broadcast_prepared`.

use std::sync::{Arc, Mutex};

use driver_smol::{Accept, Prepared, Server, Upgrade, connect};
use smol::channel::{Receiver, Sender, unbounded};

/// Where each reader gets the news.
type Readers = Arc<Mutex<Vec<Sender<Prepared>>>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let readers = Readers::default();
        let server = Server::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", server.local_addr()?);
        let known = Arc::clone(&readers);
        let serve = server.serve(move |upgrade| {
            let (sender, news) = unbounded();
            known.lock().expect("nobody panics").push(sender);
            deliver(upgrade, news)
        });
        smol::spawn(serve).detach();

        let mut sockets = Vec::new();
        for _ in 0..100 {
            sockets.push(connect(&url).await?);
        }
        let news = Prepared::text("the news");
        let reached = readers
            .lock()
            .expect("nobody panics")
            .iter()
            .filter(|reader| reader.try_send(news.clone()).is_ok())
            .count();
        println!("{reached} get it");
        for socket in &mut sockets {
            let message = socket.recv().await?;
            assert_eq!(message.as_ref().and_then(|m| m.as_text()), Some("the news"));
        }
        Ok(())
    })
}

async fn deliver(upgrade: Upgrade, news: Receiver<Prepared>) {
    let Ok(socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    let (sender, mut receiver) = socket.split();
    let send = async {
        while let Ok(message) = news.recv().await {
            if sender.send_prepared(&message).await.is_err() {
                return;
            }
        }
    };
    let receive = async { while let Ok(Some(_)) = receiver.recv().await {} };
    // Whichever has not ended is dropped.
    smol::future::or(send, receive).await;
}
