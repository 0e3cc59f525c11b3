//! Connections that are dialled.

pub(crate) mod dials;
pub(crate) mod resolver;
