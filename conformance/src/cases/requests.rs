//! Group `server-handshake`: requests, proper and otherwise, and what a server answers (RFC 6455 4.2; RFC 7230).

use super::section::{Section, allowance};
use crate::{
    case::{Case, Role},
    opening::{Draft, Opening, Refusal},
};

mod accepted;
mod delivery;
mod http;
mod refused;

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let sections = [
        accepted::forms(section("form")),
        accepted::offers(section("offer")),
        refused::first_lines(section("first-line")),
        refused::headers(section("header")),
        http::grammar(section("grammar")),
        http::other_protocols(section("protocol")),
        delivery::answers(section("answer")),
        delivery::limits(section("limit")),
        delivery::cuts(section("cut")),
    ];
    sections.into_iter().flat_map(Section::into_cases).collect()
}

fn section(prefix: &'static str) -> Section {
    Section::new("server-handshake", prefix, Some(Role::Server))
}

/// Adds a request that a server has to refuse.
fn refuses<'a>(
    section: &'a mut Section,
    name: &str,
    what: &str,
    why: &str,
    refusal: Refusal,
    opening: Opening,
) -> &'a mut Case {
    let statuses: Vec<_> = refusal.statuses.iter().map(u16::to_string).collect();
    let header = refusal.header.map_or_else(String::new, |(name, element)| {
        format!(", with {name}: {element}")
    });
    let besides = [
        allowance("Any other answer", refusal.others),
        allowance("Ending the connection without one", refusal.silence),
        allowance("Opening it, if it echoes then,", opening.otherwise),
    ];
    section.add(
        name,
        format!("Sends {what}."),
        format!(
            "The server refuses with {}{header}: {why}.{}",
            statuses.join(" or "),
            besides.concat(),
        ),
        opening,
    )
}

/// Adds requests that a server has to refuse in the same way.
fn refuses_all<'a>(
    section: &mut Section,
    refusal: Refusal,
    requests: impl IntoIterator<Item = (&'a str, &'a str, &'a str, Draft)>,
) {
    for (name, what, why, draft) in requests {
        refuses(
            section,
            name,
            what,
            why,
            refusal,
            Opening::refused(draft, refusal),
        );
    }
}
