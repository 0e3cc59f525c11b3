//! How many files a process may have open, which every connection is one of.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one, and returns it. Most systems start programs with
/// 1024 and allow many more.
///
/// ```
/// let limit = driver_mio::raise_descriptor_limit()?;
/// assert!(limit > 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What the system reports.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if limit != raised {
        setrlimit(Resource::Nofile, raised)?;
    }
    // Where there is no limit, none is told.
    Ok(limit.maximum.unwrap_or(u64::MAX))
}
