//! Opening handshakes over an HTTP library, in both roles and in the types of the `http` crate.
//!
//! The library reads and writes the heads. The checks and the fields are those of a handshake over bytes.

use alloc::boxed::Box;
use alloc::string::String;
use core::str;

use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};

use super::accept_key::{accept_key, encode_key};
use super::agreed::Agreed;
use super::check_request::{Candidate, Verdict};
use super::check_response::Confirmation;
use super::client_request::{ClientRequest, RequestFields, join_subprotocols};
use super::headers::{Fields, Header, join_elements, list_elements, values};
use super::http_version::HttpVersion;
use super::misuse::HandshakeMisuse;
use super::refusal::Refusal;
use super::response_error::ResponseError;
use super::server_response::Accept;
use crate::deflate::negotiation::{self, ExtensionParameters};
use crate::deflate::policy::Compression;
use crate::extensions::{Extension, Extensions};

impl<'a> Fields<'a> for &'a HeaderMap {
    fn fields(self) -> impl Iterator<Item = Header<'a>> {
        self.iter().map(|(name, value)| Header {
            name: name.as_str(),
            value: value.as_bytes(),
        })
    }
}

/// The server's side: a request that was checked and can be accepted.
///
/// ```
/// # use wsproto::{Accept, Compression, ServerUpgrade};
/// # fn serve(request: http::Request<()>) -> http::Response<String> {
/// let upgrade = match ServerUpgrade::new(&request) {
///     Ok(upgrade) => upgrade,
///     Err(refusal) => return refusal.into_response().map(String::from),
/// };
/// let chosen = upgrade.subprotocols().find(|offer| *offer == "chat");
/// let accept = Accept::new().subprotocol(chosen);
/// let compression = Compression::default();
/// let (response, agreed) = upgrade.accept(&accept, Some(&compression)).expect("it was offered");
/// // Send `response`, take over the stream, and go on with `agreed`.
/// # response.map(|()| String::new())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ServerUpgrade {
    accept_key: [u8; 28],
    /// The subprotocols that the client offers, separated by commas.
    offered: String,
    /// The client's first acceptable offer of permessage-deflate.
    offer: Option<ExtensionParameters>,
}

impl ServerUpgrade {
    /// Checks a request by the same rules as one that is read from the wire.
    ///
    /// # Errors
    ///
    /// [`Refusal`], with the response to send, if it is not a valid request for a WebSocket.
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
                offer: negotiation::choose(extensions(fields)),
            }),
            Verdict::Plain => Err(Refusal::UpgradeRequired),
        }
    }

    /// Returns the subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        list_elements(self.offered.as_bytes()).filter_map(|offer| str::from_utf8(offer).ok())
    }

    /// Creates the response that opens the connection.
    ///
    /// With `compression`, compression is agreed on if the client offers it and `accept` does not veto it.
    /// The same settings must then be in the [`Config`](crate::Config) of the connection, whose environment
    /// must have codecs.
    ///
    /// # Errors
    ///
    /// [`HandshakeMisuse`] if the subprotocol was not offered, or a header is invalid or reserved.
    pub fn accept(
        &self,
        accept: &Accept<'_>,
        compression: Option<&Compression>,
    ) -> Result<(Response<()>, Agreed), HandshakeMisuse> {
        accept.check(&self.offered)?;
        let deflate = compression
            .filter(|_| accept.compression)
            .zip(self.offer)
            .map(|(policy, offer)| negotiation::answer(policy, offer));
        let (deflate, extensions) = deflate.unzip();
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        append(
            response.headers_mut(),
            accept.fields(&self.accept_key, extensions.as_deref()),
        )?;
        let agreed = Agreed {
            subprotocol: accept.subprotocol.map(Box::from),
            deflate,
        };
        Ok((response, agreed))
    }
}

