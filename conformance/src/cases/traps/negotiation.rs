//! The negotiation of permessage-deflate (RFC 7692 7.1): what must be agreed on, declined, and refused.

use super::{GROUP, compressed, echoes};
use crate::{
    case::{Event, Kind, Role, Script, Step},
    cases::section::Section,
    extension::Offers,
    opening::{Draft, Opening},
};

const HELLO: &str = "Hello, hello, hello, hello, hello, hello, hello, hello, hello, hello, hello!";

/// Cases `offer-*`: offers that a server which compresses can accept.
pub(super) fn offers() -> Section {
    let mut section = Section::new(GROUP, "offer", Some(Role::Server));
    for (name, lines) in [
        ("plain", &["permessage-deflate"][..]),
        (
            "client-window",
            &["permessage-deflate; client_max_window_bits"],
        ),
        (
            "client-window-10",
            &["permessage-deflate; client_max_window_bits=10"],
        ),
        (
            "without-spaces",
            &["permessage-deflate;client_max_window_bits;server_no_context_takeover"],
        ),
        (
            "odd-spaces",
            &["permessage-deflate ;  client_no_context_takeover\t; client_max_window_bits=12"],
        ),
        // 9.1 of RFC 6455 allows space anywhere between tokens.
        (
            "spaces-around-equals",
            &["permessage-deflate; client_max_window_bits = 12"],
        ),
        (
            "quoted",
            &["permessage-deflate; server_max_window_bits=\"10\"; client_max_window_bits=\"11\""],
        ),
        (
            "all-parameters",
            &[
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
           server_max_window_bits=15; client_max_window_bits=15",
            ],
        ),
        (
            "two-on-one-line",
            &["permessage-deflate; server_max_window_bits=10, permessage-deflate"],
        ),
        (
            "two-on-two-lines",
            &[
                "permessage-deflate; server_max_window_bits=10",
                "permessage-deflate",
            ],
        ),
        ("after-unknown", &["x-unknown, permessage-deflate"]),
        (
            "after-unknown-line",
            &["x-unknown; a; b=1; c=\"2\"", "permessage-deflate"],
        ),
        ("before-unknown-line", &["permessage-deflate", "x-unknown"]),
        (
            "after-webkit",
            &[
                "x-webkit-deflate-frame; no_context_takeover, permessage-deflate; client_max_window_bits",
            ],
        ),
    ] {
        good(&mut section, name, lines);
    }
    // An offer that has to be declined says nothing about the next one.
    for (name, bad) in BAD {
        good(
            &mut section,
            &format!("after-{name}"),
            &[&format!("permessage-deflate; {bad}, permessage-deflate")],
        );
    }
    good(
        &mut section,
        "after-bad-line",
        &[
            "permessage-deflate; nonsense",
            "permessage-deflate; client_max_window_bits",
        ],
    );
    good(
        &mut section,
        "after-ten-bad-ones",
        &[
            &["permessage-deflate; nonsense"; 10].join(", "),
            "permessage-deflate",
        ],
    );
    section
}

fn good(section: &mut Section, name: &str, lines: &[&str]) {
    section.add(
        name,
        format!("Offers {}.", lines.join(" and, in another line, ")),
        "The server agrees to one of the offers, and to no more than that, and keeps to it.",
        hello(Offers::new(lines, &[]).to_the_letter()),
    );
}

