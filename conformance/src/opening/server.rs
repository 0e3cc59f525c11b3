//! Opening handshakes with servers under test: what they answer, and how that is judged.

use std::time::Duration;

use super::{Answer, Grade, Opened, Opening, Refusal, draft::Blanks, draft::Draft, sending};
use crate::{
    extension::{self, Agreed, Measure},
    handshake::{self, Head, HeadFault, Heads},
    opening,
    session::Session,
    subject::Facts,
    verdict::{Behavior, BehaviorClose, Verdict},
    wire::Received,
};

/// How long a server may take to answer, beyond the time that it waits for a request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may take to end the transport behind an answer.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends the request and judges the answer.
pub(super) fn run(
    opening: &Opening,
    session: &mut Session,
    (host, resource): (&str, &str),
    heads: &mut Heads,
    facts: &Facts,
) -> Opened {
    let blanks = Blanks {
        host,
        resource,
        key: &handshake::key(),
        max_head: opening::max_head(facts),
        ..Blanks::default()
    };
    let text = opening.half.fill(&blanks, Draft::request);
    heads.request.clone_from(&text);
    sending::send(opening, &text, session, facts);

    let patience = ANSWER_TIMEOUT * session.settings.patience;
    let until = session.now() + facts.opening_timeout.unwrap_or_default() + patience;
    let head = match receive_final_head(session, until) {
        Ok(head) => head,
        Err(fault) => {
            let (grade, reason) = judge_silence(opening, session, &fault);
            session.drop_wire(true);
            return refused(vec![(grade, reason)], BehaviorClose::Ok);
        }
    };
    heads.response.clone_from(&head.text);
    if head.status() != Some(101) {
        return judge_answer(opening, session, &head, text.starts_with("HEAD "));
    }
    let (grade, reasons) = match &opening.answer {
        Answer::Opens => (Grade::Right, Vec::new()),
        Answer::Refuses(_) | Answer::Drops if opening.otherwise == Grade::Right => {
            (Grade::Right, Vec::new())
        }
        Answer::Refuses(_) | Answer::Drops => {
            let reason = "the server opened a connection that it should have refused";
            (opening.otherwise, vec![reason.to_owned()])
        }
    };
    if grade == Grade::Wrong {
        session.drop_wire(true);
        return Opened::No(Verdict::FAILED, reasons);
    }
    let agreed = match check_acceptance(&head, &text) {
        Ok(agreed) => agreed,
        Err(reason) => {
            session.drop_wire(true);
            return Opened::No(Verdict::FAILED, vec![reason]);
        }
    };
    if let Some(agreed) = agreed {
        session.agree(agreed, Measure::Letter);
    }
    session.enter_open();
    Opened::Yes(grade, reasons)
}

/// Judges an answer that opens the connection, and tells what was agreed on.
fn check_acceptance(head: &Head, request: &str) -> Result<Option<Agreed>, String> {
    let lines: Vec<_> = request.trim_start().lines().collect();
    let request = Head::parse(&lines.join("\r\n"))?;
    let agreed = handshake::check_response(head, &request)?;
    if agreed.is_none() {
        return Ok(None);
    }
    let join = |head: &Head| {
        head.elements("Sec-WebSocket-Extensions")
            .collect::<Vec<_>>()
            .join(",")
    };
    extension::check_answer(&join(&request), &join(head))
        .map_err(|bad| format!("an extension that fits no offer: {}", bad.0))?;
    Ok(agreed)
}

/// The head of the answer. Others may come before (RFC 7231 6.2).
fn receive_final_head(session: &mut Session, until: Duration) -> Result<Head, HeadFault> {
    loop {
        let head = handshake::receive_head_until(session, until)?;
        if !matches!(head.status(), Some(100 | 102..=199)) {
            return Ok(head);
        }
    }
}

/// Judges a server that did not answer.
fn judge_silence(opening: &Opening, session: &mut Session, fault: &HeadFault) -> (Grade, String) {
    let silence = match &opening.answer {
        Answer::Refuses(refusal) => refusal.silence,
        // 4.1: a client that does not wait for a response may get none.
        Answer::Opens | Answer::Drops if !opening.early.is_empty() => opening.otherwise,
        Answer::Opens | Answer::Drops if opening.otherwise == Grade::Right => Grade::Tolerated,
        Answer::Opens | Answer::Drops => Grade::Wrong,
    };
    let cut_off = !session.input().is_empty();
    match fault {
        HeadFault::Ended | HeadFault::Reset if cut_off => {
            (Grade::Wrong, "the answer was cut off".to_owned())
        }
        HeadFault::Ended | HeadFault::Reset => (
            silence,
            "the server ended the connection without an answer".to_owned(),
        ),
        HeadFault::TooSlow => {
            // A server that may end the connection without a response may wait for more first.
            let grade = match silence {
                Grade::Right | Grade::Tolerated => Grade::Tolerated,
                Grade::Wrong => Grade::Wrong,
            };
            (
                grade,
                "the server neither answered nor ended the connection".to_owned(),
            )
        }
        HeadFault::Malformed(_) | HeadFault::Endless => (
            Grade::Wrong,
            format!("the answer is no response of HTTP/1.1: {fault}"),
        ),
    }
}

