//! Judges the outcome of a case by the rules of Autobahn, in their order.

use crate::{
    case::{Alternative, Blame, By, Closing, Event, Script},
    outcome::Ending,
    render,
    verdict::{Behavior, BehaviorClose, Verdict},
};

/// The code that stands for a Close frame without one (RFC 6455 7.1.5).
const NO_CODE: u16 = 1005;

/// Judges the outcome of a script.
pub(crate) fn judge(script: &Script, events: &[Event], ending: &Ending) -> (Verdict, Vec<String>) {
    let mut reasons = Vec::new();
    let right = script
        .alternatives
        .iter()
        .find(|alternative| alternative.events == *events);
    let behavior = match right {
        Some(alternative) if alternative.strict => Behavior::Ok,
        Some(_) => {
            reasons.push("what came is allowed, but not the best".to_owned());
            Behavior::NonStrict
        }
        None => {
            reasons.push(difference(&script.alternatives, events));
            Behavior::Failed
        }
    };
    judge_closing(behavior, &script.closing, ending, reasons)
}

/// The alternative that is closest to the events: of those that agree with them longest, the one that
/// then wants no more, or else the first.
pub(crate) fn closest<'a>(
    alternatives: &'a [Alternative],
    events: &[Event],
) -> Option<&'a Alternative> {
    let closeness = |alternative: &&Alternative| {
        let same = agreement(alternative, events);
        (same, alternative.events.len() == same)
    };
    alternatives.iter().rev().max_by_key(closeness)
}

/// The number of right events before the first wrong one.
fn agreement(alternative: &Alternative, events: &[Event]) -> usize {
    let pairs = alternative.events.iter().zip(events);
    pairs.take_while(|(wanted, came)| wanted == came).count()
}

/// Describes the first event that differs from the expected ones.
fn difference(alternatives: &[Alternative], events: &[Event]) -> String {
    let wanted = closest(alternatives, events);
    let at = wanted.map_or(0, |wanted| agreement(wanted, events));
    let wanted = wanted.and_then(|wanted| wanted.events.get(at));
    match (wanted.map(render::event), events.get(at).map(render::event)) {
        (Some(wanted), Some(came)) => format!("instead of {wanted}, {came} came"),
        (Some(wanted), None) => format!("{wanted}: this did not come"),
        (None, Some(came)) => format!("{came}: this came and should not have"),
        (None, None) => "what came is not what was expected".to_owned(),
    }
}

/// Adds the verdict on the closing to one on the behaviour.
pub(crate) fn judge_closing(
    mut behavior: Behavior,
    closing: &Closing,
    ending: &Ending,
    mut reasons: Vec<String>,
) -> (Verdict, Vec<String>) {
    let close = closing_verdict(closing, ending, &mut reasons);
    let blamed = match closing.blame {
        Blame::None => false,
        Blame::WrongSide => close == BehaviorClose::Failed,
        Blame::WrongCode => close == BehaviorClose::WrongCode,
    };
    if let Some((code, _)) = &ending.remote
        && let code = code.unwrap_or(NO_CODE)
        && !closing.codes.contains(&code)
        && closing.tolerated.contains(&code)
        && behavior == Behavior::Ok
    {
        behavior = Behavior::NonStrict;
        reasons.push(format!(
            "the subject closed with {code}, and {} would be better",
            render::codes(&closing.codes)
        ));
    }
    if blamed {
        behavior = Behavior::Failed;
    }
    (Verdict { behavior, close }, reasons)
}

