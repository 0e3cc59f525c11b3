//! Peers for the tests of the command line: a server that sends what would harm a careless report, and a
//! client that walks through the cases of a fuzzing server.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use conformance::{
    frame::{Decoder, Frame, Part, opcode},
    handshake::{Head, accept_key},
};

/// Text that a page must not contain unescaped.
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover='\u{1b}[31m\u{202e}";

/// Starts a server that answers each message and each ping with something else, and tells its URL.
pub(super) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // The suite may end a connection at any time.
            thread::spawn(|| lie(stream));
        }
    });
    format!("ws://{address}/")
}

fn lie(mut stream: TcpStream) -> io::Result<()> {
    let head = read_head(&mut stream)?;
    let key = head.one("Sec-WebSocket-Key").map_err(io::Error::other)?;
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nServer: {HOSTILE}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key)
    )?;
    converse(&mut stream, true, |frame| match frame.opcode {
        opcode::CLOSE => frame,
        opcode::PING => Frame::new(opcode::PONG, HOSTILE),
        other => Frame::new(other, HOSTILE),
    })
}

/// Runs that many cases as a client that does everything right, then asks for the reports.
pub(super) fn walk(url: &str, cases: usize, agent: &str) {
    let agent = agent.replace(' ', "%20");
    let runs = (1..=cases).map(|case| format!("/runCase?case={case}&agent={agent}"));
    let update = format!("/updateReports?agent={agent}");
    for resource in runs.chain([update]) {
        let address = url.trim_start_matches("ws://");
        let mut stream = TcpStream::connect(address).expect("it listens");
        write!(
            stream,
            "GET {resource} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .expect("it is sent");
        read_head(&mut stream).expect("it is answered");
        let echo = |frame: Frame| match frame.opcode {
            opcode::PING => Frame::new(opcode::PONG, frame.payload),
            _ => frame,
        };
        // The connection may end in any way.
        let _ = converse(&mut stream, false, echo);
    }
}

fn read_head(stream: &mut TcpStream) -> io::Result<Head> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        bytes.extend(byte);
    }
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    Head::parse(&text).map_err(io::Error::other)
}

/// Answers each frame, until a Close frame has been answered.
fn converse(
    stream: &mut TcpStream,
    server: bool,
    answer: impl Fn(Frame) -> Frame,
) -> io::Result<()> {
    let mut decoder = Decoder::default();
    let mut buf = [0; 4096];
    let mask = (!server).then_some([7, 11, 13, 17]);
    loop {
        let read = stream.read(&mut buf)?;
        if read == 0 {
            return Ok(());
        }
        decoder.push(&buf[..read]);
        while let Some(part) = decoder.part() {
            let Part::Frame(frame, _) = part else {
                continue;
            };
            let ends = frame.opcode == opcode::CLOSE;
            stream.write_all(&answer(frame).encode(mask))?;
            if ends && server {
                return Ok(());
            }
        }
    }
}
