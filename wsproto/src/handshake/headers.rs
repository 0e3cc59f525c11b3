//! Header fields: their positions in a head, and the queries that the handshake makes.
//!
//! The checks work on any source of fields ([`Fields`]), so that a head parsed here and one parsed by an HTTP
//! library go through the same code.

use alloc::string::String;
use core::{fmt, str};

use super::http_version::HttpVersion;
use super::misuse::HandshakeMisuse;

/// One header field of a request or a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name as it was sent. Compare it without regard to case.
    pub name: &'a str,
    /// The value without surrounding whitespace. It need not be UTF-8.
    pub value: &'a [u8],
}

/// The position of a part of a head. Heads move between buffers, so references cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// Returns the position of `part`, which must be a subslice of `head`; `None` beyond 4 GiB.
    pub(super) fn locate(part: &[u8], head: &[u8]) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(head.as_ptr().addr())?;
        Some(Self {
            start: u32::try_from(start).ok()?,
            len: u32::try_from(part.len()).ok()?,
        })
    }

    /// Returns the bytes of the part.
    pub(super) fn bytes(self, head: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &head[start..start + self.len as usize]
    }

    /// Returns the part as text, if the parser has found it to be UTF-8.
    pub(super) fn text(self, head: &[u8]) -> &str {
        str::from_utf8(self.bytes(head)).unwrap_or_default()
    }
}

/// The positions of the name and the value of one header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeaderSpan {
    pub(super) name: Span,
    pub(super) value: Span,
}

/// The header fields of one message, in order, whichever parser found them.
pub(super) trait Fields<'a>: Copy {
    /// Returns every field.
    fn fields(self) -> impl Iterator<Item = Header<'a>>;
}

/// The header fields of a head that was parsed here.
#[derive(Clone, Copy)]
pub(super) struct HeadFields<'a> {
    pub(super) head: &'a [u8],
    pub(super) spans: &'a [HeaderSpan],
}

impl fmt::Debug for HeadFields<'_> {
    /// Shows names only: cookies and credentials do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.fields().map(|header| header.name);
        f.debug_list().entries(names).finish()
    }
}

impl<'a> Fields<'a> for HeadFields<'a> {
    fn fields(self) -> impl Iterator<Item = Header<'a>> {
        self.spans.iter().map(move |span| Header {
            name: span.name.text(self.head),
            value: span.value.bytes(self.head),
        })
    }
}

/// The occurrences of a field that may occur once.
pub(super) enum Single<'a> {
    Absent,
    Once(&'a [u8]),
    Repeated,
}

/// Returns the value of a field that may occur once.
pub(super) fn single<'a>(fields: impl Fields<'a>, name: &str) -> Single<'a> {
    let mut values = values(fields, name);
    match (values.next(), values.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => Single::Once(value),
        (Some(_), Some(_)) => Single::Repeated,
    }
}

/// Returns the values of all fields called `name`, in order.
pub(super) fn values<'a>(fields: impl Fields<'a>, name: &str) -> impl Iterator<Item = &'a [u8]> {
    fields
        .fields()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.trim_ascii())
}

/// Returns the elements of a list that may be split over several fields called `name`.
pub(super) fn elements<'a>(fields: impl Fields<'a>, name: &str) -> impl Iterator<Item = &'a [u8]> {
    values(fields, name).flat_map(list_elements)
}

/// Joins the elements of the list in the fields called `name` to one value.
pub(super) fn join_elements<'a>(fields: impl Fields<'a>, name: &str) -> String {
    let mut joined = String::new();
    for element in elements(fields, name).filter_map(|element| str::from_utf8(element).ok()) {
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(element);
    }
    joined
}

/// Returns true if the list in the fields called `name` has `token`, without regard to case.
pub(super) fn lists_token<'a>(fields: impl Fields<'a>, name: &str, token: &str) -> bool {
    elements(fields, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// Returns the elements of one comma-separated list. Empty ones are skipped (RFC 7230 section 7).
pub(super) fn list_elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// Returns true if a byte may occur in a token (RFC 7230 section 3.2.6).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
    )
}

/// Returns true if `text` is a token, as names of headers, subprotocols and extensions must be.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// Returns true if `text` is not empty and consists of bytes that may occur in an authority without userinfo
/// (RFC 3986 sections 3.2.2 and 3.2.3). RFC 7230 section 5.4 asks for 400 on any other `Host`.
pub(super) fn is_authority(text: &[u8]) -> bool {
    let is_authority_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte);
    !text.is_empty() && text.iter().copied().all(is_authority_byte)
}

/// Checks a header value of the application.
pub(super) fn check_value(value: &str) -> Result<(), HandshakeMisuse> {
    // CR and LF would let a value start a field of its own, and some parsers stop at NUL. No other control
    // character may occur either (RFC 7230 section 3.2, `field-content`).
    let is_forbidden = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    if value.bytes().any(is_forbidden) {
        return Err(HandshakeMisuse::InvalidHeaderValue);
    }
    Ok(())
}

/// Checks the headers that the application adds to those of the handshake.
pub(super) fn check_application_headers(
    headers: &[(&str, &str)],
    reserved: &[&str],
) -> Result<(), HandshakeMisuse> {
    for (name, value) in headers {
        if !is_token(name.as_bytes()) {
            return Err(HandshakeMisuse::InvalidHeaderName);
        }
        check_value(value)?;
        if reserved
            .iter()
            .any(|taken| taken.eq_ignore_ascii_case(name))
        {
            return Err(HandshakeMisuse::ReservedHeader);
        }
    }
    Ok(())
}

/// Returns true if the header fields ask for a WebSocket.
///
/// RFC 7230 section 6.7: a server may ignore `Upgrade`, and must ignore it in HTTP/1.0.
pub(super) fn asks_for_upgrade<'a>(version: HttpVersion, fields: impl Fields<'a>) -> bool {
    version == HttpVersion::Http11 && lists_token(fields, "Upgrade", "websocket")
}
