//! Groups 12 and 13: a thousand messages at a time under permessage-deflate (RFC 7692), of different data and under
//! different parameters.

use std::time::Duration;

use crate::{
    case::{Case, Check, Exchange, Messages, Sending},
    data::{self, Set},
    extension::{Offers, Wish},
};

/// Bytes or code points a message, bytes a frame (0: one frame), and seconds until the suite gives up.
const SIZES: [(usize, usize, u64); 18] = [
    (16, 0, 60),
    (64, 0, 60),
    (256, 0, 120),
    (1024, 0, 240),
    (4096, 0, 480),
    (8192, 0, 480),
    (16_384, 0, 480),
    (32_768, 0, 480),
    (65_536, 0, 480),
    (131_072, 0, 480),
    (8192, 256, 480),
    (16_384, 256, 480),
    (32_768, 256, 480),
    (65_536, 256, 480),
    (131_072, 256, 480),
    (131_072, 1024, 480),
    (131_072, 4096, 480),
    (131_072, 32_768, 480),
];

const MESSAGES: usize = 1000;

/// The offers and responses of group 12 and of each section of group 13.
fn sections() -> [Offers; 7] {
    [
        Offers::new(
            &["permessage-deflate; client_no_context_takeover; client_max_window_bits"],
            &[Wish::NOTHING],
        ),
        Offers::new(
            &[
                "permessage-deflate; client_no_context_takeover; client_max_window_bits; \
           server_no_context_takeover",
            ],
            &[Wish::NO_TAKEOVER],
        ),
        Offers::new(
            &[
                "permessage-deflate; client_no_context_takeover; client_max_window_bits; \
           server_max_window_bits=9",
            ],
            &[Wish::NOTHING.window(9)],
        ),
        Offers::new(
            &[
                "permessage-deflate; client_no_context_takeover; client_max_window_bits; \
           server_max_window_bits=15",
            ],
            &[Wish::NOTHING.window(15)],
        ),
        Offers::new(
            &[
                "permessage-deflate; client_no_context_takeover; client_max_window_bits; \
           server_no_context_takeover; server_max_window_bits=9",
            ],
            &[Wish::NO_TAKEOVER.window(9)],
        ),
        Offers::new(
            &[
                "permessage-deflate; client_no_context_takeover; client_max_window_bits; \
           server_no_context_takeover; server_max_window_bits=15",
            ],
            &[Wish::NO_TAKEOVER.window(15)],
        ),
        Offers::new(
            &[
                "permessage-deflate; client_no_context_takeover; client_max_window_bits; \
           server_no_context_takeover; server_max_window_bits=9, \
           permessage-deflate; client_no_context_takeover; client_max_window_bits; \
           server_no_context_takeover, \
           permessage-deflate; client_no_context_takeover; client_max_window_bits",
            ],
            &[
                Wish::NO_TAKEOVER.window(9),
                Wish::NO_TAKEOVER,
                Wish::NOTHING,
            ],
        ),
    ]
}

/// The cases of group 12.
pub(super) fn payloads() -> Vec<Case> {
    let sets = [
        &data::RECORDS,
        &data::BITMAP,
        &data::VERSE,
        &data::PAGE,
        &data::DOCUMENT,
    ];
    let [offers, ..] = sections();
    let sections = sets.into_iter().map(|set| (set, offers.clone()));
    cases(12, sections)
}

/// The cases of group 13.
pub(super) fn parameters() -> Vec<Case> {
    let sections = sections()
        .into_iter()
        .map(|offers| (&data::RECORDS, offers));
    cases(13, sections)
}

fn cases(group: u16, sections: impl Iterator<Item = (&'static Set, Offers)>) -> Vec<Case> {
    let sections = (1..).zip(sections);
    sections
        .flat_map(|(section, (set, offers))| {
            (1..).zip(SIZES).map(move |(number, (len, fragment, seconds))| {
                let frames = match fragment {
                    0 => "one frame each".to_owned(),
                    _ => format!("frames of {fragment} bytes"),
                };
                Case::new(
                    &[group, section, number],
                    format!(
                        "Offers {}. Sends {MESSAGES} compressed messages of {len} {}, in {frames}.",
                        offers.lines[0], set.name
                    ),
                    "Each message comes back before the next one is sent.",
                    Exchange {
                        offers: Some(offers.clone()),
                        count: MESSAGES,
                        messages: Messages::Windows(set, len),
                        fragment,
                        sending: Sending::Together,
                        timeout: Duration::from_secs(seconds),
                        check: Check::Content,
                    },
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn there_are_18_sizes_for_5_sets_of_data_and_for_7_sets_of_parameters() {
        for (group, sections, cases) in [(12, 1..=5, payloads()), (13, 1..=7, parameters())] {
            let expected = sections.flat_map(|section| {
                (1..=18).map(move |number| Id::from(&[group, section, number]))
            });
            let ids: Vec<_> = cases.into_iter().map(|case| case.id).collect();
            assert_eq!(ids, expected.collect::<Vec<_>>());
        }
    }
}
