//! The sample handshake of RFC 6455 1.3 as bytes.

/// The value of `Sec-WebSocket-Key` in the samples.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The value of `Sec-WebSocket-Accept` that answers [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A request that every server accepts.
pub const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// [`REQUEST`] for another target, with further header lines, each of which ends with CRLF.
pub fn request(target: &str, lines: &str) -> String {
    let fields = REQUEST
        .strip_prefix("GET / HTTP/1.1\r\n")
        .expect("the sample asks for the root");
    format!("GET {target} HTTP/1.1\r\n{lines}{fields}")
}
