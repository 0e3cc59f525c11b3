//! An echo without a copy: each message is borrowed from the read buffer and answered from there. In a steady state
//! this allocates nothing: `cargo run --release -p driver-tokio --example lending_echo`, and
//! in another terminal `cargo run -p driver-tokio --example client ws://127.0.0.1:9002`.

use driver_tokio::{Accept, Error, Event, Server, WebSocket};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = Server::bind("127.0.0.1:9002").await?;
    println!("listening on ws://{}", server.local_addr()?);
    server
        .serve(|upgrade| async move {
            let Ok(socket) = upgrade.accept(&Accept::new()).await else {
                return;
            };
            if let Err(error) = echo(socket).await {
                println!("{error}");
            }
        })
        .await;
    Ok(())
}

async fn echo(mut socket: WebSocket) -> Result<(), Error> {
    // All input is answered before this waits, and all answers leave in one write.
    while let Some((event, mut outbox)) = socket.recv_ref().await? {
        let fed = match event {
            Event::Text(text) => outbox.feed_text(&text),
            Event::Binary(bytes) => outbox.feed_binary(&bytes),
            // Pings are answered already; the last event tells how the connection ended.
            _ => Ok(()),
        };
        if let Err(error) = fed {
            println!("{error}");
        }
    }
    Ok(())
}
