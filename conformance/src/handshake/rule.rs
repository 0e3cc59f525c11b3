//! The rules for the request of a client, one at a time (RFC 6455 4.1).

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Head;

/// A duty of every client in its half of the opening handshake, or directly after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The first line is `GET`, a path or an absolute URI, and `HTTP/1.1`.
    FirstLine,
    /// There is one `Host`, with the port.
    Host,
    /// `Upgrade` lists `websocket`.
    Upgrade,
    /// `Connection` lists `Upgrade`.
    Connection,
    /// There is one key, which is 16 bytes in base64.
    Key,
    /// No other connection had that key.
    FreshKey,
    /// There is one version, which is 13.
    Version,
    /// Offers follow the grammar.
    Offers,
    /// The lines follow the grammar of HTTP.
    Grammar,
    /// There is no body.
    NoBody,
    /// Nothing is sent before the response has come.
    Waits,
    /// Every frame is masked with a key of its own.
    Masks,
}

/// Evidence about a client that is judged besides its request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// Where it found the suite.
    pub(crate) port: Option<u16>,
    pub(crate) key_is_fresh: bool,
    /// Bytes that came before the response.
    pub(crate) early: usize,
    /// The masking keys of its first frames.
    pub(crate) masks: Vec<[u8; 4]>,
}

impl Rule {
    /// The rules that every server has to check (RFC 6455 4.2.1).
    pub(super) const OF_REQUESTS: [Self; 6] = [
        Self::FirstLine,
        Self::Host,
        Self::Upgrade,
        Self::Connection,
        Self::Version,
        Self::Key,
    ];

    /// Judges a client by the rule.
    ///
    /// # Errors
    ///
    /// If it breaks the rule. The text says how.
    pub(crate) fn check(self, request: &Head, evidence: &Evidence) -> Result<(), String> {
        match self {
            Self::FirstLine => check_first_line(&request.start),
            Self::Host => check_host(request.one("Host")?, evidence.port),
            Self::Upgrade => demand(
                request.lists("Upgrade", "websocket"),
                "Upgrade does not list websocket",
            ),
            Self::Connection => demand(
                request.lists("Connection", "upgrade"),
                "Connection does not list Upgrade",
            ),
            Self::Key => {
                let nonce = STANDARD.decode(request.one("Sec-WebSocket-Key")?);
                demand(
                    nonce.is_ok_and(|nonce| nonce.len() == 16),
                    "Sec-WebSocket-Key is not 16 bytes in base64",
                )
            }
            Self::FreshKey => demand(
                evidence.key_is_fresh,
                "another connection had that Sec-WebSocket-Key",
            ),
            Self::Version => demand(
                request.one("Sec-WebSocket-Version")? == "13",
                "Sec-WebSocket-Version is not 13",
            ),
            Self::Offers => check_offers(request),
            Self::Grammar => check_grammar(&request.text),
            Self::NoBody => {
                let length = request.all("Content-Length").all(|length| length == "0");
                let coding = request.all("Transfer-Encoding").next();
                demand(length && coding.is_none(), "the request has a body")
            }
            Self::Waits => demand(
                evidence.early == 0,
                "the client sent something before the response had come",
            ),
            Self::Masks => check_masks(&evidence.masks),
        }
    }
}

fn demand(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn check_first_line(line: &str) -> Result<(), String> {
    let words: Vec<_> = line.split(' ').collect();
    let [method, target, version] = words[..] else {
        return Err(format!("the first line is not three words: {line:?}"));
    };
    demand(method == "GET", "the method is not GET")?;
    demand(version == "HTTP/1.1", "the version is not HTTP/1.1")?;
    let absolute = ["http://", "https://"];
    let resource =
        target.starts_with('/') || absolute.iter().any(|start| target.starts_with(start));
    demand(resource, "the target is no path and no absolute URI")?;
    // 3: fragments have no place in the URI of a WebSocket.
    demand(!target.contains('#'), "the target has a fragment")
}

fn check_host(host: &str, port: Option<u16>) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte);
    demand(
        !host.is_empty() && host.bytes().all(allowed),
        "Host is no name with a port",
    )?;
    let told = host.rsplit_once(':').map(|(_, port)| port.parse());
    match port {
        // 4.1: with the port, unless it is the default.
        Some(port) if port != 80 && told != Some(Ok(port)) => {
            Err(format!("Host lacks the port {port}"))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_offers(request: &Head) -> Result<(), String> {
    let subprotocols: Vec<_> = request.elements("Sec-WebSocket-Protocol").collect();
    demand(
        subprotocols.iter().all(|name| is_token(name)),
        "Sec-WebSocket-Protocol lists what is no token",
    )?;
    let distinct: HashSet<_> = subprotocols.iter().collect();
    demand(
        distinct.len() == subprotocols.len(),
        "Sec-WebSocket-Protocol lists something twice",
    )?;
    for extension in request.elements("Sec-WebSocket-Extensions") {
        let words = extension
            .split([';', '='])
            .map(|word| word.trim().trim_matches('"'));
        let words_are_tokens = words.into_iter().all(is_token);
        demand(
            words_are_tokens,
            "Sec-WebSocket-Extensions lists what is no token",
        )?;
    }
    Ok(())
}

/// RFC 7230 3.
fn check_grammar(text: &str) -> Result<(), String> {
    let lines = text.split_terminator("\r\n").skip(1);
    for line in lines.filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            return Err(format!("a line is no header: {line:?}"));
        };
        demand(is_token(name), &format!("{name:?} is no name of a header"))?;
        let controls = value.chars().any(|c| c.is_ascii_control() && c != '\t');
        demand(!controls, &format!("{name} has a control character"))?;
    }
    Ok(())
}

fn is_token(text: &str) -> bool {
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(of_token)
}

/// 5.3: a fresh key for each frame, that cannot be predicted.
fn check_masks(masks: &[[u8; 4]]) -> Result<(), String> {
    demand(
        masks.len() > 2,
        "there are too few frames to judge their masks by",
    )?;
    let distinct: HashSet<_> = masks.iter().collect();
    demand(
        distinct.len() == masks.len(),
        "frames were masked with the same key",
    )?;
    let keys = masks.iter().map(|mask| u32::from_be_bytes(*mask));
    let steps: HashSet<_> = keys
        .clone()
        .zip(keys.skip(1))
        .map(|(key, next)| next.wrapping_sub(key))
        .collect();
    demand(steps.len() > 1, "keys are counted up")
}
