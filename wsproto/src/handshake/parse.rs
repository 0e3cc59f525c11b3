//! Parsing of complete heads: httparse finds the parts, and their positions are kept.

use alloc::vec;
use alloc::vec::Vec;

use super::headers::{HeaderSpan, Span};
use super::http_version::HttpVersion;
use super::refusal::Refusal;
use super::response_error::ResponseError;

/// The positions of the parts of a request line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestLine {
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) version: HttpVersion,
}

impl RequestLine {
    /// Converts the parts that httparse found in `head` into positions.
    fn locate(request: &httparse::Request<'_, '_>, head: &[u8]) -> Option<Self> {
        Some(Self {
            method: Span::locate(request.method?.as_bytes(), head)?,
            target: Span::locate(request.path?.as_bytes(), head)?,
            version: http_version(request.version?),
        })
    }
}

/// The parts of a status line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StatusLine {
    pub(super) version: HttpVersion,
    pub(super) status: u16,
    pub(super) reason: Span,
}

impl StatusLine {
    /// Converts the parts that httparse found in `head` into positions.
    fn locate(response: &httparse::Response<'_, '_>, head: &[u8]) -> Option<Self> {
        // For a reason that is absent or not ASCII, httparse returns a string that is no part of the head.
        let reason = match response.reason? {
            "" => &head[..0],
            reason => reason.as_bytes(),
        };
        Some(Self {
            version: http_version(response.version?),
            status: response.code?,
            reason: Span::locate(reason, head)?,
        })
    }

    /// Returns true for an interim response, which another head follows.
    ///
    /// A client skips any 1xx response (RFC 7231 section 6.2) except 101.
    pub(crate) const fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }
}

/// Parses the complete head of a request. The positions of its headers replace the content of `spans`.
pub(crate) fn parse_request(
    head: &[u8],
    max_headers: usize,
    spans: &mut Vec<HeaderSpan>,
) -> Result<RequestLine, Refusal> {
    let mut headers = header_slots(head, max_headers);
    let mut request = httparse::Request::new(&mut headers);
    request.parse(head).map_err(|error| match error {
        httparse::Error::TooManyHeaders => Refusal::TooManyHeaders,
        httparse::Error::Version => Refusal::UnsupportedHttpVersion,
        httparse::Error::HeaderName
        | httparse::Error::HeaderValue
        | httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token => Refusal::Malformed,
    })?;
    let line = RequestLine::locate(&request, head);
    locate_headers(request.headers, head, spans)
        .and(line)
        .ok_or(Refusal::Malformed)
}

/// Parses the complete head of a response. The positions of its headers replace the content of `spans`.
pub(crate) fn parse_response(
    head: &[u8],
    max_headers: usize,
    spans: &mut Vec<HeaderSpan>,
) -> Result<StatusLine, ResponseError> {
    let mut headers = header_slots(head, max_headers);
    let mut response = httparse::Response::new(&mut headers);
    response.parse(head).map_err(|error| match error {
        httparse::Error::TooManyHeaders => ResponseError::TooManyHeaders,
        httparse::Error::Version => ResponseError::UnsupportedHttpVersion,
        httparse::Error::HeaderName
        | httparse::Error::HeaderValue
        | httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token => ResponseError::Malformed,
    })?;
    let line = StatusLine::locate(&response, head);
    locate_headers(response.headers, head, spans)
        .and(line)
        .ok_or(ResponseError::Malformed)
}

/// Returns slots for at most `max_headers` headers, and no more than `head` can have: a header takes three
/// bytes.
fn header_slots(head: &[u8], max_headers: usize) -> Vec<httparse::Header<'_>> {
    vec![httparse::EMPTY_HEADER; max_headers.min(head.len() / 3)]
}

/// Converts `headers`, which were found in `head`, into positions.
fn locate_headers(
    headers: &[httparse::Header<'_>],
    head: &[u8],
    spans: &mut Vec<HeaderSpan>,
) -> Option<()> {
    spans.clear();
    spans.reserve_exact(headers.len());
    for header in headers {
        spans.push(HeaderSpan {
            name: Span::locate(header.name.as_bytes(), head)?,
            value: Span::locate(header.value, head)?,
        });
    }
    Some(())
}

/// Converts the minor version, which is 0 or 1 in httparse.
const fn http_version(minor: u8) -> HttpVersion {
    match minor {
        0 => HttpVersion::Http10,
        _ => HttpVersion::Http11,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::handshake::sample::{with_request, with_response};

    #[test]
    fn headers_are_counted_against_the_cap() {
        let fields: String = (0..65)
            .map(|number| format!("Name-{number}: value\r\n"))
            .collect();
        let request = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        let response = format!("HTTP/1.1 101 \r\n{fields}\r\n");
        let mut spans = Vec::new();

        let refusal = parse_request(request.as_bytes(), 64, &mut spans).unwrap_err();
        assert_eq!(refusal, Refusal::TooManyHeaders);
        let error = parse_response(response.as_bytes(), 64, &mut spans).unwrap_err();
        assert_eq!(error, ResponseError::TooManyHeaders);

        assert!(parse_request(request.as_bytes(), 65, &mut spans).is_ok());
        assert_eq!(spans.len(), 65);
        assert!(parse_response(response.as_bytes(), usize::MAX, &mut spans).is_ok());
        assert_eq!(spans.len(), 65);
    }

    #[test]
    fn header_lines_that_break_the_grammar_are_refused() {
        for line in [
            "no colon",
            ": no name",
            "space : before",
            " folded: line",
            "na\u{e4}me: value",
            "Control: \u{1}",
            "Nul: a\0b",
            "Return: a\rb",
        ] {
            let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
            assert_eq!(
                with_request(&request, |_| ()),
                Err(Refusal::Malformed),
                "{line:?}"
            );
            let response = format!("HTTP/1.1 101 \r\nHost: a\r\n{line}\r\n\r\n");
            let error = with_response(&response, |_| ());
            assert_eq!(error, Err(ResponseError::Malformed), "{line:?}");
        }
    }

    #[test]
    fn only_the_final_answer_ends_the_wait() {
        for (status, interim) in [
            (100, true),
            (101, false),
            (103, true),
            (199, true),
            (200, false),
        ] {
            let head = format!("HTTP/1.1 {status} \r\n\r\n");
            let line = parse_response(head.as_bytes(), 64, &mut Vec::new()).unwrap();
            assert_eq!(line.is_interim(), interim, "{status}");
        }
    }
}
