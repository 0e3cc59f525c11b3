//! Where readiness is not told by edges: async-io is asked for every socket.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

/// A socket that is watched: none is.
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
