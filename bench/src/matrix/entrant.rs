//! Who is measured: servers, and how they are started.

use std::{
    env,
    error::Error,
    fmt,
    io::{self, BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command as Process, Stdio},
    str::FromStr,
    thread::sleep,
    time::Duration,
};

use rustix::process::Pid;

use super::cell::Kind;
use crate::load::{Offer, Target};

/// A server by name, with the commands that start it for each kind of cell.
#[derive(Debug, Clone)]
pub struct Entrant {
    /// The row.
    pub name: String,
    /// Whose it is.
    pub origin: Origin,
    echo: Option<Command>,
    takeover: Option<Command>,
    no_takeover: Option<Command>,
    broadcast: Option<Command>,
    beside: Option<Command>,
}

/// Whose a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A scale for all others.
    Scale,
    /// A driver of this project.
    Ours,
    /// Another library.
    Other,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A program that prints `listening on URL`, and its arguments.
    Announcing(Vec<String>, Compresses),
    /// A program that listens on the port that replaces `{port}` in its arguments.
    OnPort(Vec<String>),
    /// It runs already.
    Running(Target),
}

/// Whether a server was told to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compresses {
    /// It was.
    Yes,
    /// It was not.
    No,
}

impl Entrant {
    /// The servers of this project, which the program that runs starts by its own subcommand.
    ///
    /// # Errors
    /// If the system does not tell where this program is.
    pub fn ours() -> io::Result<Vec<Self>> {
        let program = env::current_exe()?.to_string_lossy().into_owned();
        let start = [program, "serve".to_owned()];
        let rows = OURS.iter().map(|row| row.entrant(&start));
        Ok(rows.collect())
    }

    /// The servers of `bench/peers`, if `program` is the one that has them.
    #[must_use]
    pub fn peers(program: &Path) -> Vec<Self> {
        let start = [program.to_string_lossy().into_owned()];
        PEERS.iter().map(|row| row.entrant(&start)).collect()
    }

    /// How it is started for cells of that kind; `None` if it does not take part.
    #[must_use]
    pub fn command(&self, kind: Kind) -> Option<&Command> {
        match kind {
            Kind::Echo { .. } | Kind::Latency { .. } | Kind::Memory { .. } => self.echo.as_ref(),
            Kind::Broadcast { .. } => self.broadcast.as_ref(),
            Kind::Beside { .. } => self.beside.as_ref(),
            Kind::Compressed(Offer::Takeover) => self.takeover.as_ref(),
            Kind::Compressed(Offer::NoTakeover) => self.no_takeover.as_ref(),
        }
    }
}

/// The arguments with which a server takes part in each kind of cell; `None` where it does not.
struct Row {
    name: &'static str,
    origin: Origin,
    echo: Option<&'static str>,
    takeover: Option<&'static str>,
    no_takeover: Option<&'static str>,
    broadcast: Option<&'static str>,
    beside: Option<&'static str>,
    compresses: Compresses,
}

impl Row {
    /// A server that only echoes.
    const fn echo(name: &'static str, origin: Origin, arguments: &'static str) -> Self {
        Self {
            name,
            origin,
            echo: Some(arguments),
            takeover: None,
            no_takeover: None,
            broadcast: None,
            beside: None,
            compresses: Compresses::Yes,
        }
    }

    /// A driver with a compressor for each connection.
    const fn dedicated(name: &'static str, arguments: &'static str) -> Self {
        Self {
            takeover: Some(arguments),
            echo: None,
            ..Self::echo(name, Origin::Ours, arguments)
        }
    }

    fn entrant(&self, start: &[String]) -> Entrant {
        let command = |arguments: Option<&str>, compresses| {
            let arguments = arguments?.split(' ').map(str::to_owned);
            let command = start.iter().cloned().chain(arguments).collect();
            Some(Command::Announcing(command, compresses))
        };
        Entrant {
            name: self.name.to_owned(),
            origin: self.origin,
            echo: command(self.echo, Compresses::No),
            takeover: command(self.takeover, self.compresses),
            no_takeover: command(self.no_takeover, self.compresses),
            broadcast: command(self.broadcast, Compresses::No),
            beside: command(self.beside, Compresses::No),
        }
    }
}

const OURS: [Row; 12] = [
    // The limit and the minimum do not compress: they are what the same messages cost without it.
    Row {
        takeover: Some("raw"),
        no_takeover: Some("raw"),
        broadcast: Some("raw --broadcast"),
        beside: Some("raw"),
        compresses: Compresses::No,
        ..Row::echo("raw", Origin::Scale, "raw")
    },
    Row {
        takeover: Some("min"),
        no_takeover: Some("min"),
        broadcast: Some("min --broadcast"),
        beside: Some("min"),
        compresses: Compresses::No,
        ..Row::echo("min", Origin::Scale, "min")
    },
    Row::echo("raw on tokio", Origin::Scale, "raw-tokio"),
    Row::echo("raw on smol", Origin::Scale, "raw-smol"),
    Row {
        takeover: Some("mio --compression pooled"),
        no_takeover: Some("mio --compression no-takeover"),
        broadcast: Some("mio --broadcast"),
        beside: Some("mio"),
        ..Row::echo("mio", Origin::Ours, "mio")
    },
    Row::dedicated("mio, dedicated", "mio --compression dedicated"),
    Row {
        takeover: Some("tokio --compression pooled"),
        no_takeover: Some("tokio --compression no-takeover"),
        broadcast: Some("tokio --broadcast"),
        beside: Some("tokio"),
        ..Row::echo("tokio", Origin::Ours, "tokio")
    },
    Row::echo("tokio, owned", Origin::Ours, "tokio-owned"),
    Row::dedicated("tokio, dedicated", "tokio --compression dedicated"),
    Row {
        takeover: Some("smol --compression pooled"),
        no_takeover: Some("smol --compression no-takeover"),
        broadcast: Some("smol --broadcast"),
        beside: Some("smol"),
        ..Row::echo("smol", Origin::Ours, "smol")
    },
    Row::echo("smol, owned", Origin::Ours, "smol-owned"),
    Row::dedicated("smol, dedicated", "smol --compression dedicated"),
];

