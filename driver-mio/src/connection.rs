//! A connection on its loop.

pub(crate) mod adopt;
pub(crate) mod context;
pub(crate) mod dispatcher;
pub(crate) mod slot;
pub(crate) mod transport;
pub(crate) mod wire;
