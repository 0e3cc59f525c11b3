//! The target of a client: a WebSocket URL (RFC 6455 section 3), parsed once, and the redirects that lead from
//! one to the next.

use std::error::Error;
use std::fmt;

use percent_encoding::percent_decode_str;
use url::{ParseError, Position, Url};

/// A WebSocket URL, split into the parts that a client needs at each stage of connecting.
///
/// The schemes are `ws` and `wss`, and `http` and `https` as other names for them, as in browsers.
/// International names are turned into ASCII, and characters that a path or query must not hold are
/// percent-encoded. Ambiguous and meaningless URLs are refused, see [`TargetError`].
///
/// Neither `Display` nor `Debug` shows the credentials.
///
/// # Examples
///
/// ```
/// use driver_kit::target::Target;
///
/// let target = Target::parse("wss://user:pa%20ss@[::1]:9/p?q")?;
/// assert!(target.is_secure());
/// assert_eq!(target.host(), "::1");
/// assert_eq!(target.port(), 9);
/// assert_eq!(target.authority(), "[::1]:9");
/// assert_eq!(target.target(), "/p?q");
/// assert_eq!(target.credentials(), Some(("user", "pa ss")));
/// assert_eq!(target.to_string(), "wss://[::1]:9/p?q");
/// # Ok::<(), driver_kit::target::TargetError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// `ws` or `wss`, with a host, without userinfo and fragment.
    url: Url,
    credentials: Option<Credentials>,
}

/// User and password of a URL, percent-decoded.
#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

impl Target {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// Any [`TargetError`] but [`Downgrade`](TargetError::Downgrade).
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        refuse_ambiguity(url)?;
        let target = Self::from_url(Url::parse(url)?)?;
        // 3: a host follows the two slashes. The parser would go on to look for one in the path.
        let names_host = url
            .split_once(':')
            .and_then(|(_, rest)| rest.strip_prefix("//"))
            .is_some_and(|rest| !rest.starts_with('/'));
        if !names_host {
            return Err(TargetError::NoHost);
        }
        Ok(target)
    }

    /// Resolves the `Location` of a redirect against this target (RFC 9110 section 10.2.2), which
    /// may be a whole URL or relative.
    ///
    /// The credentials go along only to the same host and port, or to the same host if all that
    /// changes is from `ws` to `wss` on their default ports: a server must not be able to hand
    /// somebody else the password that it was given.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and [`TargetError::Downgrade`].
    pub fn join(&self, location: &str) -> Result<Self, TargetError> {
        let mut target = match Url::parse(location) {
            Err(ParseError::RelativeUrlWithoutBase) => {
                refuse_ambiguity(location)?;
                Self::from_url(self.url.join(location)?)?
            }
            Ok(_) | Err(_) => Self::parse(location)?,
        };
        if self.is_secure() && !target.is_secure() {
            return Err(TargetError::Downgrade);
        }
        if target.credentials.is_none() && self.trusts(&target) {
            target.credentials.clone_from(&self.credentials);
        }
        Ok(target)
    }

    /// Returns true if credentials for this target may be sent to `other`: it has the same host and port, or the
    /// same host and the only change is from `ws` to `wss` on their default ports.
    pub fn trusts(&self, other: &Self) -> bool {
        let upgrade = (self.port(), other.port()) == (80, 443) && other.is_secure();
        self.host() == other.host() && (self.port() == other.port() || upgrade)
    }

    fn from_url(mut url: Url) -> Result<Self, TargetError> {
        let Some(&(_, scheme)) = SCHEMES.iter().find(|(name, _)| *name == url.scheme()) else {
            return Err(TargetError::UnsupportedScheme);
        };
        // 3: fragment identifiers MUST NOT be used.
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let credentials = Credentials::of(&url)?;
        let cannot_fail = "the four schemes are alike, and all have a host";
        url.set_scheme(scheme).expect(cannot_fail);
        url.set_username("").expect(cannot_fail);
        url.set_password(None).expect(cannot_fail);
        Ok(Self { url, credentials })
    }

    /// Returns true if the connection is to run over TLS (`wss`).
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The host for name resolution and TLS: a name in lower case or an address, IPv6 without
    /// brackets.
    pub fn host(&self) -> &str {
        let host = &self.url[Position::BeforeHost..Position::AfterHost];
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port: if the URL gives none, 80 for `ws` and 443 for `wss` (RFC 6455 section 3).
    pub fn port(&self) -> u16 {
        let default = if self.is_secure() { 443 } else { 80 };
        self.url.port().unwrap_or(default)
    }

    /// The value of the `Host` header (RFC 6455 section 4.1): IPv6 in brackets, the port only
    /// when it is not the default.
    pub fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// The resource name (RFC 6455 section 3), which is the target of the request line: path and query, at least
    /// `/`.
    pub fn target(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// User and password of the URL, percent-decoded, for Basic authentication (RFC 7617).
    ///
    /// Either may be empty, but not both.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let Credentials { user, password } = self.credentials.as_ref()?;
        Some((user, password))
    }
}

