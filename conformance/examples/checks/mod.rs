//! The checks of our clients at a foreign echo server, with any driver. README.md lists the
//! checks and what the paths of the server do.

use std::{error::Error, time::Duration};

use driver_futures::{Clock, Incoming, Transport, WebSocket};
use wsproto::{CloseCode, Closed, ClosedBy, Compression, Kind, Message, ResponseHead};

mod compression;
mod over;
mod payload;

pub(crate) use over::check;
use payload::{binary, text};

/// The time after which a check without an answer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many messages a check sends.
const MESSAGES: usize = 100;

const SIZES: [usize; 6] = [0, 125, 126, 65_535, 65_536, 1 << 20];

const LONGEST_REASON: usize = 123;

type Checked = Result<(), Box<dyn Error>>;

/// The part of a driver: connections to one server, and time.
trait Driver {
    /// Its transport.
    type Transport: Transport;
    /// Its clock.
    type Clock: Clock;

    /// Connects to a path of the server.
    async fn connect(
        &self,
        path: &str,
        subprotocols: &[&str],
        compression: Option<Compression>,
    ) -> Result<(Socket<Self>, ResponseHead), Box<dyn Error>>;

    /// Gives up on `check` after `patience`.
    async fn within(&self, patience: Duration, check: impl Future<Output = Checked>) -> Checked;
}

type Socket<D> = WebSocket<<D as Driver>::Transport, <D as Driver>::Clock>;

/// Does all checks, prints a line for each, and returns whether none failed.
async fn run(driver: &impl Driver) -> bool {
    let mut report = Report {
        driver,
        failed: false,
    };
    let subprotocols: [(_, &[_], _); 3] = [
        ("chosen", &["other", "echo.v1"], Some("echo.v1")),
        ("unknown", &["other"], None),
        ("none", &[], None),
    ];
    for (name, offered, expected) in subprotocols {
        let check = subprotocol(driver, offered, expected);
        report.check(&format!("subprotocol-{name}"), check).await;
    }
    for size in SIZES {
        let check = messages(driver, "/", |number| text(size, number).into());
        report.check(&format!("text-{size}"), check).await;
        let check = messages(driver, "/", |number| binary(size, number).into());
        report.check(&format!("binary-{size}"), check).await;
    }
    report.check("burst", burst(driver)).await;
    let check = messages(driver, "/fragments", |number| text(2500, number).into());
    report.check("fragments-text", check).await;
    let check = messages(driver, "/fragments", |number| binary(2500, number).into());
    report.check("fragments-binary", check).await;
    report.check("fragments-sent", fragments_sent(driver)).await;
    report
        .check("ping-empty", pings(driver, |_| Vec::new()))
        .await;
    report
        .check("ping-125", pings(driver, |number| binary(125, number)))
        .await;
    let check = messages(driver, "/ping", |number| text(126, number).into());
    report.check("pinged", check).await;
    compression::run(&mut report).await;

    let longest = "r".repeat(LONGEST_REASON);
    let closings = [
        ("close-1000", 1000, ""),
        ("close-3000-with-reason", 3000, "genug für heute"),
        ("close-4999-with-longest-reason", 4999, &longest),
    ];
    for (name, code, reason) in closings {
        report.check(name, close(driver, code, reason)).await;
    }
    let closings = [
        ("closed-by-server-1001", 1001, ""),
        ("closed-by-server-3000-with-reason", 3000, "bis morgen"),
    ];
    for (name, code, reason) in closings {
        report
            .check(name, closed_by_server(driver, code, reason))
            .await;
    }
    !report.failed
}

/// Prints how the checks end.
struct Report<'a, D> {
    driver: &'a D,
    failed: bool,
}

impl<D: Driver> Report<'_, D> {
    async fn check(&mut self, name: &str, check: impl Future<Output = Checked>) {
        match self.driver.within(PATIENCE, check).await {
            Ok(()) => println!("ok {name}"),
            Err(error) => {
                self.failed = true;
                println!("FAIL {name}: {error}");
            }
        }
    }
}

