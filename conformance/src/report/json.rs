//! Reports for programs, in the format of Autobahn, so that its readers can read them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Agent, Report, file_name};
use crate::{
    case::{By, Case, Event, Kind, Plan, Role},
    log::{Entry, Excerpt, Line, Summary, Traffic, What},
    outcome::Outcome,
    payload::Payload,
    render,
    verdict::Behavior,
};

/// Bytes of a payload that a report quotes.
const QUOTED: usize = 64;

/// The index: of each agent, the verdict on each case and the name of the file that tells more.
pub(super) fn index(report: &Report<'_>) -> Value {
    let of_agent = |agent: &Agent<'_>| {
        let cases = agent.outcomes.iter().map(|(id, outcome)| {
            let entry = json!({
                "behavior": outcome.verdict.behavior.name(),
                "behaviorClose": outcome.verdict.close.name(),
                "duration": milliseconds(outcome),
                "remoteCloseCode": code(&outcome.ending.remote),
                "reportfile": file_name(&agent.name, id, "json"),
            });
            (id.to_string(), entry)
        });
        (agent.name.clone(), Value::Object(cases.collect()))
    };
    Value::Object(report.agents.iter().map(of_agent).collect())
}

/// The report on one case.
pub(super) fn case(agent: &Agent<'_>, case: &Case, outcome: &Outcome, position: usize) -> Value {
    let ending = &outcome.ending;
    let (timed, compressed) = match &case.plan {
        Plan::Exchange(exchange) => (true, exchange.offers.is_some()),
        Plan::Script(_) | Plan::Fitted(_) | Plan::Opening(_) => (false, false),
    };
    let (result, result_close) = results(outcome);
    let mut report = json!({
        "agent": agent.name,
        "case": position,
        "id": case.id.to_string(),
        "description": case.description,
        "expectation": case.expectation,
        "started": humantime::format_rfc3339_millis(outcome.started).to_string(),
        "duration": milliseconds(outcome),
        "reportTime": timed,
        "reportCompressionRatio": compressed,
        "behavior": outcome.verdict.behavior.name(),
        "behaviorClose": outcome.verdict.close.name(),
        "result": result,
        "resultClose": result_close,
        "expected": expected(outcome),
        "expectedClose": expected_close(outcome),
        "received": events(&outcome.events),
        "isServer": agent.role == Role::Client,
    });
    let rest = json!({
        "closedByMe": ending.by_suite,
        "failedByMe": ending.violation.is_some(),
        "droppedByMe": ending.dropped,
        "wasClean": ending.clean,
        "wasNotCleanReason": (!ending.clean).then(|| render::ending(ending)),
        "wasServerConnectionDropTimeout": ending.not_ended,
        "wasOpenHandshakeTimeout": opening_timeout(outcome),
        "wasCloseHandshakeTimeout": ending.unanswered,
        "localCloseCode": code(&ending.local),
        "localCloseReason": reason(&ending.local),
        "remoteCloseCode": code(&ending.remote),
        "remoteCloseReason": reason(&ending.remote),
        "httpRequest": outcome.heads.request,
        "httpResponse": outcome.heads.response,
        "createStats": true,
        "txOctetStats": counts(&outcome.log.sent.bytes),
        "rxOctetStats": counts(&outcome.log.received.bytes),
        "txFrameStats": counts(&outcome.log.sent.frames),
        "rxFrameStats": counts(&outcome.log.received.frames),
        "trafficStats": compressed.then(|| traffic(outcome, agent.role)),
        "createWirelog": true,
        "wirelog": wire_log(outcome),
    });
    if let (Value::Object(report), Value::Object(rest)) = (&mut report, rest) {
        report.extend(rest);
    }
    report
}

fn milliseconds(outcome: &Outcome) -> u64 {
    // The sum of a lifetime fits in many times over.
    outcome.duration.as_millis() as u64
}

fn code(close: &Option<(Option<u16>, String)>) -> Option<u16> {
    close.as_ref().and_then(|(code, _)| *code)
}

fn reason(close: &Option<(Option<u16>, String)>) -> Option<&str> {
    let (_, reason) = close.as_ref()?;
    (!reason.is_empty()).then_some(reason)
}

