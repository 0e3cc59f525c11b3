//! A connection that is to be dialled.

use std::{net::SocketAddr, time::Instant};

use driver_kit::connect::ConnectPlan;

/// A request to dial: where to, from where, and until when.
#[derive(Debug)]
pub(crate) struct DialRequest {
    /// The target, the opening handshake, and the redirects that are left.
    pub(crate) plan: ConnectPlan,
    /// The moment by which the transport must be connected.
    pub(crate) deadline: Option<Instant>,
    /// The local address to connect from.
    pub(crate) source: Option<SocketAddr>,
}