impl Refusal {
    /// Returns the response to send.
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

/// The client's side: the state of a request until the server answers.
#[derive(Debug, Clone)]
pub struct ClientUpgrade {
    accept_key: [u8; 28],
    /// The requested subprotocols, separated by commas.
    asked: String,
    /// The settings of compression, if it was offered.
    compression: Option<Compression>,
}

impl ClientUpgrade {
    /// Creates the request to send. `nonce` must come from a cryptographically secure generator.
    ///
    /// With `compression`, compression is offered. The same settings must then be in the
    /// [`Config`](crate::Config) of the connection, whose environment must have codecs.
    ///
    /// # Errors
    ///
    /// [`HandshakeMisuse`] if something in `request` is invalid or reserved.
    pub fn new(
        request: &ClientRequest<'_>,
        nonce: [u8; 16],
        compression: Option<&Compression>,
    ) -> Result<(Request<()>, Self), HandshakeMisuse> {
        let key = encode_key(nonce);
        let offer = compression.map(negotiation::offer);
        let fields = RequestFields::new(request, &key, offer.as_deref())?;
        let mut http_request = Request::new(());
        *http_request.uri_mut() = request
            .target
            .parse()
            .map_err(|_| HandshakeMisuse::InvalidTarget)?;
        append(http_request.headers_mut(), fields.iter())?;
        let upgrade = Self {
            accept_key: accept_key(&key),
            asked: join_subprotocols(request.subprotocols),
            compression: compression.copied(),
        };
        Ok((http_request, upgrade))
    }

    /// Checks a response by the same rules as one that is read from the wire.
    ///
    /// # Errors
    ///
    /// [`ResponseError`] if the server refused, or agreed to something that was not requested.
    pub fn check<B>(&self, response: &Response<B>) -> Result<Agreed, ResponseError> {
        let version = http1_version(response.version());
        let offered = self.compression.map(|_| negotiation::NAME);
        Confirmation {
            status: response.status().as_u16(),
            version: version.ok_or(ResponseError::UnsupportedHttpVersion)?,
            fields: response.headers(),
        }
        .check(&self.accept_key, &self.asked, offered.as_slice())?;
        let deflate = match &self.compression {
            Some(policy) => negotiation::check(policy, extensions(response.headers()))
                .map_err(|_| ResponseError::IllegalCompression)?,
            None => None,
        };
        let chosen = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        Ok(Agreed {
            subprotocol: chosen
                .and_then(|chosen| chosen.to_str().ok())
                .map(Box::from),
            deflate,
        })
    }
}

/// Returns the extensions of a head that was checked.
fn extensions(fields: &HeaderMap) -> impl Iterator<Item = Extension<'_>> {
    Extensions::new(values(fields, "Sec-WebSocket-Extensions")).flatten()
}

/// Returns the version if it is HTTP/1.
fn http1_version(version: Version) -> Option<HttpVersion> {
    match version {
        Version::HTTP_10 => Some(HttpVersion::Http10),
        Version::HTTP_11 => Some(HttpVersion::Http11),
        _ => None,
    }
}

