//! The negotiation of permessage-deflate (RFC 7692 7.1): what must be agreed on, declined, and refused.

use super::{GROUP, compressed, echoes};
use crate::{
    case::{Event, Kind, Role, Script, Step},
    cases::section::Section,
    extension::Offers,
    opening::{Draft, Opening},
};

const HELLO: &str = "Hello, hello, hello, hello, hello, hello, hello, hello, hello, hello, hello!";

/// Section 12: offers that a server which compresses can accept.
pub(super) fn offers() -> Section {
    let mut section = Section::new(GROUP, 12, Some(Role::Server));
    for lines in [
        &["permessage-deflate"][..],
        &["permessage-deflate; client_max_window_bits"],
        &["permessage-deflate; client_max_window_bits=10"],
        &["permessage-deflate;client_max_window_bits;server_no_context_takeover"],
        &["permessage-deflate ;  client_no_context_takeover\t; client_max_window_bits=12"],
        // 9.1 of RFC 6455 allows space anywhere between tokens.
        &["permessage-deflate; client_max_window_bits = 12"],
        &["permessage-deflate; server_max_window_bits=\"10\"; client_max_window_bits=\"11\""],
        &[
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
           server_max_window_bits=15; client_max_window_bits=15",
        ],
        &["permessage-deflate; server_max_window_bits=10, permessage-deflate"],
        &[
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate",
        ],
        &["x-unknown, permessage-deflate"],
        &["x-unknown; a; b=1; c=\"2\"", "permessage-deflate"],
        &["permessage-deflate", "x-unknown"],
        &[
            "x-webkit-deflate-frame; no_context_takeover, permessage-deflate; client_max_window_bits",
        ],
    ] {
        good(&mut section, lines);
    }
    // An offer that has to be declined says nothing about the next one.
    for bad in BAD {
        good(
            &mut section,
            &[&format!("permessage-deflate; {bad}, permessage-deflate")],
        );
    }
    good(
        &mut section,
        &[
            "permessage-deflate; nonsense",
            "permessage-deflate; client_max_window_bits",
        ],
    );
    good(
        &mut section,
        &[
            &["permessage-deflate; nonsense"; 10].join(", "),
            "permessage-deflate",
        ],
    );
    section
}

fn good(section: &mut Section, lines: &[&str]) {
    section.add(
        format!("Offers {}.", lines.join(" and, in another line, ")),
        "The server agrees to one of the offers, and to no more than that, and keeps to it.",
        hello(Offers::new(lines, &[]).to_the_letter()),
    );
}

/// Parameters for which a server must decline an offer (RFC 7692 7.1).
const BAD: [&str; 22] = [
    "nonsense",
    "nonsense=10",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits=10; client_max_window_bits",
    "server_no_context_takeover=1",
    "server_no_context_takeover=true",
    "client_no_context_takeover=0",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=0",
    "server_max_window_bits=08",
    "server_max_window_bits=1000000000000000000000",
    "server_max_window_bits=9x",
    "server_max_window_bits=+9",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=09",
    "client_max_window_bits=-1",
];

/// Section 13: offers that a server must decline, which is not to refuse the connection.
pub(super) fn bad_offers() -> Section {
    let mut section = Section::new(GROUP, 13, Some(Role::Server));
    let bad = BAD.map(|bad| format!("permessage-deflate; {bad}"));
    let others = [
        "x-unknown",
        "x-unknown; a; b=1",
        "permessage-deflate2",
        "deflate-frame",
    ];
    for line in bad.into_iter().chain(others.map(str::to_owned)) {
        section.add(
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

/// Section 14: answers for which a client has to fail the connection, whatever it has offered, and some for which
/// that depends on it.
pub(super) fn bad_answers() -> Section {
    let mut section = Section::new(GROUP, 14, Some(Role::Client));
    let bad = BAD.map(|bad| format!("permessage-deflate; {bad}"));
    let others = [
        // 7.1.2.2: in an answer it has a value.
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate, x-unknown",
        "x-unknown",
        "permessage-deflate2",
    ];
    for line in bad.into_iter().chain(others.map(str::to_owned)) {
        section.add(
            format!("Answers {line}."),
            "The client ends the connection.",
            Opening::bait(answer(&line)),
        );
    }
    section.add(
        "Answers permessage-deflate in two lines.",
        "The client ends the connection.",
        Opening::bait(
            answer("permessage-deflate").line("Sec-WebSocket-Extensions: permessage-deflate"),
        ),
    );
    for line in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; \
         client_max_window_bits=15",
    ] {
        section.add(
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
