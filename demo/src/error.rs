//! Errors that prevent the demo from serving, worded for the user.

use std::{
    fmt,
    io::{self, ErrorKind},
};

/// The reason for which serving did not start.
#[derive(Debug)]
pub(crate) enum ServeError {
    /// Listening on the address failed.
    Listen {
        /// The address as given on the command line.
        addr: String,
        /// The system's error.
        error: io::Error,
    },
    /// Setting up the driver failed.
    Driver(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { addr, error } => {
                write!(f, "cannot listen on {addr}: ")?;
                match error.kind() {
                    // Shorter than the system's message, which adds an error number.
                    kind @ (ErrorKind::AddrInUse
                    | ErrorKind::AddrNotAvailable
                    | ErrorKind::PermissionDenied) => kind.fmt(f),
                    _ => error.fmt(f),
                }
            }
            Self::Driver(error) => write!(f, "cannot set up the driver: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}
