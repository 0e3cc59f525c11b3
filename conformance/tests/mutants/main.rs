//! The suite over a small server that is right, and over the same server with one defect at a time: it fails the
//! cases that were made for that, and passes all others.

mod peer;

use std::{collections::BTreeSet, num::NonZeroUsize};

use conformance::{Case, Id, Pattern, Role, Settings, Suite, cases};
use peer::{Defect, Mutant};

/// The cases of the group about compression that each defect has to fail.
fn defects() -> [(Defect, &'static str); 21] {
    use Defect::*;

    [
        (PingsEnterTheHistory, "deflate/mixture-pings-not-in-history"),
        (
            PlainMessagesEnterTheHistory,
            "deflate/mixture-plain-in-turn deflate/mixture-plain-not-in-history \
             deflate/mixture-fragments-in-turn deflate/mixture-plain-like-a-stream",
        ),
        (
            PongsEnterItsHistory,
            "deflate/mixture-pings-not-in-history deflate/mixture-controls-between-fragments",
        ),
        (
            ForgetsTheHistory,
            "deflate/message-lengths-0-to-129 deflate/mixture-repeated deflate/mixture-plain-in-turn \
             deflate/mixture-plain-not-in-history deflate/mixture-empty-between \
             deflate/mixture-fragments-in-turn deflate/mixture-plain-like-a-stream \
             deflate/mixture-pings-not-in-history deflate/mixture-beyond-the-window deflate/server-window-* \
             deflate/client-window-* deflate/no-takeover-* deflate/offer-*",
        ),
        (
            RemembersThatItInflates,
            "deflate/mixture-plain-fragments-after deflate/mixture-fragments-in-turn \
             deflate/mixture-plain-like-a-stream",
        ),
        (
            StopsAtAFinalBlock,
            "deflate/form-block-after-final deflate/form-reference-past-final deflate/form-three-finals \
             deflate/cut-block-after-final deflate/cut-reference-past-final deflate/cut-three-finals",
        ),
        (
            LimitsCompressedBytes,
            "deflate/bomb-one-byte-too-long deflate/bomb-64-times-too-long deflate/bomb-fragments-too-long",
        ),
        (
            ChecksPlainTextOnly,
            "deflate/text-lone-continuation deflate/text-lone-continuation-bytewise deflate/text-ff-byte \
             deflate/text-ff-byte-bytewise deflate/text-overlong deflate/text-overlong-bytewise \
             deflate/text-surrogate deflate/text-surrogate-bytewise deflate/text-beyond-last \
             deflate/text-beyond-last-bytewise deflate/text-cut-code-point \
             deflate/text-cut-code-point-bytewise deflate/text-half-code-point \
             deflate/text-half-code-point-bytewise",
        ),
        (
            TakesRsv1OnContinuations,
            "deflate/reserved-rsv1-continuation-of-compressed deflate/reserved-rsv1-continuation-of-plain \
             deflate/reserved-rsv1-continuation-only",
        ),
        (
            TakesRsv1OnControlFrames,
            "deflate/reserved-rsv1-ping deflate/reserved-rsv1-ping-between-fragments \
             deflate/reserved-rsv1-pong deflate/reserved-rsv1-close",
        ),
        (
            IgnoresRsv2AndRsv3,
            "deflate/reserved-rsv2-plain deflate/reserved-rsv3-plain deflate/reserved-rsv2-compressed \
             deflate/reserved-rsv3-compressed deflate/reserved-all-compressed \
             deflate/reserved-rsv2-continuation deflate/reserved-rsv3-ping",
        ),
        (
            IgnoresCorruptMessages,
            "deflate/form-empty-frame deflate/form-unfilled-final deflate/corrupt-*",
        ),
        (
            BlamesItselfForCorruptMessages,
            "deflate/form-empty-frame deflate/form-unfilled-final deflate/corrupt-*",
        ),
        (
            UsesTheWholeWindow,
            "deflate/server-window-8 deflate/server-window-9 deflate/server-window-10 \
             deflate/server-window-11 deflate/server-window-12 deflate/server-window-13 \
             deflate/server-window-14 deflate/no-takeover-both-window-9",
        ),
        (
            KeepsItsContext,
            "deflate/no-takeover-server deflate/no-takeover-both deflate/no-takeover-both-window-9 \
             deflate/offer-without-spaces deflate/offer-all-parameters",
        ),
        (
            SendsTheTail,
            "deflate/message-* deflate/mixture-* deflate/form-fixed deflate/form-stored \
             deflate/form-empty-stored-between deflate/form-unaligned deflate/form-final \
             deflate/form-final-stored deflate/form-block-after-final deflate/form-reference-past-final \
             deflate/form-three-finals deflate/form-explicit-empty-block deflate/form-ten-empty-stored \
             deflate/form-empty-fixed deflate/form-empty-stored deflate/form-two-empty-stored \
             deflate/form-empty-final deflate/form-repeated-byte deflate/form-longest-reference \
             deflate/form-library-level-0 deflate/form-library-level-1 deflate/form-dynamic deflate/cut-* \
             deflate/corrupt-after-a-good-one deflate/text-binary-is-not-checked \
             deflate/text-blocks-cut-code-points deflate/text-frames-cut-code-points \
             deflate/text-stream-is-not-utf8 deflate/bomb-longest deflate/bomb-longest-twice \
             deflate/server-window-* deflate/client-window-* deflate/no-takeover-* deflate/offer-*",
        ),
        (
            CompressesNothingToNothing,
            "deflate/message-empty-text deflate/message-empty-binary deflate/message-lengths-0-to-129 \
             deflate/mixture-empty-between deflate/form-empty-fixed deflate/form-empty-stored \
             deflate/form-two-empty-stored deflate/form-empty-final deflate/cut-empty-fixed \
             deflate/cut-empty-stored deflate/cut-two-empty-stored deflate/cut-empty-final \
             deflate/no-takeover-server deflate/no-takeover-client deflate/no-takeover-both \
             deflate/no-takeover-both-window-9",
        ),
        (
            TakesBadOffers,
            "deflate/decline-unknown-parameter deflate/decline-unknown-parameter-with-value \
             deflate/decline-server-takeover-twice deflate/decline-client-takeover-twice \
             deflate/decline-server-window-twice deflate/decline-client-window-twice \
             deflate/decline-client-window-with-and-without-value deflate/decline-server-takeover-1 \
             deflate/decline-server-takeover-true deflate/decline-client-takeover-0 \
             deflate/decline-server-window-without-value deflate/decline-server-window-7 \
             deflate/decline-server-window-16 deflate/decline-server-window-0 \
             deflate/decline-server-window-leading-zero deflate/decline-server-window-huge \
             deflate/decline-server-window-letter deflate/decline-server-window-plus \
             deflate/decline-client-window-7 deflate/decline-client-window-16 \
             deflate/decline-client-window-leading-zero deflate/decline-client-window-negative",
        ),
        (
            RefusesBadOffers,
            "deflate/offer-after-unknown-parameter deflate/offer-after-unknown-parameter-with-value \
             deflate/offer-after-server-takeover-twice deflate/offer-after-client-takeover-twice \
             deflate/offer-after-server-window-twice deflate/offer-after-client-window-twice \
             deflate/offer-after-client-window-with-and-without-value deflate/offer-after-server-takeover-1 \
             deflate/offer-after-server-takeover-true deflate/offer-after-client-takeover-0 \
             deflate/offer-after-server-window-without-value deflate/offer-after-server-window-7 \
             deflate/offer-after-server-window-16 deflate/offer-after-server-window-0 \
             deflate/offer-after-server-window-leading-zero deflate/offer-after-server-window-huge \
             deflate/offer-after-server-window-letter deflate/offer-after-server-window-plus \
             deflate/offer-after-client-window-7 deflate/offer-after-client-window-16 \
             deflate/offer-after-client-window-leading-zero deflate/offer-after-client-window-negative \
             deflate/offer-after-bad-line deflate/offer-after-ten-bad-ones deflate/decline-unknown-parameter \
             deflate/decline-unknown-parameter-with-value deflate/decline-server-takeover-twice \
             deflate/decline-client-takeover-twice deflate/decline-server-window-twice \
             deflate/decline-client-window-twice deflate/decline-client-window-with-and-without-value \
             deflate/decline-server-takeover-1 deflate/decline-server-takeover-true \
             deflate/decline-client-takeover-0 deflate/decline-server-window-without-value \
             deflate/decline-server-window-7 deflate/decline-server-window-16 \
             deflate/decline-server-window-0 deflate/decline-server-window-leading-zero \
             deflate/decline-server-window-huge deflate/decline-server-window-letter \
             deflate/decline-server-window-plus deflate/decline-client-window-7 \
             deflate/decline-client-window-16 deflate/decline-client-window-leading-zero \
             deflate/decline-client-window-negative",
        ),
        (
            DeclinesAllOffers,
            "deflate/offer-after-unknown-parameter deflate/offer-after-unknown-parameter-with-value \
             deflate/offer-after-server-takeover-twice deflate/offer-after-client-takeover-twice \
             deflate/offer-after-server-window-twice deflate/offer-after-client-window-twice \
             deflate/offer-after-client-window-with-and-without-value deflate/offer-after-server-takeover-1 \
             deflate/offer-after-server-takeover-true deflate/offer-after-client-takeover-0 \
             deflate/offer-after-server-window-without-value deflate/offer-after-server-window-7 \
             deflate/offer-after-server-window-16 deflate/offer-after-server-window-0 \
             deflate/offer-after-server-window-leading-zero deflate/offer-after-server-window-huge \
             deflate/offer-after-server-window-letter deflate/offer-after-server-window-plus \
             deflate/offer-after-client-window-7 deflate/offer-after-client-window-16 \
             deflate/offer-after-client-window-leading-zero deflate/offer-after-client-window-negative \
             deflate/offer-after-bad-line deflate/offer-after-ten-bad-ones",
        ),
        (
            AnswersMoreThanWasOffered,
            "deflate/server-window-* deflate/client-window-8 deflate/client-window-9 \
             deflate/client-window-10 deflate/client-window-11 deflate/client-window-12 \
             deflate/client-window-13 deflate/client-window-14 deflate/no-takeover-* deflate/offer-plain \
             deflate/offer-client-window-10 deflate/offer-odd-spaces deflate/offer-spaces-around-equals \
             deflate/offer-quoted deflate/offer-two-on-one-line deflate/offer-two-on-two-lines \
             deflate/offer-after-unknown deflate/offer-after-unknown-line deflate/offer-before-unknown-line \
             deflate/offer-after-unknown-parameter deflate/offer-after-unknown-parameter-with-value \
             deflate/offer-after-server-takeover-twice deflate/offer-after-client-takeover-twice \
             deflate/offer-after-server-window-twice deflate/offer-after-client-window-twice \
             deflate/offer-after-client-window-with-and-without-value deflate/offer-after-server-takeover-1 \
             deflate/offer-after-server-takeover-true deflate/offer-after-client-takeover-0 \
             deflate/offer-after-server-window-without-value deflate/offer-after-server-window-7 \
             deflate/offer-after-server-window-16 deflate/offer-after-server-window-0 \
             deflate/offer-after-server-window-leading-zero deflate/offer-after-server-window-huge \
             deflate/offer-after-server-window-letter deflate/offer-after-server-window-plus \
             deflate/offer-after-client-window-7 deflate/offer-after-client-window-16 \
             deflate/offer-after-client-window-leading-zero deflate/offer-after-client-window-negative \
             deflate/offer-after-ten-bad-ones",
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
    cases.retain(|case| case.id.group() == "deflate" && case.applies_to(Role::Server));
    assert_eq!(failed(&cases, &Mutant(None)), BTreeSet::new());
    for (defect, made_for_it) in defects() {
        let patterns: Vec<_> = made_for_it.split_whitespace().map(Pattern::new).collect();
        let expected = cases.iter().map(|case| case.id.clone());
        let expected = expected.filter(|id| patterns.iter().any(|pattern| pattern.matches(id)));
        let expected: BTreeSet<_> = expected.collect();
        assert_eq!(
            failed(&cases, &Mutant(Some(defect))),
            expected,
            "{defect:?}"
        );
    }
}
