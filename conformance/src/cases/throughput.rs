//! Group 9: long messages, many fragments, many small writes, and many messages.

use std::time::Duration;

use crate::{
    case::{Case, Check, Exchange, Kind, Messages, Sending},
    payload::Payload,
};

const KINDS: [Kind; 2] = [Kind::Text, Kind::Binary];

/// The cases of the group: sections in pairs, text and binary.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, kind) in (1..).zip(KINDS) {
        cases.extend(whole(section, kind));
    }
    for (section, kind) in (3..).zip(KINDS) {
        cases.extend(fragmented(section, kind));
    }
    for (section, kind) in (5..).zip(KINDS) {
        cases.extend(chopped(section, kind));
    }
    for (section, kind) in (7..).zip(KINDS) {
        cases.extend(one_after_another(section, kind));
    }
    cases
}

/// 9.1 and 9.2: a message in one frame.
fn whole(section: u16, kind: Kind) -> Vec<Case> {
    let lengths = [1 << 16, 1 << 18, 1 << 20, 4 << 20, 8 << 20, 16 << 20];
    let short = match kind {
        Kind::Text => 2,
        Kind::Binary => 4,
    };
    (1..)
        .zip(lengths)
        .map(|(number, len)| {
            let timeout = if number <= short { 10 } else { 100 };
            Case::new(
                &[9, section, number],
                format!("Sends a {kind:?} message of {len} bytes in one frame."),
                format!("The message comes back within {timeout} seconds."),
                one(kind, Payload::repeated(varied(kind), len), timeout),
            )
        })
        .collect()
}

/// 9.3 and 9.4: a message in many fragments.
fn fragmented(section: u16, kind: Kind) -> Vec<Case> {
    (1..=9)
        .map(|number| {
            let fragment = 16 << (2 * number);
            // The suite that these cases come from has it so.
            let pattern = match (kind, number) {
                (Kind::Binary, 1) => b"\xfe",
                _ => b"*",
            };
            Case::new(
                &[9, section, number],
                format!("Sends a {kind:?} message of 4 MiB in fragments of {fragment} bytes."),
                "The message comes back within 100 seconds.",
                Exchange {
                    fragment,
                    ..one(kind, Payload::repeated(pattern, 4 << 20), 100)
                },
            )
        })
        .collect()
}

/// 9.5 and 9.6: a message in one frame, but many writes.
fn chopped(section: u16, kind: Kind) -> Vec<Case> {
    (1..=6)
        .map(|number| {
            let size = 32 << number;
            Case::new(
                &[9, section, number],
                format!("Sends a {kind:?} message of 1 MiB in writes of {size} bytes."),
                "The message comes back within 1000 seconds.",
                Exchange {
                    sending: Sending::Chopped(size),
                    ..one(kind, Payload::repeated(varied(kind), 1 << 20), 1000)
                },
            )
        })
        .collect()
}

/// 9.7 and 9.8: a thousand messages, each sent when the one before has come back.
fn one_after_another(section: u16, kind: Kind) -> Vec<Case> {
    let sizes = [
        (0, 60),
        (16, 60),
        (64, 60),
        (256, 120),
        (1024, 240),
        (4096, 480),
    ];
    let pattern = match kind {
        Kind::Text => b"*",
        Kind::Binary => b"\xfe",
    };
    (1..)
        .zip(sizes)
        .map(|(number, (len, timeout))| {
            Case::new(
                &[9, section, number],
                format!("Sends a thousand {kind:?} messages of {len} bytes, one at a time."),
                format!("All messages come back within {timeout} seconds."),
                Exchange {
                    count: 1000,
                    ..one(kind, Payload::repeated(pattern, len), timeout)
                },
            )
        })
        .collect()
}

/// One message, whose echo has to have as many bytes.
fn one(kind: Kind, payload: Payload, timeout: u64) -> Exchange {
    Exchange {
        offers: None,
        count: 1,
        messages: Messages::Same(kind, payload),
        fragment: 0,
        sending: Sending::Together,
        timeout: Duration::from_secs(timeout),
        check: Check::Length,
    }
}

fn varied(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Text => b"BAsd7&jh23",
        Kind::Binary => b"\x00\xfe\x23\xfa\xf0",
    }
}
