//! A minimal opening handshake (RFC 6455 section 4) for measuring: independent of the implementation
//! under test, and with only the checks that identify a WebSocket.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use sha1::{Digest, Sha1};

/// Response header of a server that echoes bytes instead of messages: a client's masked frames come back
/// masked.
pub const RAW: &str = "X-Raw-Echo";

/// Maximum length of a head in bytes.
const HEAD_MAX: usize = 16 << 10;

/// Maximum number of headers in a head.
const HEADERS_MAX: usize = 64;

/// The reason for which a head is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpeningError {
    /// Not HTTP.
    NotHttp,
    /// Longer than 16 KiB, or more than 64 headers.
    TooLong,
    /// A request without `Sec-WebSocket-Key`.
    NoKey,
    /// A response with a status other than 101.
    Refused(u16),
    /// `Sec-WebSocket-Accept` does not match the key.
    WrongAccept,
}

impl fmt::Display for OpeningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("not HTTP"),
            Self::TooLong => f.write_str("the head is too long"),
            Self::NoKey => f.write_str("the request has no key"),
            Self::Refused(status) => write!(f, "refused with status {status}"),
            Self::WrongAccept => f.write_str("Sec-WebSocket-Accept does not match the key"),
        }
    }
}

impl std::error::Error for OpeningError {}

/// A client's opening request.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
    accept: String,
}

/// A server's 101 response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Length of the head in bytes; frames follow.
    pub len: usize,
    /// The kind of echo.
    pub echo: Echo,
    /// The value of `Sec-WebSocket-Extensions`, if present.
    pub extensions: Option<String>,
}

/// The bytes that a server sends back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// Messages, in frames of its own.
    Messages,
    /// The received bytes, unchanged.
    Bytes,
}

impl Request {
    /// Creates a request for `path` of the server `authority`, with the nonce `nonce`, offering
    /// `extensions`.
    #[must_use]
    pub fn new(authority: &str, path: &str, nonce: [u8; 16], extensions: Option<&str>) -> Self {
        let key = BASE64_STANDARD.encode(nonce);
        let offer = extensions.map_or_else(String::new, |it| {
            format!("Sec-WebSocket-Extensions: {it}\r\n")
        });
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{offer}\r\n"
        );
        Self {
            bytes: head.into_bytes(),
            accept: accept(key.as_bytes()),
        }
    }

    /// The encoded head.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Parses the server's response from the bytes received so far; `None` if the head is incomplete.
    ///
    /// # Errors
    /// Any but [`OpeningError::NoKey`].
    pub fn response(&self, bytes: &[u8]) -> Result<Option<Response>, OpeningError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let Some(len) = complete(response.parse(bytes), bytes)? else {
            return Ok(None);
        };
        let status = response.code.ok_or(OpeningError::NotHttp)?;
        if status != 101 {
            return Err(OpeningError::Refused(status));
        }
        // 4.1: the client MUST fail the connection if the value does not match.
        if value(response.headers, "Sec-WebSocket-Accept") != Some(self.accept.as_bytes()) {
            return Err(OpeningError::WrongAccept);
        }
        let extensions = value(response.headers, "Sec-WebSocket-Extensions");
        let echo = match value(response.headers, RAW) {
            Some(_) => Echo::Bytes,
            None => Echo::Messages,
        };
        Ok(Some(Response {
            len,
            echo,
            extensions: extensions.map(|it| String::from_utf8_lossy(it).into_owned()),
        }))
    }
}

/// Returns a server's response to a request of which `bytes` have been received, and the length of the
/// request; `None` if the head is incomplete. `echo` is the kind of echo to announce; the extensions
/// are agreed to if the client offers any.
///
/// # Errors
/// If this is not a WebSocket request.
pub fn answer(
    bytes: &[u8],
    echo: Echo,
    extensions: Option<&str>,
) -> Result<Option<(usize, Vec<u8>)>, OpeningError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let Some(len) = complete(request.parse(bytes), bytes)? else {
        return Ok(None);
    };
    let key = value(request.headers, "Sec-WebSocket-Key").ok_or(OpeningError::NoKey)?;
    let raw = match echo {
        Echo::Messages => String::new(),
        Echo::Bytes => format!("{RAW}: yes\r\n"),
    };
    let offered = value(request.headers, "Sec-WebSocket-Extensions");
    let agreed = extensions.filter(|_| offered.is_some());
    let agreed = agreed.map_or_else(String::new, |it| {
        format!("Sec-WebSocket-Extensions: {it}\r\n")
    });
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{agreed}{raw}\r\n",
        accept(key)
    );
    Ok(Some((len, head.into_bytes())))
}

fn complete(parsed: httparse::Result<usize>, bytes: &[u8]) -> Result<Option<usize>, OpeningError> {
    match parsed {
        Ok(httparse::Status::Complete(len)) => Ok(Some(len)),
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_MAX => Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            Err(OpeningError::TooLong)
        }
        Err(_) => Err(OpeningError::NotHttp),
    }
}

fn value<'h>(headers: &[httparse::Header<'h>], name: &str) -> Option<&'h [u8]> {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.trim_ascii())
}

/// 4.2.2: the hash of the key followed by a fixed GUID.
fn accept(key: &[u8]) -> String {
    let hash = Sha1::new()
        .chain_update(key)
        .chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        .finalize();
    BASE64_STANDARD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        // The nonce of RFC 6455 section 1.3.
        Request::new(
            "localhost",
            "/",
            *b"the sample nonce",
            Some("permessage-deflate"),
        )
    }

    #[test]
    fn a_client_takes_the_answer_of_the_server_however_it_comes() {
        for echo in [Echo::Messages, Echo::Bytes] {
            let request = request();
            let bytes = request.bytes();
            let (len, response) = answer(bytes, echo, Some("permessage-deflate"))
                .unwrap()
                .unwrap();
            assert_eq!(len, bytes.len());
            for cut in 0..response.len() {
                assert_eq!(request.response(&response[..cut]), Ok(None), "cut at {cut}");
                assert_eq!(answer(&bytes[..cut.min(len - 1)], echo, None), Ok(None));
            }
            let taken = request.response(&response).unwrap().unwrap();
            assert_eq!((taken.len, taken.echo), (response.len(), echo));
            assert_eq!(taken.extensions.as_deref(), Some("permessage-deflate"));
        }
    }

    #[test]
    fn the_accept_value_is_that_of_the_rfc() {
        assert_eq!(
            accept(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        let wrong = "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: dGhlIHNhbXBsZQ==\r\n\r\n";
        assert_eq!(
            request().response(wrong.as_bytes()),
            Err(OpeningError::WrongAccept)
        );
    }

    #[test]
    fn what_is_no_upgrade_is_refused() {
        for (response, error) in [
            ("HTTP/1.1 404 Not Found\r\n\r\n", OpeningError::Refused(404)),
            ("SSH-2.0-x\r\n\r\n", OpeningError::NotHttp),
        ] {
            assert_eq!(request().response(response.as_bytes()), Err(error));
        }
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(
            answer(request, Echo::Messages, None),
            Err(OpeningError::NoKey)
        );
    }
}
