//! The WebSocket endpoints: their paths and configurations.

use wsproto::{Compression, Config};

use crate::options::{Driver, Options, Switch};

/// An endpoint that a client can connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The chat room.
    Chat,
    /// Echoes every message.
    Echo,
    /// Live figures.
    Stats,
}

impl Endpoint {
    /// Returns the endpoint at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/chat" => Some(Self::Chat),
            "/echo" => Some(Self::Echo),
            "/stats" => Some(Self::Stats),
            _ => None,
        }
    }

    /// Limits, deadlines and compression of the endpoint's connections.
    pub(crate) fn config(self, options: &Options) -> Config {
        let mut config = opening_config(options);
        config.max_message = match self {
            Self::Chat => 64 << 10,
            Self::Echo => options.max_message,
            Self::Stats => 1 << 10,
        };
        config.max_frame = options.max_frame.min(config.max_message);
        config.compression = self.compression(options);
        config.ping_interval = match self {
            Self::Chat | Self::Stats => options.ping_interval.0,
            // A test suite must receive exactly what it sent, so no pings.
            Self::Echo => None,
        };
        config.pong_timeout = options.pong_timeout.0;
        config.idle_timeout = options.idle_timeout.0;
        // Every endpoint waits while the queue is high, so the queue never holds more than this plus
        // one message of any length.
        config.queue_high = usize::try_from(options.queue_high).unwrap_or(usize::MAX);
        config.queue_limit = config.queue_limit.max(config.queue_high);
        // Callbacks cannot wait, so reading pauses for a client that does not read the answers.
        config.pause_when_high = options.driver == Driver::Mio;
        config
    }

    /// Compression for the clients that offer it.
    fn compression(self, options: &Options) -> Option<Compression> {
        match options.compression {
            Switch::On => {}
            Switch::Off => return None,
        }
        let mut compression = Compression::default();
        compression.level = options.compression_level;
        match self {
            // Messages of any kind: the defaults.
            Self::Echo => {}
            Self::Chat => {
                // A message that is compressed once for everyone must not refer to earlier messages.
                compression.send_takeover = false;
                // Lines are short and many people are silent: a window of 1 KiB is enough.
                compression.receive_window_bits = 10;
            }
            Self::Stats => {
                compression.send_takeover = false;
                // A report fits into this window.
                compression.send_window_bits = 9;
                // Messages from clients are ignored.
                compression.receive_takeover = false;
            }
        }
        Some(compression)
    }
}

/// Configuration of a connection until its request has selected an endpoint.
pub(crate) fn opening_config(options: &Options) -> Config {
    let mut config = Config::default();
    config.opening_timeout = options.opening_timeout.0;
    config.close_timeout = options.close_timeout.0;
    config.write_timeout = options.write_timeout.0;
    config.surface_plain_http = true;
    config
}
