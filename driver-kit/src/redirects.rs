//! Redirects are followed up to a limit, and not in circles.

use std::error::Error;
use std::fmt;

use crate::target::{Target, TargetError};

/// The targets of a client that follows redirects.
///
/// RFC 6455 section 4.1 leaves it to the client whether to follow a redirect at all; browsers do
/// not. A client that is asked to should stop at some point (RFC 9110 section 15.4).
///
/// # Examples
///
/// ```
/// use driver_kit::{redirects::{RedirectError, Redirects}, target::Target};
///
/// let mut redirects = Redirects::new(Target::parse("ws://example.com/")?, 5);
/// let next = redirects.follow("wss://example.com/chat")?;
/// assert_eq!(next.to_string(), "wss://example.com/chat");
/// assert_eq!(redirects.follow("/chat"), Err(RedirectError::Loop));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Redirects {
    /// The targets so far; never empty, the last one is the present one.
    visited: Vec<Target>,
    limit: usize,
}

impl Redirects {
    /// Begins at `start` and follows up to `limit` redirects; 0 follows none.
    pub fn new(start: Target, limit: usize) -> Self {
        Self {
            visited: vec![start],
            limit,
        }
    }

    /// The target before the first redirect.
    pub fn start(&self) -> &Target {
        self.visited.first().expect("begins with one, loses none")
    }

    /// The target to connect to now.
    pub fn current(&self) -> &Target {
        self.visited.last().expect("begins with one, loses none")
    }

    /// Follows the `Location` header of an answer with status 3xx.
    ///
    /// # Errors
    ///
    /// Any [`RedirectError`]; the current target then stays what it is.
    pub fn follow(&mut self, location: &str) -> Result<&Target, RedirectError> {
        if self.visited.len() > self.limit {
            return Err(RedirectError::TooMany);
        }
        let next = self.current().join(location)?;
        if self.visited.contains(&next) {
            return Err(RedirectError::Loop);
        }
        self.visited.push(next);
        Ok(self.current())
    }
}

/// The reason why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// The limit is reached.
    TooMany,
    /// It leads to a target that the client has visited already.
    Loop,
    /// It leads to no WebSocket URL, or from `wss` down to `ws`.
    Target(TargetError),
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "too many redirects",
            Self::Loop => "the redirects go in circles",
            Self::Target(_) => "redirected to where a client cannot go",
        })
    }
}

impl Error for RedirectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Target(source) => Some(source),
            Self::TooMany | Self::Loop => None,
        }
    }
}

impl From<TargetError> for RedirectError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(start: &str, limit: usize) -> Redirects {
        Redirects::new(Target::parse(start).unwrap(), limit)
    }

    #[test]
    fn as_many_redirects_are_followed_as_the_limit_says() {
        for limit in [0, 1, 5] {
            let mut redirects = from("ws://a/start", limit);
            for n in 0..limit {
                let next = redirects.follow(&format!("/{n}")).unwrap();
                assert_eq!(next.target(), format!("/{n}"));
            }
            let last = redirects.current().clone();
            assert_eq!(redirects.follow("/more"), Err(RedirectError::TooMany));
            assert_eq!(*redirects.current(), last);
        }
    }

    #[test]
    fn a_loop_is_noticed_however_it_is_written() {
        for location in ["/a", "ws://h/a", "http://h:80/a", "//H/b/../a"] {
            let mut redirects = from("ws://h/a", 5);
            redirects.follow("/b").unwrap();
            assert_eq!(
                redirects.follow(location),
                Err(RedirectError::Loop),
                "{location}"
            );
        }
    }

    #[test]
    fn each_location_is_relative_to_the_one_before() {
        let mut redirects = from("ws://h/a/b", 5);
        redirects.follow("//other/c/d").unwrap();
        assert_eq!(redirects.follow("e").unwrap().to_string(), "ws://other/c/e");
    }

    #[test]
    fn a_bad_location_says_what_is_wrong_with_it() {
        let mut redirects = from("wss://h/", 5);
        let error = redirects.follow("ws://h/x").unwrap_err();
        assert_eq!(error, RedirectError::Target(TargetError::Downgrade));
        assert_eq!(
            error.source().unwrap().to_string(),
            "redirected from wss down to ws"
        );
    }
}
