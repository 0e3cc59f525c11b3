//! Compression on the side of the load generator: what it offers, and what was agreed to.

use clap::ValueEnum;
use wsproto::{Compression, Memory};

/// What is offered for permessage-deflate (RFC 7692).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Offer {
    /// Messages may refer to those before them, in both directions
    Takeover,
    /// Each message stands alone, in both directions
    NoTakeover,
}

impl Offer {
    /// The value of `Sec-WebSocket-Extensions`.
    pub(super) const fn header(self) -> &'static str {
        match self {
            Self::Takeover => "permessage-deflate; client_max_window_bits",
            Self::NoTakeover => {
                "permessage-deflate; client_no_context_takeover; server_no_context_takeover; \
                 client_max_window_bits"
            }
        }
    }
}

/// What a server's answer means for a client (RFC 7692 section 7.1); `None` if it agrees to nothing or
/// to something else. Everything is compressed, with a compressor that remembers all that it may.
pub(super) fn agreed(answer: Option<&str>) -> Option<Compression> {
    let mut parameters = answer?.split(';').map(str::trim);
    if parameters.next()? != "permessage-deflate" {
        return None;
    }
    let mut compression = Compression::default();
    compression.threshold = 0;
    compression.memory = Memory::Dedicated;
    compression.send_window_bits = 15;
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let bits = value.trim_matches('"').parse();
        match name {
            "client_no_context_takeover" => compression.send_takeover = false,
            "server_no_context_takeover" => compression.receive_takeover = false,
            "client_max_window_bits" => compression.send_window_bits = bits.ok()?,
            "server_max_window_bits" => compression.receive_window_bits = bits.ok()?,
            _ => return None,
        }
    }
    Some(compression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood() {
        let plain = agreed(Some("permessage-deflate")).unwrap();
        assert!(plain.send_takeover && plain.receive_takeover);
        assert_eq!(
            (plain.send_window_bits, plain.receive_window_bits),
            (15, 15)
        );
        let all = "permessage-deflate; client_no_context_takeover; server_no_context_takeover; \
                   client_max_window_bits=\"9\"; server_max_window_bits=10";
        let all = agreed(Some(all)).unwrap();
        assert!(!all.send_takeover && !all.receive_takeover);
        assert_eq!((all.send_window_bits, all.receive_window_bits), (9, 10));
        for other in [
            None,
            Some("x"),
            Some("permessage-deflate; x"),
            Some("permessage-deflate; client_max_window_bits"),
        ] {
            assert_eq!(agreed(other), None, "{other:?}");
        }
    }
}
