//! Requests that a server has to refuse by what they ask for (RFC 6455 4.2.1, 4.2.2).

use super::{Draft, Refusal, Section, refuses, refuses_all};
use crate::opening::{Grade, Opening};

/// The response to any fault (RFC 6455 4.2.1).
const BAD: Refusal = Refusal::with(&[400]);

/// Cases `first-line-*`: wrong methods, targets and versions.
pub(super) fn first_lines(mut section: Section) -> Section {
    let method = Refusal::with(&[405, 400, 501]);
    let get = "RFC 6455 4.2.1: the method is GET";
    let version = "RFC 6455 4.2.1: the version is HTTP/1.1 or higher";
    let resource = "RFC 6455 4.2.1: the target is a resource name or an absolute URI";
    let grammar = "RFC 7230 3.1.1";
    let unsupported = Refusal::with(&[505, 400]);
    let missing = Refusal::with(&[400, 404]);
    for (name, what, why, refusal, line) in [
        (
            "post",
            "a request with the method POST",
            get,
            method,
            "POST {resource} HTTP/1.1",
        ),
        (
            "head",
            "a request with the method HEAD",
            get,
            method,
            "HEAD {resource} HTTP/1.1",
        ),
        (
            "put",
            "a request with the method PUT",
            get,
            method,
            "PUT {resource} HTTP/1.1",
        ),
        (
            "options",
            "a request with the method OPTIONS",
            get,
            method,
            "OPTIONS {resource} HTTP/1.1",
        ),
        (
            "unknown-method",
            "a request with an unknown method",
            get,
            method,
            "CONFORM {resource} HTTP/1.1",
        ),
        (
            "lowercase-get",
            "a request with the method get",
            "RFC 7231 4.1: methods have a case",
            method,
            "get {resource} HTTP/1.1",
        ),
        (
            "http-1-0",
            "a request of HTTP/1.0",
            "RFC 7230 6.7: its Upgrade must be ignored",
            Refusal::with(&[400, 426, 505]),
            "GET {resource} HTTP/1.0",
        ),
        (
            "http-2-0",
            "a request of HTTP/2.0",
            version,
            unsupported,
            "GET {resource} HTTP/2.0",
        ),
        (
            "http-0-9",
            "a request of HTTP/0.9 with headers",
            version,
            unsupported,
            "GET {resource} HTTP/0.9",
        ),
        (
            "lowercase-http",
            "a request of http/1.1",
            "RFC 7230 2.6: the name has a case",
            BAD,
            "GET {resource} http/1.1",
        ),
        (
            "http-1-1x",
            "a request of HTTP/1.1x",
            grammar,
            BAD,
            "GET {resource} HTTP/1.1x",
        ),
        (
            "ftp",
            "a request of FTP/1.1",
            grammar,
            BAD,
            "GET {resource} FTP/1.1",
        ),
        (
            "no-version",
            "a request without a version",
            grammar,
            unsupported,
            "GET {resource}",
        ),
        (
            "no-target",
            "a request without a target",
            grammar,
            BAD,
            "GET HTTP/1.1",
        ),
        (
            "asterisk-target",
            "a request for *",
            resource,
            missing,
            "GET * HTTP/1.1",
        ),
        (
            "authority-target",
            "a request for the host",
            resource,
            missing,
            "GET {host} HTTP/1.1",
        ),
        (
            "space-in-target",
            "a request with a space in the target",
            grammar,
            BAD,
            "GET {resource}?a b HTTP/1.1",
        ),
        (
            "nul-in-target",
            "a request with a NUL in the target",
            grammar,
            BAD,
            "GET {resource}?a\0b HTTP/1.1",
        ),
    ] {
        let opening = Opening::refused(Draft::request().start(line), refusal);
        refuses(&mut section, name, what, why, refusal, opening);
    }
    for (name, what, line) in [
        (
            "two-spaces-before-target",
            "a request with two spaces in front of the target",
            "GET  {resource} HTTP/1.1",
        ),
        (
            "two-spaces-after-target",
            "a request with two spaces behind the target",
            "GET {resource}  HTTP/1.1",
        ),
        (
            "trailing-space",
            "a request with a space behind the version",
            "GET {resource} HTTP/1.1 ",
        ),
    ] {
        let opening =
            Opening::refused(Draft::request().start(line), BAD).otherwise(Grade::Tolerated);
        let why = "RFC 7230 3.1.1, though 3.5 allows to be lenient";
        refuses(&mut section, name, what, why, BAD, opening);
    }
    section
}

/// Cases `header-*`: headers of the handshake.
pub(super) fn headers(mut section: Section) -> Section {
    hosts(&mut section);
    upgrades(&mut section);
    keys(&mut section);
    versions(&mut section);
    offers(&mut section);
    section
}

