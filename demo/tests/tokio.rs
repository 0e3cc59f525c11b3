//! The demo over tokio.

mod server;

/// What drives it.
const DRIVER: &str = "tokio";
