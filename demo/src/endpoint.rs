//! The WebSocket endpoints: what they are called, and what holds on each.

use wsproto::{Compression, Config};

use crate::options::{Driver, Options, Switch};

/// What a client can connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The chat room.
    Chat,
    /// Every message comes back.
    Echo,
    /// The live figures.
    Stats,
}

impl Endpoint {
    /// The endpoint at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/chat" => Some(Self::Chat),
            "/echo" => Some(Self::Echo),
            "/stats" => Some(Self::Stats),
            _ => None,
        }
    }

    /// Limits, deadlines and compression of its connections.
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
            // A test suite gets back what it sent and nothing else.
            Self::Echo => None,
        };
        config.pong_timeout = options.pong_timeout.0;
        config.idle_timeout = options.idle_timeout.0;
        // Every endpoint waits while the queue is high, so that it never holds more than this and one
        // message of any length.
        config.queue_high = usize::try_from(options.queue_high).unwrap_or(usize::MAX);
        config.queue_limit = config.queue_limit.max(config.queue_high);
        // Callbacks cannot wait: who does not read the answers is not read either.
        config.pause_when_high = options.driver == Driver::Mio;
        config
    }

    /// How it compresses for the clients that offer it.
    fn compression(self, options: &Options) -> Option<Compression> {
        match options.compression {
            Switch::On => {}
            Switch::Off => return None,
        }
        let mut compression = Compression::default();
        compression.level = options.compression_level;
        match self {
            // Messages of any kind.
            Self::Echo => {}
            Self::Chat => {
                // What is compressed once for everybody refers to nothing before it.
                compression.send_takeover = false;
                // A line is short, and many people are silent: 1 KiB of what somebody said is kept.
                compression.receive_window_bits = 10;
            }
            Self::Stats => {
                compression.send_takeover = false;
                // A report fits into it.
                compression.send_window_bits = 9;
                // Nothing is expected.
                compression.receive_takeover = false;
            }
        }
        Some(compression)
    }
}

/// What holds for a connection until it is known what it asks for.
pub(crate) fn opening_config(options: &Options) -> Config {
    let mut config = Config::default();
    config.opening_timeout = options.opening_timeout.0;
    config.close_timeout = options.close_timeout.0;
    config.write_timeout = options.write_timeout.0;
    config.surface_plain_http = true;
    config
}
