//! A server's verdict on a request (RFC 6455 section 4.2.1).

use super::accept_key::{accept_key, is_key};
use super::extensions::Extensions;
use super::headers::{
    Fields, Single, elements, is_authority, is_token, lists_token, single, values,
};
use super::refusal::Refusal;
use super::request::{HttpVersion, Request};

/// What a request that is not refused asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A WebSocket.
    Upgrade {
        /// The value of `Sec-WebSocket-Accept` that answers its key.
        accept: [u8; 28],
    },
    /// A plain HTTP response.
    Plain,
}

/// Checks a request completely.
///
/// A plain HTTP request is refused, unless `surface_plain` is set. Its body is not looked at.
pub(crate) fn check_request(
    request: &Request<'_>,
    surface_plain: bool,
) -> Result<Verdict, Refusal> {
    Candidate {
        method: request.method(),
        target: request.target(),
        version: request.version(),
        fields: request.fields(),
    }
    .check(surface_plain)
}

/// Whether the header fields ask for a WebSocket.
///
/// RFC 7230 section 6.7: a server may ignore `Upgrade`, and must in HTTP/1.0.
pub(super) fn asks_for_upgrade<'a>(version: HttpVersion, fields: impl Fields<'a>) -> bool {
    version == HttpVersion::Http11 && lists_token(fields, "Upgrade", "websocket")
}

/// The parts of a request that decide, whoever parsed it.
pub(super) struct Candidate<'a, F> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) version: HttpVersion,
    pub(super) fields: F,
}

impl<'a, F: Fields<'a>> Candidate<'a, F> {
    /// Gives the verdict. Of several faults, the one that makes the others pointless is named:
    /// HTTP's own come first, then what is asked for, then how.
    pub(super) fn check(&self, surface_plain: bool) -> Result<Verdict, Refusal> {
        let plain = surface_plain && !asks_for_upgrade(self.version, self.fields);
        match self.version {
            HttpVersion::Http10 if plain => return Ok(Verdict::Plain),
            HttpVersion::Http10 => return Err(Refusal::Http10),
            HttpVersion::Http11 => self.check_host()?,
        }
        if plain {
            return Ok(Verdict::Plain);
        }
        if self.method != "GET" {
            return Err(Refusal::MethodNotAllowed);
        }
        self.check_upgrade()?;
        let is_resource = self.target.starts_with('/') || self.target.contains("://");
        if !is_resource {
            return Err(Refusal::InvalidTarget);
        }
        self.check_version()?;
        let accept = self.check_key()?;
        self.check_no_body()?;
        self.check_offers()?;
        Ok(Verdict::Upgrade { accept })
    }

    /// RFC 7230 section 5.4: any HTTP/1.1 request without one valid `Host` gets 400.
    fn check_host(&self) -> Result<(), Refusal> {
        match single(self.fields, "Host") {
            Single::Absent => Err(Refusal::MissingHost),
            Single::Repeated => Err(Refusal::RepeatedHost),
            Single::Once(host) if is_authority(host) => Ok(()),
            Single::Once(_) => Err(Refusal::InvalidHost),
        }
    }

    fn check_upgrade(&self) -> Result<(), Refusal> {
        if elements(self.fields, "Upgrade").next().is_none() {
            return Err(Refusal::UpgradeRequired);
        }
        if !asks_for_upgrade(self.version, self.fields) {
            return Err(Refusal::UpgradeToOther);
        }
        if !lists_token(self.fields, "Connection", "upgrade") {
            return Err(Refusal::NoConnectionUpgrade);
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), Refusal> {
        match single(self.fields, "Sec-WebSocket-Version") {
            Single::Absent => Err(Refusal::MissingVersion),
            Single::Repeated => Err(Refusal::RepeatedVersion),
            Single::Once(b"13") => Ok(()),
            Single::Once(_) => Err(Refusal::UnsupportedVersion),
        }
    }

    fn check_key(&self) -> Result<[u8; 28], Refusal> {
        match single(self.fields, "Sec-WebSocket-Key") {
            Single::Absent => Err(Refusal::MissingKey),
            Single::Repeated => Err(Refusal::RepeatedKey),
            Single::Once(key) if is_key(key) => Ok(accept_key(key)),
            Single::Once(_) => Err(Refusal::InvalidKey),
        }
    }

    /// A body would be taken for frames. A length of 0 is none.
    fn check_no_body(&self) -> Result<(), Refusal> {
        let is_zero =
            |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
        let has_body = values(self.fields, "Transfer-Encoding").next().is_some()
            || !values(self.fields, "Content-Length").all(is_zero);
        if has_body {
            return Err(Refusal::UnexpectedBody);
        }
        Ok(())
    }

    /// What is offered must be well-formed (sections 4.2.1 and 9.1); whether it is known and
    /// acceptable is another question.
    fn check_offers(&self) -> Result<(), Refusal> {
        if !elements(self.fields, "Sec-WebSocket-Protocol").all(is_token) {
            return Err(Refusal::InvalidSubprotocol);
        }
        let extensions = values(self.fields, "Sec-WebSocket-Extensions");
        if Extensions::new(extensions).any(|extension| extension.is_err()) {
            return Err(Refusal::MalformedExtensions);
        }
        Ok(())
    }
}