/// Judges an answer that does not open the connection.
fn judge_answer(opening: &Opening, session: &mut Session, head: &Head, to_head: bool) -> Opened {
    let (body, end) = receive_body(session, head, to_head);
    let faults = form_faults(head, &body, end);
    let mut grades: Vec<_> = faults
        .into_iter()
        .map(|fault| (Grade::Tolerated, fault))
        .collect();
    let status = head.status().unwrap_or_default();
    if !head.start.starts_with("HTTP/1.") || !(200..=599).contains(&status) {
        let reason = format!("the answer is no response of HTTP/1.1: {:?}", head.start);
        grades.push((Grade::Wrong, reason));
    }
    match &opening.answer {
        Answer::Refuses(refusal) => judge_refusal(refusal, head, status, &mut grades),
        Answer::Opens | Answer::Drops => {
            let reason = format!("the server refused with {status} what it has to take");
            grades.push((opening.otherwise, reason));
        }
    }
    let announced = head.lists("Connection", "close");
    let close = match end {
        End::Ended | End::Reset => BehaviorClose::Ok,
        // RFC 7230 6.6: a server that announces close must close.
        End::Open if announced => BehaviorClose::FailedByClient,
        // RFC 7230 3.3.3: nothing else would end such a body.
        End::Open if body.framing == Framing::UntilEnd => BehaviorClose::Unclean,
        End::Open => BehaviorClose::Ok,
    };
    if close != BehaviorClose::Ok {
        let reason = "the server did not end the transport behind its answer";
        grades.push((Grade::Tolerated, reason.to_owned()));
    }
    session.drop_wire(false);
    refused(grades, close)
}

fn judge_refusal(refusal: &Refusal, head: &Head, status: u16, grades: &mut Vec<(Grade, String)>) {
    if !refusal.statuses.contains(&status) {
        let reason = format!("the status is {status}, and not of {:?}", refusal.statuses);
        grades.push((refusal.others, reason));
    }
    if let Some((name, element)) = refusal.header
        && !head.lists(name, element)
    {
        grades.push((Grade::Wrong, format!("{name} does not list {element:?}")));
    }
}

/// The verdict on a connection that did not open: that of the worst thing about it.
fn refused(grades: Vec<(Grade, String)>, close: BehaviorClose) -> Opened {
    let worst = grades.iter().map(|(grade, _)| *grade).max();
    let behavior = worst.map_or(Behavior::Ok, Behavior::from);
    let blamed = grades
        .into_iter()
        .filter(|(grade, _)| *grade != Grade::Right);
    let reasons = blamed.map(|(_, reason)| reason).collect();
    Opened::No(Verdict { behavior, close }, reasons)
}

/// How the end of a body is told (RFC 7230 3.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// It has that many bytes.
    Length(usize),
    /// Ended by a last chunk.
    Chunked,
    /// Ended by the end of the transport.
    UntilEnd,
}

/// The outcome of reading a body.
struct Body {
    framing: Framing,
    bytes: Vec<u8>,
}

/// How the transport ended after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ended,
    Reset,
    Open,
}

/// Takes the body, and waits for the end if it was announced.
fn receive_body(session: &mut Session, head: &Head, to_head: bool) -> (Body, End) {
    let length = head.one("Content-Length").ok().map(str::parse);
    let framing = match (head.status(), length) {
        (Some(204 | 304), _) => Framing::Length(0),
        _ if to_head => Framing::Length(0),
        _ if head.lists("Transfer-Encoding", "chunked") => Framing::Chunked,
        (_, Some(Ok(length))) => Framing::Length(length),
        (_, Some(Err(_)) | None) => Framing::UntilEnd,
    };
    let until = session.now() + END_TIMEOUT * session.settings.patience;
    let persistent = !head.lists("Connection", "close");
    let end = loop {
        let bytes = session.input();
        let whole = match framing {
            Framing::Length(length) => bytes.len() >= length,
            Framing::Chunked => bytes.ends_with(b"0\r\n\r\n"),
            Framing::UntilEnd => false,
        };
        if whole && persistent {
            break End::Open;
        }
        match session.receive(until) {
            Received::Bytes(_) => {}
            Received::End => break End::Ended,
            Received::Reset => break End::Reset,
            Received::Nothing => break End::Open,
        }
    };
    let bytes = std::mem::take(session.input());
    (Body { framing, bytes }, end)
}

/// Violations of HTTP in a response that refuses as RFC 6455 wants it.
fn form_faults(head: &Head, body: &Body, end: End) -> Vec<String> {
    let mut faults = Vec::new();
    if head.status() == Some(405) && head.all("Allow").next().is_none() {
        faults.push("a 405 must have Allow (RFC 7231 6.5.5)".to_owned());
    }
    if head.status() == Some(426) && head.all("Upgrade").next().is_none() {
        faults.push("a 426 must have Upgrade (RFC 7231 6.5.15)".to_owned());
    }
    if let Framing::Length(length) = body.framing
        && length != body.bytes.len()
    {
        faults.push(format!(
            "the body should have {length} bytes and has {}",
            body.bytes.len()
        ));
    }
    if end == End::Reset {
        faults.push("the transport was reset, which destroys answers (RFC 7230 6.6)".to_owned());
    }
    faults
}
