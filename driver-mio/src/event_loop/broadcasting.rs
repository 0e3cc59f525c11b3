//! A loop's part in a broadcast: it goes through its own connections.

use std::sync::Arc;

use wsproto::{CloseCode, SendError};

use crate::{
    Handler,
    broadcast::{Reached, Recipients, Round, SlowReceivers},
    event_loop::EventLoop,
    event_loop::slab::Key,
};

/// Bytes in a queue from which on a connection is served at once, though more is to come.
const CORK: usize = 64 << 10;

/// What became of a broadcast on one connection.
enum Outcome {
    Sent,
    Slow,
    Refused,
    /// It is not open.
    Absent,
}

impl<H: Handler> EventLoop<H> {
    /// Sends a message to those of this loop's connections that are to get it. If another broadcast
    /// follows at once, both leave in one write; else each connection is served in passing, so that
    /// its queue's memory is there for the next one.
    pub(crate) fn broadcast(&mut self, round: &Arc<Round>, to: Recipients, another_follows: bool) {
        let except = round.except(&self.mailbox);
        let mut reached = Reached::default();
        let mut deliver = |this: &mut Self, key: Option<Key>| {
            let Some(key) = key.filter(|key| Some(*key) != except) else {
                return;
            };
            match this.deliver(round, key, another_follows) {
                Outcome::Sent => reached.sent += 1,
                Outcome::Slow => reached.slow += 1,
                Outcome::Refused => reached.refused += 1,
                Outcome::Absent => {}
            }
        };
        match to {
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
            Recipients::These(keys) => {
                for key in keys {
                    deliver(self, Some(key));
                }
            }
        }
        round.count(reached);
    }

    fn deliver(&mut self, round: &Round, key: Key, another_follows: bool) -> Outcome {
        let Some(entry) = self.connections.get(key) else {
            return Outcome::Absent;
        };
        if !entry.connection.is_open() {
            return Outcome::Absent;
        }
        let env = &mut self.lease.env;
        let before = entry.connection.queued();
        let outcome = match round.slow {
            SlowReceivers::Skip { above } if before > above => return Outcome::Slow,
            SlowReceivers::Close { above } if before > above => {
                let reason = "too slow";
                entry
                    .connection
                    .close(env, CloseCode::POLICY_VIOLATION, reason);
                Outcome::Slow
            }
            SlowReceivers::Queue | SlowReceivers::Skip { .. } | SlowReceivers::Close { .. } => {
                match entry.connection.send_prepared(env, &round.message) {
                    Ok(()) => {
                        self.mailbox.counters().messages_sent.add(1);
                        Outcome::Sent
                    }
                    // It was open: the policy for a full queue has closed it.
                    Err(SendError::Closed) if !entry.connection.is_open() => Outcome::Slow,
                    Err(SendError::Closed) => Outcome::Absent,
                    Err(_) => Outcome::Refused,
                }
            }
        };
        let queued = entry.connection.queued();
        if let Some(extras) = &mut entry.extras {
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
    pub(crate) fn subscribe(&mut self, key: Key, topic: Arc<str>) {
        if let Some(entry) = self.connections.get(key) {
            let extras = entry.extras.get_or_insert_default();
            let own = &mut extras.subscriptions;
            self.topics.subscribe(key.index, topic, own);
        }
    }

    /// Ends the subscription of a connection to a topic.
    pub(crate) fn unsubscribe(&mut self, key: Key, topic: &str) {
        if let Some(entry) = self.connections.get(key)
            && let Some(extras) = &mut entry.extras
        {
            let own = &mut extras.subscriptions;
            self.topics.unsubscribe(key.index, topic, own);
        }
    }
}