fn hosts(section: &mut Section) {
    let refusal = Refusal::exactly(&[400]);
    let why = "RFC 7230 5.4 demands just this";
    for (name, what, draft) in [
        (
            "no-host",
            "a request without Host",
            Draft::request().without("Host"),
        ),
        (
            "host-twice",
            "a request with two lines of Host",
            Draft::request().line("Host: {host}"),
        ),
        (
            "two-hosts",
            "a request with two different lines of Host",
            Draft::request().line("Host: conformance.example"),
        ),
        (
            "host-with-space",
            "a request whose Host has a space",
            Draft::request().set("Host", "conformance example"),
        ),
        (
            "host-with-slash",
            "a request whose Host has a slash",
            Draft::request().set("Host", "conformance.example/chat"),
        ),
    ] {
        let opening = Opening::refused(draft, refusal);
        refuses(section, name, what, why, refusal, opening);
    }
}

fn upgrades(section: &mut Section) {
    let request = Draft::request;
    let plain = Refusal {
        others: Grade::Right,
        ..Refusal::with(&[426, 400])
    };
    let opening = Opening::refused(
        Draft::new("GET {resource} HTTP/1.1", &["Host: {host}"]),
        plain,
    );
    let why = "it asks for no upgrade, and a server may have a page for it";
    refuses(
        section,
        "plain-request",
        "a plain request of HTTP/1.1",
        why,
        plain,
        opening,
    );
    let refusal = Refusal::with(&[400, 426]);
    let upgrade = "RFC 6455 4.2.1: Upgrade contains the value websocket";
    let connection = "RFC 6455 4.2.1: Connection lists the token Upgrade";
    refuses_all(
        section,
        refusal,
        [
            (
                "no-upgrade",
                "a request without Upgrade",
                upgrade,
                request().without("Upgrade"),
            ),
            (
                "empty-upgrade",
                "a request with an empty Upgrade",
                upgrade,
                request().set("Upgrade", ""),
            ),
            (
                "upgrade-h2c",
                "a request with Upgrade: h2c",
                upgrade,
                request().set("Upgrade", "h2c"),
            ),
            (
                "upgrade-websockets",
                "a request with Upgrade: websockets",
                upgrade,
                request().set("Upgrade", "websockets"),
            ),
            (
                "upgrade-not-websocket",
                "a request with Upgrade: not-websocket",
                upgrade,
                request().set("Upgrade", "not-websocket"),
            ),
            (
                "upgrade-web-socket",
                "a request with Upgrade: web socket",
                upgrade,
                request().set("Upgrade", "web socket"),
            ),
            (
                "no-connection",
                "a request without Connection",
                connection,
                request().without("Connection"),
            ),
            (
                "empty-connection",
                "a request with an empty Connection",
                connection,
                request().set("Connection", ""),
            ),
            (
                "connection-keep-alive",
                "a request with Connection: keep-alive",
                connection,
                request().set("Connection", "keep-alive"),
            ),
            (
                "connection-no-upgrade-please",
                "a request with Connection: no-upgrade-please",
                connection,
                request().set("Connection", "no-upgrade-please"),
            ),
            (
                "connection-without-comma",
                "a request with Connection: keep-alive Upgrade",
                connection,
                request().set("Connection", "keep-alive Upgrade"),
            ),
        ],
    );
}

fn keys(section: &mut Section) {
    let key = |value: &str| Draft::request().set("Sec-WebSocket-Key", value);
    let present = "RFC 6455 4.2.1: there is a key";
    let grammar = "RFC 6455 4.3: the key is base64";
    let once = "RFC 6455 11.3.1: there is no more than one key";
    refuses_all(
        section,
        BAD,
        [
            (
                "no-key",
                "a request without a key",
                present,
                Draft::request().without("Sec-WebSocket-Key"),
            ),
            ("empty-key", "a request with an empty key", present, key("")),
            (
                "key-of-one-character",
                "a request with a key of one character",
                grammar,
                key("A"),
            ),
            (
                "key-without-padding",
                "a request whose key lacks its padding",
                grammar,
                key("AQIDBAUGBwgJCgsMDQ4PEA"),
            ),
            (
                "key-with-half-padding",
                "a request whose key has one = too few",
                grammar,
                key("AQIDBAUGBwgJCgsMDQ4PEA="),
            ),
            (
                "key-without-letters",
                "a request whose key has no letters",
                grammar,
                key("!?!?!?!?!?!?!?!?!?!?!?=="),
            ),
            (
                "key-base64url",
                "a request whose key is base64 for URLs",
                grammar,
                key("-_-_-_-_-_-_-_-_-_-_-A=="),
            ),
            (
                "key-with-space",
                "a request whose key has a space inside",
                grammar,
                key("AQIDBAUGBwg JCgsMDQ4PEA=="),
            ),
            (
                "key-twice",
                "a request with the same key twice",
                once,
                key("{key}").line("Sec-WebSocket-Key: {key}"),
            ),
            (
                "two-keys",
                "a request with two keys",
                once,
                key("{key}").line("Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=="),
            ),
            (
                "two-keys-one-line",
                "a request with two keys on one line",
                grammar,
                key("{key}, {key}"),
            ),
        ],
    );
    for (name, what, value) in [
        (
            "key-15-bytes",
            "a request whose key is 15 bytes in base64",
            "AQIDBAUGBwgJCgsMDQ4P",
        ),
        (
            "key-17-bytes",
            "a request whose key is 17 bytes in base64",
            "AQIDBAUGBwgJCgsMDQ4PEBE=",
        ),
        (
            "key-18-bytes",
            "a request whose key is 18 bytes in base64",
            "AQIDBAUGBwgJCgsMDQ4PEBES",
        ),
    ] {
        let opening = Opening::refused(key(value), BAD).otherwise(Grade::Tolerated);
        let why = "RFC 6455 4.2.1: it is 16 bytes, though 4.2.2 spares servers to decode it";
        refuses(section, name, what, why, BAD, opening);
    }
}

