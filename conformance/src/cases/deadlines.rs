//! Group `deadlines`: how long a subject waits. The RFC sets no deadline, so each case needs to know the subject's.

use std::time::Duration;

use crate::{
    case::{Case, Closing, Event, Extent, Fitting, Need, Role, Script, Sending, Step},
    frame::{Frame, opcode},
    id::Id,
    subject::Facts,
};

/// Longer ones are not waited for.
const TESTABLE: Duration = Duration::from_secs(10);

/// How late a subject may be.
const GRACE: Duration = Duration::from_millis(500);

/// Half of the time has passed.
const HALF: &str = "half of the time has passed";

/// The subject has not closed.
const OPEN: &str = "it is still open";

/// The subject has not ended the transport.
const KEPT: &str = "the transport is still there";

/// The codes for ending a connection because of a timeout.
const LATE: [u16; 5] = [1000, 1001, 1002, 1008, 1011];

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(pings());
    cases.extend(pongs());
    cases.extend(idle());
    cases.extend(close());
    cases.extend(write());
    cases
}

/// Returns a deadline that is short enough to be tested.
fn testable(span: Option<Duration>) -> Option<Duration> {
    span.filter(|span| *span <= TESTABLE)
}

/// A case about a deadline.
fn case(
    name: &str,
    need: Need,
    description: &'static str,
    expectation: &'static str,
    fit: impl Fn(&Facts) -> Option<Script> + Send + Sync + 'static,
) -> Case {
    Case::new(
        Id::slug("deadlines", name),
        description,
        expectation,
        Fitting::new(fit),
    )
    .needs(need)
}

/// Pings that the subject sends, each of which was expected.
fn only_marks(events: &[Event], _: usize) -> Vec<Event> {
    let is_mark = |event: &&Event| matches!(event, Event::Mark(_) | Event::Ping);
    events.iter().filter(is_mark).cloned().collect()
}

/// Cases `ping-*`: when a subject sends pings.
fn pings() -> Vec<Case> {
    let interval = |facts: &Facts| testable(facts.ping_interval);
    let pings = |count| vec![Event::Ping; count];
    vec![
        case(
            "ping-when-silent",
            Need::PingInterval,
            "Sends nothing.",
            "The subject sends a ping in time, and not much too early.",
            move |facts| {
                let interval = interval(facts)?;
                let script = Script::new(Closing::by_suite())
                    .step(Step::Kill(interval * 2 + GRACE))
                    .step(Step::Wait(interval / 2))
                    .step(Step::Mark(HALF))
                    .expect([Event::Mark(HALF), Event::Ping]);
                Some(script)
            },
        ),
        case(
            "ping-despite-pongs",
            Need::PingInterval,
            "Sends nothing but pongs for three pings, and then a message.",
            "The subject goes on sending pings, and the message comes back.",
            move |facts| {
                let interval = interval(facts)?;
                let mut events = pings(3);
                events.push(Event::text("here"));
                let script = Script::new(Closing::by_suite())
                    .step(Step::Kill(interval * 5 + GRACE))
                    .step(Step::Await(3))
                    .frame(Frame::text("here"))
                    .expect(events);
                Some(script)
            },
        ),
        case(
            "ping-inside-a-message",
            Need::PingInterval,
            "Stops in the middle of a message, between two fragments, until a ping has come.",
            "The subject sends a ping, and the message comes back when it is whole.",
            move |facts| {
                let interval = interval(facts)?;
                let script = Script::new(Closing::by_suite())
                    .step(Step::Kill(interval * 2 + GRACE))
                    .frame(Frame::text("half a ").unfinished())
                    .step(Step::AwaitLast(Event::Ping))
                    .frame(Frame::new(opcode::CONTINUATION, "message"))
                    .expect([Event::Ping, Event::text("half a message")]);
                Some(script)
            },
        ),
    ]
}

