//! Failures that no callback of the handler reports.

use std::{
    any::Any,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use driver_kit::handshake::HandshakeError;

/// A failure outside of any open connection, or in a callback. The loops go on; failures are reported to
/// [`Server::on_failure`](crate::Server::on_failure) and [`OnWorkers::on_failure`](crate::OnWorkers::on_failure).
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// A connection could not be accepted, for example because too many files are open. Accepting is tried
    /// again, after a pause if need be.
    Accept(io::Error),
    /// A client's opening handshake failed. The client was told if possible.
    Handshake(HandshakeError),
    /// A callback panicked, with this message. Its connection, if there is one, is closed with 1011.
    Panicked(Box<str>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(error) => write!(f, "a connection could not be accepted: {error}"),
            Self::Handshake(error) => write!(f, "no acceptable request came: {error}"),
            Self::Panicked(message) => write!(f, "a callback panicked: {message}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Accept(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::Panicked(_) => None,
        }
    }
}

/// Returns the failure of a callback, with the message of its panic.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let message = match panic.downcast_ref::<&str>() {
        Some(message) => message,
        None => panic.downcast_ref::<String>().map_or("", String::as_str),
    };
    Failure::Panicked(message.into())
}

/// A callback for failures.
#[derive(Default)]
pub(crate) struct Observer(Option<Box<dyn Fn(Failure) + Send + Sync>>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(Failure) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(observe)))
    }

    pub(crate) fn report(&self, failure: Failure) {
        if let Some(observe) = &self.0 {
            // If even this panics, there is nobody left to report to.
            let _ = catch_unwind(AssertUnwindSafe(|| observe(failure)));
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}
