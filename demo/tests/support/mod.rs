//! What the end-to-end test stands on: a real browser, a way to talk to it, the demo's page as a
//! person uses it, and the scenes that are played on it.

pub(crate) mod cdp;
pub(crate) mod chromium;
pub(crate) mod page;
pub(crate) mod process;
pub(crate) mod scenes;
