//! The demo over event loops.

mod server;

/// What drives it.
const DRIVER: &str = "mio";
