//! A request as the application sees it.

use alloc::string::String;
use core::{fmt, str};

use super::headers::{
    Fields, HeadFields, Header, HeaderSpan, asks_for_upgrade, elements, join_elements, values,
};
use super::http_version::HttpVersion;
use super::parse::RequestLine;
use crate::extensions::{Extension, Extensions, MalformedExtensions};

/// A request for a WebSocket, or a plain HTTP request that was [surfaced](crate::Config::surface_plain_http).
/// It borrows the [`Input`](crate::Input).
///
/// The body of a plain request is not read: the connection ends with the response.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(super) fields: HeadFields<'a>,
    pub(super) line: RequestLine,
}

impl<'a> Request<'a> {
    /// Creates a view of a head, from the positions that [`parse_request`](super::parse_request) found in it.
    pub(crate) const fn new(head: &'a [u8], line: RequestLine, spans: &'a [HeaderSpan]) -> Self {
        Self {
            fields: HeadFields { head, spans },
            line,
        }
    }

    /// Returns the method: `GET`, unless this is a plain HTTP request.
    pub fn method(&self) -> &'a str {
        self.line.method.text(self.fields.head)
    }

    /// Returns the target as it was sent (RFC 7230 section 5.3), percent-encoding and query included.
    pub fn target(&self) -> &'a str {
        self.line.target.text(self.fields.head)
    }

    /// Returns the path of the target, percent-encoded as it was sent. It is never empty.
    pub fn path(&self) -> &'a str {
        let (path, _) = split_query(split_authority(self.target()).1);
        if path.is_empty() { "/" } else { path }
    }

    /// Returns the query: the part of the target after the first `?`, percent-encoded as it was sent.
    pub fn query(&self) -> Option<&'a str> {
        split_query(split_authority(self.target()).1).1
    }

    /// Returns the version of HTTP: 1.1, unless this is a plain HTTP request.
    pub const fn version(&self) -> HttpVersion {
        self.line.version
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

    /// Returns the host, with its port if that was sent: from an absolute target, or else from `Host`
    /// (RFC 7230 section 5.5).
    pub fn host(&self) -> Option<&'a str> {
        split_authority(self.target())
            .0
            .or_else(|| self.header_str("Host"))
    }

    /// Returns the origin of the page that connects (RFC 6454). Browsers always send it, other clients
    /// rarely.
    pub fn origin(&self) -> Option<&'a str> {
        self.header_str("Origin")
    }

    /// Returns the subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        elements(self.fields, "Sec-WebSocket-Protocol")
            .filter_map(|element| str::from_utf8(element).ok())
    }

    /// Joins the offered subprotocols to one list, the form in which a connection keeps them.
    pub(crate) fn join_subprotocols(&self) -> String {
        join_elements(self.fields, "Sec-WebSocket-Protocol")
    }

    /// Returns the extensions that the client offers, in its order of preference.
    ///
    /// An `Err` is the last item. It does not occur in a request for a WebSocket, which was checked.
    pub fn extensions(
        &self,
    ) -> impl Iterator<Item = Result<Extension<'a>, MalformedExtensions>> + use<'a> {
        Extensions::new(values(self.fields, "Sec-WebSocket-Extensions"))
    }

    /// Returns true if this is a request for a WebSocket, false if it is a plain HTTP request.
    ///
    /// An `Upgrade` to another protocol, or in HTTP/1.0, is ignored (RFC 7230 section 6.7).
    pub fn is_upgrade(&self) -> bool {
        asks_for_upgrade(self.version(), self.fields)
    }

    /// Returns the header fields, for the checks.
    pub(super) const fn fields(&self) -> HeadFields<'a> {
        self.fields
    }
}

impl fmt::Debug for Request<'_> {
    /// Omits the values of headers: cookies and credentials do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("version", &self.version())
            .field("headers", &self.fields)
            .finish()
    }
}

