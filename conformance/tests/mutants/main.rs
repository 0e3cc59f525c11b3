//! The suite over a small server that is right, and over the same server with one defect at a time: it fails the
//! cases that were made for that, and passes all others.

mod peer;

use std::{collections::BTreeSet, num::NonZeroUsize, ops::RangeInclusive};

use conformance::{Case, Id, Role, Settings, Suite, cases};
use peer::{Defect, Mutant};

/// The cases of a section.
type Cases = (u16, RangeInclusive<u16>);

/// All cases of a section.
const ALL: RangeInclusive<u16> = 1..=u16::MAX;

/// The cases of the group about compression that each defect has to fail.
fn defects() -> [(Defect, &'static [Cases]); 21] {
    use Defect::*;

    [
        (PingsEnterTheHistory, &[(2, 8..=8)]),
        (PlainMessagesEnterTheHistory, &[(2, 2..=3), (2, 6..=7)]),
        (PongsEnterItsHistory, &[(2, 8..=9)]),
        (
            ForgetsTheHistory,
            &[
                (1, 8..=8),
                (2, 1..=4),
                (2, 6..=8),
                (2, 10..=10),
                (9, ALL),
                (10, ALL),
                (11, ALL),
                (12, ALL),
            ],
        ),
        (RemembersThatItInflates, &[(2, 5..=7)]),
        (StopsAtAFinalBlock, &[(3, 7..=9), (4, 7..=9)]),
        (LimitsCompressedBytes, &[(8, 3..=5)]),
        (ChecksPlainTextOnly, &[(7, 1..=14)]),
        (TakesRsv1OnContinuations, &[(5, 1..=3)]),
        (TakesRsv1OnControlFrames, &[(5, 4..=7)]),
        (IgnoresRsv2AndRsv3, &[(5, 8..=14)]),
        (IgnoresCorruptMessages, &[(3, 21..=22), (6, ALL)]),
        (BlamesItselfForCorruptMessages, &[(3, 21..=22), (6, ALL)]),
        (UsesTheWholeWindow, &[(9, 1..=7), (11, 4..=4)]),
        (
            KeepsItsContext,
            &[(11, 1..=1), (11, 3..=4), (12, 4..=4), (12, 8..=8)],
        ),
        (
            SendsTheTail,
            &[
                (1, ALL),
                (2, ALL),
                (3, 1..=20),
                (4, ALL),
                (6, 45..=45),
                (7, 15..=18),
                (8, 1..=2),
                (9, ALL),
                (10, ALL),
                (11, ALL),
                (12, ALL),
            ],
        ),
        (
            CompressesNothingToNothing,
            &[
                (1, 3..=4),
                (1, 8..=8),
                (2, 4..=4),
                (3, 12..=15),
                (4, 12..=15),
                (11, 1..=4),
            ],
        ),
        (TakesBadOffers, &[(13, 1..=22)]),
        (RefusesBadOffers, &[(12, 15..=38), (13, 1..=22)]),
        (DeclinesAllOffers, &[(12, 15..=38)]),
        (
            AnswersMoreThanWasOffered,
            &[
                (9, ALL),
                (10, 1..=7),
                (11, ALL),
                (12, 1..=1),
                (12, 3..=3),
                (12, 5..=7),
                (12, 9..=13),
                (12, 15..=36),
                (12, 38..=38),
            ],
        ),
    ]
}

/// The cases that a server does not pass.
fn failed(cases: &[Case], mutant: &Mutant) -> BTreeSet<Id> {
    let suite = Suite {
        cases: cases.iter().collect(),
        jobs: NonZeroUsize::new(2).expect("two"),
        settings: Settings::default(),
    };
    let outcomes = suite.run(mutant, &|_, _| {});
    let failed = outcomes
        .into_iter()
        .filter(|(_, outcome)| !outcome.verdict.passes());
    failed.map(|(id, _)| id).collect()
}

#[test]
fn each_defect_fails_the_cases_that_were_made_for_it_and_no_others() {
    let mut cases = cases::all();
    cases.retain(|case| case.id.group() == 24 && case.applies_to(Role::Server));
    assert_eq!(failed(&cases, &Mutant(None)), BTreeSet::new());
    for (defect, made_for_it) in defects() {
        let expected = cases.iter().map(|case| case.id.clone()).filter(|id| {
            let &[_, section, number] = id.numbers() else {
                return false;
            };
            let is_in = |(other, numbers): &Cases| *other == section && numbers.contains(&number);
            made_for_it.iter().any(is_in)
        });
        let expected: BTreeSet<_> = expected.collect();
        assert_eq!(
            failed(&cases, &Mutant(Some(defect))),
            expected,
            "{defect:?}"
        );
    }
}