/// Appends checked fields. The `http` crate limits the length of names and the number of fields.
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::handshake::sample::{ACCEPT, REQUEST_FIELDS, RESPONSE_FIELDS};

    fn request(changes: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = "/chat".parse().unwrap();
        for (name, value) in REQUEST_FIELDS {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        for &(name, value) in changes {
            request
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        request
    }

    #[test]
    fn a_server_answers_as_it_would_on_the_wire() {
        let upgrade = ServerUpgrade::new(&request(&[])).unwrap();
        assert_eq!(
            upgrade.subprotocols().collect::<Vec<_>>(),
            ["chat", "superchat"]
        );
        let accept = Accept::new()
            .subprotocol("superchat")
            .headers(&[("X", "y")]);
        let (response, agreed) = upgrade.accept(&accept, None).unwrap();
        assert_eq!(agreed.subprotocol.as_deref(), Some("superchat"));
        assert_eq!(response.status(), 101);
        for (name, value) in [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("Sec-WebSocket-Protocol", "superchat"),
            ("X", "y"),
        ] {
            assert_eq!(response.headers()[name], value);
        }
        assert_eq!(response.headers().len(), 5);
    }

    #[test]
    fn space_around_a_value_that_the_library_left_is_no_part_of_it() {
        let mut spacious = request(&[]);
        let version = HeaderValue::from_static("\t13 ");
        spacious
            .headers_mut()
            .insert("sec-websocket-version", version);
        assert!(ServerUpgrade::new(&spacious).is_ok());
    }

    #[test]
    fn a_server_refuses_as_it_would_on_the_wire() {
        let refusal = |request: &Request<()>| ServerUpgrade::new(request).unwrap_err();
        let host_twice = request(&[("host", "b")]);
        assert_eq!(refusal(&host_twice), Refusal::RepeatedHost);
        let key_twice = request(&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]);
        assert_eq!(refusal(&key_twice), Refusal::RepeatedKey);
        let with_body = request(&[("content-length", "3")]);
        assert_eq!(refusal(&with_body), Refusal::UnexpectedBody);
        let mut http10 = request(&[]);
        *http10.version_mut() = Version::HTTP_10;
        assert_eq!(refusal(&http10), Refusal::Http10);
        let mut http2 = request(&[]);
        *http2.version_mut() = Version::HTTP_2;
        assert_eq!(refusal(&http2), Refusal::UnsupportedHttpVersion);
        let mut posted = request(&[]);
        *posted.method_mut() = ::http::Method::POST;
        assert_eq!(refusal(&posted), Refusal::MethodNotAllowed);

        let response = refusal(&posted).into_response();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["Allow"], "GET");
        assert_eq!(*response.body(), Refusal::MethodNotAllowed.text());
    }

    #[test]
    fn mistakes_of_the_application_are_found_here_too() {
        let upgrade = ServerUpgrade::new(&request(&[])).unwrap();
        let accept = Accept::new().subprotocol("other");
        let misuse = upgrade.accept(&accept, None).unwrap_err();
        assert_eq!(misuse, HandshakeMisuse::SubprotocolNotOffered);
        let http_request = ClientRequest::new("a", "/").headers(&[("upgrade", "h2c")]);
        let misuse = ClientUpgrade::new(&http_request, [0; 16], None).unwrap_err();
        assert_eq!(misuse, HandshakeMisuse::ReservedHeader);
    }

    #[test]
    fn a_client_and_a_server_come_to_terms() {
        let http_request = ClientRequest::new("a:80", "/b?c")
            .subprotocols(&["x", "y"])
            .headers(&[("Cookie", "d=e")]);
        let (request, client) =
            ClientUpgrade::new(&http_request, *b"the sample nonce", None).unwrap();
        assert_eq!(request.uri(), "/b?c");
        assert_eq!(request.headers()["Host"], "a:80");
        assert_eq!(request.headers()["Cookie"], "d=e");

        let server = ServerUpgrade::new(&request).unwrap();
        let accept = Accept::new().subprotocol("y");
        let (response, server_agreed) = server.accept(&accept, None).unwrap();
        let client_agreed = client.check(&response).unwrap();
        assert_eq!(client_agreed.subprotocol.as_deref(), Some("y"));
        assert_eq!(server_agreed.subprotocol, client_agreed.subprotocol);
    }

    /// Returns the results of an offer and its answer, both as they are in the heads.
    fn negotiated(
        client: Option<&Compression>,
        accept: &Accept<'_>,
        server: Option<&Compression>,
    ) -> [Option<String>; 2] {
        let http_request = ClientRequest::new("a", "/");
        let nonce = *b"the sample nonce";
        let (request, client) = ClientUpgrade::new(&http_request, nonce, client).unwrap();
        let upgrade = ServerUpgrade::new(&request).unwrap();
        let (response, ours) = upgrade.accept(accept, server).unwrap();
        let theirs = client.check(&response).unwrap();
        assert_eq!(ours.deflate.is_some(), theirs.deflate.is_some());
        if let (Some(ours), Some(theirs)) = (ours.deflate, theirs.deflate) {
            // Neither end refers further back than the other keeps.
            assert!(ours.send_window_bits <= theirs.receive_window_bits);
            assert!(theirs.send_window_bits <= ours.receive_window_bits);
        }
        [request.headers(), response.headers()].map(|headers| {
            let value = headers.get("sec-websocket-extensions")?;
            Some(value.to_str().unwrap().into())
        })
    }

    #[test]
    fn compression_is_negotiated_as_on_the_wire() {
        let any = Compression {
            send_window_bits: 15,
            ..Compression::default()
        };
        let small = Compression {
            send_window_bits: 9,
            send_takeover: false,
            ..any
        };
        let accept = Accept::new();
        let offer = "permessage-deflate; client_max_window_bits";
        for (client, accept, server, offered, answered) in [
            (
                Some(&any),
                accept,
                Some(&any),
                Some(offer),
                Some("permessage-deflate; client_max_window_bits=12"),
            ),
            (
                Some(&any),
                accept,
                Some(&small),
                Some(offer),
                Some(
                    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12",
                ),
            ),
            (
                Some(&any),
                accept.compression(false),
                Some(&any),
                Some(offer),
                None,
            ),
            (Some(&any), accept, None, Some(offer), None),
            (None, accept, Some(&any), None, None),
        ] {
            let expected = [offered, answered].map(|value| value.map(String::from));
            assert_eq!(negotiated(client, &accept, server), expected);
        }
    }

    #[test]
    fn an_answer_that_does_not_fit_the_offer_fails_here_too() {
        let http_request = ClientRequest::new("a", "/").subprotocols(&["chat"]);
        let nonce = *b"the sample nonce";
        let policy = Compression::default();
        let (_, client) = ClientUpgrade::new(&http_request, nonce, Some(&policy)).unwrap();
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        for (name, value) in RESPONSE_FIELDS {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        for (value, expected) in [
            ("permessage-deflate", None),
            (
                "permessage-deflate; client_max_window_bits",
                Some(ResponseError::IllegalCompression),
            ),
            (
                "permessage-deflate, permessage-deflate",
                Some(ResponseError::IllegalCompression),
            ),
            (
                "permessage-deflate; x",
                Some(ResponseError::IllegalCompression),
            ),
            (
                "permessage-deflate;",
                Some(ResponseError::MalformedExtensions),
            ),
            ("x-other", Some(ResponseError::ExtensionNotOffered)),
        ] {
            response
                .headers_mut()
                .insert("sec-websocket-extensions", HeaderValue::from_static(value));
            assert_eq!(client.check(&response).err(), expected, "{value}");
        }
    }

    #[test]
    fn a_client_checks_as_it_would_on_the_wire() {
        let http_request = ClientRequest::new("a", "/").subprotocols(&["chat"]);
        let (_, client) = ClientUpgrade::new(&http_request, *b"the sample nonce", None).unwrap();
        assert_eq!(client.accept_key, *ACCEPT);
        let mut good = Response::new(());
        *good.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        for (name, value) in RESPONSE_FIELDS {
            good.headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        assert!(client.check(&good).is_ok());

        for (name, value, error) in [
            ("sec-websocket-accept", "x", ResponseError::WrongAccept),
            (
                "sec-websocket-protocol",
                "other",
                ResponseError::SubprotocolNotAsked,
            ),
            (
                "sec-websocket-extensions",
                "any",
                ResponseError::ExtensionNotOffered,
            ),
            ("connection", "close", ResponseError::NoConnectionUpgrade),
        ] {
            let mut bad = good.clone();
            bad.headers_mut()
                .insert(name, HeaderValue::from_static(value));
            assert_eq!(client.check(&bad).unwrap_err(), error);
        }
        let refused = Response::builder().status(403).body(()).unwrap();
        let error = ResponseError::Refused { status: 403 };
        assert_eq!(client.check(&refused).unwrap_err(), error);
    }
}