/// Parameters for which a server must decline an offer (RFC 7692 7.1).
const BAD: [(&str, &str); 22] = [
    ("unknown-parameter", "nonsense"),
    ("unknown-parameter-with-value", "nonsense=10"),
    (
        "server-takeover-twice",
        "server_no_context_takeover; server_no_context_takeover",
    ),
    (
        "client-takeover-twice",
        "client_no_context_takeover; client_no_context_takeover",
    ),
    (
        "server-window-twice",
        "server_max_window_bits=10; server_max_window_bits=10",
    ),
    (
        "client-window-twice",
        "client_max_window_bits; client_max_window_bits",
    ),
    (
        "client-window-with-and-without-value",
        "client_max_window_bits=10; client_max_window_bits",
    ),
    ("server-takeover-1", "server_no_context_takeover=1"),
    ("server-takeover-true", "server_no_context_takeover=true"),
    ("client-takeover-0", "client_no_context_takeover=0"),
    ("server-window-without-value", "server_max_window_bits"),
    ("server-window-7", "server_max_window_bits=7"),
    ("server-window-16", "server_max_window_bits=16"),
    ("server-window-0", "server_max_window_bits=0"),
    ("server-window-leading-zero", "server_max_window_bits=08"),
    (
        "server-window-huge",
        "server_max_window_bits=1000000000000000000000",
    ),
    ("server-window-letter", "server_max_window_bits=9x"),
    ("server-window-plus", "server_max_window_bits=+9"),
    ("client-window-7", "client_max_window_bits=7"),
    ("client-window-16", "client_max_window_bits=16"),
    ("client-window-leading-zero", "client_max_window_bits=09"),
    ("client-window-negative", "client_max_window_bits=-1"),
];

/// Cases `decline-*`: offers that a server must decline, which is not to refuse the connection.
pub(super) fn bad_offers() -> Section {
    let mut section = Section::new(GROUP, "decline", Some(Role::Server));
    let bad = BAD.map(|(name, bad)| (name, format!("permessage-deflate; {bad}")));
    let others = [
        ("unknown-extension", "x-unknown"),
        ("unknown-extension-parameters", "x-unknown; a; b=1"),
        ("similar-name", "permessage-deflate2"),
        ("deflate-frame", "deflate-frame"),
    ];
    for (name, line) in bad
        .into_iter()
        .chain(others.map(|(name, line)| (name, line.to_owned())))
    {
        section.add(
            name,
            format!("Offers {line}, and nothing else."),
            "The server opens the connection without an extension.",
            hello(Offers::new(&[&line], &[]).to_the_letter().declinable()),
        );
    }
    section
}

fn hello(offers: Offers) -> Script {
    let messages = [
        compressed(Kind::Text, HELLO, 0),
        compressed(Kind::Text, HELLO, 7),
        Step::message(Kind::Text, HELLO),
    ];
    echoes(messages, [HELLO; 3].map(Event::text)).offers(offers)
}

/// Cases `answer-*`: answers for which a client has to fail the connection, whatever it has offered, and some for which
/// that depends on it.
pub(super) fn bad_answers() -> Section {
    let mut section = Section::new(GROUP, "answer", Some(Role::Client));
    let bad = BAD.map(|(name, bad)| (name, format!("permessage-deflate; {bad}")));
    let others = [
        // 7.1.2.2: in an answer it has a value.
        (
            "client-window-without-value",
            "permessage-deflate; client_max_window_bits",
        ),
        ("twice", "permessage-deflate, permessage-deflate"),
        ("unknown-extension-second", "permessage-deflate, x-unknown"),
        ("unknown-extension", "x-unknown"),
        ("similar-name", "permessage-deflate2"),
    ];
    for (name, line) in bad
        .into_iter()
        .chain(others.map(|(name, line)| (name, line.to_owned())))
    {
        section.add(
            name,
            format!("Answers {line}."),
            "The client ends the connection.",
            Opening::bait(answer(&line)),
        );
    }
    section.add(
        "two-lines",
        "Answers permessage-deflate in two lines.",
        "The client ends the connection.",
        Opening::bait(
            answer("permessage-deflate").line("Sec-WebSocket-Extensions: permessage-deflate"),
        ),
    );
    for (name, line) in [
        ("unless-offered", "permessage-deflate"),
        (
            "unless-offered-server-parameters",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
        ),
        (
            "unless-offered-windows",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; \
         client_max_window_bits=15",
        ),
    ] {
        section.add(
            name,
            format!("Answers {line}, unless the client has offered what makes that right."),
            "The client ends the connection.",
            Opening::bait(answer(line)),
        );
    }
    section
}

fn answer(extensions: &str) -> Draft {
    Draft::response().line(format!("Sec-WebSocket-Extensions: {extensions}"))
}