async fn subprotocol(driver: &impl Driver, offered: &[&str], expected: Option<&str>) -> Checked {
    let (mut socket, response) = driver.connect("/", offered, None).await?;
    equal(&response.view().subprotocol(), &expected)?;
    close_normally(&mut socket).await
}

/// Connects with compression, if the server knows it.
async fn connect<D: Driver>(driver: &D, path: &str) -> Result<Socket<D>, Box<dyn Error>> {
    let compression = Some(Compression::default());
    let (socket, _) = driver.connect(path, &[], compression).await?;
    Ok(socket)
}

/// One message after the other, each when the echo of the one before has come.
async fn messages(driver: &impl Driver, path: &str, message: impl Fn(usize) -> Message) -> Checked {
    let mut socket = connect(driver, path).await?;
    for number in 0..MESSAGES {
        let message = message(number);
        socket.send(message.clone()).await?;
        expect_echo(&mut socket, &message).await?;
    }
    close_normally(&mut socket).await
}

/// All messages before the first echo is read.
async fn burst(driver: &impl Driver) -> Checked {
    let mut socket = connect(driver, "/").await?;
    for number in 0..MESSAGES {
        socket.send(text(126, number)).await?;
    }
    for number in 0..MESSAGES {
        expect_echo(&mut socket, &text(126, number).into()).await?;
    }
    close_normally(&mut socket).await
}

/// Three fragments that may cut code points, and a last one that is empty.
async fn fragments_sent(driver: &impl Driver) -> Checked {
    let mut socket = connect(driver, "/").await?;
    for number in 0..MESSAGES {
        let message = text(2500, number);
        socket.start(Kind::Text).await?;
        for fragment in message.as_bytes().chunks(1000) {
            socket.write(fragment).await?;
        }
        socket.finish(b"").await?;
        expect_echo(&mut socket, &message.into()).await?;
    }
    close_normally(&mut socket).await
}

async fn pings(driver: &impl Driver, payload: impl Fn(usize) -> Vec<u8>) -> Checked {
    let mut socket = connect(driver, "/").await?;
    for number in 0..MESSAGES {
        let payload = payload(number);
        socket.ping(&payload).await?;
        equal(
            &socket.recv_incoming().await?,
            &Some(Incoming::Pong(payload)),
        )?;
    }
    close_normally(&mut socket).await
}

/// Both libraries repeat the code and the reason of a Close.
async fn close(driver: &impl Driver, code: u16, reason: &str) -> Checked {
    let mut socket = connect(driver, "/").await?;
    let code = CloseCode::new(code).ok_or("no code to be sent")?;
    let closed = socket.close(code, reason).await?;
    expect_closed(&closed, code, reason, ClosedBy::Application)
}

async fn closed_by_server(driver: &impl Driver, code: u16, reason: &str) -> Checked {
    let mut socket = connect(driver, "/close").await?;
    socket.send(format!("{code} {reason}").trim_end()).await?;
    equal(&socket.recv().await?, &None)?;
    let code = CloseCode::new(code).ok_or("no code to be sent")?;
    let closed = socket.closed().ok_or("over, without an outcome")?;
    expect_closed(closed, code, reason, ClosedBy::Peer)
}

async fn expect_echo<S: Transport, C: Clock>(
    socket: &mut WebSocket<S, C>,
    expected: &Message,
) -> Checked {
    let echo = socket.recv().await?;
    let echo = echo.ok_or_else(|| format!("instead of an echo: {:?}", socket.closed()))?;
    equal(&echo, expected)
}

async fn close_normally<S: Transport, C: Clock>(socket: &mut WebSocket<S, C>) -> Checked {
    let closed = socket.close(CloseCode::NORMAL, "").await?;
    expect_closed(&closed, CloseCode::NORMAL, "", ClosedBy::Application)
}

fn expect_closed(closed: &Closed, code: CloseCode, reason: &str, by: ClosedBy) -> Checked {
    let got = (closed.code, &*closed.reason, closed.clean, closed.by);
    equal(&got, &(code, reason, true, by))
}

fn equal<T: PartialEq + std::fmt::Debug>(got: &T, expected: &T) -> Checked {
    if got == expected {
        return Ok(());
    }
    // Messages may be long.
    Err(format!("got {got:.80?}, expected {expected:.80?}").into())
}
