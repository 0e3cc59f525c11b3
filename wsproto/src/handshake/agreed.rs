//! The result of an opening handshake.

use alloc::boxed::Box;

use crate::deflate::negotiation::Parameters;

/// The parameters that both ends agreed on in the opening handshake.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Agreed {
    /// The subprotocol in use (RFC 6455 section 1.9); `None` if none was agreed on.
    pub subprotocol: Option<Box<str>>,
    /// The parameters of permessage-deflate, if it was agreed on.
    pub(crate) deflate: Option<Parameters>,
}
