//! Both roles of a handshake whose head an HTTP library has parsed, in the types of the `http` crate.
//!
//! The library moves the heads; the checks and the fields are those of a handshake over octets.

use alloc::boxed::Box;
use alloc::string::String;
use core::str;

use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};

use super::Agreed;
use super::accept_key::{accept_key, encode_key};
use super::answer::Accept;
use super::ask::{AskFields, ClientRequest, join_subprotocols};
use super::confirmation::{Confirmation, ResponseError};
use super::headers::{Fields, Header, join_elements, list_elements};
use super::misuse::HandshakeMisuse;
use super::refusal::Refusal;
use super::request::HttpVersion;
use super::upgrade::{Candidate, Verdict};

impl<'a> Fields<'a> for &'a HeaderMap {
    fn fields(self) -> impl Iterator<Item = Header<'a>> {
        self.iter().map(|(name, value)| Header {
            name: name.as_str(),
            value: value.as_bytes(),
        })
    }
}

/// A server's side: a request that has been checked, and can be accepted.
///
/// ```
/// # use wsproto::handshake::{Accept, ServerUpgrade};
/// # fn serve(request: http::Request<()>) -> http::Response<String> {
/// let upgrade = match ServerUpgrade::new(&request) {
///     Ok(upgrade) => upgrade,
///     Err(refusal) => return refusal.into_response().map(String::from),
/// };
/// let chosen = upgrade.subprotocols().find(|offer| *offer == "chat");
/// let accept = Accept::new().subprotocol(chosen);
/// let (response, agreed) = upgrade.accept(&accept).expect("it was offered");
/// // Send `response`, take over the stream, and go on with `agreed`.
/// # response.map(|()| String::new())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ServerUpgrade {
    accept_key: [u8; 28],
    /// The subprotocols that the client offers, separated by commas.
    offered: String,
}

impl ServerUpgrade {
    /// Checks a request as a server does that reads it from the wire.
    ///
    /// # Errors
    ///
    /// [`Refusal`], with the answer to send, if it is no valid request for a WebSocket.
    pub fn new<B>(request: &Request<B>) -> Result<Self, Refusal> {
        let fields = request.headers();
        let candidate = Candidate {
            method: request.method().as_str(),
            target: request.uri().path(),
            version: http1_version(request.version()).ok_or(Refusal::UnsupportedHttpVersion)?,
            fields,
        };
        match candidate.check(false)? {
            Verdict::Upgrade { accept } => Ok(Self {
                accept_key: accept,
                offered: join_elements(fields, "Sec-WebSocket-Protocol"),
            }),
            Verdict::Plain => Err(Refusal::UpgradeRequired),
        }
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        list_elements(self.offered.as_bytes()).filter_map(|offer| str::from_utf8(offer).ok())
    }

    /// Makes the answer that opens the connection.
    ///
    /// # Errors
    ///
    /// If the subprotocol was not offered, or a header is invalid or reserved.
    pub fn accept(&self, accept: &Accept<'_>) -> Result<(Response<()>, Agreed), HandshakeMisuse> {
        accept.check(&self.offered)?;
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        append(
            response.headers_mut(),
            accept.fields(&self.accept_key, None),
        )?;
        let agreed = Agreed {
            subprotocol: accept.subprotocol.map(Box::from),
        };
        Ok((response, agreed))
    }
}

impl Refusal {
    /// The answer to send.
    pub fn into_response(self) -> Response<&'static str> {
        let mut response = Response::new(self.text());
        if let Ok(status) = StatusCode::from_u16(self.status()) {
            *response.status_mut() = status;
        }
        for &(name, value) in self.headers() {
            let value = HeaderValue::from_static(value);
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A client's side: what must be remembered until the server answers.
#[derive(Debug, Clone)]
pub struct ClientUpgrade {
    accept_key: [u8; 28],
    /// The subprotocols that were asked for, separated by commas.
    asked: String,
}

impl ClientUpgrade {
    /// Makes the request to send. `nonce` must come from a cryptographic generator.
    ///
    /// # Errors
    ///
    /// If something in `request` is invalid or reserved.
    pub fn new(
        request: &ClientRequest<'_>,
        nonce: [u8; 16],
    ) -> Result<(Request<()>, Self), HandshakeMisuse> {
        let key = encode_key(nonce);
        let fields = AskFields::new(request, &key, None)?;
        let mut asking = Request::new(());
        *asking.uri_mut() = request
            .target
            .parse()
            .map_err(|_| HandshakeMisuse::InvalidTarget)?;
        append(asking.headers_mut(), fields.iter())?;
        let upgrade = Self {
            accept_key: accept_key(&key),
            asked: join_subprotocols(request.subprotocols),
        };
        Ok((asking, upgrade))
    }

    /// Checks the answer as a client does that reads it from the wire.
    ///
    /// # Errors
    ///
    /// If the server refused, or agreed to something that was not asked for.
    pub fn check<B>(&self, response: &Response<B>) -> Result<Agreed, ResponseError> {
        let version = http1_version(response.version());
        Confirmation {
            status: response.status().as_u16(),
            version: version.ok_or(ResponseError::UnsupportedHttpVersion)?,
            fields: response.headers(),
        }
        .check(&self.accept_key, &self.asked, &[])?;
        let chosen = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        Ok(Agreed {
            subprotocol: chosen
                .and_then(|chosen| chosen.to_str().ok())
                .map(Box::from),
        })
    }
}

/// The versions of HTTP that have, or could have, an upgrade.
fn http1_version(version: Version) -> Option<HttpVersion> {
    match version {
        Version::HTTP_10 => Some(HttpVersion::Http10),
        Version::HTTP_11 => Some(HttpVersion::Http11),
        _ => None,
    }
}

/// Appends checked fields. The `http` crate has limits of its own on the length of names and the
/// number of fields.
fn append<'a>(
    headers: &mut HeaderMap,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<(), HandshakeMisuse> {
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| HandshakeMisuse::InvalidHeaderName)?;
        let value =
            HeaderValue::from_bytes(value).map_err(|_| HandshakeMisuse::InvalidHeaderValue)?;
        headers
            .try_append(name, value)
            .map_err(|_| HandshakeMisuse::TooManyHeaders)?;
    }
    Ok(())
}
