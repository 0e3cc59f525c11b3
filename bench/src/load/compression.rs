//! Compression in the load generator: the offer, and the agreement.

use clap::ValueEnum;
use wsproto::{Compression, Memory};

/// The offer of permessage-deflate (RFC 7692).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Offer {
    /// Context takeover in both directions
    Takeover,
    /// No context takeover in either direction
    NoTakeover,
}

impl Offer {
    /// Returns the value of `Sec-WebSocket-Extensions`.
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

/// Returns the client configuration for a server's answer (RFC 7692 section 7.1); `None` if the server
/// agrees to nothing or to another extension. All messages are compressed, with as much history as the
/// agreement allows.
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
