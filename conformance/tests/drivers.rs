//! The suite over every driver, on loopback, in both roles. It has a process of its own because its subjects are judged
//! by the clock: beside tests that keep every processor busy they would be late.

#![cfg(feature = "ours")]

use std::num::NonZeroUsize;

use conformance::{Settings, Suite, cases, subject::ours};

#[test]
fn every_case_is_ok_over_every_driver() {
    let cases = cases::all();
    let suite = Suite {
        cases: cases.iter().collect(),
        jobs: NonZeroUsize::new(16).expect("not zero"),
        settings: Settings {
            // A machine that builds something else at the same time answers slowly.
            patience: 5,
            max_messages: 4,
            max_payload: 9000,
            ..Settings::default()
        },
    };
    for subject in ours::all().expect("the runtimes start") {
        let outcomes = suite.run(&subject, &|_, _| {});
        for (id, outcome) in outcomes {
            let (verdict, reasons) = (outcome.verdict, outcome.reasons);
            assert!(
                verdict.is_best(),
                "{subject:?} {id}: {verdict}: {reasons:?}"
            );
        }
    }
}
