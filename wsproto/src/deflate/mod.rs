//! permessage-deflate (RFC 7692): negotiation, the compression context of a connection, and the pool of
//! codecs of a thread.

pub(crate) mod codec;
mod compress;
mod history;
pub(crate) mod inflating;
#[cfg(feature = "deflate")]
pub(crate) mod miniz;
pub(crate) mod negotiation;
pub(crate) mod policy;
pub(crate) mod pool;
#[cfg(test)]
mod tests;
#[cfg(feature = "zlib-rs")]
pub(crate) mod zlib_rs;

use alloc::boxed::Box;
use core::fmt;

use history::History;
use negotiation::Parameters;
use pool::Deflation;

/// Compression on one connection. Without context takeover it owns no memory between messages.
#[derive(Debug)]
pub(crate) struct Deflate {
    pub(crate) parameters: Parameters,
    context: Option<Box<Context>>,
}

impl Deflate {
    pub(crate) const fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            context: None,
        }
    }

    fn context(&mut self) -> &mut Context {
        self.context.get_or_insert_default()
    }
}

/// The compression context of a connection, kept between messages or for a message under way.
#[derive(Default)]
struct Context {
    /// The bytes that the peer's next message may refer back to.
    received: History,
    /// The bytes that our next message may refer back to, if compressors are pooled.
    sent: History,
    /// The connection's own compressor; see [`Memory::Dedicated`](policy::Memory::Dedicated).
    dedicated: Option<Box<Deflation>>,
    /// The compressor of the message begun by `start`.
    streaming: Option<Box<Deflation>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}
