//! yawc, with UTF-8 checks like all others.

use std::{io, net::TcpListener};

use futures_util::{SinkExt, StreamExt};
use peers::serving;
use tokio::net::TcpStream;
use yawc::{CompressionLevel, OpCode, Options, Role, WebSocket};

const EXTENSION: &str = "permessage-deflate";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Compression {
    Off,
    /// At level 1, with windows of 15 bits and takeover in both directions.
    On,
}

pub(crate) fn run(listener: TcpListener, compression: Compression) -> io::Result<()> {
    match compression {
        Compression::Off => serving::on_tokio(listener, None, |stream| async {
            let options = Options::default().with_utf8();
            if let Ok(socket) = WebSocket::from_stream(stream, Role::Server, options) {
                echo(socket).await;
            }
        }),
        Compression::On => serving::on_tokio(listener, Some(EXTENSION), |stream| async {
            let options = Options::default()
                .with_utf8()
                .with_compression_level(CompressionLevel::fast());
            let socket = WebSocket::from_stream_with_extensions(
                stream,
                Role::Server,
                Some(EXTENSION),
                options,
            );
            if let Ok(socket) = socket {
                echo(socket).await;
            }
        }),
    }
}

async fn echo(mut socket: WebSocket<TcpStream>) {
    while let Some(frame) = socket.next().await {
        let is_data = matches!(frame.opcode(), OpCode::Text | OpCode::Binary);
        if is_data && socket.send(frame).await.is_err() {
            return;
        }
    }
}