/// The verdicts on the events and on the closing, in words.
fn results(outcome: &Outcome) -> (String, String) {
    let right = || "what came is what was expected".to_owned();
    let reasons = outcome.reasons.join("; ");
    let ending = render::ending(&outcome.ending);
    match outcome.verdict.behavior {
        _ if reasons.is_empty() => (right(), ending),
        // Then the reasons are about the end.
        Behavior::Ok if !outcome.verdict.close.is_right() => (right(), reasons),
        Behavior::Ok
        | Behavior::NonStrict
        | Behavior::Informational
        | Behavior::Unimplemented
        | Behavior::Failed => (reasons, ending),
    }
}

fn opening_timeout(outcome: &Outcome) -> bool {
    let ended = |what: &What| matches!(what, What::End | What::Reset);
    let began = !outcome.heads.request.is_empty();
    outcome.ending.never_open && began && !outcome.log.entries().any(|entry| ended(&entry.what))
}

fn expected(outcome: &Outcome) -> Value {
    let mut alternatives = BTreeMap::new();
    for alternative in &outcome.expected {
        // The format has room for one: the first of several that are equally good.
        alternatives
            .entry(render::alternative_name(alternative).to_owned())
            .or_insert_with(|| events(&alternative.events));
    }
    json!(alternatives)
}

fn expected_close(outcome: &Outcome) -> Value {
    outcome.closing.as_ref().map_or(Value::Null, |closing| {
        json!({
            "closedByMe": closing.by == By::Suite,
            "closeCode": closing.codes,
            "requireClean": closing.clean,
        })
    })
}

fn events(events: &[Event]) -> Value {
    events.iter().map(event).collect()
}

fn event(event: &Event) -> Value {
    match event {
        Event::Message(kind, payload) => json!(["message", quote(payload), *kind == Kind::Binary]),
        Event::Pong(payload) => json!(["pong", quote(payload)]),
        Event::Ping => json!(["ping"]),
        Event::Mark(name) => json!(["timeout", name]),
        Event::Late => json!(["late"]),
    }
}

fn quote(payload: &Payload) -> String {
    quoted(&payload.bytes(), payload.len())
}

/// The first bytes: as text if they are text, else in hexadecimal.
fn quoted(bytes: &[u8], len: usize) -> String {
    let bytes = &bytes[..bytes.len().min(QUOTED)];
    let more = if len > bytes.len() { " ..." } else { "" };
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text}{more}"),
        Err(_) => format!("0x{}{more}", hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    render::hex(bytes).replace(' ', "")
}

/// Counts under their keys, which in JSON are strings.
fn counts<K: ToString>(counts: &BTreeMap<K, usize>) -> Value {
    let counts = counts
        .iter()
        .map(|(key, count)| (key.to_string(), json!(count)));
    Value::Object(counts.collect())
}

fn traffic(outcome: &Outcome, role: Role) -> Value {
    let (request, response) = (outcome.heads.request.len(), outcome.heads.response.len());
    let (head_out, head_in) = match role {
        Role::Server => (request, response),
        Role::Client => (response, request),
    };
    let mut all = json!({});
    for (direction, traffic, head) in [
        ("outgoing", &outcome.log.sent, head_out),
        ("incoming", &outcome.log.received, head_in),
    ] {
        let Traffic {
            bytes,
            frames,
            payload,
            messages,
        } = traffic;
        let of = |opcode: u8| frames.get(&opcode).copied().unwrap_or_default();
        let wire: usize = bytes.iter().map(|(size, count)| size * count).sum();
        let wire = wire.saturating_sub(head);
        let ratio = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        all[format!("{direction}BytesWireLevel")] = json!(wire);
        all[format!("{direction}BytesWebSocketLevel")] = json!(payload);
        all[format!("{direction}BytesAppLevel")] = json!(messages);
        all[format!("{direction}WebSocketFrames")] = json!(of(0) + of(1) + of(2));
        all[format!("{direction}WebSocketMessages")] = json!(of(1) + of(2));
        all[format!("{direction}CompressionRatio")] = json!(ratio(*payload, *messages));
        all[format!("{direction}WebSocketOverhead")] =
            json!(ratio(wire.saturating_sub(*payload), *payload));
    }
    all["preopenOutgoingBytesWireLevel"] = json!(head_out);
    all["preopenIncomingBytesWireLevel"] = json!(head_in);
    all
}

