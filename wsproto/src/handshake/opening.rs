//! The state of an opening handshake.

use alloc::{string::String, vec::Vec};

use super::{body::BodyReader, check_request::Verdict, head::HeadReader};
use crate::deflate::negotiation::ExtensionParameters;

/// State of an opening handshake that is not complete.
#[derive(Debug)]
pub(crate) enum Opening {
    /// Server: the request is being received.
    Request(HeadReader),
    /// Server: the application has the request and has not answered it.
    Answer {
        verdict: Verdict,
        /// The subprotocols that the client offers, separated by commas.
        subprotocols: String,
        /// True if the method is HEAD, whose response has no body.
        head_only: bool,
        /// The client's first acceptable offer of permessage-deflate.
        offer: Option<ExtensionParameters>,
    },
    /// Client: the response is being received.
    Response {
        reader: HeadReader,
        /// The value of `Sec-WebSocket-Accept` for our key.
        accept: [u8; 28],
        /// The requested subprotocols, separated by commas.
        subprotocols: String,
    },
    /// Client: the server refused, and the body of its response is being received.
    Body { head: Vec<u8>, reader: BodyReader },
}

impl Opening {
    /// Returns true if the application has a request and has not answered it.
    pub(crate) const fn awaits_answer(&self) -> bool {
        matches!(self, Self::Answer { .. })
    }
}
