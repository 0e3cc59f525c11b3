//! `tungstenite`, whose protocol tokio-tungstenite and async-tungstenite have as well.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use tungstenite::{Message, WebSocket, accept, connect};

use crate::Failure;

pub fn serve(address: &str) -> Result<(), Failure> {
    for stream in TcpListener::bind(address)?.incoming() {
        let stream: TcpStream = stream?;
        thread::spawn(|| {
            // A connection that does not open is no concern of the echo.
            let _ = stream.set_nodelay(true);
            if let Ok(socket) = accept(stream) {
                echo(socket);
            }
        });
    }
    Ok(())
}

pub fn dial(url: &str) -> Result<(), Failure> {
    let (socket, _) = connect(url)?;
    echo(socket);
    Ok(())
}

/// The text that a fuzzing server sends for a URL, if it sends one.
pub fn ask(url: &str) -> Result<String, Failure> {
    let (mut socket, _) = connect(url)?;
    let mut answer = String::new();
    while let Ok(message) = socket.read() {
        if let Message::Text(text) = message {
            answer.push_str(&text);
        }
    }
    Ok(answer)
}

/// Sends every message back until the connection ends, however it does.
fn echo(mut socket: WebSocket<impl Read + Write>) {
    loop {
        let done = match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                continue;
            }
            Err(error) => Err(error),
        };
        if done.is_err() {
            return;
        }
    }
}
