//! `tokio-websockets`.

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_websockets::{ClientBuilder, ServerBuilder, WebSocketStream};

use crate::{Failure, parts};

pub async fn accept(stream: TcpStream) -> Result<(), Failure> {
    let (_, socket) = ServerBuilder::new().accept(stream).await?;
    echo(socket).await
}

pub async fn dial(url: &str) -> Result<(), Failure> {
    let stream = TcpStream::connect(parts(url)?.0).await?;
    stream.set_nodelay(true)?;
    let (socket, _) = ClientBuilder::new().uri(url)?.connect_on(stream).await?;
    echo(socket).await
}

async fn echo(
    mut socket: WebSocketStream<impl AsyncRead + AsyncWrite + Unpin>,
) -> Result<(), Failure> {
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
