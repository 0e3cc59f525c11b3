//! Systems without edge-triggered readability: async-io is used for every socket.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

/// Watches a socket; never made.
#[derive(Debug)]
pub(crate) struct Watch(Infallible);

impl Watch {
    pub(crate) const fn new<S>(_: &S) -> Option<Self> {
        None
    }

    pub(crate) const fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        match self.0 {}
    }
}