fn closing_verdict(closing: &Closing, ending: &Ending, reasons: &mut Vec<String>) -> BehaviorClose {
    if ending.never_open {
        reasons.push("the connection never opened".to_owned());
        return BehaviorClose::Failed;
    }
    let right_side = match closing.by {
        By::Suite => ending.by_suite,
        By::Subject => !ending.by_suite,
        By::Either => true,
    };
    if !right_side {
        reasons.push(match (&ending.violation, ending.by_suite) {
            (Some(violation), _) => format!("the subject broke the protocol: {violation}"),
            (None, true) => "the subject should have closed the connection".to_owned(),
            (None, false) => "the subject should not have closed the connection".to_owned(),
        });
        return BehaviorClose::Failed;
    }
    if closing.clean && !ending.clean {
        reasons.push(if ending.unanswered {
            "the subject did not answer the Close frame".to_owned()
        } else if ending.not_ended {
            "the subject did not end the transport within a second".to_owned()
        } else {
            "the transport ended before the closing handshake did".to_owned()
        });
        return BehaviorClose::Unclean;
    }
    if let Some((Some(code), _)) = &ending.remote
        && !closing.codes.contains(code)
        && !closing.tolerated.contains(code)
    {
        reasons.push(format!(
            "the subject closed with {code}, and only {} would be right",
            render::codes(&closing.codes)
        ));
        return BehaviorClose::WrongCode;
    }
    if ending.dropped && ending.suite_dialled {
        reasons.push("the subject, a server, did not end the transport".to_owned());
        return BehaviorClose::FailedByClient;
    }
    BehaviorClose::Ok
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The suite closed, the subject answered with 1000, and the server ended the transport.
    fn closed() -> Ending {
        Ending {
            by_suite: true,
            clean: true,
            suite_dialled: true,
            local: Some((Some(1000), String::new())),
            remote: Some((Some(1000), String::new())),
            ..Ending::default()
        }
    }

    /// The subject closed with 1002, and all went well from there.
    fn refused() -> Ending {
        Ending {
            by_suite: false,
            remote: Some((Some(1002), String::new())),
            ..closed()
        }
    }

    fn with(ending: Ending, change: impl FnOnce(&mut Ending)) -> Ending {
        let mut ending = ending;
        change(&mut ending);
        ending
    }

    fn code(ending: Ending, code: Option<u16>) -> Ending {
        with(ending, |ending| ending.remote = Some((code, String::new())))
    }

    #[test]
    fn closings_are_judged_by_the_first_rule_that_applies() {
        let by_suite = Closing::by_suite();
        let by_subject = Closing::by_subject(&[1002]);
        let refusal = Closing::refused(&[1002]);
        let table = [
            ("all is well", &by_suite, closed(), BehaviorClose::Ok),
            (
                "never open, whatever else",
                &by_suite,
                with(closed(), |ending| ending.never_open = true),
                BehaviorClose::Failed,
            ),
            (
                "the wrong side, before unclean and the wrong code",
                &by_suite,
                with(code(closed(), Some(1001)), |ending| {
                    ending.by_suite = false;
                    ending.clean = false;
                }),
                BehaviorClose::Failed,
            ),
            (
                "unclean, before the wrong code",
                &by_suite,
                with(code(closed(), Some(1001)), |ending| ending.clean = false),
                BehaviorClose::Unclean,
            ),
            (
                "the wrong code, before the transport that was not ended",
                &by_suite,
                with(code(closed(), Some(1001)), |ending| ending.dropped = true),
                BehaviorClose::WrongCode,
            ),
            (
                "a server that leaves the transport open",
                &by_suite,
                with(closed(), |ending| ending.dropped = true),
                BehaviorClose::FailedByClient,
            ),
            (
                "a client need not end the transport",
                &by_suite,
                with(closed(), |ending| {
                    ending.dropped = true;
                    ending.suite_dialled = false;
                }),
                BehaviorClose::Ok,
            ),
            (
                "an answer without a code",
                &by_suite,
                code(closed(), None),
                BehaviorClose::Ok,
            ),
            ("a refusal", &by_subject, refused(), BehaviorClose::Ok),
            (
                "a refusal with another code",
                &by_subject,
                code(refused(), Some(1007)),
                BehaviorClose::WrongCode,
            ),
            (
                "a refusal without a Close frame",
                &by_subject,
                with(refused(), |ending| {
                    ending.remote = None;
                    ending.clean = false;
                }),
                BehaviorClose::Ok,
            ),
            ("no refusal", &by_subject, closed(), BehaviorClose::Failed),
            (
                "a bad Close frame that is answered by the end of the transport",
                &refusal,
                with(closed(), |ending| {
                    ending.remote = None;
                    ending.clean = false;
                }),
                BehaviorClose::Ok,
            ),
            (
                "a bad Close frame that is ignored",
                &refusal,
                with(closed(), |ending| {
                    ending.remote = None;
                    ending.clean = false;
                    ending.dropped = true;
                }),
                BehaviorClose::FailedByClient,
            ),
            (
                "either side may close",
                &Closing::by_either(&[1000]),
                with(closed(), |ending| ending.by_suite = false),
                BehaviorClose::Ok,
            ),
        ];
        for (what, closing, ending, expected) in table {
            let (verdict, reasons) = judge_closing(Behavior::Ok, closing, &ending, Vec::new());
            assert_eq!(verdict.close, expected, "{what}");
            assert_eq!(reasons.is_empty(), expected == BehaviorClose::Ok, "{what}");
        }
    }

    #[test]
    fn only_what_is_to_blame_makes_the_behaviour_fail() {
        let wrong_side = with(closed(), |ending| ending.by_suite = false);
        let wrong_code = code(closed(), Some(1001));
        let unclean = with(closed(), |ending| ending.clean = false);
        for (blame, ending, expected) in [
            (Blame::None, &wrong_side, Behavior::Ok),
            (Blame::None, &wrong_code, Behavior::Ok),
            (Blame::WrongSide, &wrong_side, Behavior::Failed),
            (Blame::WrongSide, &wrong_code, Behavior::Ok),
            (Blame::WrongCode, &wrong_side, Behavior::Ok),
            (Blame::WrongCode, &wrong_code, Behavior::Failed),
            (Blame::WrongSide, &unclean, Behavior::Ok),
            (Blame::WrongCode, &unclean, Behavior::Ok),
        ] {
            let closing = Closing::by_suite().blame(blame);
            let (verdict, _) = judge_closing(Behavior::Ok, &closing, ending, Vec::new());
            assert_eq!(verdict.behavior, expected, "{blame:?}, {ending:?}");
        }
    }

    #[test]
    fn codes_that_are_tolerated_are_not_strict() {
        let closing = Closing::by_suite().tolerate(&[1001]);
        for (code_of_answer, behavior, close) in [
            (1000, Behavior::Ok, BehaviorClose::Ok),
            (1001, Behavior::NonStrict, BehaviorClose::Ok),
            (1002, Behavior::Ok, BehaviorClose::WrongCode),
        ] {
            let ending = code(closed(), Some(code_of_answer));
            let (verdict, _) = judge_closing(Behavior::Ok, &closing, &ending, Vec::new());
            assert_eq!(verdict, Verdict { behavior, close }, "{code_of_answer}");
        }
    }

    #[test]
    fn events_have_to_be_those_of_an_alternative_exactly() {
        let [one, two] = ["one", "two"].map(Event::text);
        let script = Script::new(Closing::by_suite())
            .expect([one.clone(), two.clone()])
            .tolerate([one.clone()]);
        for (events, expected) in [
            (vec![one.clone(), two.clone()], Behavior::Ok),
            (vec![one.clone()], Behavior::NonStrict),
            (vec![], Behavior::Failed),
            (vec![two.clone(), one.clone()], Behavior::Failed),
            (vec![one.clone(), two, one], Behavior::Failed),
            (vec![Event::binary("one")], Behavior::Failed),
        ] {
            let (verdict, _) = judge(&script, &events, &closed());
            assert_eq!(verdict.behavior, expected, "{events:?}");
        }
    }
}
