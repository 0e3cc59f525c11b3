//! The suite's own test: the faulty peer passes every case without a defect, and with one it fails those that show it,
//! and no other.

use std::{collections::BTreeMap, num::NonZeroUsize};

use conformance::{
    Case, Id, Outcome, Pattern, Role, Settings, Suite, cases,
    subject::faulty::{DEFECTS, Defect, Faulty, Listed},
};

/// Cases that take long. They run without a defect, and with defects that they show.
const LONG: &str = "9 12 13 server-handshake/limit-* server-handshake/cut-* chopping/at-edges-* \
    chopping/close-after-* limits/message-longest-twice limits/frame-longest limits/fragments-65537-* \
    deflate/message-verse deflate/message-bitmap deflate/message-lengths-0-to-129 deflate/mixture-repeated \
    deflate/mixture-beyond-the-window deflate/bomb-* deflate/server-window-* deflate/client-window-* \
    deflate/no-takeover-* deflate/offer-* closing/before-long-message closing/before-unread-messages \
    closing/after-long-message closing/finish-after-long-message closing/end-after-long-message \
    closing/reset-amid-messages closing/reset-unread backpressure/ping-* backpressure/message-* \
    backpressure/trickle-* backpressure/neighbour-stuck early-data/request-cut-* early-data/response-cut-*";

/// Of the cases that have nothing to do with a defect, one in so many runs with it, others with each defect.
const STRIDE: usize = 19;

/// The peer inflates whole messages, so it cannot tell in their middle that they are too long.
const SKIPPED: &str = "9 deflate/bomb-early-by-fragments";

fn is_one_of(case: &Case, patterns: &str) -> bool {
    let mut patterns = patterns.split_whitespace();
    patterns.any(|pattern| Pattern::new(pattern).matches(&case.id))
}

fn run(cases: Vec<&Case>, role: Role, defect: Option<Defect>) -> BTreeMap<Id, Outcome> {
    let suite = Suite {
        cases,
        jobs: NonZeroUsize::new(2).expect("two"),
        settings: Settings {
            max_messages: 3,
            max_payload: 3000,
            ..Settings::default()
        },
    };
    suite.run(&Faulty { role, defect }, &|_, _| {})
}

#[test]
fn without_a_defect_every_case_is_passed() {
    let all = cases::all();
    let cases = || all.iter().filter(|case| !is_one_of(case, SKIPPED));
    for role in [Role::Server, Role::Client] {
        for (id, outcome) in run(cases().collect(), role, None) {
            let (verdict, reasons) = (outcome.verdict, outcome.reasons);
            assert!(verdict.is_best(), "{role:?} {id}: {verdict}: {reasons:?}");
        }
    }
}

#[test]
fn each_defect_fails_the_cases_that_show_it_and_no_other() {
    let all = cases::all();
    let mut wrong = Vec::new();
    for (number, listed) in DEFECTS.iter().enumerate() {
        for role in [Role::Server, Role::Client] {
            if listed.applies_to(role) {
                wrong.extend(try_out(listed, number, role, &all));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The patterns that hold for a role: some name the only role for which they do.
fn of_role(patterns: &str, role: Role) -> String {
    let (ours, theirs) = match role {
        Role::Server => ("server:", "client:"),
        Role::Client => ("client:", "server:"),
    };
    let patterns = patterns.split_whitespace();
    let holds = patterns.filter(|pattern| !pattern.starts_with(theirs));
    let holds: Vec<_> = holds
        .map(|pattern| pattern.strip_prefix(ours).unwrap_or(pattern))
        .collect();
    holds.join(" ")
}

/// Returns what is wrong with the verdicts on a peer with a defect.
fn try_out(listed: &Listed, number: usize, role: Role, all: &[Case]) -> Vec<String> {
    let Listed { defect, name, .. } = *listed;
    let shown_by = &of_role(listed.shown_by, role);
    let touches = &of_role(listed.touches, role);
    let (shows, others): (Vec<_>, Vec<_>) = all
        .iter()
        .filter(|case| case.applies_to(role) && !is_one_of(case, SKIPPED))
        .partition(|case| is_one_of(case, shown_by));
    let shown = run(shows, role, Some(defect));
    let missed = shown
        .iter()
        .filter(|(_, outcome)| outcome.verdict.is_best());
    let mut wrong: Vec<_> = missed
        .map(|(id, _)| format!("{name}, {role:?}: {id} does not show it"))
        .collect();
    if shown.is_empty() && !shown_by.is_empty() {
        wrong.push(format!("{name}, {role:?}: no case shows it"));
    }
    // Defects of compression are tried out with all cases about compression, in the role in which more of them apply.
    let of_compression = !shown_by.is_empty()
        && shown_by
            .split_whitespace()
            .all(|pattern| pattern.starts_with("deflate"));
    let (deflate, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .filter(|case| !is_one_of(case, touches))
        .partition(|case| of_compression && role == Role::Server && case.id.group() == "deflate");
    let quick = others.into_iter().filter(|case| !is_one_of(case, LONG));
    let sample = quick.skip(number % STRIDE).step_by(STRIDE);
    for (id, outcome) in run(
        deflate.into_iter().chain(sample).collect(),
        role,
        Some(defect),
    ) {
        if !outcome.verdict.is_best() {
            let reasons = outcome.reasons;
            wrong.push(format!(
                "{name}, {role:?}: {id} has nothing to do with it: {reasons:?}"
            ));
        }
    }
    wrong
}
