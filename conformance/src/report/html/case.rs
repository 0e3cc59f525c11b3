//! The page about one case of one agent.

use maud::{Markup, html};

use super::{Nonce, badge, duration, index, page, reference, timeline};
use crate::{
    case::{Case, Event},
    cases::GROUPS,
    judging,
    log::{Entry, Traffic},
    outcome::Outcome,
    render,
    report::{Agent, Grade, Report, file_name},
};

/// Makes the page. `at` is the position of the agent in the report.
pub(in crate::report) fn case(
    report: &Report<'_>,
    at: usize,
    case: &Case,
    outcome: &Outcome,
    nonce: &Nonce,
) -> String {
    let agent = &report.agents[at];
    let title = format!("{} {} · {}", case.id, outcome.verdict, agent.name);
    let spoke = outcome.log.entries().any(Entry::is_frame);
    let contents = html! {
        header.top {
            (way(report, agent, case))
            h1 { (case.id) " " (badge(outcome)) }
            p.muted { bdi { (agent.name) } }
            (others(report, at, case))
        }
        main {
            section.columns {
                div {
                    h2 { "What the suite does" }
                    p { (reference::linked(&case.description)) }
                }
                div {
                    h2 { "What the subject has to do" }
                    p { (reference::linked(&case.expectation)) }
                }
            }
            @if !outcome.reasons.is_empty() {
                section class={ "reasons " (Grade::from(outcome.verdict).name()) } {
                    h2 { "Why" }
                    ul { @for reason in &outcome.reasons { li { (reason) } } }
                }
            }
            (conversation(outcome))
            // Without frames, the heads tell the story.
            @if spoke { (timeline::section(&outcome.log)) (handshake(outcome)) }
            @else { (handshake(outcome)) (timeline::section(&outcome.log)) }
            (measures(agent, case, outcome))
        }
    };
    page(&title, nonce, &contents)
}

/// Where the page stands, and its neighbours.
fn way(report: &Report<'_>, agent: &Agent<'_>, case: &Case) -> Markup {
    let group = GROUPS.iter().find(|group| group.name == case.id.group());
    let cases = || {
        let cases = report.cases.iter().map(|case| &case.id);
        cases.filter(|id| agent.outcomes.contains_key(id))
    };
    let previous = cases().take_while(|id| **id != case.id).last();
    let next = cases().skip_while(|id| **id != case.id).nth(1);
    html! {
        nav.way aria-label="Pages" {
            a href={ "index.html#" (index::anchor(case)) } { "All cases" }
            @if let Some(group) = group {
                a href={ "index.html#group-" (group.name) } { (group.name) " " (group.title) }
            }
            span.neighbours {
                @if let Some(id) = previous {
                    a rel="prev" href=(file_name(&agent.name, id, "html")) { "← " (id) }
                }
                @if let Some(id) = next {
                    a rel="next" href=(file_name(&agent.name, id, "html")) { (id) " →" }
                }
            }
        }
    }
}

/// The same case, of the other agents.
fn others(report: &Report<'_>, at: usize, case: &Case) -> Markup {
    let others = report
        .agents
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at);
    let others: Vec<_> = others
        .filter_map(|(_, agent)| Some((agent, agent.outcomes.get(&case.id)?)))
        .collect();
    html! {
        @if !others.is_empty() {
            nav.others aria-label="The same case of other agents" {
                @for (agent, outcome) in others {
                    a href=(file_name(&agent.name, &case.id, "html")) {
                        bdi { (agent.name) } " " (badge(outcome))
                    }
                }
            }
        }
    }
}

/// The expected events beside the received ones, if the connection opened or had to open.
fn conversation(outcome: &Outcome) -> Markup {
    let listed = !outcome.expected.is_empty() || !outcome.events.is_empty();
    html! {
        @if listed || outcome.closing.is_some() || !outcome.ending.never_open {
            section.columns {
                (expected(outcome))
                div {
                    // Exchanges expect no single events, so none are listed.
                    @if listed {
                        h2 { "Received" }
                        (received(outcome))
                    }
                    h3 { "How it ended" }
                    p.sentence { (render::ending(&outcome.ending)) "." }
                }
            }
        }
    }
}

fn handshake(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.heads.request.is_empty() {
            section {
                h2 { "Opening handshake" }
                div.columns {
                    (head("Request", &outcome.heads.request))
                    (head("Response", &outcome.heads.response))
                }
            }
        }
    }
}

fn expected(outcome: &Outcome) -> Markup {
    html! {
        div {
            @if !outcome.expected.is_empty() { h2 { "Expected" } }
            @for alternative in &outcome.expected {
                @if outcome.expected.len() > 1 { h3 { (render::alternative_name(alternative)) } }
                (events(&alternative.events, |_| None))
            }
            @if let Some(closing) = &outcome.closing {
                h3 { "How it has to end" }
                p.sentence { (render::closing(closing)) "." }
            }
        }
    }
}

/// Events that a page shows; the JSON file has them all.
const EVENTS: usize = 40;

/// The received events, compared with the closest alternative.
fn received(outcome: &Outcome) -> Markup {
    let closest = judging::closest(&outcome.expected, &outcome.events);
    events(&outcome.events, |at| {
        let came = outcome.events.get(at)?;
        Some(closest?.events.get(at) == Some(came))
    })
}

/// Lists events. `right` returns for each whether it is right, if that is known.
fn events(events: &[Event], right: impl Fn(usize) -> Option<bool>) -> Markup {
    html! {
        @if events.is_empty() { p.muted { "Nothing." } } @else {
            ol.events {
                @for (at, event) in events.iter().take(EVENTS).enumerate() {
                    @match right(at) {
                        Some(true) => li.ok { span.sign role="img" aria-label="right" { "✓" } " " (render::event(event)) },
                        Some(false) => li.failed { span.sign role="img" aria-label="wrong" { "✗" } " " (render::event(event)) },
                        None => li { (render::event(event)) },
                    }
                }
            }
            @if events.len() > EVENTS { p.muted { "… and " (events.len() - EVENTS) " more." } }
        }
    }
}

fn head(title: &str, text: &str) -> Markup {
    html! {
        div {
            h3 { (title) }
            @if text.is_empty() { p.muted { "None came." } } @else {
                pre.head tabindex="0" { (render::lines(text)) }
            }
        }
    }
}

/// Times and counts.
fn measures(agent: &Agent<'_>, case: &Case, outcome: &Outcome) -> Markup {
    let log = &outcome.log;
    let frames = |traffic: &Traffic| {
        let frames = traffic.frames.iter();
        let frames: Vec<_> = frames
            .map(|(opcode, count)| format!("{count} {}", render::opcode_name(*opcode)))
            .collect();
        if frames.is_empty() {
            "none".to_owned()
        } else {
            frames.join(", ")
        }
    };
    let bytes = |traffic: &Traffic| -> usize {
        traffic.bytes.iter().map(|(size, count)| size * count).sum()
    };
    html! {
        section {
            h2 { "Measures" }
            dl {
                dt { "Began" } dd { (humantime::format_rfc3339_millis(outcome.started)) }
                dt { "Lasted" } dd { (duration(outcome)) }
                dt { "Frames sent" } dd { (frames(&log.sent)) }
                dt { "Frames received" } dd { (frames(&log.received)) }
                dt { "Bytes sent" } dd { (bytes(&log.sent)) }
                dt { "Bytes received" } dd { (bytes(&log.received)) }
            }
            p { a href=(file_name(&agent.name, &case.id, "json")) { "JSON" } }
        }
    }
}
