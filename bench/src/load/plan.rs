//! The plan of a run.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;
use driver_kit::target;
use rustix::process::Pid;

use super::{compression::Offer, neighbour::Neighbour};

/// The plan of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// Connections to open.
    pub connections: usize,
    /// Connections to open per second; as fast as the server accepts them if `None`.
    pub ramp: Option<f64>,
    /// Local addresses to connect from, in turn; the system chooses if this is empty. One address has
    /// some 28 000 ports for connections to one server.
    pub sources: Vec<IpAddr>,
    /// The trigger for sending.
    pub pace: Pace,
    /// The way in which an open loop waits for the next message.
    pub waiting: Waiting,
    /// Payload lengths.
    pub sizes: Sizes,
    /// Contents of payloads.
    pub content: Content,
    /// The compression to offer, if any.
    pub compression: Option<Offer>,
    /// Time to send before measuring.
    pub warm_up: Duration,
    /// The end of the run.
    pub until: Until,
    /// Time to wait for missing answers at the end.
    pub patience: Duration,
    /// One payload in this many is compared with the message sent.
    pub sample: u64,
    /// Bad neighbours, from the first message on.
    pub neighbour: Option<Neighbour>,
    /// Process whose processor time and memory are reported.
    pub watched: Option<Pid>,
}

impl Plan {
    /// Returns a plan for one connection with one message of 16 bytes in flight, for ten seconds.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            connections: 1,
            ramp: None,
            sources: Vec::new(),
            pace: Pace::Closed { depth: 1 },
            waiting: Waiting::Exact,
            sizes: Sizes::one(16),
            content: Content::Binary,
            compression: None,
            warm_up: Duration::from_secs(1),
            until: Until::Elapsed(Duration::from_secs(10)),
            patience: Duration::from_secs(5),
            sample: 64,
            neighbour: None,
            watched: None,
        }
    }
}

/// The server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The first address of the host.
    pub address: SocketAddr,
    /// The value of the `Host` header.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Target {
    /// Returns the root of a server at that address.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            authority: address.to_string(),
            path: "/".to_owned(),
        }
    }
}

impl FromStr for Target {
    type Err = InvalidPlan;

    /// Parses a URL and resolves its host, which may block.
    fn from_str(url: &str) -> Result<Self, InvalidPlan> {
        let target = target::Target::parse(url).map_err(InvalidPlan::Url)?;
        if target.is_secure() {
            return Err(InvalidPlan::Secure);
        }
        let mut addresses = (target.host(), target.port())
            .to_socket_addrs()
            .map_err(|_| InvalidPlan::UnknownHost)?;
        Ok(Self {
            address: addresses.next().ok_or(InvalidPlan::UnknownHost)?,
            authority: target.authority().to_owned(),
            path: target.target().to_owned(),
        })
    }
}

/// The trigger for sending messages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Each connection keeps a number of messages in flight: each answer triggers the next message.
    /// Measures throughput. A stalled server receives nothing in the meantime, so latencies look better
    /// than users would experience them.
    Closed {
        /// Messages in flight on each connection.
        depth: u32,
    },
    /// A fixed number of messages per second in total, spread evenly over time and connections,
    /// whatever the server does. A latency counts from when a message was due, not from when it could
    /// be sent: nothing is left out because the server was slow (no coordinated omission).
    Open {
        /// Messages per second, over all connections.
        rate: f64,
    },
    /// The first connection sends a message that the server sends to every connection, and the next one
    /// when every connection has received it. [`Until::Messages`] counts messages sent, not deliveries.
    Broadcast,
}

/// The way in which an open loop waits for the next message: the system waits in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// To the microsecond, by busy-waiting.
    Exact,
    /// Up to a millisecond too long, which is part of the latencies; for many processes on one
    /// processor.
    Relaxed,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// After this time.
    Elapsed(Duration),
    /// After this many messages in total, without a warm-up.
    Messages(u64),
}

/// Contents of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Content {
    /// Bytes without a pattern, in binary messages
    Binary,
    /// Text of one byte per character
    Ascii,
    /// Text of one to four bytes per character
    Mixed,
    /// JSON documents, no two alike
    Json,
}

/// Payload lengths and their weights.
///
/// Written as `512`, or as `16:80,4k:20` for a mix in which 80 of 100 messages have 16 bytes; `k` and
/// `m` are 2^10 and 2^20.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes(Vec<Share>);

