//! Compresses messages if both ends agree to (RFC 7692), except where a send says otherwise:
//! `cargo run -p driver-tokio --example compression`.

use driver_tokio::{Accept, CloseCode, Compress, Compression, Config, Connect, Server, Upgrade};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Each end has its own configuration.
    let mut config = Config::default();
    config.compression = Some(Compression::default());
    let server = Server::bind("127.0.0.1:0").await?.config(config.clone());
    let url = format!("ws://{}", server.local_addr()?);
    tokio::spawn(server.serve(tell_length));

    let (mut socket, _) = Connect::new(url).config(config).connect().await?;
    let news = "the same again, ".repeat(1000);
    for compress in [Compress::Auto, Compress::Never] {
        socket.feed_compressed(news.clone(), compress).await?;
        println!("{compress:?}: {} bytes", socket.connection().queued());
        println!("{:?}", socket.recv().await?);
    }
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}

async fn tell_length(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let text = format!("{} bytes of text", message.as_bytes().len());
        let _ = socket.feed(text).await;
    }
}
