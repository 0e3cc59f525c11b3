//! Which pages may connect (RFC 6455 section 10.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::{fmt, str};

use super::headers::{Single, is_authority, is_token, single};
use super::request::Request;

/// Decides by `Origin` whether a request may become a WebSocket.
///
/// Browsers let any page connect anywhere, with the user's cookies, and state the page's origin; a
/// server that trusts cookies must look at it. Programs other than browsers can state anything, and
/// mostly state nothing: a request without `Origin` is turned away by the policies below, unless
/// [`allow_missing`](Self::allow_missing) says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPolicy {
    allowed: Allowed,
    missing: Missing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Any,
    SameHost,
    List(Vec<Pattern>),
}

/// What becomes of a request without `Origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refused,
    Allowed,
}

impl OriginPolicy {
    /// Lets every request pass, with an origin or without.
    pub const fn any() -> Self {
        Self {
            allowed: Allowed::Any,
            missing: Missing::Allowed,
        }
    }

    /// Lets pages of the host pass that the request is for, whatever their scheme.
    ///
    /// The port must be the same too; the default ports of `http` and `https` may be left out.
    pub const fn same_host() -> Self {
        Self {
            allowed: Allowed::SameHost,
            missing: Missing::Refused,
        }
    }

    /// Lets the listed origins pass: `https://example.com`, `http://localhost:8080`, `null`.
    ///
    /// A host that starts with `*.` stands for all names below, but not for the name itself; the
    /// port `*` stands for any. Without a port, the default one of the scheme is meant. Case does
    /// not matter.
    ///
    /// # Errors
    ///
    /// If a pattern is no origin, has a path, or has `*` elsewhere.
    pub fn list<'p>(
        patterns: impl IntoIterator<Item = &'p str>,
    ) -> Result<Self, InvalidOriginPattern> {
        let patterns = patterns.into_iter().map(Pattern::parse);
        let patterns = patterns.collect::<Option<_>>();
        Ok(Self {
            allowed: Allowed::List(patterns.ok_or(InvalidOriginPattern)?),
            missing: Missing::Refused,
        })
    }

    /// Lets requests without `Origin` pass, too: no browser sends them.
    #[must_use]
    pub fn allow_missing(mut self) -> Self {
        self.missing = Missing::Allowed;
        self
    }

    /// Whether the policy lets `request` pass.
    pub fn allows(&self, request: &Request<'_>) -> bool {
        let patterns = match &self.allowed {
            Allowed::Any => return true,
            Allowed::SameHost => None,
            Allowed::List(patterns) => Some(patterns),
        };
        let origin = match single(request.fields(), "Origin") {
            Single::Absent => return self.missing == Missing::Allowed,
            Single::Repeated => return false,
            Single::Once(origin) => str::from_utf8(origin).ok(),
        };
        let Some(origin) = origin.and_then(Origin::parse) else {
            return false;
        };
        match patterns {
            Some(patterns) => patterns.iter().any(|pattern| pattern.matches(&origin)),
            None => request.host().is_some_and(|host| origin.is_on(host)),
        }
    }
}

/// A pattern of [`OriginPolicy::list`] that is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidOriginPattern;

impl fmt::Display for InvalidOriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern is not an origin such as https://*.example.com")
    }
}

impl Error for InvalidOriginPattern {}

/// An origin in its parts (RFC 6454 section 7).
#[derive(Debug, Clone, Copy)]
enum Origin<'a> {
    /// `null`: a page whose origin is nobody's business, such as a sandboxed one.
    Opaque,
    Tuple {
        scheme: &'a str,
        host: &'a str,
        /// The port; `None` for the default of a scheme other than `http` and `https`.
        port: Option<u16>,
    },
}

impl<'a> Origin<'a> {
    /// Parses the value of a header; `None` if it is no origin.
    fn parse(text: &'a str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Opaque);
        }
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = split_port(authority)?;
        if !is_token(scheme.as_bytes()) {
            return None;
        }
        Some(Self::Tuple {
            scheme,
            host,
            port: parse_port(port, scheme)?,
        })
    }

    /// Whether this is the origin of pages of `authority`, as `Host` states it.
    fn is_on(&self, authority: &str) -> bool {
        let Self::Tuple { scheme, host, port } = *self else {
            return false;
        };
        split_port(authority).is_some_and(|(own_host, own_port)| {
            own_host.eq_ignore_ascii_case(host) && parse_port(own_port, scheme) == Some(port)
        })
    }
}

/// An origin that may stand for several.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Opaque,
    Tuple {
        scheme: Box<str>,
        /// The host; starts with a dot if it stands for all names below.
        host: Box<str>,
        port: PortPattern,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortPattern {
    Any,
    /// A port as in [`Origin`].
    Only(Option<u16>),
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Opaque);
        }
        let (scheme, authority) = text.split_once("://")?;
        let (authority, any_port) = match authority.strip_suffix(":*") {
            Some(authority) => (authority, true),
            None => (authority, false),
        };
        let (host, port) = split_port(authority)?;
        let port = match (any_port, port) {
            (true, None) => PortPattern::Any,
            (true, Some(_)) => return None,
            (false, port) => PortPattern::Only(parse_port(port, scheme)?),
        };
        let host = match host.strip_prefix('*') {
            Some(below) if below.len() > 1 && below.starts_with('.') => below,
            Some(_) => return None,
            None => host,
        };
        if !is_token(scheme.as_bytes()) || host.contains('*') {
            return None;
        }
        Some(Self::Tuple {
            scheme: scheme.into(),
            host: host.into(),
            port,
        })
    }

    fn matches(&self, origin: &Origin<'_>) -> bool {
        match (self, *origin) {
            (Self::Opaque, Origin::Opaque) => true,
            (Self::Opaque, Origin::Tuple { .. }) | (Self::Tuple { .. }, Origin::Opaque) => false,
            (
                Self::Tuple { scheme, host, port },
                Origin::Tuple {
                    scheme: actual_scheme,
                    host: actual_host,
                    port: actual_port,
                },
            ) => {
                scheme.eq_ignore_ascii_case(actual_scheme)
                    && host_matches(host, actual_host)
                    && match port {
                        PortPattern::Any => true,
                        PortPattern::Only(port) => *port == actual_port,
                    }
            }
        }
    }
}

/// Whether `host` is the one of the pattern, or below it if the pattern starts with a dot.
fn host_matches(pattern: &str, host: &str) -> bool {
    if !pattern.starts_with('.') {
        return pattern.eq_ignore_ascii_case(host);
    }
    host.len() > pattern.len()
        && host.as_bytes()[host.len() - pattern.len()..].eq_ignore_ascii_case(pattern.as_bytes())
}

/// Splits an authority into host and port; `None` if it is no authority. An IPv6 address keeps its
/// brackets.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if !is_authority(authority.as_bytes()) {
        return None;
    }
    let after_address = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[after_address..].find(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(after_address + colon);
            Some((host, Some(&port[1..])))
        }
        None => Some((authority, None)),
    }
}

/// The number of a port, or the default one of the scheme. The outer `None` is an error.
fn parse_port(port: Option<&str>, scheme: &str) -> Option<Option<u16>> {
    match port {
        Some(port) if port.bytes().all(|octet| octet.is_ascii_digit()) => {
            port.parse().ok().map(Some)
        }
        Some(_) => None,
        None if scheme.eq_ignore_ascii_case("http") => Some(Some(80)),
        None if scheme.eq_ignore_ascii_case("https") => Some(Some(443)),
        None => Some(None),
    }
}
