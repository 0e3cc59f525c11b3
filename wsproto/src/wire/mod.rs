//! The wire format of RFC 6455: frame headers (5.2), masking (5.3), UTF-8 (8.1), Close payloads (7).
//!
//! Pure functions over bytes, in both directions, without any state of a connection.

pub(crate) mod close;
pub(crate) mod frame;
pub(crate) mod mask;
pub(crate) mod utf8;
