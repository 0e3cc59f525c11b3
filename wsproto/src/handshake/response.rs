//! The server's answer as the application of a client sees it.

use core::{fmt, str};

use super::headers::{Fields, HeadFields, Header, HeaderSpan, values};
use super::http_version::HttpVersion;
use super::parse::StatusLine;
use crate::extensions::{Extension, Extensions, MalformedExtensions};

/// The server's answer to a request for a WebSocket: agreement or refusal; borrowed from the
/// connection.
#[derive(Clone, Copy)]
pub struct Response<'a> {
    pub(super) fields: HeadFields<'a>,
    pub(super) line: StatusLine,
    pub(super) body: &'a [u8],
}

impl<'a> Response<'a> {
    /// Views a head through the positions that [`parse_response`](super::parse_response) found in
    /// it, and what has been kept of the body.
    pub(crate) const fn new(
        head: &'a [u8],
        line: StatusLine,
        spans: &'a [HeaderSpan],
        body: &'a [u8],
    ) -> Self {
        Self {
            fields: HeadFields { head, spans },
            line,
            body,
        }
    }

    /// The status: 101 if the server agreed.
    pub const fn status(&self) -> u16 {
        self.line.status
    }

    /// The reason phrase; empty if there is none in ASCII.
    pub fn reason_phrase(&self) -> &'a str {
        self.line.reason.text(self.fields.head)
    }

    /// Every header in order, repeated ones too.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        self.fields.fields()
    }

    /// The value of the first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers_named(name).next()
    }

    /// The value of the first header called `name`, in any case; `None` also if it is not UTF-8.
    pub fn header_str(&self, name: &str) -> Option<&'a str> {
        self.header(name)
            .and_then(|value| str::from_utf8(value).ok())
    }

    /// The values of all headers called `name`, in any case, in order.
    pub fn headers_named<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        values(self.fields, name)
    }

    /// The subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&'a str> {
        self.header_str("Sec-WebSocket-Protocol")
    }

    /// The extensions that the server chose, in the order in which they apply (RFC 6455
    /// section 9.1).
    ///
    /// An `Err` is the last item; an answer that opens a connection has none.
    pub fn extensions(
        &self,
    ) -> impl Iterator<Item = Result<Extension<'a>, MalformedExtensions>> + use<'a> {
        Extensions::new(values(self.fields, "Sec-WebSocket-Extensions"))
    }

    /// The start of a refusal's body; empty if the server agreed.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The version of HTTP, for the checks.
    pub(super) const fn version(&self) -> HttpVersion {
        self.line.version
    }

    /// The header fields, for the checks.
    pub(super) const fn fields(&self) -> HeadFields<'a> {
        self.fields
    }
}

impl fmt::Debug for Response<'_> {
    /// Leaves the values of headers out: cookies and tokens do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("reason_phrase", &self.reason_phrase())
            .field("headers", &self.fields)
            .field("body_len", &self.body.len())
            .finish()
    }
}
