//! The heap that connections use and leave behind in every driver, counted over the whole process because a driver may
//! have threads. It has a process of its own, and one test, since any other would be counted with it.

#![cfg(feature = "ours")]

mod inside;

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use conformance::{
    frame::{Frame, Length, opcode},
    subject::ours::{self, Driver, Echoing},
};
use inside::{MASK, Peer, connect, listen, open, request};
use socket2::SockRef;
use testkit::allocation::{
    Counting,
    everywhere::{allocations, live, peak},
};
use wsproto::Config;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The name of a check and its function.
type Check = (&'static str, fn(&dyn Driver) -> Result<(), String>);

const CHECKS: [Check; 6] = [
    ("an idle connection has no more than is promised", idle),
    ("a server gives everything back", server_gives_back),
    ("a client gives everything back", client_gives_back),
    ("a length that is declared costs nothing", declared),
    ("a peer that does not read is held to the limits", unread),
    ("an echo allocates what is promised", echoing),
];

#[test]
fn memory_is_what_every_driver_promises() {
    let mut failures = Vec::new();
    for driver in ours::drivers().expect("the runtimes start") {
        for (name, check) in CHECKS {
            if let Err(failure) = check(&*driver) {
                failures.push(format!("{}: {name}: {failure}", driver.name()));
            }
            // Memory that is not freed yet would be counted with the next check.
            settled();
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Serves an echo with the default configuration, changed, until what comes with the address is dropped.
fn serve(driver: &dyn Driver, change: impl FnOnce(&mut Config)) -> (SocketAddr, Box<dyn Send>) {
    let mut config = Config::default();
    change(&mut config);
    let served = driver.serve_until_dropped(Arc::new(config));
    served.expect("a free port")
}

/// Sends bytes that are echoed, and reads as many as the echo has.
fn exchange(stream: &mut TcpStream, bytes: &[u8], echo: &mut [u8]) {
    stream.write_all(bytes).expect("the driver reads");
    stream.read_exact(echo).expect("the driver echoes");
}

/// So many connections, of which each has had ten echoes of 1 KiB.
fn crowd(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let message = Frame::new(opcode::BINARY, [7; 1 << 10]);
    let bytes = message.encode(Some(MASK));
    let mut echo = vec![0; message.encode(None).len()];
    let mut streams: Vec<_> = (0..count).map(|_| open(address)).collect();
    for stream in &mut streams {
        for _ in 0..10 {
            exchange(stream, &bytes, &mut echo);
        }
    }
    streams
}

/// Connections for which it is measured what one costs: with both ends they fit into the usual limit of
/// descriptors.
const CROWD: usize = 400;

/// How often it is measured: a buffer that a thread makes meanwhile is made once.
const TIMES: usize = 3;

fn idle(driver: &dyn Driver) -> Result<(), String> {
    let measured = (0..TIMES).map(|_| {
        let (address, _server) = serve(driver, |_| {});
        // The first connections create what all connections share.
        let _first = crowd(address, 8);
        let before = settled();
        let streams = crowd(address, CROWD);
        // The last echo may arrive before the driver has released everything.
        let grown = settled() - before;
        grown.saturating_sub_unsigned(streams.capacity() * size_of::<TcpStream>()) / CROWD as isize
    });
    let each = measured.min().unwrap_or_default();
    let promised = driver.promises().idle;
    if each <= promised as isize {
        return Ok(());
    }
    Err(format!("{each} bytes, not {promised}"))
}

/// How a connection comes to its end.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// Closed by both Close frames.
    Clean,
    /// The transport ends without one.
    Ended,
    /// The transport is reset.
    Reset,
    /// A frame has reserved bits.
    WrongFrame,
    /// The transport ends in the middle of a frame.
    InAFrame,
    /// The transport is reset between two fragments, the first of which is long.
    InAMessage,
    /// The transport is reset while echoes wait that are not read.
    Unread,
}

const ENDINGS: [Ending; 7] = [
    Ending::Clean,
    Ending::Ended,
    Ending::Reset,
    Ending::WrongFrame,
    Ending::InAFrame,
    Ending::InAMessage,
    Ending::Unread,
];

/// Has dropping a socket reset its connection.
fn reset_when_dropped(stream: &TcpStream) {
    let lingers = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    lingers.expect("a socket");
}

/// Ends a connection.
fn end(mut peer: Peer, ending: Ending) {
    match ending {
        Ending::Clean => peer.send(&Frame::close(1000, "")),
        Ending::Ended => {}
        Ending::Reset => return reset_when_dropped(&peer.stream),
        Ending::WrongFrame => peer.send(&Frame::text("wrong").reserved(7)),
        Ending::InAFrame => {
            let bytes = peer.encode(&Frame::new(opcode::BINARY, vec![7; 5000]));
            let _ = peer.stream.write_all(&bytes[..2000]);
        }
        Ending::InAMessage => {
            peer.send(&Frame::new(opcode::BINARY, vec![7; 200_000]).unfinished());
            return reset_when_dropped(&peer.stream);
        }
        Ending::Unread => {
            for _ in 0..10 {
                peer.send(&Frame::new(opcode::BINARY, vec![7; 10_000]));
            }
            return reset_when_dropped(&peer.stream);
        }
    }
    // It may have ended already.
    let _ = peer.stream.shutdown(Shutdown::Write);
    while peer.receive().is_some() {}
}

/// Connections in a round, all kinds of endings among them.
const ROUND: usize = 30 * ENDINGS.len();

/// Has connections come and go in rounds. Room for as many as there are at a time, and the buffers of a thread,
/// are made once, in whichever round; but what is lost with a connection is lost in each. So there are to be
/// three rounds out of fifty that leave less than a byte for each connection.
fn gives_back(mut open: impl FnMut() -> Peer) -> Result<(), String> {
    let mut round = || {
        let mut peers: Vec<_> = (0..ROUND).map(|_| open()).collect();
        for (number, peer) in peers.iter_mut().enumerate() {
            peer.send(&Frame::text("hello"));
            assert!(peer.receive().is_some(), "connection {number} echoes");
        }
        let endings = ENDINGS.iter().cycle();
        let ended = peers.into_iter().zip(endings);
        ended.for_each(|(peer, ending)| end(peer, *ending));
        settled()
    };
    let mut before = round();
    let mut left = Vec::new();
    for _ in 0..50 {
        let after = round();
        left.push(after - before);
        before = after;
        if left.iter().filter(|&&left| left < ROUND as isize).count() == 3 {
            return Ok(());
        }
    }
    Err(format!("every round leaves more: {left:?} bytes"))
}

/// Returns the live bytes once they no longer change.
fn settled() -> isize {
    let mut last = live();
    let mut unchanged = 0;
    while unchanged < 10 {
        thread::sleep(Duration::from_millis(10));
        let now = live();
        unchanged = if now == last { unchanged + 1 } else { 0 };
        last = now;
    }
    last
}

fn server_gives_back(driver: &dyn Driver) -> Result<(), String> {
    let (address, _server) = serve(driver, |_| {});
    gives_back(|| {
        // One more for each, whose request never comes whole.
        let mut stream = connect(address);
        let half = &request(address)[..40];
        stream.write_all(half.as_bytes()).expect("the server reads");
        Peer::client(open(address))
    })
}

fn client_gives_back(driver: &dyn Driver) -> Result<(), String> {
    let (listener, url) = listen();
    gives_back(|| {
        driver.dial(url.clone(), Arc::default());
        // One more for each, which gets no answer.
        driver.dial(url.clone(), Arc::default());
        let peer = Peer::server(&listener);
        drop(listener.accept().expect("a client"));
        peer
    })
}

fn declared(driver: &dyn Driver) -> Result<(), String> {
    let (address, _server) = serve(driver, |config| {
        config.max_frame = u64::MAX;
        config.max_message = u64::MAX;
    });
    // The first exceeds any memory, the second could be allocated.
    for len in [1 << 62, 256 << 20] {
        for fin in [true, false] {
            drop(crowd(address, 2));
            let mut frame = Frame::new(opcode::BINARY, []).length(Length::Declared(len));
            frame.fin = fin;
            let mut stream = open(address);
            let peak = peak(|| {
                let header = frame.header(Some(MASK));
                stream.write_all(&header).expect("the server reads");
                stream.write_all(&[7; 100]).expect("the server reads");
                stream.shutdown(Shutdown::Write).expect("a socket");
                // The end comes back when the server has seen all of it.
                let mut rest = [0; 64];
                while matches!(stream.read(&mut rest), Ok(1..)) {}
            });
            // Read buffers included.
            if peak > 512 << 10 {
                return Err(format!("{peak} bytes for {len} that are only declared"));
            }
        }
    }
    Ok(())
}

/// Bytes that may be queued.
const QUEUE_LIMIT: usize = 256 << 10;

/// Memory besides the queue: a read buffer, and a message that is in memory before the queue counts it.
const BUFFERS: usize = 512 << 10;

fn unread(driver: &dyn Driver) -> Result<(), String> {
    let (address, _server) = serve(driver, |config| config.queue_limit = QUEUE_LIMIT);
    let message = Frame::new(opcode::BINARY, vec![7; 16 << 10]).encode(Some(MASK));
    drop(crowd(address, 2));
    let mut stream = open(address);
    stream.set_nonblocking(true).expect("a socket");
    let mut sent = 0;
    let peak = peak(|| {
        // Writes as long as bytes are taken, up to an amount that would show if all of it were kept.
        let mut refused = 0;
        let mut written = 0;
        while refused < 200 && sent < 64 << 20 {
            match stream.write(&message[written..]) {
                Ok(n) => {
                    written = (written + n) % message.len();
                    sent += n;
                    refused = 0;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    refused += 1;
                    thread::sleep(Duration::from_millis(1));
                }
                Err(_) => break,
            }
        }
    });
    if peak > (QUEUE_LIMIT + BUFFERS) as isize {
        return Err(format!("{peak} bytes"));
    }
    // The echoes that were held back arrive once they are read.
    stream.set_nonblocking(false).expect("a socket");
    let header = Frame::new(opcode::BINARY, vec![7; 16 << 10])
        .header(None)
        .len();
    let mut echo = vec![0; header + (16 << 10)];
    for number in 0..sent / message.len() {
        if stream.read_exact(&mut echo).is_err() {
            return Err(format!("echo {number} is lost"));
        }
    }
    Ok(())
}

/// Echoes that are counted together.
const ECHOES: u64 = 50;

fn echoing(driver: &dyn Driver) -> Result<(), String> {
    let (address, _server) = serve(driver, |_| {});
    let mut stream = open(address);
    // Many small ones at once, and one that does not fit into a read buffer.
    for (len, count) in [(5, 16), (1 << 10, 1), (300_000, 1)] {
        let frame = Frame::new(opcode::BINARY, vec![7; len]);
        let bytes = frame.encode(Some(MASK)).repeat(count);
        let mut echo = vec![0; frame.encode(None).len() * count];
        // Recycled buffers are allocated once; how many there are depends on how the bytes arrive.
        let counted = (0..10).map(|_| {
            allocations(|| (0..ECHOES).for_each(|_| exchange(&mut stream, &bytes, &mut echo)))
        });
        let least = counted.min().unwrap_or_default();
        let most = match driver.promises().echoing {
            Echoing::AllocatesNothing => 0,
            Echoing::Allocates(most, _) => most * ECHOES,
        };
        if least > most {
            return Err(format!(
                "{least} allocations for {ECHOES} echoes of {count} times {len} bytes"
            ));
        }
    }
    Ok(())
}
