//! The result of an opening handshake.

use alloc::boxed::Box;

use crate::deflate::negotiation::Parameters;

/// What both ends agreed on in the opening handshake.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Agreed {
    /// The subprotocol in use (RFC 6455 section 1.9); `None` if none was agreed.
    pub subprotocol: Option<Box<str>>,
    /// Compression, if it was agreed to.
    pub(crate) deflate: Option<Parameters>,
}
