//! Two ends with two wires between them, on one virtual clock.

use std::{sync::Arc, time::Duration};

use wsproto::{Config, Env, Role};

use super::End;
use crate::opposite;

/// A client and a server, and the bytes on the way between them.
#[derive(Debug)]
pub struct Pair {
    /// The client.
    pub client: End,
    /// The server.
    pub server: End,
    to_client: Wire,
    to_server: Wire,
}

/// One direction of a transport.
#[derive(Debug, Default)]
struct Wire {
    bytes: Vec<u8>,
    /// Everything that was ever on it.
    log: Vec<u8>,
    /// The sender has shut it down: nothing follows the bytes on the way.
    shut: bool,
    /// The receiver has been told.
    eof: bool,
}

impl Wire {
    fn carry(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.log.extend_from_slice(bytes);
    }
}

impl Pair {
    /// Two ends before the opening handshake.
    pub fn connecting(client: Arc<Config>, server: Arc<Config>) -> Self {
        Self::new(End::connecting(client), End::accepting(server))
    }

    /// Two ends that have completed the opening handshake.
    pub fn opened(client: Arc<Config>, server: Arc<Config>) -> Self {
        Self::connecting(client, server).open()
    }

    /// The same in environments of the caller's.
    pub fn opened_in(client: (Env, Arc<Config>), server: (Env, Arc<Config>)) -> Self {
        Self::new(
            End::connecting_in(client.0, client.1),
            End::accepting_in(server.0, server.1),
        )
        .open()
    }

    fn open(mut self) -> Self {
        self.settle();
        assert!(self.client.connection.is_open() && self.server.connection.is_open());
        self.client.seen.clear();
        self.server.seen.clear();
        self
    }

    /// Two ends whose opening handshake was done elsewhere.
    pub fn upgraded(client: Arc<Config>, server: Arc<Config>) -> Self {
        Self::new(
            End::upgraded(Role::Client, client),
            End::upgraded(Role::Server, server),
        )
    }

    fn new(client: End, server: End) -> Self {
        Self {
            client,
            server,
            to_client: Wire::default(),
            to_server: Wire::default(),
        }
    }

    /// The end of that role.
    pub fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// The end of that role, and the wire to it.
    fn receiver(&mut self, role: Role) -> (&mut End, &mut Wire) {
        match role {
            Role::Client => (&mut self.client, &mut self.to_client),
            Role::Server => (&mut self.server, &mut self.to_server),
        }
    }

    /// Writes at most `n` bytes of that end's output. Returns true if anything happened.
    pub fn write(&mut self, from: Role, n: usize) -> bool {
        let end = self.end(from);
        let bytes = end.drain_some(n);
        if end.connection.wants().event {
            end.take_events();
        }
        let wants = end.connection.wants();
        if wants.shutdown {
            end.connection.handle_shutdown();
        }
        let (_, wire) = self.receiver(opposite(from));
        let shuts = (wants.shutdown || wants.done) && !wire.shut;
        wire.shut |= shuts;
        wire.carry(&bytes);
        !bytes.is_empty() || shuts
    }

    /// Puts bytes on the wire from that end, past its queue.
    pub fn carry(&mut self, from: Role, bytes: &[u8]) {
        self.receiver(opposite(from)).1.carry(bytes);
    }

    /// Everything that left that end so far.
    pub fn log(&mut self, from: Role) -> &[u8] {
        &self.receiver(opposite(from)).1.log
    }

    /// Delivers at most `n` bytes, or else the end of the stream, to that end. Returns true if anything
    /// happened.
    pub fn deliver(&mut self, to: Role, n: usize) -> bool {
        let (end, wire) = self.receiver(to);
        if wire.bytes.is_empty() {
            if !wire.shut || wire.eof {
                return false;
            }
            wire.eof = true;
            end.eof();
            return true;
        }
        let n = n.min(wire.bytes.len());
        let bytes: Vec<u8> = wire.bytes.drain(..n).collect();
        end.read(&bytes);
        n > 0
    }

    /// Writes and delivers until nothing moves any more.
    pub fn settle(&mut self) {
        loop {
            let mut moved = false;
            for role in [Role::Client, Role::Server] {
                moved |= self.write(role, usize::MAX);
                moved |= self.deliver(opposite(role), usize::MAX);
            }
            if !moved {
                return;
            }
        }
    }

    /// Moves both clocks.
    pub fn advance(&mut self, span: Duration) {
        self.client.advance(span);
        self.server.advance(span);
    }

    /// Moves both clocks to the earlier of the ends' next deadlines, and returns how far, if there is one.
    pub fn advance_to_deadline(&mut self) -> Option<Duration> {
        let until = |end: &End| {
            let deadline = end.connection.wants().deadline?;
            Some(deadline.saturating_since(end.env.now()))
        };
        let span = [until(&self.client), until(&self.server)]
            .into_iter()
            .flatten()
            .min()?;
        self.advance(span);
        Some(span)
    }
}