/// Cases `pong-*`: how long a subject waits for a pong.
fn pongs() -> Vec<Case> {
    let spans = |facts: &Facts| {
        let interval = testable(facts.ping_interval)?;
        Some((interval, testable(facts.pong_timeout)?))
    };
    vec![
        case(
            "pong-missing",
            Need::PongTimeout,
            "Does not answer pings, and sends nothing else.",
            "The subject closes or ends the connection in time, and not much too early.",
            move |facts| {
                let (interval, pong) = spans(facts)?;
                let script = Script::new(Closing::by_either(&LATE))
                    .without_close()
                    .step(Step::Kill((interval + pong) * 3))
                    .step(Step::Answer(false))
                    .step(Step::AwaitLast(Event::Ping))
                    .step(Step::Wait(pong / 2))
                    .step(Step::Mark(HALF))
                    .step(Step::Within(pong + GRACE, OPEN))
                    .step(Step::Abort)
                    .expect([Event::Ping, Event::Mark(HALF)]);
                Some(script)
            },
        ),
        case(
            "pong-no-place",
            Need::PongTimeout,
            "Sends a frame so slowly that there is no place for a pong for longer than the subject waits.",
            "The message comes back: who sends is alive. To insist on the pong is not the best.",
            move |facts| {
                let (interval, pong) = spans(facts)?;
                let pause = (interval.min(pong)) * 3 / 5;
                let pieces = (interval + pong).as_millis() / pause.as_millis().max(1) + 2;
                let text = "*".repeat(pieces as usize);
                let script = Script::new(Closing::by_either(&LATE))
                    .step(Step::Answer(false))
                    .step(Step::Start(Frame::text(&text), Extent::Header))
                    .steps(
                        (0..pieces).flat_map(|_| [Step::Wait(pause), Step::Next(Extent::Bytes(1))]),
                    )
                    .step(Step::Await(1))
                    .step(Step::Answer(true))
                    .step(Step::Close(Frame::close(1000, "").payload.into()))
                    .expect([Event::text(text)])
                    .tolerate([]);
                Some(script)
            },
        ),
    ]
}

/// Cases `idle-*`: how long a subject waits for messages.
fn idle() -> Vec<Case> {
    let idle = |facts: &Facts| testable(facts.idle_timeout);
    let by_subject = || Closing::by_subject(&[1000, 1001]).tolerate(&[1002, 1008, 1011]);
    vec![
        case(
            "idle-silent",
            Need::IdleTimeout,
            "Sends no message.",
            "The subject closes in time, best with 1001, and not much too early.",
            move |facts| {
                let idle = idle(facts)?;
                let script = Script::new(by_subject())
                    .step(Step::Kill(idle * 2 + GRACE))
                    .step(Step::Wait(idle / 2))
                    .step(Step::Mark(HALF))
                    .expect([Event::Mark(HALF)]);
                Some(script)
            },
        ),
        case(
            "idle-messages-reset",
            Need::IdleTimeout,
            "Sends a message before each time that the subject would have waited long enough.",
            "All messages come back.",
            move |facts| {
                let pause = idle(facts)? * 3 / 5;
                let texts = || (0..5).map(|number| format!("message {number}"));
                let script = Script::new(Closing::by_suite())
                    .step(Step::Kill(pause * 7 + GRACE))
                    .steps(texts().flat_map(|text| {
                        [
                            Step::Frame(Frame::text(&text), Sending::Alone),
                            Step::Wait(pause),
                        ]
                    }))
                    .expect(texts().map(Event::text));
                Some(script)
            },
        ),
        case(
            "idle-pings-do-not",
            Need::IdleTimeout,
            "Sends pings, but no message.",
            "The subject closes. To take pings for activity is not the best.",
            move |facts| {
                let idle = idle(facts)?;
                let ping = || Step::Frame(Frame::new(opcode::PING, ""), Sending::Alone);
                let script = Script::new(Closing::by_either(&[1000, 1001]))
                    .without_close()
                    .steps((0..8).flat_map(|_| [ping(), Step::Wait(idle / 4)]))
                    .step(Step::Within(GRACE, OPEN))
                    .step(Step::SumUp(only_marks))
                    .step(Step::Abort)
                    .expect([])
                    .tolerate([Event::Mark(OPEN)]);
                Some(script)
            },
        ),
    ]
}