const PEERS: [Row; 7] = [
    Row::echo("fastwebsockets", Origin::Other, "fastwebsockets"),
    Row::echo("tokio-websockets", Origin::Other, "tokio-websockets"),
    Row {
        takeover: Some("yawc-deflate"),
        ..Row::echo("yawc", Origin::Other, "yawc")
    },
    Row::echo("tokio-tungstenite", Origin::Other, "tokio-tungstenite"),
    Row::echo(
        "… batched by hand",
        Origin::Other,
        "tokio-tungstenite-batched",
    ),
    Row::echo(
        "async-tungstenite, smol",
        Origin::Other,
        "async-tungstenite",
    ),
    Row::echo("soketto, buffered, smol", Origin::Other, "soketto"),
];

/// Why a text names no server.
#[derive(Debug)]
pub struct InvalidEntrant;

impl fmt::Display for InvalidEntrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a server is NAME=ws://host:port/ or NAME=COMMAND with {port} in its arguments")
    }
}

impl Error for InvalidEntrant {}

impl FromStr for Entrant {
    type Err = InvalidEntrant;

    fn from_str(text: &str) -> Result<Self, InvalidEntrant> {
        let (name, command) = text.split_once('=').ok_or(InvalidEntrant)?;
        let command = if command.starts_with("ws://") {
            Command::Running(command.parse().map_err(|_| InvalidEntrant)?)
        } else if command.contains("{port}") {
            Command::OnPort(
                command
                    .split_ascii_whitespace()
                    .map(str::to_owned)
                    .collect(),
            )
        } else {
            return Err(InvalidEntrant);
        };
        Ok(Self {
            name: name.to_owned(),
            origin: Origin::Other,
            echo: Some(command.clone()),
            takeover: None,
            no_takeover: None,
            broadcast: None,
            beside: Some(command),
        })
    }
}

impl Command {
    pub(super) fn compresses(&self) -> bool {
        matches!(self, Self::Announcing(_, Compresses::Yes))
    }

    /// Starts the server, and waits until it listens.
    ///
    /// # Errors
    /// If the program cannot be started, or does not listen.
    pub fn start(&self) -> io::Result<Server> {
        match self {
            Self::Running(target) => Ok(Server {
                target: target.clone(),
                child: None,
            }),
            Self::Announcing(arguments, _) => {
                let mut arguments = arguments.clone();
                arguments.extend(["--listen", "127.0.0.1:0"].map(str::to_owned));
                let mut child = spawn(&arguments, Stdio::piped())?;
                let output = child.0.stdout.take().map(BufReader::new);
                let mut line = String::new();
                output.map_or(Ok(0), |mut output| output.read_line(&mut line))?;
                let url = line.trim().strip_prefix("listening on ");
                let target = url.and_then(|url| url.parse().ok());
                Ok(Server {
                    target: target.ok_or_else(|| io::Error::other("the server did not start"))?,
                    child: Some(child),
                })
            }
            Self::OnPort(arguments) => {
                let address = free_address()?;
                let port = address.port().to_string();
                let arguments: Vec<String> = arguments
                    .iter()
                    .map(|argument| argument.replace("{port}", &port))
                    .collect();
                let child = spawn(&arguments, Stdio::null())?;
                await_listener(address)?;
                Ok(Server {
                    target: Target::at(address),
                    child: Some(child),
                })
            }
        }
    }
}

/// A server that runs, and ends when this is dropped if it was started here.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub target: Target,
    child: Option<Running>,
}

impl Server {
    /// Its process, if it was started here.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.child.as_ref().map(|child| Pid::from_child(&child.0))
    }
}

#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(arguments: &[String], output: Stdio) -> io::Result<Running> {
    let [program, arguments @ ..] = arguments else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let child = Process::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Running(child))
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn await_listener(address: SocketAddr) -> io::Result<()> {
    for _ in 0..100 {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    Err(io::Error::other("the server does not listen"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_on_the_command_line() {
        let echo = |text: &str| text.parse::<Entrant>().map(|entrant| entrant.echo);
        let running = Command::Running(Target::at("127.0.0.1:9001".parse().unwrap()));
        assert_eq!(echo("a=ws://127.0.0.1:9001/").unwrap(), Some(running));
        let started = ["gws", "-p", "{port}"].map(str::to_owned).to_vec();
        assert_eq!(
            echo("a b=gws -p {port}").unwrap(),
            Some(Command::OnPort(started))
        );
        for text in ["gws -p {port}", "a=gws", "a=ws://"] {
            assert!(echo(text).is_err(), "{text}");
        }
    }
}
