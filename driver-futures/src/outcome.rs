//! How a connection ended, and who was told.

use wsproto::{Closed, Error};

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) closed: Closed,
    /// The error, until it was reported.
    pub(crate) error: Option<Error>,
    /// It was found while nobody was lent events, and so nobody has had the last one.
    pub(crate) unseen: bool,
}

impl Outcome {
    /// Without an error; whether `Event::Closed` is still to be shown.
    pub(crate) const fn closed(closed: Closed, unseen: bool) -> Self {
        Self {
            closed,
            error: None,
            unseen,
        }
    }

    /// With an error that nobody was told.
    pub(crate) fn failed(error: Error) -> Self {
        Self {
            closed: error.closed.clone(),
            error: Some(error),
            unseen: false,
        }
    }
}
