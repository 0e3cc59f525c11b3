//! tokio-tungstenite, with and without batching, and async-tungstenite on smol.

use std::{io, net::TcpListener};

use async_io::Async;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use peers::serving;
use tokio::net::TcpStream;
use tungstenite::{Error, Message, protocol::Role};

pub(crate) fn plain(listener: TcpListener) -> io::Result<()> {
    serving::on_tokio(listener, None, |stream| async {
        echo(open(stream).await).await;
    })
}

pub(crate) fn batched(listener: TcpListener) -> io::Result<()> {
    serving::on_tokio(listener, None, |stream| async {
        let _ = echo_in_batches(open(stream).await).await;
    })
}

pub(crate) fn on_smol(listener: TcpListener) -> io::Result<()> {
    serving::on_smol(listener, |stream: Async<_>| async {
        let socket =
            async_tungstenite::WebSocketStream::from_raw_socket(stream, Role::Server, None);
        echo(socket.await).await;
    })
}

async fn open(stream: TcpStream) -> tokio_tungstenite::WebSocketStream<TcpStream> {
    tokio_tungstenite::WebSocketStream::from_raw_socket(stream, Role::Server, None).await
}

async fn echo<S>(mut socket: S)
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    while let Some(Ok(message)) = socket.next().await {
        let is_data = message.is_text() || message.is_binary();
        if is_data && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn echo_in_batches(
    mut socket: tokio_tungstenite::WebSocketStream<TcpStream>,
) -> Result<(), Error> {
    while let Some(first) = socket.next().await {
        let mut next = Some(Some(first));
        while let Some(Some(message)) = next {
            let message = message?;
            if message.is_text() || message.is_binary() {
                socket.feed(message).await?;
            }
            next = socket.next().now_or_never();
        }
        socket.flush().await?;
    }
    Ok(())
}
