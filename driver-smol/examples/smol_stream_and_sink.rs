//! The socket as a `Stream` and a `Sink` of messages, for the combinators of the futures crates:
//! `cargo run -p driver-smol --example smol_stream_and_sink`.

use driver_smol::{Accept, CloseCode, Message, Server, Upgrade, connect};
use futures_util::{SinkExt, StreamExt, future, stream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", server.local_addr()?);
        smol::spawn(server.serve(shout)).detach();

        let (mut sender, receiver) = connect(&url).await?.split();
        let mut words = stream::iter(["hello", "is anybody", "there"]).map(|word| Ok(word.into()));
        sender.send_all(&mut words).await?;
        let replies = receiver
            .filter_map(|received| future::ready(received.ok()))
            .take(3)
            .collect::<Vec<Message>>();
        println!("{:?}", replies.await);
        sender.close(CloseCode::NORMAL, "").await;
        Ok(())
    })
}

async fn shout(upgrade: Upgrade) {
    let Ok(socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    let (sender, receiver) = socket.split();
    let replies = receiver
        .take_while(|received| future::ready(received.is_ok()))
        .filter_map(|received| future::ready(received.ok()))
        .map(|message| Ok(message.as_text().unwrap_or("?").to_uppercase().into()));
    let _ = replies.forward(sender).await;
}
