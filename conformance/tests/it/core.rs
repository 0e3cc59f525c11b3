//! The suite over the protocol core in memory, in both roles.

use std::num::NonZeroUsize;

use conformance::{
    Role, Settings, Suite, cases,
    subject::{core::Core, ours},
};

#[test]
fn every_case_is_ok_in_both_roles() {
    let cases = cases::all();
    for role in [Role::Server, Role::Client] {
        let suite = Suite {
            cases: cases.iter().collect(),
            jobs: NonZeroUsize::new(2).expect("two"),
            settings: Settings {
                max_messages: 3,
                max_payload: 9000,
                ..Settings::default()
            },
        };
        let outcomes = suite.run(&Core::new(role, ours::config), &|_, _| {});
        for (id, outcome) in outcomes {
            let (verdict, reasons) = (outcome.verdict, outcome.reasons);
            assert!(verdict.is_best(), "{role:?} {id}: {verdict}: {reasons:?}");
        }
    }
}
