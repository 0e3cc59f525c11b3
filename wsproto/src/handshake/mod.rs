//! The opening handshake (RFC 6455 section 4): reading, checking and writing heads.
//!
//! Everything here is a pure function or a small state machine over bytes. `HeadReader` finds the end of a
//! head, `parse_*` finds the positions of its parts, a borrowing view ([`Request`], [`Response`]) gives
//! access to them, and a check validates them. Heads to be sent are validated before the first byte is
//! written.

mod accept_key;
mod agreed;
mod body;
mod check_request;
mod check_response;
mod client_request;
mod head;
pub(crate) mod headers;
#[cfg(feature = "http")]
mod http;
mod http_version;
mod misuse;
mod opening;
mod origin;
mod owned;
mod parse;
mod refusal;
mod request;
mod response;
mod response_error;
#[cfg(test)]
pub(crate) mod sample;
mod server_response;
mod status;

pub(crate) use accept_key::{accept_key, encode_key};
pub use agreed::Agreed;
pub(crate) use body::{BodyProgress, BodyReader};
pub(crate) use check_request::{Verdict, check_request};
pub(crate) use check_response::check_response;
pub use client_request::{ClientRequest, Credentials};
pub(crate) use client_request::{join_subprotocols, write_request};
pub(crate) use head::{HeadError, HeadKind, HeadReader};
pub use headers::Header;
pub(crate) use headers::HeaderSpan;
#[cfg(feature = "http")]
pub use http::{ClientUpgrade, ServerUpgrade};
pub use http_version::HttpVersion;
pub use misuse::HandshakeMisuse;
pub(crate) use opening::Opening;
pub use origin::{InvalidOriginPattern, OriginPolicy};
pub use owned::{RequestHead, ResponseHead};
pub(crate) use parse::{RequestLine, StatusLine, parse_request, parse_response};
pub use refusal::Refusal;
pub use request::Request;
pub use response::Response;
pub use response_error::ResponseError;
pub use server_response::{Accept, Reject};
pub(crate) use server_response::{write_accept, write_reject};
