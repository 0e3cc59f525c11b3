//! Group 1: whole messages of all lengths at which the header changes (RFC 6455 5.2).

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Kind, Script, Sending, Step},
    payload::Payload,
};

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, kind, pattern) in [(1, Kind::Text, b"*"), (2, Kind::Binary, b"\xfe")] {
        let lengths = [0, 125, 126, 127, 128, 65535, 65536, 65536];
        for (number, len) in (1..).zip(lengths) {
            let sending = if number == 8 {
                Sending::Chopped(997)
            } else {
                Sending::Together
            };
            let kill = if len < 65535 { 1 } else { 10 };
            let payload = Payload::repeated(pattern, len);
            cases.push(Case::new(
                &[1, section, number],
                format!("Sends a {kind:?} message of {len} bytes."),
                "The message comes back.",
                Script::new(Closing::by_suite())
                    .step(Step::Kill(Duration::from_secs(kill)))
                    .step(Step::Message {
                        kind,
                        payload: payload.clone(),
                        fragment: 0,
                        sending,
                        compressed: false,
                    })
                    .expect([Event::Message(kind, payload)]),
            ));
        }
    }
    cases
}
