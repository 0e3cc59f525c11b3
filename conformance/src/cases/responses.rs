//! Group `client-handshake`: what a client asks for, and what it makes of responses, proper and otherwise (RFC 6455 4.1).

use super::section::{Section, allowance};
use crate::{
    case::{Case, Closing, Event, Kind, Role, Script, Step},
    handshake::Rule,
    opening::{Draft, Half, Opening},
};

mod accepted;
mod delivery;
mod refused;

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let sections = [
        requests(section("request")),
        accepted::forms(section("form")),
        refused::statuses(section("status")),
        refused::headers(section("header")),
        refused::grammar(section("grammar")),
        delivery::endings(section("end")),
        delivery::limits(section("limit")),
        delivery::cuts(section("cut")),
    ];
    sections.into_iter().flat_map(Section::into_cases).collect()
}

fn section(prefix: &'static str) -> Section {
    Section::new("client-handshake", prefix, Some(Role::Client))
}

/// Adds a response that a client has to refuse.
fn drops<'a>(
    section: &'a mut Section,
    name: &str,
    what: &str,
    why: &str,
    opening: Opening,
) -> &'a mut Case {
    section.add(
        name,
        format!("Answers with {what}."),
        format!(
            "The client ends the connection without a frame: {why}.{}",
            allowance("Opening it", opening.otherwise)
        ),
        opening,
    )
}

/// Cases `request-*`: what every client sends.
fn requests(mut section: Section) -> Section {
    for (rule, name, what, expectation) in [
        (
            Rule::FirstLine,
            "first-line",
            "the first line",
            "The first line is GET, a path with its query or an absolute URI, without a fragment, and \
             HTTP/1.1 (RFC 6455 3, 4.1).",
        ),
        (
            Rule::Host,
            "host",
            "Host",
            "There is one Host, with the port if that is not 80 (RFC 6455 4.1).",
        ),
        (
            Rule::Upgrade,
            "upgrade",
            "Upgrade",
            "Upgrade lists websocket (RFC 6455 4.1).",
        ),
        (
            Rule::Connection,
            "connection",
            "Connection",
            "Connection lists Upgrade (RFC 6455 4.1).",
        ),
        (
            Rule::Key,
            "key",
            "the key",
            "There is one Sec-WebSocket-Key, which is 16 bytes in base64 (RFC 6455 4.1, 11.3.1).",
        ),
        (
            Rule::FreshKey,
            "fresh-key",
            "the key beside those of other connections",
            "No connection that was tested before had that key (RFC 6455 4.1: it is chosen at random for each \
             connection).",
        ),
        (
            Rule::Version,
            "version",
            "the version",
            "There is one Sec-WebSocket-Version, which is 13 (RFC 6455 4.1, 11.3.5).",
        ),
        (
            Rule::Offers,
            "offers",
            "what is offered",
            "Subprotocols are distinct tokens, extensions follow their grammar (RFC 6455 4.1, 9.1).",
        ),
        (
            Rule::Grammar,
            "grammar",
            "the form of the lines",
            "Every line is a header, without control characters (RFC 7230 3.2).",
        ),
        (
            Rule::NoBody,
            "no-body",
            "what is said of a body",
            "The request has no body (RFC 6455 1.3: it is a GET).",
        ),
        (
            Rule::Waits,
            "waits",
            "what comes within a tenth of a second behind it",
            "Nothing is sent before the response has come (RFC 6455 4.1).",
        ),
    ] {
        section.add(
            name,
            format!("Looks at the request, here at {what}, and answers in the proper way."),
            expectation,
            Opening::opens(Half::Proper).rule(rule),
        );
    }
    let messages = (1..=8).map(|at| format!("message {at}"));
    let steps = messages.clone().map(|text| Step::message(Kind::Text, text));
    let script = Script::new(Closing::by_suite())
        .steps(steps)
        .expect(messages.map(Event::text));
    section.add(
        "masks",
        "Sends eight messages, and looks at the masks of the echoes.",
        "Each frame has a mask of its own, and they are not counted up (RFC 6455 5.3).",
        Opening::opens(Half::Proper)
            .script(script)
            .rule(Rule::Masks),
    );
    section
}
