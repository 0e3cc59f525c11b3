//! Opening the connections.

use std::io;

use mio::{Events, Interest, Token};

use super::{Generator, MILLISECOND, Observe};
use crate::{
    load::{
        compression::agreed,
        connection::{Connection, Reading},
        fault::Fault,
        plan::Pace,
        reader::{Payloads, Reader},
        witness::Witness,
    },
    opening::Response,
};

/// Maximum number of connections being opened at a time, less than a usual backlog.
const OPENING_MAX: usize = 256;
/// Time limit for opening a connection, in nanoseconds.
const OPENING_TIMEOUT: u64 = 20_000_000_000;
/// With compression, one connection in this many inflates and compares its messages.
const WITNESSED: usize = 64;

impl Generator<'_> {
    /// Opens all connections, at the plan's rate.
    pub(super) fn open_all(
        &mut self,
        events: &mut Events,
        observer: &mut dyn Observe,
    ) -> io::Result<()> {
        loop {
            let now = self.now();
            let allowed = self.plan.ramp.map_or(self.plan.connections, |per_second| {
                self.plan
                    .connections
                    .min((now as f64 / 1e9 * per_second) as usize + 1)
            });
            while self.connections.len() < allowed && self.opening.len() < OPENING_MAX {
                self.connect(now)?;
            }
            if self.connections.len() == self.plan.connections && self.opening.is_empty() {
                return Ok(());
            }
            self.expire(now);
            self.turn(events, Some(MILLISECOND))?;
            if self.tick(observer).is_break() {
                return Ok(());
            }
        }
    }

    fn connect(&mut self, now: u64) -> io::Result<()> {
        let index = self.connections.len();
        let sources = &self.plan.sources;
        let source = (!sources.is_empty()).then(|| sources[index % sources.len()]);
        // Connections start at different messages, so that they do not all send the long messages of a
        // mix at the same time. With compression they start with the message that has no history, and a
        // broadcast is the same for all.
        let first = match (self.plan.compression, self.plan.pace) {
            (None, Pace::Closed { .. } | Pace::Open { .. }) => {
                (index * 7919 % self.script.len()) as u64
            }
            (Some(_), _) | (None, Pace::Broadcast) => 0,
        };
        let target = self.plan.target.address;
        match Connection::connect(target, source, first, &self.script) {
            Ok(mut connection) => {
                self.poll.registry().register(
                    &mut connection.stream,
                    Token(index),
                    Interest::READABLE | Interest::WRITABLE,
                )?;
                self.connections.push(Some(connection));
                self.opening.push((index, now));
            }
            Err(error) => {
                self.connections.push(None);
                self.tally.failed(Fault::Connect(error.kind()), 0);
            }
        }
        Ok(())
    }

    /// Gives up connections that take too long to open.
    fn expire(&mut self, now: u64) {
        let is_late = |since: u64| now - since > OPENING_TIMEOUT;
        while let Some(&(index, since)) = self.opening.first()
            && is_late(since)
        {
            self.fail(index, Fault::OpeningTimeout);
        }
    }

    /// Returns the expected answers on a connection whose next message is `first`.
    pub(super) fn reading(
        &mut self,
        index: usize,
        first: u64,
        response: &Response,
    ) -> Result<Reading, Fault> {
        if self.plan.compression.is_none() {
            let reader = Reader::new(first, response.echo, Payloads::Plain);
            return Ok(Reading::Headers(reader));
        }
        let compression = agreed(response.extensions.as_deref()).ok_or(Fault::Compression)?;
        match self.compression {
            None => {
                self.compression = Some(compression);
                self.script = self.script.compressed(compression);
            }
            Some(other) if other == compression => {}
            Some(_) => return Err(Fault::Compression),
        }
        Ok(if index.is_multiple_of(WITNESSED) {
            Reading::Whole(Box::new(Witness::new(first, compression)))
        } else {
            Reading::Headers(Reader::new(first, response.echo, Payloads::Compressed))
        })
    }
}
