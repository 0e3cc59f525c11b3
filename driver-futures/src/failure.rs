//! Failures of a server that no handler sees.

use std::{fmt, io};

use driver_kit::handshake::HandshakeError;

/// A failure on a server before there was a request to handle. The server goes on in spite of it;
/// [`Server::on_failure`](crate::Server::on_failure) reports it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerFailure {
    /// A connection could not be accepted, for example because there are too many open files. The
    /// server tries again, after a pause if need be.
    Accept(io::Error),
    /// No acceptable request came. The client was told if possible.
    Handshake(HandshakeError),
}

impl fmt::Display for ServerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(error) => write!(f, "a connection could not be accepted: {error}"),
            Self::Handshake(error) => write!(f, "no acceptable request came: {error}"),
        }
    }
}

impl std::error::Error for ServerFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Accept(error) => Some(error),
            Self::Handshake(error) => Some(error),
        }
    }
}

/// The callback for failures.
pub(crate) struct Observer(Box<dyn Fn(ServerFailure) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(ServerFailure) + Send + Sync + 'static) -> Self {
        Self(Box::new(observe))
    }

    pub(crate) fn report(&self, failure: ServerFailure) {
        (self.0)(failure);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}
