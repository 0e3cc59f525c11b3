//! Measures the memory of an idle connection in a server, for the example `idle` of each asynchronous driver: the growth of
//! resident memory over many connections after ten echoes on each, beside a bare TCP echo task that holds no buffer. The
//! number of open files of a process is limited, so each end has a process of its own. Needs Linux's `/proc`.

use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream as Blocking},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{blocking::ask, handshake::REQUEST};

/// The result of a part of the measurement.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ECHOES: usize = 10;
const PAYLOAD: usize = 1024;

/// The protocol of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Bare TCP.
    Tcp,
    /// WebSocket.
    WebSocket,
}

impl Protocol {
    fn parse(name: &str) -> Result<Self> {
        match name {
            "tcp" => Ok(Self::Tcp),
            "websocket" => Ok(Self::WebSocket),
            _ => Err("tcp or websocket".into()),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::WebSocket => "websocket",
        }
    }
}

/// Runs the program. `serve` must print its address and then call [`report_memory`].
///
/// # Errors
/// If the arguments are wrong, or a process or a connection fails.
pub fn run(serve: impl FnOnce(Protocol) -> Result<()>) -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", protocol] => serve(Protocol::parse(protocol)?),
        ["hold", protocol, address, count] => {
            hold(Protocol::parse(protocol)?, address.parse()?, count.parse()?)
        }
        [] => compare(15_000),
        [count] => compare(count.parse()?),
        _ => Err("usage: idle [CONNECTIONS]".into()),
    }
}

/// Measures both servers.
fn compare(count: usize) -> Result<()> {
    for protocol in [Protocol::Tcp, Protocol::WebSocket].map(Protocol::name) {
        let mut server = Process::start(&["serve", protocol])?;
        let address = server.line()?;
        // Memory that a server needs once is not the cost of a connection.
        let warm_up = Process::start(&["hold", protocol, &address, "8"])?.line();
        let before: usize = server.ask()?.parse()?;
        let mut client = Process::start(&["hold", protocol, &address, &count.to_string()])?;
        client.line().and(warm_up)?;
        let after: usize = server.ask()?.parse()?;
        let each = after.saturating_sub(before) / count;
        println!("{protocol}: {each} bytes per connection, {count} connections");
    }
    Ok(())
}

/// This program in another process. It prints a line when it is ready, and one for each line that it reads.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            child,
            input: input.ok_or("no input")?,
            output: BufReader::new(output.ok_or("no output")?),
        })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn ask(&mut self) -> Result<String> {
        self.input.write_all(b"\n")?;
        self.line()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints the resident memory in bytes for each line of input.
///
/// # Errors
/// If the input or `/proc` cannot be read.
pub fn report_memory() -> io::Result<()> {
    for line in io::stdin().lines() {
        line?;
        let status = fs::read_to_string("/proc/self/status")?;
        let kibibytes: usize = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(0);
        println!("{}", kibibytes << 10);
    }
    Ok(())
}

/// Opens connections, echoes on each, and holds them.
fn hold(protocol: Protocol, address: SocketAddr, count: usize) -> Result<()> {
    let websocket = protocol == Protocol::WebSocket;
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = Blocking::connect(address)?;
        stream.set_nodelay(true)?;
        if websocket {
            ask(&mut stream, REQUEST);
        }
        streams.push(stream);
    }
    // A binary frame with a mask of zeros (RFC 6455 5.2). Its echo has no mask.
    let frame = [&[0x82, 0xfe, 4, 0, 0, 0, 0, 0][..], &[b'x'; PAYLOAD]].concat();
    let (sent, received) = if websocket {
        (&frame[..], 4 + PAYLOAD)
    } else {
        (&frame[8..], PAYLOAD)
    };
    let mut buf = vec![0; received];
    for _ in 0..ECHOES {
        for stream in &mut streams {
            stream.write_all(sent)?;
            stream.read_exact(&mut buf)?;
        }
    }
    println!("{count}");
    // Until the parent ends.
    let _ = io::stdin().read(&mut [0])?;
    Ok(())
}
