//! Both ends in one process, over a stream that is no TCP socket: how to test an application without a
//! network. Any other `AsyncRead + AsyncWrite`, a TLS stream for example, takes the same way:
//! `cargo run -p driver-smol --example smol_in_memory`.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use driver_smol::{Accept, ClientRequest, CloseCode, Config, HandshakeError, accept, connect_over};
use futures_util::future::try_join;
use smol::io::{AsyncRead, AsyncWrite};

/// One end of two pipes.
struct Duplex {
    reader: piper::Reader,
    writer: piper::Writer,
}

fn duplex(capacity: usize) -> (Duplex, Duplex) {
    let (near_reader, far_writer) = piper::pipe(capacity);
    let (far_reader, near_writer) = piper::pipe(capacity);
    let near = Duplex {
        reader: near_reader,
        writer: near_writer,
    };
    let far = Duplex {
        reader: far_reader,
        writer: far_writer,
    };
    (near, far)
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}

fn main() -> Result<(), HandshakeError> {
    let config = Arc::new(Config::default());
    let (near, far) = duplex(64 << 10);
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