/// The rows of the wire log. Those that start with `RO`, `TO`, `RF`, `TF`, `KLE` and `TIE` are Autobahn's, the
/// others ours.
fn wire_log(outcome: &Outcome) -> Value {
    let row = |entry: &Entry| match &entry.what {
        What::SentBytes(bytes) => json!(["TO", bytes_cell(bytes), false]),
        What::ReceivedBytes(bytes) => json!(["RO", bytes_cell(bytes)]),
        What::SentFrame(frame) => {
            let [payload, opcode, fin, reserved] = frame_cells(frame);
            let mask = frame.mask.map(|mask| hex(&mask));
            json!([
                "TF", payload, opcode, fin, reserved, mask, null, null, false
            ])
        }
        What::ReceivedFrame(frame) => {
            let [payload, opcode, fin, reserved] = frame_cells(frame);
            let mask = frame.mask.map(|mask| hex(&mask));
            json!(["RF", payload, opcode, fin, reserved, mask.is_some(), mask])
        }
        What::Timer("kill") => json!(["KLE"]),
        What::Timer("close") => json!(["TIE"]),
        What::Timer(name) => json!(["TIMER", name]),
        What::Note(note) => json!(["NOTE", note]),
        What::Finished => json!(["END", "suite"]),
        What::End => json!(["END", "subject"]),
        What::Reset => json!(["RESET", "subject"]),
    };
    let lines = outcome.log.lines(usize::MAX, usize::MAX, |_| true);
    let cells = |line| match line {
        Line::Entry(entry) => row(entry),
        Line::LeftOut(count) => json!(["LEFT OUT", count]),
    };
    lines.into_iter().map(cells).collect()
}

fn bytes_cell(bytes: &Excerpt) -> Value {
    let head = &bytes.head[..bytes.head.len().min(QUOTED)];
    let more = if bytes.len > head.len() { " ..." } else { "" };
    json!([bytes.len, format!("{}{more}", hex(head))])
}

fn frame_cells(frame: &Summary) -> [Value; 4] {
    let payload = &frame.payload;
    [
        json!([payload.len, quoted(&payload.head, payload.len)]),
        json!(frame.opcode),
        json!(frame.fin),
        json!(frame.reserved),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{super::pretty, *};
    use crate::{
        case::{Alternative, Closing, Script},
        frame::{Frame, opcode},
        handshake::Heads,
        log::Log,
        outcome::Ending,
        verdict::{BehaviorClose, Verdict},
    };

    /// A case that was closed with a wrong code, and everything that is told of it.
    fn report() -> Value {
        let mut log = Log::default();
        let mask = Some([1, 2, 3, 4]);
        let text = Frame::new(opcode::TEXT, "Hello");
        let close = Frame::close(1000, "");
        let answer = Frame::close(1001, "bye");
        let sent = Summary::new(&text, mask);
        for what in [
            What::SentFrame(sent),
            What::SentBytes(text.encode(mask).as_slice().into()),
            What::ReceivedBytes(text.encode(None).as_slice().into()),
            What::ReceivedFrame(Summary::new(&text, None)),
            What::SentFrame(Summary::new(&close, mask)),
            What::Timer("kill"),
            What::ReceivedFrame(Summary::new(&answer, None)),
            What::End,
        ] {
            log.add(Duration::ZERO, what);
        }
        let outcome = Outcome {
            verdict: Verdict {
                behavior: Behavior::Ok,
                close: BehaviorClose::WrongCode,
            },
            reasons: vec!["the subject closed with 1001".to_owned()],
            started: SystemTime::UNIX_EPOCH,
            duration: Duration::from_micros(12_900),
            expected: vec![Alternative {
                strict: true,
                events: vec![Event::text("Hello")],
            }],
            closing: Some(Closing::by_suite()),
            events: vec![Event::text("Hello"), Event::pong(vec![0xff; 65])],
            heads: Heads {
                request: "GET".to_owned(),
                response: "101".to_owned(),
            },
            ending: Ending {
                by_suite: true,
                clean: true,
                suite_dialled: true,
                local: Some((Some(1000), String::new())),
                remote: Some((Some(1001), "bye".to_owned())),
                ..Ending::default()
            },
            log,
        };
        let of_case = Case::new(
            &[1, 2, 3],
            "Does.",
            "Wants.",
            Script::new(Closing::by_suite()),
        );
        let agent = Agent {
            name: "An Agent/1.0".to_owned(),
            role: Role::Server,
            outcomes: &BTreeMap::new(),
        };
        case(&agent, &of_case, &outcome, 11)
    }

    #[test]
    fn fields_are_those_of_autobahn() {
        let golden = include_str!("json/golden.json");
        let bytes = pretty(&report());
        assert_eq!(String::from_utf8(bytes).as_deref(), Ok(golden.trim_end()));
    }
}
