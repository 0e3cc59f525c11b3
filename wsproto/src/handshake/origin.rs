//! The check of `Origin`, which restricts the pages that may connect (RFC 6455 section 10.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::{fmt, str};

use super::headers::{Single, is_authority, single};
use super::request::Request;

/// A policy that accepts or refuses requests by their `Origin`.
///
/// Browsers let any page connect to any host, with the user's cookies, and state the page's origin. A server
/// that trusts cookies must check it. Programs other than browsers can state any origin, and mostly state
/// none: the policies below refuse a request without `Origin`, unless [`allow_missing`](Self::allow_missing)
/// is called.
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

/// The treatment of a request without `Origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refused,
    Allowed,
}

impl OriginPolicy {
    /// Allows every request, with an origin or without.
    pub const fn any() -> Self {
        Self {
            allowed: Allowed::Any,
            missing: Missing::Allowed,
        }
    }

    /// Allows pages that come, by `http` or `https`, from the host that the request is for.
    ///
    /// The port must be the same too. The default ports of `http` and `https` may be omitted.
    pub const fn same_host() -> Self {
        Self {
            allowed: Allowed::SameHost,
            missing: Missing::Refused,
        }
    }

    /// Allows the listed origins, such as `https://example.com`, `http://localhost:8080` or `null`.
    ///
    /// A host that starts with `*.` matches all names below, but not the name itself. The port `*` matches
    /// any port. Without a port, the default port of the scheme is meant. Case does not matter.
    ///
    /// # Errors
    ///
    /// [`InvalidOriginPattern`] if a pattern is not an origin, has a path, or has `*` elsewhere.
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

    /// Allows requests without `Origin` too. No browser sends them.
    #[must_use]
    pub fn allow_missing(mut self) -> Self {
        self.missing = Missing::Allowed;
        self
    }

    /// Returns true if the policy allows `request`.
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

/// The error for a pattern of [`OriginPolicy::list`] that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidOriginPattern;

impl fmt::Display for InvalidOriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern is not an origin such as https://*.example.com")
    }
}

impl Error for InvalidOriginPattern {}

/// The parts of an origin (RFC 6454 section 7).
#[derive(Debug, Clone, Copy)]
enum Origin<'a> {
    /// `null`: an opaque origin, such as that of a sandboxed page.
    Opaque,
    Tuple {
        scheme: &'a str,
        host: &'a str,
        /// The port; `None` for the default of a scheme other than `http` and `https`.
        port: Option<u16>,
    },
}

impl<'a> Origin<'a> {
    /// Parses the value of `Origin`. Returns `None` if it is not an origin.
    fn parse(text: &'a str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Opaque);
        }
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = split_port(authority)?;
        if !is_scheme(scheme) {
            return None;
        }
        Some(Self::Tuple {
            scheme,
            host,
            port: parse_port(port, scheme)?,
        })
    }

    /// Returns true if this is the origin of pages at `authority`, the value of `Host`.
    fn is_on(&self, authority: &str) -> bool {
        let Self::Tuple { scheme, host, port } = *self else {
            return false;
        };
        // A page of another scheme was not fetched from a host, whatever its name is.
        if default_port(scheme).is_none() {
            return false;
        }
        split_port(authority).is_some_and(|(own_host, own_port)| {
            own_host.eq_ignore_ascii_case(host) && parse_port(own_port, scheme) == Some(port)
        })
    }
}