/// Cases `close-*`: how long a subject waits for the peer's share of the closing handshake.
fn close() -> Vec<Case> {
    let wait = |facts: &Facts| Some(testable(facts.close_timeout)? + GRACE);
    let idle = |facts: &Facts| testable(facts.idle_timeout);
    let mut cases = vec![
        case(
            "close-after-failure",
            Need::CloseTimeout,
            "Sends a frame that is wrong, and neither answers the Close frame nor ends the transport.",
            "The subject ends the transport in time.",
            move |facts| {
                let script = Script::new(Closing::by_subject(&[1002]))
                    .without_close()
                    .step(Step::Answer(false))
                    .frame(Frame::new(0x3, ""))
                    .step(Step::Gone(wait(facts)?, KEPT))
                    .step(Step::Abort)
                    .expect([]);
                Some(script)
            },
        ),
        case(
            "close-after-idle",
            Need::CloseTimeout,
            "Does not answer when the subject closes because nothing happens.",
            "The subject ends the transport in time.",
            move |facts| {
                let script = Script::new(Closing::by_subject(&LATE))
                    .without_close()
                    .step(Step::Answer(false))
                    .step(Step::Within(idle(facts)? * 2 + GRACE, OPEN))
                    .step(Step::Gone(wait(facts)?, KEPT))
                    .step(Step::Abort)
                    .expect([]);
                Some(script)
            },
        ),
        case(
            "close-despite-messages",
            Need::CloseTimeout,
            "Does not answer when the subject closes, but goes on sending messages.",
            "The subject ends the transport in time: it waits for a Close frame, not for bytes.",
            move |facts| {
                let wait = wait(facts)?;
                let message = || Step::Frame(Frame::text("and then ..."), Sending::Alone);
                let script = Script::new(Closing::by_subject(&LATE))
                    .without_close()
                    .step(Step::Answer(false))
                    .step(Step::Within(idle(facts)? * 2 + GRACE, OPEN))
                    .steps((0..8).flat_map(|_| [message(), Step::Wait(wait / 4)]))
                    .step(Step::SumUp(only_marks))
                    .step(Step::Gone(GRACE, KEPT))
                    .step(Step::Abort)
                    .expect([]);
                Some(script)
            },
        ),
    ];
    cases.push(
        case(
            "close-of-a-client",
            Need::CloseTimeout,
            "Closes, and does not end the transport when the answer has come.",
            "The subject, a client, ends the transport in time (7.1.1).",
            move |facts| {
                let script = Script::new(Closing::by_suite())
                    .without_close()
                    .step(Step::Answer(false))
                    .step(Step::Close(Frame::close(1000, "").payload.into()))
                    .step(Step::Gone(wait(facts)?, KEPT))
                    .step(Step::Abort)
                    .expect([]);
                Some(script)
            },
        )
        .only(Role::Client),
    );
    cases
}

/// Cases `write-*`: how long a subject tries to send.
fn write() -> Vec<Case> {
    vec![case(
        "write-stalled",
        Need::WriteTimeout,
        "Sends messages and reads nothing until the subject must have given up, and then everything.",
        "The subject has ended the connection.",
        |facts| {
            let write = testable(facts.write_timeout)?;
            let script = Script::new(Closing::by_either(&LATE))
                .without_close()
                .step(Step::Read(false))
                .step(Step::Flood(1024, |_| {
                    Frame::new(opcode::BINARY, vec![0; 64 << 10])
                }))
                .step(Step::Wait(write * 2))
                .step(Step::Read(true))
                .step(Step::Gone(GRACE * 2, KEPT))
                .step(Step::SumUp(only_marks))
                .step(Step::Abort)
                .expect([]);
            Some(script)
        },
    )]
}
