//! Echo server and client on the library `tungstenite`: `conformance-peers server HOST:PORT`, or
//! `conformance-peers client URL --agent NAME` for a fuzzing server.

use std::{
    env,
    error::Error,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use tungstenite::{Message, WebSocket, accept, connect};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server", address] => serve(address),
        ["client", url, "--agent", agent] => walk(url, agent),
        _ => Err("usage: server HOST:PORT | client URL --agent NAME".into()),
    }
}

fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    for stream in TcpListener::bind(address)?.incoming() {
        let stream: TcpStream = stream?;
        thread::spawn(|| {
            // Whoever does not open a connection properly is somebody else's concern.
            let _ = stream.set_nodelay(true);
            if let Ok(socket) = accept(stream) {
                echo(socket);
            }
        });
    }
    Ok(())
}

/// Goes through the cases of a fuzzing server.
fn walk(url: &str, agent: &str) -> Result<(), Box<dyn Error>> {
    let (mut socket, _) = connect(format!("{url}/getCaseCount"))?;
    let count: usize = socket.read()?.to_text()?.parse()?;
    while socket.read().is_ok() {}
    for case in 1..=count {
        // A server that is refused is a verdict, too.
        if let Ok((socket, _)) = connect(format!("{url}/runCase?case={case}&agent={agent}")) {
            echo(socket);
        }
    }
    let (mut socket, _) = connect(format!("{url}/updateReports?agent={agent}"))?;
    while socket.read().is_ok() {}
    Ok(())
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
