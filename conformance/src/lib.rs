//! A conformance suite for WebSocket (RFC 6455) and its compression (RFC 7692): every case of the
//! Autobahn suite, and what Autobahn cannot see, for servers and clients of any make.
//!
//! A [`Case`] is data. A [`Suite`] runs cases against a [`Subject`] over a [`Wire`](wire::Wire); what comes of a case
//! is an [`Outcome`]. The suite speaks the protocol with a frame codec of its own, slow and simple, so
//! that no mistake can hide on both sides.

pub mod case;
pub mod cases;
pub mod data;
pub mod deflate;
pub mod extension;
pub mod handshake;
pub mod known;
pub mod log;
pub mod opening;
pub mod render;
pub mod report;
pub mod server;
pub mod subject;
pub mod wire;

mod exchange;
mod id;
mod judging;
mod outcome;
mod payload;
mod run;
mod script;
mod session;
mod suite;
mod verdict;

pub use case::{Case, Event, Role};
pub use id::{Id, NoId, Pattern};
pub use outcome::{Ending, Outcome};
pub use payload::Payload;
pub use reference::frame;
pub use session::Settings;
pub use subject::{Facts, Subject};
pub use suite::{Suite, run_case};
pub use verdict::{Behavior, BehaviorClose, Verdict};
