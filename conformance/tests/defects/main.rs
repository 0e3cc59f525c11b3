//! The suite's own test: a small peer passes every case, and with a defect it fails those that were made
//! for the defect, and no other.

mod defect;
mod framing;
mod opening;
mod peer;

use std::{collections::BTreeMap, num::NonZeroUsize};

use conformance::{Case, Id, Outcome, Pattern, Role, Settings, Suite, cases};
use defect::{Defect, MUTANTS, Mutant};
use peer::Reference;

/// Cases that take long. They are run only without a defect, and with those that they are made for.
const LONG: &str = "9.* 12.* 13.* server-handshake/limit-* server-handshake/cut-* chopping/at-edges-* \
    chopping/close-after-* limits/message-longest-twice limits/frame-longest \
    limits/fragments-65537-of-0-bytes limits/fragments-65537-of-1-bytes deflate/message-verse \
    deflate/message-bitmap deflate/message-lengths-0-to-129 deflate/mixture-repeated \
    deflate/mixture-beyond-the-window deflate/bomb-* deflate/server-window-* deflate/client-window-* \
    deflate/no-takeover-* deflate/offer-* closing/before-long-message closing/before-unread-messages \
    closing/after-long-message closing/finish-after-long-message closing/end-after-long-message \
    closing/reset-amid-messages closing/reset-unread backpressure/ping-* backpressure/message-* \
    backpressure/trickle-* backpressure/neighbour-stuck early-data/request-cut-* \
    early-data/response-cut-*";

/// Every so many of the cases that have nothing to do with a defect are run with it, not the same ones
/// with each.
const STRIDE: usize = 19;

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
    suite.run(&Reference { role, defect }, &|_, _| {})
}

#[test]
fn without_a_defect_every_case_is_passed() {
    let all = cases::all();
    // The peer inflates whole messages, so that it cannot tell in their middle that they are too long.
    let cases = || {
        all.iter()
            .filter(|case| !is_one_of(case, "9.* deflate/bomb-early-by-fragments"))
    };
    for role in [Role::Server, Role::Client] {
        for (id, outcome) in run(cases().collect(), role, None) {
            let (verdict, reasons) = (outcome.verdict, outcome.reasons);
            assert!(verdict.is_best(), "{role:?} {id}: {verdict}: {reasons:?}");
        }
    }
}

#[test]
fn each_defect_fails_the_cases_made_for_it_and_no_other() {
    let all = cases::all();
    let mut wrong = Vec::new();
    for (number, mutant) in MUTANTS.iter().enumerate() {
        for role in [Role::Server, Role::Client] {
            if mutant.role.is_none_or(|only| only == role) {
                wrong.extend(try_out(mutant, number, role, &all));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the verdicts on a peer with a defect.
fn try_out(mutant: &Mutant, number: usize, role: Role, all: &[Case]) -> Vec<String> {
    let Mutant {
        defect,
        made,
        touched,
        ..
    } = *mutant;
    let all = || all.iter().filter(|case| case.applies_to(role));
    let made_for = run(
        all().filter(|case| is_one_of(case, made)).collect(),
        role,
        Some(defect),
    );
    let missed = made_for
        .iter()
        .filter(|(_, outcome)| outcome.verdict.is_best());
    let mut wrong: Vec<_> = missed
        .map(|(id, _)| format!("{defect:?}, {role:?}: {id} does not show it"))
        .collect();
    if made_for.is_empty() {
        wrong.push(format!("{defect:?}, {role:?}: no case is made for it"));
    }
    let others = all()
        .filter(|case| {
            !is_one_of(case, made) && !is_one_of(case, touched) && !is_one_of(case, LONG)
        })
        .skip(number % STRIDE)
        .step_by(STRIDE);
    for (id, outcome) in run(others.collect(), role, Some(defect)) {
        if !outcome.verdict.is_best() {
            let reasons = outcome.reasons;
            wrong.push(format!(
                "{defect:?}, {role:?}: {id} has nothing to do with it: {reasons:?}"
            ));
        }
    }
    wrong
}
