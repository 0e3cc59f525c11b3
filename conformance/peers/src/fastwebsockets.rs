//! `fastwebsockets`, which leaves the opening handshake to hyper.

use std::future::Future;

use bytes::Bytes;
use fastwebsockets::{
    FragmentCollector, Frame, OpCode, WebSocket, WebSocketError, handshake, upgrade,
};
use http_body_util::Empty;
use hyper::{
    Request, Response, body::Incoming, rt::Executor, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{Failure, parts};

pub async fn accept(stream: TcpStream) -> Result<(), Failure> {
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    Ok(serving.with_upgrades().await?)
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    tokio::spawn(async move { echo(upgraded.await?).await });
    Ok(response)
}

pub async fn dial(url: &str) -> Result<(), Failure> {
    let (host, resource) = parts(url)?;
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let request = Request::builder()
        .uri(resource)
        .header("Host", host)
        .header("Upgrade", "websocket")
        .header("Connection", "upgrade")
        .header("Sec-WebSocket-Key", handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())?;
    let (socket, _) = handshake::client(&Spawning, request, stream).await?;
    Ok(echo(socket).await?)
}

/// Runs what hyper does in the background.
struct Spawning;

impl<F> Executor<F> for Spawning
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

async fn echo(
    socket: WebSocket<impl AsyncRead + AsyncWrite + Unpin>,
) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => {
                let frame = Frame::new(true, frame.opcode, None, frame.payload);
                socket.write_frame(frame).await?;
            }
            OpCode::Ping | OpCode::Pong | OpCode::Continuation => {}
        }
    }
}
