//! The loop under the raw echo and the minimum: edge-triggered readiness, one read buffer for all
//! connections, one read and one write for all that has come, and a bound to what a connection gets before
//! the others have their turn.

use std::{
    io::{self, ErrorKind, Read, Write},
    mem,
    net::TcpListener as Listener,
    thread::sleep,
    time::Duration,
};

use driver_kit::{
    accept_backoff::{AfterFailure, Failures},
    turn::MAX_READS,
};
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use slab::Slab;

use super::{BUFFER, Service};
use crate::opening::{self, Echo};

const LISTENER: Token = Token(usize::MAX);

/// What a server makes of the bytes of an open connection.
pub trait Answer {
    /// What it tells clients that it sends back.
    const ECHO: Echo;

    /// What a connection remembers between two reads.
    type State: Default;

    /// Takes what was read and returns what is to be written.
    fn answer<'a>(&'a mut self, state: &mut Self::State, bytes: &'a [u8]) -> &'a [u8];
}

/// Serves without an end.
///
/// # Errors
/// What the system reports of the listener and of waiting.
pub fn run(listener: Listener, answer: impl Answer, service: Service) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::from_std(listener);
    let registry = poll.registry();
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut connections = Slab::new();
    let mut worker = Worker {
        answer,
        buf: vec![0; BUFFER].into_boxed_slice(),
        service,
        news: Vec::new(),
    };
    // Those that have more to read, and had their turn.
    let mut busy: Vec<usize> = Vec::new();
    loop {
        let wait = (!busy.is_empty()).then_some(Duration::ZERO);
        poll.poll(&mut events, wait)?;
        let again = mem::take(&mut busy);
        let ready = events
            .iter()
            .map(|event| (event.token(), event.is_read_closed()));
        let again = again.into_iter().map(|index| (Token(index), false));
        for (token, read_closed) in ready.chain(again) {
            if token == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let index = token.0;
            let Some(connection) = connections.get_mut(index) else {
                continue;
            };
            connection.read_closed |= read_closed;
            match worker.serve(connection) {
                Ok(Next::Wait) => {}
                Ok(Next::GoOn) => busy.push(index),
                // What went wrong with one connection is for the other end to report.
                Ok(Next::Drop) | Err(_) => drop(connections.remove(index)),
            }
            if !worker.news.is_empty() {
                publish(&worker.news, &mut connections);
                worker.news.clear();
            }
        }
    }
}

fn accept<S>(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut Slab<Connection<S>>,
) -> io::Result<()> {
    let mut failures = Failures::default();
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => {
                if let AfterFailure::Pause(pause) = failures.failed(&error) {
                    sleep(pause);
                }
                continue;
            }
        };
        failures.accepted();
        stream.set_nodelay(true)?;
        let entry = connections.vacant_entry();
        poll.registry().register(
            &mut stream,
            Token(entry.key()),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        entry.insert(Connection {
            stream,
            phase: Phase::Opening(Vec::new()),
            unsent: None,
            read_closed: false,
        });
    }
}

/// Writes to all open connections. One that fails is found out by its next event.
fn publish<S>(news: &[u8], connections: &mut Slab<Connection<S>>) {
    for (_, connection) in connections {
        match (&connection.phase, connection.unsent.take()) {
            (Phase::Opening(_), unsent) => connection.unsent = unsent,
            (Phase::Open(_), None) => {
                let _ = write(connection, news);
            }
            (Phase::Open(_), Some(unsent)) => {
                connection.unsent = Some([&unsent, news].concat().into());
            }
        }
    }
}

struct Connection<S> {
    stream: TcpStream,
    phase: Phase<S>,
    /// What the socket did not take. Until it does, nothing more is read.
    unsent: Option<Box<[u8]>>,
    /// The end of the stream is behind what there is to read.
    read_closed: bool,
}

enum Phase<S> {
    /// What came of the request.
    Opening(Vec<u8>),
    Open(S),
}

enum Next {
    Wait,
    GoOn,
    Drop,
}

struct Worker<A> {
    answer: A,
    buf: Box<[u8]>,
    service: Service,
    /// What is for everybody.
    news: Vec<u8>,
}

impl<A: Answer> Worker<A> {
    fn serve(&mut self, connection: &mut Connection<A::State>) -> io::Result<Next> {
        if let Some(unsent) = connection.unsent.take()
            && !write(connection, &unsent)?
        {
            return Ok(Next::Wait);
        }
        // As many full reads as the drivers allow. Without a bound, the few connections whose buffers are in
        // the cache are served before all others: fast, and of no use to those who wait (NOTES.md).
        for _ in 0..MAX_READS {
            let n = match connection.stream.read(&mut self.buf) {
                Ok(0) => return Ok(Next::Drop),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Wait),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let bytes = &self.buf[..n];
            let early;
            let frames = match &mut connection.phase {
                Phase::Open(state) => self.answer.answer(state, bytes),
                Phase::Opening(head) => {
                    head.extend_from_slice(bytes);
                    let Some((len, response)) =
                        opening::answer(head, A::ECHO, None).map_err(io::Error::other)?
                    else {
                        continue;
                    };
                    // A new socket takes a head of some hundred bytes whole.
                    connection.stream.write_all(&response)?;
                    early = head.split_off(len);
                    let mut state = A::State::default();
                    let frames = self.answer.answer(&mut state, &early);
                    connection.phase = Phase::Open(state);
                    frames
                }
            };
            let bytes = match self.service {
                Service::Echo => frames,
                Service::Broadcast => {
                    self.news.extend_from_slice(frames);
                    &[]
                }
            };
            // A read that does not fill the buffer has emptied the socket, and what comes later is a
            // new edge. Only the end of the stream is no byte: where it was announced, read on.
            let emptied = n < self.buf.len() && !connection.read_closed;
            if !write(connection, bytes)? || emptied {
                return Ok(Next::Wait);
            }
        }
        Ok(Next::GoOn)
    }
}

/// Whether the socket took everything; what it did not take is kept.
fn write<S>(connection: &mut Connection<S>, mut bytes: &[u8]) -> io::Result<bool> {
    while !bytes.is_empty() {
        match connection.stream.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                connection.unsent = Some(bytes.into());
                return Ok(false);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
