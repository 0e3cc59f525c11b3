//! Both ends in one process, over a stream that is no TCP socket: how to test an application without a
//! network. Any other `AsyncRead + AsyncWrite`, a TLS stream for example, takes the same way:
//! `cargo run -p driver-smol --example smol_in_memory`.

use std::sync::Arc;

use driver_smol::{Accept, ClientRequest, CloseCode, Config, HandshakeError, accept, connect_over};
use futures_util::future::try_join;

#[path = "../tests/support/pipe.rs"]
mod pipe;

fn main() -> Result<(), HandshakeError> {
    let config = Arc::new(Config::default());
    let (near, far) = pipe::pipe(64 << 10);
    let serve = async {
        let upgrade = accept(far, Arc::clone(&config)).await?;
        println!("asked for {}", upgrade.request().target());
        let mut socket = upgrade.accept(&Accept::new()).await?;
        while let Ok(Some(message)) = socket.recv().await {
            let _ = socket.feed(message).await;
        }
        println!("{:?}", socket.closed());
        Ok(())
    };
    let talk = async {
        let request = ClientRequest::new("localhost", "/in/memory");
        let (mut socket, _) = connect_over(near, Arc::clone(&config), &request).await?;
        if socket.send("hello").await.is_ok() {
            println!("{:?}", socket.recv().await);
        }
        println!("{:?}", socket.close(CloseCode::NORMAL, "done").await);
        Ok(())
    };
    smol::block_on(try_join(serve, talk)).map(drop)
}