/// A part of a mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Payload length in bytes.
    pub len: usize,
    /// Weight relative to the other shares.
    pub weight: u32,
}

/// Maximum sum of the weights.
const WEIGHT_MAX: u32 = 1000;

impl Sizes {
    /// All payloads have that length, in bytes.
    #[must_use]
    pub fn one(len: usize) -> Self {
        Self(vec![Share { len, weight: 1 }])
    }

    /// Returns the parts of the mix.
    #[must_use]
    pub fn shares(&self) -> &[Share] {
        &self.0
    }
}

impl FromStr for Sizes {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let shares = text
            .split(',')
            .map(|part| {
                let (len, weight) = part.split_once(':').unwrap_or((part, "1"));
                Ok(Share {
                    len: bytes(len)?,
                    weight: weight.parse().map_err(|_| InvalidPlan::Sizes)?,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let total = shares
            .iter()
            .try_fold(0_u32, |sum, share| sum.checked_add(share.weight));
        match total {
            Some(1..=WEIGHT_MAX) => Ok(Self(shares)),
            Some(_) | None => Err(InvalidPlan::Sizes),
        }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [share] = &self.0[..] {
            return write!(f, "{}", share.len);
        }
        for (i, share) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}:{}", share.len, share.weight)?;
        }
        Ok(())
    }
}

fn bytes(text: &str) -> Result<usize, InvalidPlan> {
    let (number, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        _ => (text, 0),
    };
    let number: usize = number.parse().map_err(|_| InvalidPlan::Sizes)?;
    match number.checked_mul(1 << shift) {
        Some(len @ 0..=LEN_MAX) => Ok(len),
        Some(_) | None => Err(InvalidPlan::Sizes),
    }
}

/// Maximum payload length in bytes, because all frames are prepared in memory.
const LEN_MAX: usize = 64 << 20;

/// An error in a plan.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvalidPlan {
    /// Not the URL of a WebSocket.
    Url(target::TargetError),
    /// A URL with TLS, which the load generator does not support.
    Secure,
    /// The host has no address.
    UnknownHost,
    /// Not a length or a mix of lengths, a length over 64 MiB, or weights whose sum is not within 1 to
    /// 1000.
    Sizes,
    /// Not a kind of misbehaviour.
    Neighbour,
}

impl fmt::Display for InvalidPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Secure => f.write_str("wss is not supported, use ws"),
            Self::UnknownHost => f.write_str("the host has no address"),
            Self::Sizes => f.write_str(
                "not payload sizes such as 512 or 16:80,4k:20, up to 64m, with weights of 1 to 1000 in total",
            ),
            Self::Neighbour => f.write_str(
                "not one of flood, flood:RATE, pings, pings:RATE, deaf, slow-head, slow-frame, half-close",
            ),
        }
    }
}

impl Error for InvalidPlan {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Secure | Self::UnknownHost | Self::Sizes | Self::Neighbour => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, shares, shown) in [
            ("512", vec![(512, 1)], "512"),
            ("64k", vec![(64 << 10, 1)], "65536"),
            ("16:80,4k:20", vec![(16, 80), (4096, 20)], "16:80,4096:20"),
            ("0", vec![(0, 1)], "0"),
        ] {
            let sizes: Sizes = text.parse().unwrap();
            let expected: Vec<Share> = shares
                .into_iter()
                .map(|(len, weight)| Share { len, weight })
                .collect();
            assert_eq!(sizes.shares(), expected, "{text}");
            assert_eq!(sizes.to_string(), shown);
        }
    }

    #[test]
    fn what_are_no_sizes_is_refused() {
        for text in ["", "x", "1:", "1:0", "1:600,2:600", "65m", "16,,3", "-1"] {
            assert!(text.parse::<Sizes>().is_err(), "{text}");
        }
    }

    #[test]
    fn urls_lead_to_an_address() {
        let target: Target = "ws://127.0.0.1:9001/echo?x=1".parse().unwrap();
        assert_eq!(target.address, "127.0.0.1:9001".parse().unwrap());
        assert_eq!(target.authority, "127.0.0.1:9001");
        assert_eq!(target.path, "/echo?x=1");
        assert!(matches!(
            "wss://127.0.0.1/".parse::<Target>(),
            Err(InvalidPlan::Secure)
        ));
    }
}
