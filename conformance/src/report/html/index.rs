//! The first page: every case beside the verdicts of every agent, searchable.

use std::time::SystemTime;

use maud::{Markup, html};

use super::{Nonce, badge, bar, counts, duration, page, reference};
use crate::{
    case::{Case, Role},
    cases::{GROUPS, Group},
    outcome::Outcome,
    report::{Agent, Grade, Report, Tally, file_name},
};

/// Makes the page.
pub(in crate::report) fn index(report: &Report<'_>, nonce: &Nonce) -> String {
    let groups: Vec<_> = GROUPS
        .iter()
        .map(|group| (group, report.group(group.name)))
        .filter(|(_, cases)| !cases.is_empty())
        .collect();
    let contents = html! {
        header.top {
            h1 { "WebSocket conformance" }
            p.muted {
                (groups.iter().map(|(_, cases)| cases.len()).sum::<usize>()) " cases · "
                (humantime::format_rfc3339_seconds(SystemTime::now()))
                " · " (env!("CARGO_PKG_NAME")) " " (env!("CARGO_PKG_VERSION"))
                " · " a href="index.json" { "JSON" }
            }
        }
        main {
            section.agents aria-label="Agents" {
                @for agent in &report.agents { (card(agent)) }
            }
            (overview(report, &groups))
            (filter(report, &groups))
            (table(report, &groups))
        }
    };
    page("WebSocket conformance", nonce, &contents)
}

impl Report<'_> {
    fn group(&self, name: &str) -> Vec<&Case> {
        let of_group = |case: &&Case| {
            let mut agents = self.agents.iter();
            case.id.group() == name && agents.any(|agent| agent.outcomes.contains_key(&case.id))
        };
        self.cases.iter().filter(of_group).collect()
    }
}

/// Where a case stands on the page.
pub(super) fn anchor(case: &Case) -> String {
    format!("case-{}", case.id.to_string().replace(['.', '/'], "-"))
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

fn card(agent: &Agent<'_>) -> Markup {
    let tally = Tally::of(agent.outcomes.values());
    html! {
        article.card {
            h2 { bdi { (agent.name) } " " span.muted { (role(agent.role)) } }
            (bar(&tally))
            p { (counts(&tally)) }
        }
    }
}

/// How many cases of each group passed, for each agent.
fn overview(report: &Report<'_>, groups: &[(&Group, Vec<&Case>)]) -> Markup {
    html! {
        details.overview open[report.agents.len() <= 4] {
            summary { h2 { "Groups" } }
            section.scroll tabindex="0" aria-label="Groups" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Group" }
                            @for agent in &report.agents { th scope="col" { bdi { (agent.name) } } }
                        }
                    }
                    tbody {
                        @for (group, _) in groups {
                            tr {
                                th scope="row" {
                                    a href={ "#group-" (group.name) } {
                                        span.number { (group.name) } " " (group.title)
                                    }
                                }
                                @for agent in &report.agents { (share(agent, group)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn share(agent: &Agent<'_>, group: &Group) -> Markup {
    let tally = Tally::of(agent.group(group.name).map(|(_, outcome)| outcome));
    let good = tally.count(Grade::Ok) + tally.count(Grade::Informational);
    html! {
        td {
            @if tally.all() > 0 {
                (bar(&tally))
                span.fraction { (good) "/" (tally.all()) }
            }
        }
    }
}

fn filter(report: &Report<'_>, groups: &[(&Group, Vec<&Case>)]) -> Markup {
    html! {
        // Only a script can filter.
        search.filter hidden {
            div.fields {
                label.grow {
                    span.label { "Search" }
                    input #search type="search" placeholder="id, words, reasons  ( / )" autocomplete="off" spellcheck="false";
                }
                label {
                    span.label { "Group" }
                    select #group {
                        option value="" { "all" }
                        @for (group, _) in groups {
                            option value=(group.name) { (group.name) " " (group.title) }
                        }
                    }
                }
            }
            fieldset {
                legend.label { "Verdict" }
                @for grade in Grade::ALL {
                    label class={ "chip " (grade.name()) } {
                        input type="checkbox" name="grade" value=(grade.name());
                        span.sign aria-hidden="true" { (grade.sign()) } " " (grade.name())
                    }
                }
                @if report.agents.len() > 1 {
                    label.chip {
                        input type="checkbox" name="grade" value="differs";
                        span.sign aria-hidden="true" { "≠" } " agents differ"
                    }
                }
                button #reset type="button" { "Reset" }
            }
            p #shown .muted aria-live="polite" {}
        }
    }
}

fn table(report: &Report<'_>, groups: &[(&Group, Vec<&Case>)]) -> Markup {
    let columns = 2 + report.agents.len();
    html! {
        table.cases {
            caption.hidden { "Verdicts of each agent on each case" }
            thead {
                tr {
                    th scope="col" { "Case" }
                    th scope="col" { "What the suite does" }
                    @for agent in &report.agents {
                        th scope="col" { bdi { (agent.name) } }
                    }
                }
            }
            @for (group, cases) in groups {
                tbody #{ "group-" (group.name) } data-group=(group.name) {
                    tr.group {
                        th scope="rowgroup" colspan=(columns) {
                            span.number { (group.name) } " " (group.title)
                            span.muted { " " (cases.len()) " cases" }
                        }
                    }
                    @for case in cases { (row(report, case)) }
                }
            }
        }
        p #nothing hidden { "No case is left by these filters." }
    }
}

fn row(report: &Report<'_>, case: &Case) -> Markup {
    let outcomes: Vec<_> = report
        .agents
        .iter()
        .map(|agent| (agent, agent.outcomes.get(&case.id)))
        .collect();
    let come = || outcomes.iter().filter_map(|(_, outcome)| *outcome);
    let mut marks: Vec<_> = come()
        .map(|outcome| Grade::from(outcome.verdict).name())
        .collect();
    let first = come().next().map(|outcome| outcome.verdict);
    if come().any(|outcome| Some(outcome.verdict) != first) {
        marks.push("differs");
    }
    html! {
        tr data-marks=(marks.join(" ")) {
            th scope="row" #(anchor(case)) { (case.id) }
            td.does {
                (reference::linked(&case.description))
                @for (agent, outcome) in &outcomes {
                    @if let Some(reason) = outcome.and_then(reason) {
                        p.why {
                            @if report.agents.len() > 1 { bdi { (agent.name) } ": " }
                            (reason)
                        }
                    }
                }
            }
            @for (agent, outcome) in &outcomes {
                td.verdict {
                    @if let Some(outcome) = outcome {
                        @if report.agents.len() > 1 { span.who { bdi { (agent.name) } } }
                        a href=(file_name(&agent.name, &case.id, "html")) { (badge(outcome)) }
                        span.time { (duration(outcome)) }
                    }
                }
            }
        }
    }
}

/// Why a case needs a look.
fn reason(outcome: &Outcome) -> Option<&str> {
    match Grade::from(outcome.verdict) {
        Grade::Failed | Grade::NonStrict => outcome.reasons.first().map(String::as_str),
        Grade::Ok | Grade::Informational | Grade::Unimplemented => None,
    }
}
