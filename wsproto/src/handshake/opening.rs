//! How far an opening handshake is.

use alloc::{string::String, vec::Vec};

use super::{body::BodyReader, check_request::Verdict, head::HeadReader};
use crate::deflate::negotiation::ExtensionParameters;

/// State of an opening handshake that is not complete.
#[derive(Debug)]
pub(crate) enum Opening {
    /// Server: the request comes in.
    Request(HeadReader),
    /// Server: the application has the request, and has not answered.
    Answer {
        verdict: Verdict,
        /// The subprotocols that the client offers, separated by commas.
        subprotocols: String,
        /// The request was HEAD: its answer has no body.
        head_only: bool,
        /// The compression that the client offers, as far as it is acceptable.
        offer: Option<ExtensionParameters>,
    },
    /// Client: the response comes in.
    Response {
        reader: HeadReader,
        /// The value of `Sec-WebSocket-Accept` that answers our key.
        accept: [u8; 28],
        /// The subprotocols that were asked for, separated by commas.
        subprotocols: String,
    },
    /// Client: the server refused, and its body comes in.
    Body { head: Vec<u8>, reader: BodyReader },
}

impl Opening {
    /// Returns true if the application has a request and has not answered it.
    pub(crate) const fn awaits_answer(&self) -> bool {
        matches!(self, Self::Answer { .. })
    }
}
