//! The demo over smol.

mod server;

/// What drives it.
const DRIVER: &str = "smol";
