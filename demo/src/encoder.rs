//! Messages that are encoded and compressed once for all clients of an endpoint.

use driver_futures::compressed;
use wsproto::{Compression, Config, Prepared};

/// Encodes messages for the clients of an endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Encoder {
    /// The settings agreed with clients that compress; `None` if there are none.
    compression: Option<Compression>,
}

impl Encoder {
    /// Creates an encoder for connections with this configuration.
    pub(crate) const fn new(config: &Config) -> Self {
        Self {
            compression: config.compression,
        }
    }

    /// Returns true if any client may receive compressed messages.
    pub(crate) const fn compresses(&self) -> bool {
        self.compression.is_some()
    }

    /// Encodes a text message, uncompressed for some clients and compressed for the others.
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
