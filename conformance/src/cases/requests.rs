//! Group 20: requests, proper and otherwise, and what a server answers (RFC 6455 4.2; RFC 7230).

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
        accepted::forms(section(1)),
        accepted::offers(section(2)),
        refused::first_lines(section(3)),
        refused::headers(section(4)),
        http::grammar(section(5)),
        http::other_protocols(section(6)),
        delivery::answers(section(7)),
        delivery::limits(section(8)),
        delivery::cuts(section(9)),
    ];
    sections.into_iter().flat_map(Section::into_cases).collect()
}

fn section(number: u16) -> Section {
    Section::new(20, number, Some(Role::Server))
}

/// Adds a request that a server has to refuse.
fn refuses<'a>(
    section: &'a mut Section,
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
    requests: impl IntoIterator<Item = (&'a str, &'a str, Draft)>,
) {
    for (what, why, draft) in requests {
        refuses(
            section,
            what,
            why,
            refusal,
            Opening::refused(draft, refusal),
        );
    }
}
