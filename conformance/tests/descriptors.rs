//! What connections leave behind in a driver, in whichever way they end: no descriptor.

#![cfg(all(feature = "ours", target_os = "linux"))]

use std::{fs, num::NonZeroUsize, thread, time::Duration};

use conformance::{Pattern, Settings, Subject, Suite, cases, subject::ours};

/// Ends of the transport without a Close frame, resets, and frames that are wrong.
const UGLY: [&str; 3] = ["25.7.*", "25.8.*", "25.9.*"];

/// How many descriptors this process has, which is suite and subject at once.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Waits until there are no more than that many, and tells how many there are.
fn descriptors_in_the_end(most: usize) -> usize {
    for _ in 0..1000 {
        if descriptors() <= most {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    descriptors()
}

#[test]
fn connections_that_end_badly_leave_no_descriptor_in_any_driver() {
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
        // The first time, the subject begins to listen. A connection that is on its way out then makes the
        // bound no tighter than it has to be: what leaks, leaks hundreds of times.
        suite.run(&subject, &|_, _| {});
        let settled = descriptors();
        for _ in 0..5 {
            suite.run(&subject, &|_, _| {});
        }
        let left = descriptors_in_the_end(settled);
        assert!(left <= settled, "{}: {left}, not {settled}", subject.name());
    }
}