/// The schemes that a URL may have, and the scheme that each of them stands for.
const SCHEMES: [(&str, &str); 4] = [
    ("ws", "ws"),
    ("wss", "wss"),
    ("http", "ws"),
    ("https", "wss"),
];

/// Refuses characters that RFC 3986 does not allow and that lenient parsers drop or reinterpret, each in its
/// own way: a URL must not mean one host to a filter and another one here.
fn refuse_ambiguity(url: &str) -> Result<(), TargetError> {
    if url.contains(|c: char| c == '\\' || c.is_ascii_control()) {
        return Err(TargetError::ForbiddenCharacter);
    }
    Ok(())
}

impl Credentials {
    fn of(url: &Url) -> Result<Option<Self>, TargetError> {
        let decode = |part: &str| {
            let decoded = percent_decode_str(part).decode_utf8();
            // RFC 7617 section 2: neither part holds control characters.
            match decoded {
                Ok(text) if !text.contains(char::is_control) => Ok(text.into_owned()),
                Ok(_) | Err(_) => Err(TargetError::Credentials),
            }
        };
        let user = decode(url.username())?;
        let password = decode(url.password().unwrap_or_default())?;
        // RFC 7617 section 2: the first colon ends the user.
        if user.contains(':') {
            return Err(TargetError::Credentials);
        }
        let given = !(user.is_empty() && password.is_empty());
        Ok(given.then_some(Self { user, password }))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.url.as_str()).finish()
    }
}

/// The reason why a text is no WebSocket URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// The text is no URL, for the reason given.
    Malformed(ParseError),
    /// It holds a control character or a backslash, which no URL may hold.
    ForbiddenCharacter,
    /// Its scheme is none of `ws`, `wss`, `http` and `https`.
    UnsupportedScheme,
    /// It names no host.
    NoHost,
    /// It has a fragment, even if an empty one (RFC 6455 section 3).
    Fragment,
    /// Its user or password cannot be sent: not UTF-8 once decoded, a control character, or a
    /// colon in the user (RFC 7617 section 2).
    Credentials,
    /// It is where a redirect leads from `wss` down to `ws`.
    Downgrade,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(_) => "not a URL",
            Self::ForbiddenCharacter => "control character or backslash in the URL",
            Self::UnsupportedScheme => "the scheme of the URL is neither ws nor wss",
            Self::NoHost => "no host in the URL",
            Self::Fragment => "a WebSocket URL has no fragment",
            Self::Credentials => "user or password in the URL cannot be sent",
            Self::Downgrade => "redirected from wss down to ws",
        })
    }
}

impl Error for TargetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Malformed(source) => Some(source),
            Self::ForbiddenCharacter
            | Self::UnsupportedScheme
            | Self::NoHost
            | Self::Fragment
            | Self::Credentials
            | Self::Downgrade => None,
        }
    }
}

impl From<ParseError> for TargetError {
    fn from(error: ParseError) -> Self {
        if error == ParseError::EmptyHost {
            Self::NoHost
        } else {
            Self::Malformed(error)
        }
    }
}

#[cfg(test)]
mod tests;
