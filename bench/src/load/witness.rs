//! Inflates and compares all answers on a connection with compression. A sample of the connections has
//! a witness; inflating on all of them would take the load generator longer than the server.

use wsproto::{Compression, Connection, Env, Event, Input, Role};

use super::{fault::Fault, reader::Taken, script::Script};
use crate::{
    in_memory::{compressed::Ends, ours::Seeded},
    opening::Echo,
};

/// A complete client, of which only the receiving half is used.
#[derive(Debug)]
pub(super) struct Witness {
    connection: Connection,
    env: Env,
    input: Input<Vec<u8>>,
    /// Number of the next message.
    next: u64,
}

impl Witness {
    /// Creates a witness that expects message `next` and those after it.
    pub(super) fn new(next: u64, compression: Compression) -> Self {
        let mut env = Env::new(Seeded::new());
        Self {
            connection: Ends::new(Role::Client, compression).open(&mut env),
            env,
            input: Input::new(vec![0; 64 << 10]),
            next,
        }
    }

    /// Returns the number of the next message.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Consumes all of `bytes`. Messages from `end` on have not been sent. Calls `ping` with the
    /// payload of each ping.
    pub(super) fn take(
        &mut self,
        mut bytes: &[u8],
        script: &Script,
        end: u64,
        mut ping: impl FnMut(&[u8]),
    ) -> Result<Taken, Fault> {
        let mut taken = Taken::default();
        while !bytes.is_empty() {
            let spare = self.input.spare();
            let n = spare.len().min(bytes.len());
            spare[..n].copy_from_slice(&bytes[..n]);
            self.input.filled(n);
            bytes = &bytes[n..];
            loop {
                let event = self
                    .connection
                    .next_event(&mut self.env, &mut self.input)
                    .map_err(|_| Fault::BadFrame)?;
                let payload = match &event {
                    None => break,
                    Some(Event::Text(text)) => text.as_bytes(),
                    Some(Event::Binary(bytes)) => bytes,
                    Some(Event::Ping(payload)) => {
                        ping(payload);
                        continue;
                    }
                    Some(Event::Closed(closed)) => {
                        return Err(Fault::Closed(closed.code.get()));
                    }
                    Some(_) => continue,
                };
                if self.next >= end {
                    return Err(Fault::WrongLength);
                }
                if payload != script.expected(self.next, Echo::Messages) {
                    return Err(Fault::WrongContent);
                }
                taken.bytes += payload.len() as u64;
                taken.messages += 1;
                self.next += 1;
            }
            // The witness's own pongs are discarded: the caller answers.
            let queued = self.connection.outgoing().map(<[u8]>::len).sum();
            self.connection.sent(&mut self.env, queued);
        }
        Ok(taken)
    }
}
