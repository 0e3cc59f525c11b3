//! A server's response as the application of a client sees it.

use core::{fmt, str};

use super::headers::{Fields, HeadFields, Header, HeaderSpan, values};
use super::http_version::HttpVersion;
use super::parse::StatusLine;
use crate::extensions::{Extension, Extensions, MalformedExtensions};

/// The server's response to a request for a WebSocket, which accepts or refuses it. It borrows the
/// [`Input`](crate::Input).
#[derive(Clone, Copy)]
pub struct Response<'a> {
    pub(super) fields: HeadFields<'a>,
    pub(super) line: StatusLine,
    pub(super) body: &'a [u8],
}

impl<'a> Response<'a> {
    /// Creates a view of a head, from the positions that [`parse_response`](super::parse_response) found in
    /// it, and of the part of the body that was kept.
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

    /// Returns the status: 101 if the server accepted.
    pub const fn status(&self) -> u16 {
        self.line.status
    }

    /// Returns the reason phrase. It is empty if there is none, or if it is not ASCII.
    pub fn reason_phrase(&self) -> &'a str {
        self.line.reason.text(self.fields.head)
    }

    /// Returns every header in order, repeated ones included.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        self.fields.fields()
    }

    /// Returns the value of the first header called `name`, without regard to case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers_named(name).next()
    }

    /// Returns the value of the first header called `name`, without regard to case, if it is UTF-8.
    pub fn header_str(&self, name: &str) -> Option<&'a str> {
        self.header(name)
            .and_then(|value| str::from_utf8(value).ok())
    }

    /// Returns the values of all headers called `name`, without regard to case, in order.
    pub fn headers_named<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        values(self.fields, name)
    }

    /// Returns the subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&'a str> {
        self.header_str("Sec-WebSocket-Protocol")
    }

    /// Returns the extensions that the server chose, in the order in which they apply (RFC 6455 section 9.1).
    ///
    /// An `Err` is the last item. It does not occur in a response that opens a connection, which was checked.
    pub fn extensions(
        &self,
    ) -> impl Iterator<Item = Result<Extension<'a>, MalformedExtensions>> + use<'a> {
        Extensions::new(values(self.fields, "Sec-WebSocket-Extensions"))
    }

    /// Returns the start of a refusal's body, at most 16 KiB. It is empty if the server accepted.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Returns the version of HTTP, for the checks.
    pub(super) const fn version(&self) -> HttpVersion {
        self.line.version
    }

    /// Returns the header fields, for the checks.
    pub(super) const fn fields(&self) -> HeadFields<'a> {
        self.fields
    }
}

impl fmt::Debug for Response<'_> {
    /// Omits the values of headers: cookies and tokens do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("reason_phrase", &self.reason_phrase())
            .field("headers", &self.fields)
            .field("body_len", &self.body.len())
            .finish()
    }
}
