//! Both ends in one process, over a pipe in memory: how to test an application without a network. Any other
//! `AsyncRead + AsyncWrite`, a TLS stream for example, works the same way:
//! `cargo run -p driver-tokio --example in_memory`.

use std::sync::Arc;

use driver_tokio::{Accept, ClientRequest, CloseCode, Config, accept, connect_over};
use tokio::io::duplex;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Arc::new(Config::default());
    let (near, far) = duplex(64 << 10);

    let serving = Arc::clone(&config);
    let server = tokio::spawn(async move {
        let upgrade = accept(far, serving).await?;
        println!("asked for {}", upgrade.request().target());
        let mut socket = upgrade.accept(&Accept::new()).await?;
        while let Ok(Some(message)) = socket.recv().await {
            let _ = socket.feed(message).await;
        }
        Ok::<_, driver_tokio::HandshakeError>(socket.closed().cloned())
    });

    let request = ClientRequest::new("localhost", "/in/memory");
    let (mut socket, _) = connect_over(near, config, &request).await?;
    socket.send("hello").await?;
    println!("{:?}", socket.recv().await?);
    socket.close(CloseCode::NORMAL, "done").await?;
    println!("{:?}", server.await??);
    Ok(())
}
