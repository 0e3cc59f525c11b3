//! One task receives while others send on the same connection:
//! `cargo run -p driver-smol --example smol_split`.

use driver_smol::{Accept, CloseCode, Server, Upgrade, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", server.local_addr()?);
        smol::spawn(server.serve(echo)).detach();

        let (sender, mut receiver) = connect(&url).await?.split();
        let receive = smol::spawn(async move {
            while let Ok(Some(message)) = receiver.recv().await {
                println!("{message:?}");
            }
            receiver.closed()
        });
        let senders: Vec<_> = ["one", "two", "three"]
            .map(|name| {
                let sender = sender.clone();
                smol::spawn(async move { sender.send(format!("from task {name}")).await })
            })
            .into();
        for task in senders {
            task.await?;
        }
        sender.close(CloseCode::NORMAL, "all said").await;
        println!("{:?}", receive.await);
        Ok(())
    })
}

async fn echo(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let _ = socket.feed(message).await;
    }
}
