//! The demo as a process of its own: over each driver, and in a browser.

mod browser;
mod process;
mod server;
