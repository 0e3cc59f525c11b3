//! fastwebsockets, with frames collected into messages and its defaults.

use std::{io, net::TcpListener};

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket, WebSocketError};
use peers::serving;
use tokio::net::TcpStream;

pub(crate) fn run(listener: TcpListener) -> io::Result<()> {
    serving::on_tokio(listener, None, |stream| async {
        let _ = echo(stream).await;
    })
}

async fn echo(stream: TcpStream) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Close => return Ok(()),
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}
