//! Wake-ups of a connection, under every configuration and in every order of events: never for nothing, never twice for
//! the same, and none once it is over.

use std::{sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};
use testkit::{
    Frame, config,
    ends::{Answer, End, Seen, cases},
    opposite,
};
use wsproto::{CloseCode, Config, Kind, Role, Wants};

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Something that happens to an end.
#[derive(Debug, Clone)]
enum Step {
    /// Time passes; a deadline that comes meanwhile is noticed only then.
    Wait(Duration),
    /// Time passes until exactly the next deadline.
    WaitForDeadline,
    Read(Frame),
    /// A frame comes, but not all of it.
    ReadHalf(Frame),
    Write(usize),
    Send,
    Start,
    Pause,
    Resume,
    Close,
    Eof,
    Lost,
}

fn step(end: &mut End, step: Step) {
    let peer = opposite(end.connection.role());
    let (connection, env) = (&mut end.connection, &mut end.env);
    // An action of the application that comes too late is refused and has no other effect.
    match step {
        Step::Wait(span) => {
            env.set_now(env.now() + span);
            time_out(end);
        }
        Step::WaitForDeadline => {
            // One at the end of time never comes.
            let (now, deadline) = (env.now(), connection.wants().deadline);
            env.set_now(deadline.map_or(now, |at| at.min(now + YEAR)));
            time_out(end);
        }
        Step::Read(frame) => end.read(&frame.sent_by(peer).encode()),
        Step::ReadHalf(frame) => {
            let bytes = frame.sent_by(peer).encode();
            end.read(&bytes[..bytes.len() / 2]);
        }
        Step::Write(n) => drop(end.drain_some(n)),
        Step::Send => drop(connection.send_text(env, "hello")),
        Step::Start => drop(connection.start(env, Kind::Binary)),
        Step::Pause => connection.pause(),
        Step::Resume => connection.resume(env),
        Step::Close => connection.close(env, CloseCode::NORMAL, ""),
        Step::Eof => end.eof(),
        Step::Lost => {
            connection.handle_lost(env);
            end.take_events();
        }
    }
}

/// The state that handling a timeout may change.
fn visible(end: &End) -> (Wants, Vec<u8>, usize) {
    let output = end.connection.outgoing().collect::<Vec<_>>().concat();
    (end.connection.wants(), output, end.seen.len())
}

/// Calls `handle_timeout`, whether or not a deadline has come.
fn time_out(end: &mut End) {
    let now = end.env.now();
    let is_due = end.connection.wants().deadline.is_some_and(|at| at <= now);
    let before = visible(end);
    end.connection.handle_timeout(&mut end.env);
    let after = visible(end);
    if !is_due {
        assert_eq!(after, before, "a call too early does nothing");
    }
    let Wants { deadline, .. } = end.connection.wants();
    assert!(
        deadline.is_none_or(|at| at > now),
        "{deadline:?} at {now:?}"
    );
    end.connection.handle_timeout(&mut end.env);
    assert_eq!(visible(end), after, "a second call does nothing");
    end.take_events();
}

fn spans() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        1 => Just(Duration::from_nanos(1)),
        6 => (1_u64..20).prop_map(Duration::from_secs),
    ]
}

fn timeouts() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![
        4 => Just(None),
        4 => spans().prop_map(Some),
        1 => Just(Some(Duration::MAX)),
    ]
}

fn configs() -> impl Strategy<Value = Arc<Config>> {
    (vec(timeouts(), 7), any::<bool>(), 0_usize..40).prop_map(
        |(timeouts, pause_when_high, queue_high)| {
            config(|config| {
                config.opening_timeout = timeouts[0];
                config.close_timeout = timeouts[1];
                config.ping_interval = timeouts[2];
                config.pong_timeout = timeouts[3];
                config.idle_timeout = timeouts[4];
                config.write_timeout = timeouts[5];
                config.max_lifetime = timeouts[6];
                config.pause_when_high = pause_when_high;
                config.queue_high = queue_high;
                config.queue_low = queue_high / 2;
            })
        },
    )
}

fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![
        4 => Just(Frame::text("hello")),
        1 => Just(Frame::ping("?")),
        1 => Just(Frame::pong("!")),
        1 => Just(Frame::close(1000, "")),
        1 => Just(Frame::text("?").reserved(1)),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => spans().prop_map(Step::Wait),
        6 => Just(Step::WaitForDeadline),
        3 => frames().prop_map(Step::Read),
        1 => frames().prop_map(Step::ReadHalf),
        4 => (0_usize..30).prop_map(Step::Write),
        3 => Just(Step::Send),
        1 => Just(Step::Start),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        1 => Just(Step::Close),
        1 => Just(Step::Eof),
        1 => Just(Step::Lost),
    ]
}

/// An end in one of the places where a connection can be when its time begins to pass.
fn ends() -> impl Strategy<Value = fn(Arc<Config>) -> End> {
    prop_oneof![
        3 => Just::<fn(Arc<Config>) -> End>(|config| End::upgraded(Role::Client, config)),
        3 => Just::<fn(Arc<Config>) -> End>(|config| End::upgraded(Role::Server, config)),
        1 => Just::<fn(Arc<Config>) -> End>(End::accepting),
        1 => Just::<fn(Arc<Config>) -> End>(End::connecting),
        1 => Just::<fn(Arc<Config>) -> End>(|config| {
            // The application has a request and does not answer it.
            let request = End::connecting(config.clone()).drain();
            let mut server = End::accepting(config).with_answer(Answer::Later);
            server.read(&request);
            server
        }),
    ]
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn after_a_timeout_the_next_deadline_is_later(
        make in ends(),
        config in configs(),
        steps in vec(steps(), 0..40),
    ) {
        let mut end = make(config);
        for next in steps {
            step(&mut end, next);
        }
        let last = end.seen.iter().filter(|seen| seen.is_last()).count();
        prop_assert!(last <= 1, "{:?}", end.seen);
    }

    #[test]
    fn time_alone_ends_what_has_begun_to_end(
        make in ends(),
        config in configs(),
        close_timeout in spans(),
        steps in vec(steps(), 0..20),
    ) {
        let mut config = Config::clone(&config);
        config.close_timeout = Some(close_timeout);
        let mut end = make(Arc::new(config));
        for next in steps {
            step(&mut end, next);
        }
        end.connection.close(&mut end.env, CloseCode::NORMAL, "");
        end.take_events();
        // One deadline for the peer's Close, one for the end of its stream.
        for _ in 0..2 {
            step(&mut end, Step::WaitForDeadline);
        }
        prop_assert!(end.connection.wants().done, "{:?}", end.connection.wants());
        prop_assert!(end.seen.last().is_some_and(Seen::is_last), "{:?}", end.seen);
    }
}

#[test]
fn a_to_do_list_is_two_words() {
    assert!(size_of::<Wants>() <= 16);
}
