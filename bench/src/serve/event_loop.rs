//! The event loop of the raw echo and the minimum: edge-triggered readiness, one read buffer for all
//! connections, one read and one write for all available data, and a limit per connection before the
//! others get a turn.

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

/// Processing of the bytes of an open connection.
pub trait Answer {
    /// The kind of echo that is announced to clients.
    const ECHO: Echo;

    /// State of a connection between two reads.
    type State: Default;

    /// Consumes the bytes read and returns the bytes to be written.
    fn answer<'a>(&'a mut self, state: &mut Self::State, bytes: &'a [u8]) -> &'a [u8];
}

/// Serves forever.
///
/// # Errors
/// System errors of the listener and of waiting.
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
    // Connections that have more to read and have used up their turn.
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
                // The other end reports errors of a connection.
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

/// Writes to all open connections. A failed connection is detected by its next event.
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
    /// Bytes that the socket did not accept. Until it does, nothing more is read.
    unsent: Option<Box<[u8]>>,
    /// True if the end of the stream follows the data to be read.
    read_closed: bool,
}

enum Phase<S> {
    /// The part of the request received so far.
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
    /// Bytes for all connections.
    news: Vec<u8>,
}

impl<A: Answer> Worker<A> {
    fn serve(&mut self, connection: &mut Connection<A::State>) -> io::Result<Next> {
        if let Some(unsent) = connection.unsent.take()
            && !write(connection, &unsent)?
        {
            return Ok(Next::Wait);
        }
        // As many full reads as the drivers allow. Without a limit, the few connections whose buffers
        // are in the cache are served before all others, which is fast but starves the others
        // (NOTES.md).
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
                    // A new socket accepts a head of some hundred bytes completely.
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
            // A read that does not fill the buffer has emptied the socket, and later data is a new
            // edge. Only the end of the stream brings no data: if it was announced, read on.
            let emptied = n < self.buf.len() && !connection.read_closed;
            if !write(connection, bytes)? || emptied {
                return Ok(Next::Wait);
            }
        }
        Ok(Next::GoOn)
    }
}

/// Returns true if the socket accepted everything; the rest is kept.
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
