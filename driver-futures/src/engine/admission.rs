//! When a sender has to wait before it may queue something.

use super::Engine;
use crate::{clock::Clock, transport::Transport};

impl<S: Transport, C: Clock> Engine<S, C> {
    /// Whether a message of that many bytes may be queued: what is queued is not too much, or never
    /// will be less.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        let config = self.connection.config();
        let queued = self.connection.queued();
        // The other policies are for those who would rather lose messages than wait.
        let fits = config.overflow != wsproto::Overflow::Refuse
            || queued.saturating_add(len) <= config.queue_limit;
        queued == 0 || (queued < config.queue_high && fits) || !self.connection.is_open()
    }
}
