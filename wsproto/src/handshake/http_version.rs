//! The version of HTTP of a request or a response.

/// The version of HTTP that a head is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.0, which has no upgrades.
    Http10,
    /// HTTP/1.1.
    Http11,
}
