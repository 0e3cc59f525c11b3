//! Measures what an idle connection costs a server on smol:
//! `cargo run --release -p driver-smol --example smol_idle 15000`.

use std::{
    error::Error,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use driver_smol::{Accept, Server, Upgrade};
use smol::{Async, LocalExecutor};
use testkit::idle::{self, Protocol, report_memory};

fn main() -> Result<(), Box<dyn Error>> {
    idle::run(serve)
}

/// Prints the address, then for each line of input how many bytes are resident.
fn serve(protocol: Protocol) -> Result<(), Box<dyn Error>> {
    // The executor serves on while a thread of its own waits for input.
    thread::spawn(report_memory);
    match protocol {
        Protocol::WebSocket => smol::block_on(async {
            let server = Server::bind("127.0.0.1:0").await?;
            println!("{}", server.local_addr()?);
            server.serve(echo).await;
            Ok(())
        }),
        Protocol::Tcp => {
            let executor = LocalExecutor::new();
            smol::block_on(executor.run(async {
                let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
                println!("{}", listener.get_ref().local_addr()?);
                while let Ok((stream, _)) = listener.accept().await {
                    executor.spawn(echo_bare(stream)).detach();
                }
                Ok(())
            }))
        }
    }
}

async fn echo(upgrade: Upgrade) {
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        let _ = socket.feed(message).await;
    }
}

/// The least that a task can be that echoes TCP.
async fn echo_bare(stream: Async<TcpStream>) {
    while stream.readable().await.is_ok() && echo_what_is_there(stream.get_ref()).is_ok() {}
}

/// Not asynchronous, so the buffer is on the stack and not in the task.
fn echo_what_is_there(mut stream: &TcpStream) -> io::Result<()> {
    let mut buf = [0; 16 << 10];
    match stream.read(&mut buf) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(n) => stream.write_all(&buf[..n]),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
