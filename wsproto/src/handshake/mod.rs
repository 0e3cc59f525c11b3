//! The opening handshake (RFC 6455 section 4): heads read, checked and written.
//!
//! Everything here is a pure function or a small state machine over bytes. A head goes through
//! `HeadReader` (where does it end?), `parse_*` (where are its parts?), a borrowing view
//! ([`Request`], [`Response`]) and a check. What is written is validated before its first byte.

mod accept_key;
mod answer;
mod ask;
mod body;
mod confirmation;
mod extensions;
mod head;
mod headers;
#[cfg(feature = "http")]
mod http;
mod misuse;
mod origin;
mod owned;
mod parse;
mod refusal;
mod request;
mod response;
#[cfg(test)]
mod sample;
mod status;
mod upgrade;

use alloc::boxed::Box;

use crate::deflate::negotiation::Parameters;

pub(crate) use accept_key::{accept_key, encode_key};
pub use answer::{Accept, Reject};
pub(crate) use answer::{write_accept, write_reject};
pub use ask::{ClientRequest, Credentials};
pub(crate) use ask::{join_subprotocols, write_request};
pub(crate) use body::{BodyProgress, BodyReader};
pub use confirmation::ResponseError;
pub(crate) use confirmation::check_response;
#[cfg(test)]
pub(crate) use extensions::parse_extensions;
pub use extensions::{Extension, MalformedExtensions, Parameter};
pub(crate) use head::{HeadError, HeadKind, HeadReader};
pub use headers::Header;
pub(crate) use headers::HeaderSpan;
#[cfg(feature = "http")]
pub use http::{ClientUpgrade, ServerUpgrade};
pub use misuse::HandshakeMisuse;
pub use origin::{InvalidOriginPattern, OriginPolicy};
pub use owned::{RequestHead, ResponseHead};
pub(crate) use parse::{RequestLine, StatusLine, parse_request, parse_response};
pub use refusal::Refusal;
pub use request::{HttpVersion, Request};
pub use response::Response;
pub(crate) use upgrade::{Verdict, check_request};

/// What both ends agreed on in the opening handshake.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Agreed {
    /// The subprotocol in use (RFC 6455 section 1.9); `None` if none was agreed.
    pub subprotocol: Option<Box<str>>,
    /// Compression, if it was agreed to.
    pub(crate) deflate: Option<Parameters>,
}
