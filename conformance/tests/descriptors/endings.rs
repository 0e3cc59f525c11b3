//! Connections leave no descriptor in a driver, in whichever way they end.

use std::{num::NonZeroUsize, sync::PoisonError};

use conformance::{Pattern, Settings, Subject, Suite, cases, subject::ours};

use crate::{
    DESCRIPTORS,
    inside::{descriptors, in_the_end},
};

/// Ends of the transport without a Close frame, resets, and frames that are wrong.
const UGLY: [&str; 3] = ["closing/end-*", "closing/reset-*", "closing/crossing-*"];

#[test]
fn connections_that_end_badly_leave_no_descriptor_in_any_driver() {
    let _alone = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let cases = cases::all();
    let ugly = |id| UGLY.iter().any(|name| Pattern::new(*name).matches(id));
    let suite = Suite {
        cases: cases.iter().filter(|case| ugly(&case.id)).collect(),
        jobs: NonZeroUsize::new(4).expect("not zero"),
        settings: Settings {
            patience: 5,
            ..Settings::default()
        },
    };
    for subject in ours::all().expect("the runtimes start") {
        // The first run opens the listener. A connection that has not quite ended when it is over loosens the bound by
        // little: a leak occurs hundreds of times.
        suite.run(&subject, &|_, _| {});
        let settled = descriptors();
        for _ in 0..5 {
            suite.run(&subject, &|_, _| {});
        }
        let is_back = in_the_end(|| descriptors() <= settled);
        let left = descriptors();
        assert!(is_back, "{}: {left}, not {settled}", subject.name());
    }
}
