//! Messages that are encoded once for all clients of an endpoint, and compressed once as well.

use driver_futures::compressed;
use wsproto::{Compression, Config, Prepared};

/// Encodes what the clients of an endpoint are told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Encoder {
    /// As it was agreed with those that compress; `None` if there are none.
    compression: Option<Compression>,
}

impl Encoder {
    /// For connections with this configuration.
    pub(crate) const fn new(config: &Config) -> Self {
        Self {
            compression: config.compression,
        }
    }

    /// Whether any client gets compressed messages.
    pub(crate) const fn compresses(&self) -> bool {
        self.compression.is_some()
    }

    /// Encodes a message: as it is for some clients, compressed for the others.
    pub(crate) fn text(&self, text: &str) -> Prepared {
        let message = Prepared::text(text);
        match self.compression {
            Some(Compression {
                level,
                send_window_bits,
                ..
            }) => compressed(message, level, send_window_bits),
            None => message,
        }
    }
}
