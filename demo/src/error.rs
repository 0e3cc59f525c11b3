//! Why the demo cannot serve, in words for whoever started it.

use std::{
    fmt,
    io::{self, ErrorKind},
};

/// Why serving did not begin.
#[derive(Debug)]
pub(crate) enum ServeError {
    /// The address cannot be listened on.
    Listen {
        /// As it was given.
        addr: String,
        /// What the system says.
        error: io::Error,
    },
    /// The driver could not be set up.
    Driver(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { addr, error } => {
                write!(f, "cannot listen on {addr}: ")?;
                match error.kind() {
                    // Said in fewer words than the system's, which add a number.
                    kind @ (ErrorKind::AddrInUse
                    | ErrorKind::AddrNotAvailable
                    | ErrorKind::PermissionDenied) => kind.fmt(f),
                    _ => error.fmt(f),
                }
            }
            Self::Driver(error) => write!(f, "the driver cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}
