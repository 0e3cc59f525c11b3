//! How a connection ended, and whether that was reported.

use wsproto::{Closed, Error};

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) closed: Closed,
    /// The error, until it is reported.
    pub(crate) error: Option<Error>,
    /// The end was found by a poll that lends nothing: `Event::Closed` is still to be lent.
    pub(crate) unseen: bool,
}

impl Outcome {
    /// An end without an error.
    pub(crate) const fn closed(closed: Closed, unseen: bool) -> Self {
        Self {
            closed,
            error: None,
            unseen,
        }
    }

    /// An end with an error that is still to be reported.
    pub(crate) fn failed(error: Error) -> Self {
        Self {
            closed: error.closed.clone(),
            error: Some(error),
            unseen: false,
        }
    }
}
