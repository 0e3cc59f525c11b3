//! Command line options: the driver, the address, limits and deadlines.

use std::{num::NonZeroUsize, str::FromStr, time::Duration};

use clap::{Parser, ValueEnum, value_parser};
use wsproto::OriginPolicy;

/// A WebSocket demo server: a chat room, an echo server, live figures, and a page that shows them.
///
/// /echo answers every message with itself and accepts every origin, so test suites and load generators
/// can use it. RUST_LOG=debug logs every connection.
#[derive(Debug, Parser)]
#[command(name = "demo", version, max_term_width = 100)]
pub(crate) struct Options {
    /// Driver of the connections
    #[arg(long, value_enum, default_value = "tokio")]
    pub(crate) driver: Driver,
    /// Address to listen on: a name or an IP address, and a port
    #[arg(long, default_value = "127.0.0.1:9001")]
    pub(crate) addr: String,
    /// Threads that serve connections [default: one per core]
    #[arg(long)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Pages that may use /chat and /stats: "same-host", "any", or a comma-separated list of origins;
    /// clients other than browsers are always allowed
    #[arg(long, default_value = "same-host", value_parser = origin_policy)]
    pub(crate) origin: OriginPolicy,

    /// Compress messages for clients that offer compression
    #[arg(long, value_enum, default_value = "on", help_heading = "Compression")]
    pub(crate) compression: Switch,
    /// Compression level, from 1 (fast) to 9 (small)
    #[arg(
        long,
        default_value = "1",
        value_parser = value_parser!(u8).range(1..=9),
        help_heading = "Compression"
    )]
    pub(crate) compression_level: u8,

    /// Maximum length of a message to /echo in bytes, such as 100, 64K or 1G
    #[arg(long, default_value = "64M", value_parser = size, help_heading = "Limits")]
    pub(crate) max_message: u64,
    /// Maximum length of a frame in bytes
    #[arg(long, default_value = "64M", value_parser = size, help_heading = "Limits")]
    pub(crate) max_frame: u64,
    /// Maximum number of connections; further connections wait until one ends
    #[arg(long, default_value = "10000", help_heading = "Limits")]
    pub(crate) max_connections: usize,
    /// Length of a connection's outgoing queue, in bytes, from which it accepts no further messages
    #[arg(long, default_value = "64K", value_parser = size, help_heading = "Limits")]
    pub(crate) queue_high: u64,
    /// Maximum number of messages that wait for room in that queue; one more closes a connection to
    /// /chat or /stats as too slow
    #[arg(long, default_value = "4096", help_heading = "Limits")]
    pub(crate) mailbox: NonZeroUsize,

    /// Time limit for receiving a request, such as 500ms, 10s, 5m or off
    #[arg(long, default_value = "10s", help_heading = "Deadlines")]
    pub(crate) opening_timeout: Deadline,
    /// Time limit for the closing handshake
    #[arg(long, default_value = "5s", help_heading = "Deadlines")]
    pub(crate) close_timeout: Deadline,
    /// Silence after which a client of /chat or /stats is pinged; /echo never pings
    #[arg(long, default_value = "30s", help_heading = "Deadlines")]
    pub(crate) ping_interval: Deadline,
    /// Time limit for the answer to a ping
    #[arg(long, default_value = "20s", help_heading = "Deadlines")]
    pub(crate) pong_timeout: Deadline,
    /// Time limit for a connection without messages in either direction
    #[arg(long, default_value = "off", help_heading = "Deadlines")]
    pub(crate) idle_timeout: Deadline,
    /// Time limit for a client that accepts none of the bytes to be sent
    #[arg(long, default_value = "30s", help_heading = "Deadlines")]
    pub(crate) write_timeout: Deadline,
    /// Time limit for a shutdown, after which the remaining connections are dropped, such as 10s
    #[arg(long, default_value = "10s", value_parser = span, help_heading = "Deadlines")]
    pub(crate) shutdown_timeout: Duration,
}

/// The driver of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Driver {
    /// Event loops on epoll or kqueue, without an async runtime
    Mio,
    /// smol: async-io, and an executor with several threads
    Smol,
    /// The tokio runtime
    Tokio,
}

impl Driver {
    /// The driver's name on the command line and in `/stats`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mio => "mio",
            Self::Smol => "smol",
            Self::Tokio => "tokio",
        }
    }
}

/// A switch for a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// A duration, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(pub(crate) Option<Duration>);

impl FromStr for Deadline {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self(None)),
            text => span(text).map(|span| Self(Some(span))),
        }
    }
}

/// Parses a duration: digits and a unit.
fn span(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "not a time such as 500ms, 10s, 5m or 1h";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(EXPECTED),
    };
    match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)) {
        None => Err(EXPECTED),
        Some(0) => Err("must not be zero; use \"off\" for no limit, where that is allowed"),
        Some(millis) => Ok(Duration::from_millis(millis)),
    }
}

/// Parses a number of bytes: digits and an optional unit, a power of 1024.
fn size(text: &str) -> Result<u64, &'static str> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => 0,
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .filter(|bytes| *bytes > 0)
        .ok_or("not a size such as 100, 64K, 16M or 1G")
}

/// Parses the origins that may connect.
fn origin_policy(text: &str) -> Result<OriginPolicy, String> {
    Ok(match text {
        "any" => OriginPolicy::any(),
        "same-host" => OriginPolicy::same_host().allow_missing(),
        list => OriginPolicy::list(list.split(','))
            .map_err(|error| error.to_string())?
            .allow_missing(),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        Options::command().debug_assert();
    }

    #[test]
    fn times_have_a_unit_and_may_be_off() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
        ] {
            let expected = Deadline(Some(Duration::from_millis(millis)));
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!("off".parse(), Ok(Deadline(None)));
        for text in [
            "",
            "10",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "10 s",
            "1d",
            "99999999999999999999h",
        ] {
            assert!(text.parse::<Deadline>().is_err(), "{text}");
        }
        assert!(span("off").is_err());
    }

    #[test]
    fn sizes_may_have_a_unit() {
        for (text, bytes) in [
            ("1", 1),
            ("64K", 64 << 10),
            ("16M", 16 << 20),
            ("1G", 1 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "K", "0", "1KK", "1k", "-1", "99999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins_are_a_word_or_a_list() {
        assert_eq!(origin_policy("any"), Ok(OriginPolicy::any()));
        assert!(origin_policy("https://a.example,http://localhost:*").is_ok());
        assert!(origin_policy("same-hosts").is_err());
    }
}
