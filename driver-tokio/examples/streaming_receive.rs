//! Receives a message chunk by chunk, so that it may be larger than memory:
//! `cargo run -p driver-tokio --example streaming_receive`.

use driver_tokio::{Accept, CloseCode, Config, Delivery, Incoming, Server, Upgrade, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.delivery = Delivery::Chunks;
    // Nothing is assembled, so long messages cost no memory.
    config.max_frame = u64::MAX;
    config.max_message = u64::MAX;
    let server = Server::bind("127.0.0.1:0").await?.config(config);
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(server.serve(sum));

    let mut socket = connect(&url).await?;
    socket.send(vec![1; 8 << 20]).await?;
    println!("{:?}", socket.recv().await?);
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}

async fn sum(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    let (mut sum, mut chunks) = (0, 0);
    while let Ok(Some(incoming)) = socket.recv_incoming().await {
        let Incoming::Chunk { data, last, .. } = incoming else {
            continue;
        };
        sum += data.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        chunks += 1;
        if last {
            let _ = socket.send(format!("{sum} in {chunks} chunks")).await;
            (sum, chunks) = (0, 0);
        }
    }
}