/// A pattern that matches one or several origins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Opaque,
    Tuple {
        scheme: Box<str>,
        /// The host. It starts with a dot if it matches all names below.
        host: Box<str>,
        port: PortPattern,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortPattern {
    Any,
    /// A port, as in [`Origin`].
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
        if !is_scheme(scheme) || host.contains('*') {
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

/// Returns true if `text` is the scheme of a URI (RFC 3986 section 3.1).
fn is_scheme(text: &str) -> bool {
    let is_scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_scheme_byte)
}

/// Returns the default port of a scheme that pages are fetched by.
fn default_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else {
        None
    }
}

/// Returns true if `host` matches the pattern: it is the same, or below it if the pattern starts with a dot.
fn host_matches(pattern: &str, host: &str) -> bool {
    if !pattern.starts_with('.') {
        return pattern.eq_ignore_ascii_case(host);
    }
    host.len() > pattern.len()
        && host.as_bytes()[host.len() - pattern.len()..].eq_ignore_ascii_case(pattern.as_bytes())
}

/// Splits an authority into host and port, or returns `None` if it is not an authority. An IPv6 address keeps
/// its brackets.
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

/// Parses a port, or returns the default port of the scheme. The outer `None` is an error.
fn parse_port(port: Option<&str>, scheme: &str) -> Option<Option<u16>> {
    match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok().map(Some),
        Some(_) => None,
        None => Some(default_port(scheme)),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::handshake::sample::with_request;

    fn allows(policy: &OriginPolicy, host: &str, origin: Option<&str>) -> bool {
        let origin = origin.map_or_else(Default::default, |origin| format!("Origin: {origin}\r\n"));
        let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n");
        with_request(head, |request| policy.allows(&request)).unwrap()
    }

    #[test]
    fn any_lets_everything_pass() {
        for origin in [None, Some("https://evil"), Some("null"), Some("what?")] {
            assert!(allows(&OriginPolicy::any(), "a", origin));
        }
    }

    #[test]
    fn same_host_compares_host_and_port() {
        for (host, origin, expected) in [
            ("example.com", "https://example.com", true),
            ("example.com", "http://example.com", true),
            ("EXAMPLE.com", "https://example.COM", true),
            ("example.com:443", "https://example.com", true),
            ("example.com:80", "http://example.com", true),
            ("example.com", "http://example.com:80", true),
            ("example.com:8080", "http://example.com:8080", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("[::1]", "http://[::1]", true),
            ("example.com", "http://example.com:8080", false),
            ("example.com:8080", "http://example.com", false),
            ("example.com:80", "https://example.com", false),
            ("example.com", "https://evil.com", false),
            ("example.com", "https://example.com.evil.com", false),
            ("example.com", "https://evil.com/example.com", false),
            ("example.com", "https://evil.com@example.com", false),
            ("example.com", "https://example.com/", false),
            ("example.com", "https://", false),
            ("example.com", "example.com", false),
            ("example.com", "null", false),
            ("null", "null", false),
            ("example.com", "", false),
            ("[::1]", "http://[::1]:1", false),
            ("example.com", "app://example.com", false),
        ] {
            let allowed = allows(&OriginPolicy::same_host(), host, Some(origin));
            assert_eq!(allowed, expected, "{host} {origin}");
        }
    }

    #[test]
    fn a_list_takes_wildcards_for_subdomains_and_ports() {
        for (pattern, origin, expected) in [
            ("https://example.com", "https://example.com", true),
            ("https://example.com", "HTTPS://Example.com:443", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com", "https://www.example.com", false),
            ("https://*.example.com", "https://www.example.com", true),
            ("https://*.example.com", "https://a.b.EXAMPLE.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "https://.example.com", false),
            ("https://*.example.com", "https://evilexample.com", false),
            (
                "https://*.example.com",
                "https://evil.com/.example.com",
                false,
            ),
            (
                "https://*.example.com",
                "https://evil.com#.example.com",
                false,
            ),
            (
                "https://*.example.com",
                "https://evil.com?.example.com",
                false,
            ),
            (
                "https://*.example.com",
                "https://www.example.com.evil.com",
                false,
            ),
            ("https://*.example.com", "http://www.example.com", false),
            (
                "https://*.example.com",
                "https://www.example.com:8443",
                false,
            ),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "http://localhost:x", false),
            ("http://localhost:8080", "http://localhost:8080", true),
            ("http://localhost:8080", "http://localhost:8081", false),
            ("http://[::1]:*", "http://[::1]:9", true),
            ("chrome-extension://abc", "chrome-extension://abc", true),
            ("chrome-extension://abc", "chrome-extension://abd", false),
            ("null", "null", true),
            ("null", "https://example.com", false),
            ("https://example.com", "null", false),
            (
                "https://example.com",
                "https://example.com https://evil.com",
                false,
            ),
        ] {
            let policy = OriginPolicy::list(["https://other", pattern]).unwrap();
            assert_eq!(
                allows(&policy, "a", Some(origin)),
                expected,
                "{pattern} {origin}"
            );
        }
    }

    #[test]
    fn patterns_that_are_no_origins_are_refused() {
        for pattern in [
            "",
            "*",
            "example.com",
            "https://",
            "https://example.com/",
            "https://example.com/path",
            "https://user@example.com",
            "https://*",
            "https://*.",
            "https://*example.com",
            "https://www.*.com",
            "https://example.com:port",
            "https://example.com:70000",
            "https://example.com:80:*",
            "*://example.com",
        ] {
            assert_eq!(
                OriginPolicy::list([pattern]),
                Err(InvalidOriginPattern),
                "{pattern}"
            );
        }
    }

    #[test]
    fn requests_without_origin_pass_only_if_that_is_configured() {
        let list = OriginPolicy::list(["https://example.com"]).unwrap();
        for policy in [OriginPolicy::same_host(), list] {
            assert!(!allows(&policy, "example.com", None));
            let lenient = policy.allow_missing();
            assert!(allows(&lenient, "example.com", None));
            assert!(!allows(&lenient, "example.com", Some("https://evil.com")));
        }
    }

    #[test]
    fn two_origins_are_as_bad_as_a_wrong_one() {
        let both = "https://example.com\r\nOrigin: https://example.com";
        let policy = OriginPolicy::same_host().allow_missing();
        assert!(!allows(&policy, "example.com", Some(both)));
    }
}
