//! Broadcasts to the connections of one loop, and subscriptions.

use std::sync::Arc;

use wsproto::{CloseCode, SendError};

use super::{EventLoop, slab::Key};
use crate::{
    broadcast::state::{BroadcastState, Reached, Recipients, SlowReceivers},
    handler::Handler,
};

/// Bytes in a queue from which on a connection is served at once, though another broadcast follows.
const CORK: usize = 64 << 10;

/// The outcome of a broadcast on one connection.
enum Outcome {
    Sent,
    Slow,
    Refused,
    /// The connection is not open.
    Absent,
}

impl<H: Handler> EventLoop<H> {
    /// Sends a message to those of this loop's connections that are to get it. If another broadcast follows at once,
    /// both leave in one write. Otherwise each connection is served in passing, so that the memory of its queue is
    /// there for the next one.
    pub(super) fn broadcast(
        &mut self,
        broadcast: &BroadcastState,
        recipients: Recipients,
        except: Option<Key>,
        another_follows: bool,
    ) {
        let mut reached = Reached::default();
        let mut deliver = |this: &mut Self, key: Option<Key>| {
            let Some(key) = key.filter(|key| Some(*key) != except) else {
                return;
            };
            match this.deliver(broadcast, key, another_follows) {
                Outcome::Sent => reached.sent += 1,
                Outcome::Slow => reached.slow += 1,
                Outcome::Refused => reached.refused += 1,
                Outcome::Absent => {}
            }
        };
        match recipients {
            Recipients::All => {
                for index in self.connections.indices() {
                    let key = self.connections.at(index).map(|(key, _)| key);
                    deliver(self, key);
                }
            }
            Recipients::Topic(topic) => {
                for index in self.topics.members(&topic) {
                    let key = self.connections.at(index).map(|(key, _)| key);
                    deliver(self, key);
                }
            }
            Recipients::Keys(keys) => {
                for key in keys {
                    deliver(self, Some(key));
                }
            }
        }
        broadcast.add(reached);
    }

    fn deliver(&mut self, broadcast: &BroadcastState, key: Key, another_follows: bool) -> Outcome {
        let Some(slot) = self.connections.get(key) else {
            return Outcome::Absent;
        };
        let connection = &mut slot.connection;
        if !connection.is_open() {
            return Outcome::Absent;
        }
        let env = &mut self.lease.env;
        let before = connection.queued();
        let outcome = match broadcast.slow {
            SlowReceivers::Skip { above } if before > above => return Outcome::Slow,
            SlowReceivers::Close { above } if before > above => {
                connection.close(env, CloseCode::POLICY_VIOLATION, "too slow");
                Outcome::Slow
            }
            SlowReceivers::Queue | SlowReceivers::Skip { .. } | SlowReceivers::Close { .. } => {
                match connection.send_prepared(env, &broadcast.message) {
                    Ok(()) => {
                        self.mailbox.counters().messages_sent.add(1);
                        Outcome::Sent
                    }
                    // It was open: Overflow::Close has closed it.
                    Err(SendError::Closed) if !connection.is_open() => Outcome::Slow,
                    // Its transport is lost.
                    Err(SendError::Closed) => Outcome::Absent,
                    Err(_) => Outcome::Refused,
                }
            }
        };
        let queued = connection.queued();
        if let Some(extras) = &mut slot.extras {
            extras.unsent.queued(queued.saturating_sub(before));
        }
        if another_follows && queued < CORK {
            self.schedule(key.index);
        } else {
            self.serve(key.index);
        }
        outcome
    }

    /// Subscribes a connection to a topic.
    pub(super) fn subscribe(&mut self, key: Key, topic: Arc<str>) {
        if let Some(slot) = self.connections.get(key) {
            let extras = slot.extras.get_or_insert_default();
            let own = &mut extras.subscriptions;
            self.topics.subscribe(key.index, topic, own);
        }
    }

    /// Ends the subscription of a connection to a topic.
    pub(super) fn unsubscribe(&mut self, key: Key, topic: &str) {
        if let Some(slot) = self.connections.get(key)
            && let Some(extras) = &mut slot.extras
        {
            let own = &mut extras.subscriptions;
            self.topics.unsubscribe(key.index, topic, own);
        }
    }
}
