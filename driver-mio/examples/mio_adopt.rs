//! An HTTP server that hands connections over to the event loops when they become WebSockets. This one only looks
//! at the first line of a request: `cargo run -p driver-mio --example mio_adopt`.

use std::{
    error::Error,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use driver_mio::{Adopt, Context, EventLoops, Handler, MessageRef};

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        let _ = connection.send(message);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let loops = EventLoops::start(Echo)?;
    let listener = TcpListener::bind("127.0.0.1:9002")?;
    println!(
        "listening on http://{0} and ws://{0}/echo",
        listener.local_addr()?
    );
    for stream in listener.incoming() {
        if let Err(error) = greet(&loops, stream?) {
            println!("{error}");
        }
    }
    Ok(())
}

/// Serves a page, or hands the connection over.
fn greet(loops: &EventLoops<Echo>, mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = vec![0; 4096];
    let len = stream.read(&mut head)?;
    head.truncate(len);
    if head.starts_with(b"GET /echo ") {
        // The bytes that were read are the beginning of the handshake, which the loop completes.
        return loops.adopt(stream, Adopt::accepting().received(head));
    }
    let page = "<title>Hello</title><p>Try a WebSocket at /echo.";
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    )
}
