//! Opening handshakes with clients under test: what they ask for, what they make of the answer, and how that
//! is judged.

use std::{collections::HashSet, sync::Mutex, sync::PoisonError, time::Duration};

use super::{
    Answer, Grade, Opened, Opening,
    draft::{Blanks, Draft},
    sending,
};
use crate::{
    extension::check_answer,
    frame::{Decoder, Part, opcode},
    handshake::{self, Head, Heads, Rule, accept_key, rule::Evidence},
    opening,
    session::Session,
    subject::Facts,
    verdict::{Behavior, BehaviorClose, Verdict},
    wire::Received,
};

/// How long a client may take to end a connection that it has to fail, beyond the time that it waits
/// for a response.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the suite does not answer, to see whether a client waits for that.
const SILENCE: Duration = Duration::from_millis(100);

/// The keys of all clients. That they are fresh only shows in several of them.
static KEYS: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Answers the request and judges what the client makes of that. `begun` collects what the rule of the case needs.
pub(super) fn run(
    opening: &Opening,
    session: &mut Session,
    request: &Head,
    heads: &mut Heads,
    facts: &Facts,
) -> (Opened, Evidence) {
    heads.request.clone_from(&request.text);
    let mut evidence = Evidence {
        port: session.port(),
        ..Evidence::default()
    };
    let key = match handshake::check_request(request) {
        Ok(key) => key,
        Err(reason) => {
            session.drop_wire(true);
            return (Opened::No(Verdict::FAILED, vec![reason]), evidence);
        }
    };
    evidence.key_is_fresh = is_fresh(&key);
    if opening.rule == Some(Rule::Waits) {
        session.listen(SILENCE);
        evidence.early = session.input().len();
    }
    let host = request.one("Host").unwrap_or_default();
    let blanks = Blanks {
        host,
        key: &key,
        accept: &accept_key(&key),
        max_head: opening::max_head(facts),
        ..Blanks::default()
    };
    let text = opening.half.fill(&blanks, Draft::response);
    heads.response.clone_from(&text);
    sending::send(opening, &text, session, facts);
    let opened = match opening.answer {
        Answer::Opens => {
            session.enter_open();
            Opened::Perhaps
        }
        Answer::Drops if answers_an_offer(&text, request) => {
            session.drop_wire(true);
            let reason = "the client has offered what the answer agrees to".to_owned();
            Opened::No(Verdict::INFORMATIONAL, vec![reason])
        }
        Answer::Drops | Answer::Refuses(_) => judge_end(opening, session, facts),
    };
    (opened, evidence)
}

/// Returns true if a response agrees to an extension in a way that the request allows.
fn answers_an_offer(response: &str, request: &Head) -> bool {
    let lines = |head: &Head| -> Vec<String> {
        let lines = head.all("Sec-WebSocket-Extensions");
        lines.map(str::to_owned).collect()
    };
    let Ok(response) = Head::parse(response) else {
        return false;
    };
    let answers = lines(&response);
    let offers = lines(request).join(",");
    !answers.is_empty() && check_answer(&offers, &answers.join(",")).is_ok()
}

fn is_fresh(key: &str) -> bool {
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    keys.get_or_insert_default().insert(key.to_owned())
}

/// Waits for the end of a connection that must not open.
fn judge_end(opening: &Opening, session: &mut Session, facts: &Facts) -> Opened {
    let waits = facts.opening_timeout.unwrap_or_default();
    let until = session.now() + waits + END_TIMEOUT * session.settings.patience;
    let (grade, reason) = match session.receive(until) {
        _ if !session.input().is_empty() => {
            let mut decoder = Decoder::default();
            decoder.push(session.input());
            match decoder.part() {
                // 7.1.7 asks for a Close frame only if the connection was open.
                Some(Part::Header(header)) if header.opcode == opcode::CLOSE => (
                    Grade::Tolerated,
                    "the client sent a Close frame on a connection that never opened",
                ),
                Some(Part::Header(_) | Part::Frame(..)) | None => (
                    opening.otherwise,
                    "the client goes on with a connection that it has to fail",
                ),
            }
        }
        Received::End | Received::Reset => {
            session.drop_wire(false);
            return Opened::No(Verdict::OK, Vec::new());
        }
        Received::Bytes(_) | Received::Nothing => (
            opening.otherwise,
            "the client did not end a connection that it has to fail",
        ),
    };
    let reasons = match grade {
        Grade::Right => Vec::new(),
        Grade::Tolerated | Grade::Wrong => vec![reason.to_owned()],
    };
    if grade == opening.otherwise && grade != Grade::Wrong {
        session.enter_open();
        return Opened::Yes(grade, reasons);
    }
    session.drop_wire(true);
    let behavior = Behavior::from(grade);
    let close = BehaviorClose::Ok;
    Opened::No(Verdict { behavior, close }, reasons)
}