/// Splits the authority off an absolute target, as proxies send it (RFC 7230 section 5.3.2).
fn split_authority(target: &str) -> (Option<&str>, &str) {
    if target.starts_with('/') {
        return (None, target);
    }
    let Some((_scheme, rest)) = target.split_once("://") else {
        return (None, target);
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (Some(authority), path)
}

/// Splits the query off a path.
fn split_query(path: &str) -> (&str, Option<&str>) {
    match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;
    use crate::handshake::sample::{REQUEST_FIELDS, head, with_request};

    #[test]
    fn everything_that_was_sent_can_be_seen() {
        let head = b"GET /a%20b?c=d?e HTTP/1.1\r\nHost: x:8080\r\nCookie: a=1\r\n\
            cOOKIE:  b=2 \r\nRaw: \xff\r\nEmpty:\r\nOrigin: https://x\r\n\r\n";
        with_request(head, |request| {
            assert_eq!(request.method(), "GET");
            assert_eq!(request.target(), "/a%20b?c=d?e");
            assert_eq!(request.path(), "/a%20b");
            assert_eq!(request.query(), Some("c=d?e"));
            assert_eq!(request.version(), HttpVersion::Http11);
            assert_eq!(request.host(), Some("x:8080"));
            assert_eq!(request.origin(), Some("https://x"));

            let names: Vec<_> = request.headers().map(|header| header.name).collect();
            assert_eq!(
                names,
                ["Host", "Cookie", "cOOKIE", "Raw", "Empty", "Origin"]
            );
            assert_eq!(request.header("cookie"), Some(&b"a=1"[..]));
            let cookies: Vec<_> = request.headers_named("COOKIE").collect();
            assert_eq!(cookies, [b"a=1", b"b=2"]);
            assert_eq!(request.header_str("Cookie"), Some("a=1"));
            assert_eq!(request.header("raw"), Some(&b"\xff"[..]));
            assert_eq!(request.header_str("raw"), None);
            assert_eq!(request.header("empty"), Some(&b""[..]));
            assert_eq!(request.header("absent"), None);
        })
        .unwrap();
    }

    #[test]
    fn targets_of_every_form_have_a_path() {
        for (target, path, query, host) in [
            ("/", "/", None, "field"),
            ("/a?", "/a", Some(""), "field"),
            ("/a?b=http://c/d", "/a", Some("b=http://c/d"), "field"),
            ("//a/b", "//a/b", None, "field"),
            ("http://x:1/a?b", "/a", Some("b"), "x:1"),
            ("https://x", "/", None, "x"),
            ("http://x?a/b", "/", Some("a/b"), "x"),
            ("*", "*", None, "field"),
        ] {
            let head = format!("GET {target} HTTP/1.1\r\nHost: field\r\n\r\n");
            with_request(head, |request| {
                assert_eq!(request.target(), target);
                assert_eq!(request.path(), path, "{target}");
                assert_eq!(request.query(), query, "{target}");
                assert_eq!(request.host(), Some(host), "{target}");
            })
            .unwrap();
        }
    }

    #[test]
    fn offers_are_gathered_from_all_lines() {
        let head = head(
            "GET / HTTP/1.1",
            &REQUEST_FIELDS,
            &[
                ("Sec-WebSocket-Protocol", Some("b,, a ,")),
                ("Sec-WebSocket-Protocol", Some("c")),
                ("Sec-WebSocket-Extensions", Some("x; y=1, z")),
                ("Sec-WebSocket-Extensions", Some("x")),
            ],
        );
        with_request(head, |request| {
            let subprotocols: Vec<_> = request.subprotocols().collect();
            assert_eq!(subprotocols, ["b", "a", "c"]);
            assert_eq!(request.join_subprotocols(), "b, a, c");
            let extensions: Vec<_> = request
                .extensions()
                .map(|extension| extension.unwrap().name())
                .collect();
            assert_eq!(extensions, ["x", "z", "x"]);
        })
        .unwrap();
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let head = "GET / HTTP/1.1\r\nCookie: secret\r\n\r\n";
        let debug = with_request(head, |request| format!("{request:?}")).unwrap();
        assert!(
            debug.contains("Cookie") && !debug.contains("secret"),
            "{debug}"
        );
    }
}
