//! Systems without edge-triggered readability: async-io is used for every socket.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

/// Stands for a watched socket on systems without epoll. Has no values.
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
