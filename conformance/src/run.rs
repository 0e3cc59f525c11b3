//! Runs one case on one connection, from the opening handshake to the verdict.

use std::time::SystemTime;

use crate::{
    case::{Case, Closing, Plan},
    exchange,
    handshake::{self, Arrival, Heads},
    outcome::{Ending, Outcome},
    script::{self, Another},
    session::Session,
    subject::Facts,
    verdict::Verdict,
};

/// Runs a case on a connection that has just been made.
#[must_use]
pub(crate) fn run(
    case: &Case,
    mut session: Session,
    arrival: &Arrival,
    facts: &Facts,
    another: Option<Another<'_>>,
) -> Outcome {
    let started = SystemTime::now();
    let mut heads = Heads::default();
    let fitted = match &case.plan {
        Plan::Fitted(fitting) => fitting.fit(facts),
        Plan::Script(_) | Plan::Exchange(_) | Plan::Request(_) | Plan::Response(_) => None,
    };
    let offers = match &case.plan {
        Plan::Script(script) => script.offers.as_ref(),
        Plan::Fitted(_) => fitted.as_ref().and_then(|script| script.offers.as_ref()),
        Plan::Exchange(exchange) => exchange.offers.as_ref(),
        Plan::Request(_) | Plan::Response(_) => None,
    };
    let (expected, closing) = match (&case.plan, &fitted) {
        (Plan::Script(script), _) | (Plan::Fitted(_), Some(script)) => {
            (script.alternatives.clone(), Some(script.closing.clone()))
        }
        (Plan::Exchange(_), _) => (Vec::new(), Some(Closing::by_suite())),
        (Plan::Fitted(_), None) | (Plan::Request(_) | Plan::Response(_), _) => (Vec::new(), None),
    };
    let opened = handshake::open(&mut session, arrival, offers, &mut heads);
    let begun = session.now();
    let (verdict, reasons) = match opened {
        Err(reason) => {
            session.drop_wire(true);
            (Verdict::FAILED, vec![reason])
        }
        Ok(()) => match &case.plan {
            Plan::Script(script) => {
                script::run(script, &mut session, another);
                script::judge(script, &session.events, &ending(&session, arrival))
            }
            Plan::Fitted(_) => match &fitted {
                Some(script) => {
                    script::run(script, &mut session, another);
                    script::judge(script, &session.events, &ending(&session, arrival))
                }
                None => {
                    session.drop_wire(false);
                    let reason = "not enough is known of the subject".to_owned();
                    (Verdict::INFORMATIONAL, vec![reason])
                }
            },
            Plan::Exchange(exchange) => {
                let behavior = exchange::run(exchange, &mut session);
                exchange::judge(behavior, &ending(&session, arrival))
            }
            // These do not open in the proper way; no case has them yet.
            Plan::Request(_) | Plan::Response(_) => (Verdict::INFORMATIONAL, Vec::new()),
        },
    };
    let unknown = case.needs.is_some_and(|need| !facts.tell(need));
    let verdict = if case.informational || unknown {
        Verdict::INFORMATIONAL
    } else {
        verdict
    };
    let never_open = heads.response.is_empty();
    Outcome {
        verdict,
        reasons,
        started,
        duration: session.now().saturating_sub(begun),
        expected,
        closing,
        events: std::mem::take(&mut session.events),
        heads,
        ending: Ending {
            never_open,
            ..ending(&session, arrival)
        },
        log: std::mem::take(&mut session.log),
    }
}

fn ending(session: &Session, arrival: &Arrival) -> Ending {
    let close = &session.close;
    Ending {
        by_suite: close.by_suite,
        violation: close.violation.clone(),
        dropped: close.dropped,
        clean: close.clean,
        unanswered: close.unanswered,
        not_ended: close.not_ended,
        never_open: false,
        suite_dialled: matches!(arrival, Arrival::Dialled { .. }),
        local: close.local.clone(),
        remote: close.remote.clone(),
    }
}