fn versions(section: &mut Section) {
    let name = "Sec-WebSocket-Version";
    let version = |value: &str| Draft::request().set(name, value);
    let known = Refusal::with(&[426, 400]).header(name, "13");
    let why = "RFC 6455 4.2.2, 4.4: the answer tells the versions that are understood";
    for value in ["0", "12", "14", "25", "255", "256", "99999999999999999999"] {
        let name = format!("version-{value}");
        let what = format!("a request of version {value}");
        refuses(
            section,
            &name,
            &what,
            why,
            known,
            Opening::refused(version(value), known),
        );
    }
    for value in ["7", "8"] {
        let name = format!("version-{value}");
        let what = format!("a request of version {value}");
        let opening = Opening::refused(version(value), known).otherwise(Grade::Tolerated);
        refuses(section, &name, &what, why, known, opening);
    }
    let refusal = Refusal::with(&[400, 426]);
    let present = "RFC 6455 4.2.1: there is a version, which is 13";
    let once = "RFC 6455 11.3.5: there is no more than one version";
    refuses_all(
        section,
        refusal,
        [
            (
                "no-version",
                "a request without a version",
                present,
                Draft::request().without(name),
            ),
            (
                "empty-version",
                "a request with an empty version",
                present,
                version(""),
            ),
            (
                "version-leading-zero",
                "a request of version 013",
                "RFC 6455 4.3: there are no leading zeros",
                version("013"),
            ),
            (
                "version-plus",
                "a request of version +13",
                "RFC 6455 4.3: it is a number",
                version("+13"),
            ),
            (
                "version-decimal",
                "a request of version 13.0",
                "RFC 6455 4.3: it is a number",
                version("13.0"),
            ),
            (
                "version-list",
                "a request of version 13, 8",
                once,
                version("13, 8"),
            ),
            (
                "version-twice",
                "a request that has its version twice",
                once,
                version("13").line("Sec-WebSocket-Version: 13"),
            ),
            (
                "two-versions",
                "a request of two versions",
                once,
                version("13").line("Sec-WebSocket-Version: 8"),
            ),
        ],
    );
}

fn offers(section: &mut Section) {
    let grammar = "RFC 6455 4.2.1, 4.3: subprotocols are tokens";
    for (name, value) in [
        ("subprotocol-with-space", "a b"),
        ("subprotocol-with-slash", "chat/1"),
        ("subprotocol-quoted", "\"chat\""),
        ("subprotocol-with-parameter", "chat; version=1"),
    ] {
        let what = format!("a request that asks for the subprotocol {value}");
        let draft = Draft::request().line(format!("Sec-WebSocket-Protocol: {value}"));
        refuses(
            section,
            name,
            &what,
            grammar,
            BAD,
            Opening::refused(draft, BAD),
        );
    }
    let grammar = "RFC 6455 9.1: what breaks the grammar must not be passed over";
    for (name, value) in [
        ("extension-trailing-semicolon", "permessage-deflate;"),
        (
            "extension-parameter-without-name",
            "permessage-deflate; =15",
        ),
        (
            "extension-parameter-without-value",
            "permessage-deflate; server_max_window_bits=",
        ),
        ("extension-open-quote", "x-conformance; a=\"b"),
        ("extension-space-in-quotes", "x-conformance; a=\"b c\""),
        ("extension-with-space", "x conformance"),
        ("extension-two-equals", "x-conformance; a=b=c"),
        ("extension-quoted", "\"x-conformance\""),
    ] {
        let what = format!("a request that offers the extension {value}");
        let draft = Draft::request().line(format!("Sec-WebSocket-Extensions: {value}"));
        refuses(
            section,
            name,
            &what,
            grammar,
            BAD,
            Opening::refused(draft, BAD),
        );
    }
}
