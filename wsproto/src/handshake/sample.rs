//! Sample heads for the tests of the handshake, and their conversion to views.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::headers::HeaderSpan;
use super::parse::{parse_request, parse_response};
use super::refusal::Refusal;
use super::request::Request;
use super::response::Response;
use super::response_error::ResponseError;

/// The default limit, which is ample for every sample.
pub(super) const MAX_HEADERS: usize = 64;

/// The fields of the request in RFC 6455 section 1.2.
pub(super) const REQUEST_FIELDS: [(&str, &str); 7] = [
    ("Host", "server.example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Origin", "http://example.com"),
    ("Sec-WebSocket-Protocol", "chat, superchat"),
    ("Sec-WebSocket-Version", "13"),
];

/// The fields of the answer in RFC 6455 section 1.2.
pub(super) const RESPONSE_FIELDS: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("Sec-WebSocket-Protocol", "chat"),
];

/// The value of `Sec-WebSocket-Accept` for the key in [`REQUEST_FIELDS`].
pub(super) const ACCEPT: &[u8; 28] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Returns a head with `fields`. Every field named in `changes` is replaced by all of those; a change without
/// a value removes the field.
pub(super) fn head(
    first_line: &str,
    fields: &[(&str, &str)],
    changes: &[(&str, Option<&str>)],
) -> String {
    let is_changed = |name: &str| changes.iter().any(|(change, _)| name == *change);
    let kept = fields.iter().filter(|(name, _)| !is_changed(name));
    let kept = kept.map(|(name, value)| format!("{name}: {value}\r\n"));
    let changed = changes
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}\r\n", (*value)?)));
    let fields: String = kept.chain(changed).collect();
    format!("{first_line}\r\n{fields}\r\n")
}

/// Parses the head of a request and calls `look` with its view.
pub(super) fn with_request<T>(
    head: impl AsRef<[u8]>,
    look: impl FnOnce(Request<'_>) -> T,
) -> Result<T, Refusal> {
    let mut spans = Vec::<HeaderSpan>::new();
    let line = parse_request(head.as_ref(), MAX_HEADERS, &mut spans)?;
    Ok(look(Request::new(head.as_ref(), line, &spans)))
}

/// Parses the head of a response and calls `look` with its view.
pub(super) fn with_response<T>(
    head: impl AsRef<[u8]>,
    look: impl FnOnce(Response<'_>) -> T,
) -> Result<T, ResponseError> {
    let mut spans = Vec::<HeaderSpan>::new();
    let line = parse_response(head.as_ref(), MAX_HEADERS, &mut spans)?;
    Ok(look(Response::new(head.as_ref(), line, &spans, &[])))
}
