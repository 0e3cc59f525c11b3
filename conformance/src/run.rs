//! Runs one case on one connection, from the opening handshake to the verdict.

use std::time::SystemTime;

use crate::{
    case::{Case, Closing, Event, Plan, Script},
    exchange,
    extension::{Offers, Without},
    handshake::{self, Arrival, Heads},
    judging, opening,
    outcome::Outcome,
    script::{self, Another},
    session::Session,
    subject::Facts,
    verdict::{Behavior, Verdict},
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
        Plan::Script(_) | Plan::Exchange(_) | Plan::Opening(_) => None,
    };
    let (expected, closing) = match (&case.plan, &fitted) {
        (Plan::Script(script), _) | (Plan::Fitted(_), Some(script)) => {
            (script.alternatives.clone(), Some(script.closing.clone()))
        }
        (Plan::Opening(opening), _) => opening.expected(),
        (Plan::Exchange(_), _) => (Vec::new(), Some(Closing::by_suite())),
        (Plan::Fitted(_), None) => (Vec::new(), None),
    };
    let begun = session.now();
    let mut open = |session: &mut Session, offers: Option<&Offers>| {
        if let Err(reason) = handshake::open(session, arrival, offers, &mut heads) {
            session.drop_wire(true);
            return Err((Verdict::FAILED, vec![reason]));
        }
        let without = offers.filter(|_| !session.has_compression());
        match without.map(|offers| offers.without) {
            Some(Without::Unimplemented) => Err(end_without_compression(session)),
            Some(Without::Right) | None => Ok(()),
        }
    };
    let mut run_script = |script: &Script| {
        open(&mut session, script.offers.as_ref())?;
        script::run(script, &mut session, another);
        Ok(judging::judge(script, &session.events, &session.ending()))
    };
    let judged = match &case.plan {
        Plan::Script(script) => run_script(script),
        Plan::Fitted(_) => match &fitted {
            Some(script) => run_script(script),
            None => {
                session.drop_wire(false);
                let reason = "not enough is known of the subject".to_owned();
                Ok((Verdict::INFORMATIONAL, vec![reason]))
            }
        },
        Plan::Exchange(exchange) => open(&mut session, exchange.offers.as_ref()).map(|()| {
            let behavior = exchange::run(exchange, &mut session);
            exchange::judge(behavior, &session.ending())
        }),
        Plan::Opening(opening) => Ok(opening::run(
            opening,
            &mut session,
            arrival,
            &mut heads,
            facts,
        )),
    };
    let (verdict, reasons) = judged.unwrap_or_else(|failed| failed);
    let unknown = case.needs.is_some_and(|need| !facts.tell(need));
    let verdict = if case.informational || unknown {
        Verdict::INFORMATIONAL
    } else {
        verdict
    };
    Outcome {
        verdict,
        reasons,
        started,
        duration: session.now().saturating_sub(begun),
        expected,
        closing,
        events: std::mem::take(&mut session.events),
        heads,
        ending: session.ending(),
        log: std::mem::take(&mut session.log),
    }
}

/// Closes a connection on which the subject does not compress, in a case about that.
fn end_without_compression(session: &mut Session) -> (Verdict, Vec<String>) {
    session.begin_close(1000_u16.to_be_bytes().to_vec());
    session.run_out();
    let is_message = |event: &Event| matches!(event, Event::Message(..));
    let (behavior, reason) = if session.events.iter().any(is_message) {
        (Behavior::Failed, "a message came that nobody asked for")
    } else {
        let reason = "permessage-deflate was not agreed on";
        (Behavior::Unimplemented, reason)
    };
    let reasons = vec![reason.to_owned()];
    judging::judge_closing(behavior, &Closing::by_suite(), &session.ending(), reasons)
}
