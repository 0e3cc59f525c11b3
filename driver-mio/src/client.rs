//! Connections that the loops dial.

pub(crate) mod dials;
pub(crate) mod request;
pub(crate) mod resolver;
