//! Measures the memory that an idle connection costs a server on tokio:
//! `cargo run --release -p driver-tokio --example idle 15000`.

use std::{error::Error, io};

use driver_tokio::{Accept, Server, Upgrade};
use testkit::idle::{self, Protocol, report_memory};
use tokio::net::{TcpListener, TcpStream};

fn main() -> Result<(), Box<dyn Error>> {
    idle::run(serve)
}

/// Prints the address, then the resident bytes for each line of input.
fn serve(protocol: Protocol) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let address = match protocol {
            Protocol::WebSocket => {
                let server = Server::bind("127.0.0.1:0").await?;
                let address = server.local_addr()?;
                tokio::spawn(server.serve(echo));
                address
            }
            Protocol::Tcp => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let address = listener.local_addr()?;
                tokio::spawn(accept_bare(listener));
                address
            }
        };
        println!("{address}");
        // The runtime continues to serve while another thread waits for input.
        tokio::task::spawn_blocking(report_memory).await??;
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

/// The smallest possible TCP echo task.
async fn accept_bare(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(echo_bare(stream));
    }
}

async fn echo_bare(stream: TcpStream) {
    while stream.readable().await.is_ok() && echo_what_is_there(&stream).is_ok() {}
}

/// Not asynchronous, so the buffer is on the stack and not in the task.
fn echo_what_is_there(stream: &TcpStream) -> io::Result<()> {
    let mut buf = [0; 16 << 10];
    match stream.try_read(&mut buf) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(n) => stream.try_write(&buf[..n]).map(drop),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
