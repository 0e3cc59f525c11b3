//! Whole turns over a stream in memory.

use std::{collections::VecDeque, sync::Arc};

use wsproto::{Agreed, ClosedBy, Config, Role};

use super::*;
use crate::lease::Lease;

/// A stream in memory that takes and gives what a script says; then it would block.
#[derive(Default)]
struct Script {
    reads: VecDeque<io::Result<Vec<u8>>>,
    /// How many bytes each write takes.
    writes: VecDeque<io::Result<usize>>,
    written: Vec<Vec<u8>>,
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self
            .reads
            .pop_front()
            .unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self
            .writes
            .pop_front()
            .unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))?;
        let n = n.min(bytes.len());
        self.written.push(bytes[..n].to_vec());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An echoing server's turn; returns what it wants and how it ended.
fn echo(stream: &mut Script) -> (io::Result<Wants>, Option<ClosedBy>) {
    echo_while(&mut Readable::Yes, stream)
}

fn echo_while(
    readable: &mut Readable,
    stream: &mut Script,
) -> (io::Result<Wants>, Option<ClosedBy>) {
    let mut lease = Lease::take();
    let lease = &mut *lease;
    let config = Arc::new(Config::default());
    let mut connection =
        Connection::upgraded(Role::Server, config, &Agreed::default(), &mut lease.env);
    let mut ended = None;
    let wants = turn(
        &mut connection,
        &mut lease.env,
        &mut lease.input,
        stream,
        readable,
        |connection, env, event| match event {
            Ok(Event::Text(text)) => connection.send_text(env, &text).unwrap(),
            Ok(Event::Closed(closed)) => ended = Some(closed.by),
            Ok(event) => panic!("{event:?}"),
            Err(error) => ended = Some(error.closed.by),
        },
    );
    (wants, ended)
}

const HELLO: &[u8] = b"\x81\x85\0\0\0\0hello";

#[test]
fn frames_of_one_read_leave_in_one_write_without_a_second_read() {
    let reads = [
        Ok(HELLO.repeat(16)),
        Err(io::Error::other("there is no second read")),
    ]
    .into();
    let mut stream = Script {
        reads,
        writes: [Ok(1000)].into(),
        ..Script::default()
    };
    let (wants, _) = echo(&mut stream);
    assert!(wants.is_ok_and(|wants| wants.read && !wants.write));
    assert_eq!(stream.written, [b"\x81\x05hello".repeat(16)]);
}

#[test]
fn what_the_transport_does_not_take_is_kept() {
    let reads = [Ok(HELLO.to_vec()), Ok(HELLO.to_vec())].into();
    let mut stream = Script {
        reads,
        writes: [Ok(3)].into(),
        ..Script::default()
    };
    let (wants, _) = echo(&mut stream);
    assert!(wants.is_ok_and(|wants| wants.read && wants.write));
    assert_eq!(stream.written, [b"\x81\x05h"]);
}

#[test]
fn a_failed_write_does_not_hide_the_close_that_was_received() {
    let close = b"\x88\x82\0\0\0\0\x03\xe8";
    let broken = || Err(io::Error::from(ErrorKind::BrokenPipe));
    let reads = [Ok(vec![0; 0])].into();
    let mut stream = Script {
        reads,
        writes: [broken()].into(),
        ..Script::default()
    };
    stream.reads.push_front(Ok([HELLO, close].concat()));
    let (wants, ended) = echo(&mut stream);
    assert_eq!(wants.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(ended, Some(ClosedBy::Peer));
}

#[test]
fn what_a_write_brings_is_reported_in_the_same_turn() {
    let mut lease = Lease::take();
    let lease = &mut *lease;
    let mut config = Config::default();
    config.queue_high = 1;
    let agreed = Agreed::default();
    let mut connection =
        Connection::upgraded(Role::Server, Arc::new(config), &agreed, &mut lease.env);
    connection.send_text(&mut lease.env, "high").unwrap();
    let mut stream = Script {
        writes: [Ok(6)].into(),
        ..Script::default()
    };
    let mut drained = 0;
    let wants = turn(
        &mut connection,
        &mut lease.env,
        &mut lease.input,
        &mut stream,
        &mut Readable::No,
        |_, _, event| match event {
            Ok(Event::Drained) => drained += 1,
            event => panic!("{event:?}"),
        },
    );
    assert_eq!(drained, 1);
    assert!(wants.is_ok_and(|wants| !wants.event));
}

/// A server's turns over a script whose application pauses at each message; what it was told in
/// each.
fn pausing_turns(stream: &mut Script, turns: usize) -> Vec<usize> {
    let mut lease = Lease::take();
    let lease = &mut *lease;
    let config = Arc::new(Config::default());
    let agreed = Agreed::default();
    let mut connection = Connection::upgraded(Role::Server, config, &agreed, &mut lease.env);
    let mut turn_of = |_| {
        connection.resume(&mut lease.env);
        let mut told = 0;
        let wants = turn(
            &mut connection,
            &mut lease.env,
            &mut lease.input,
            stream,
            &mut Readable::Yes,
            |connection, _, event| {
                assert!(event.is_ok());
                told += 1;
                connection.pause();
            },
        );
        assert!(wants.is_ok_and(|wants| !wants.read && !wants.event));
        assert!(lease.input.is_empty(), "it is free for other connections");
        told
    };
    (0..turns).map(&mut turn_of).collect()
}

#[test]
fn nothing_is_told_while_the_application_pauses_and_nothing_is_lost() {
    let mut stream = Script {
        reads: [Ok(HELLO.repeat(3)), Ok(HELLO.to_vec())].into(),
        ..Script::default()
    };
    assert_eq!(pausing_turns(&mut stream, 4), [1; 4]);
}

#[test]
fn a_server_that_must_not_grow_writes_before_it_answers_more() {
    let mut config = Config::default();
    config.queue_high = 20;
    config.queue_low = 0;
    config.queue_limit = 28;
    config.pause_when_high = true;
    let mut lease = Lease::take();
    let lease = &mut *lease;
    let agreed = Agreed::default();
    let mut connection =
        Connection::upgraded(Role::Server, Arc::new(config), &agreed, &mut lease.env);
    let mut stream = Script {
        reads: [Ok(HELLO.repeat(10))].into(),
        // Then it would block.
        writes: [Ok(21), Ok(21), Ok(1)].into(),
        ..Script::default()
    };
    let mut answered = 0;
    let mut go_on = |stream: &mut Script| {
        let wants = turn(
            &mut connection,
            &mut lease.env,
            &mut lease.input,
            stream,
            &mut Readable::Yes,
            |connection, env, event| {
                if let Ok(Event::Text(text)) = event {
                    connection.send_text(env, &text).expect("there is room");
                    answered += 1;
                }
            },
        );
        (wants.is_ok_and(|wants| wants.read), answered)
    };
    assert_eq!(
        go_on(&mut stream),
        (false, 9),
        "it waits for the rest to leave"
    );
    let still = go_on(&mut stream);
    assert_eq!(
        still,
        (false, 9),
        "a turn in which nothing leaves answers nothing"
    );
    stream.writes = (0..4).map(|_| Ok(70)).collect();
    assert_eq!(go_on(&mut stream), (true, 10));
    assert_eq!(stream.written.concat(), b"\x81\x05hello".repeat(10));
}

#[test]
fn what_is_known_of_the_stream_saves_reads() {
    let broken = || Err(io::Error::other("nobody was to read"));
    let (hello, end) = (|| Ok(HELLO.to_vec()), || Ok(Vec::new()));
    // What is known before and after, what there is to read, and how much of it is read.
    let cases = [
        (Readable::No, Readable::No, vec![broken()], 0),
        (Readable::Yes, Readable::No, vec![hello(), broken()], 1),
        (Readable::UntilEnd, Readable::No, vec![hello(), end()], 2),
        (Readable::UntilEnd, Readable::No, vec![hello()], 1),
        (
            Readable::UntilEnd,
            Readable::UntilEnd,
            (0..20).map(|_| hello()).collect(),
            MAX_READS,
        ),
    ];
    for (before, after, reads, read) in cases {
        let count = reads.len();
        let mut stream = Script {
            reads: reads.into(),
            ..Script::default()
        };
        let mut readable = before;
        let (wants, _) = echo_while(&mut readable, &mut stream);
        assert!(wants.is_ok());
        assert_eq!((readable, count - stream.reads.len()), (after, read));
    }
}

#[test]
fn many_short_messages_end_a_turn_and_the_next_one_goes_on_with_them() {
    let empty = b"\x81\x80\0\0\0\0";
    let mut stream = Script {
        reads: [Ok(empty.repeat(2 * MAX_EVENTS + 5)), Ok(HELLO.to_vec())].into(),
        ..Script::default()
    };
    let mut lease = Lease::take();
    let lease = &mut *lease;
    let config = Arc::new(Config::default());
    let agreed = Agreed::default();
    let mut connection = Connection::upgraded(Role::Server, config, &agreed, &mut lease.env);
    let mut readable = Readable::UntilEnd;
    let mut told = [0, 0, 0];
    for told in &mut told {
        let wants = turn(
            &mut connection,
            &mut lease.env,
            &mut lease.input,
            &mut stream,
            &mut readable,
            |_, _, event| {
                assert!(matches!(event, Ok(Event::Text(_))));
                *told += 1;
            },
        );
        assert_eq!(
            wants.map(|wants| wants.event).ok(),
            Some(*told == MAX_EVENTS)
        );
        assert!(lease.input.is_empty(), "it is free for other connections");
    }
    // The last of them reads on.
    assert_eq!(told, [MAX_EVENTS, MAX_EVENTS, 6]);
}

#[test]
fn interruptions_are_passed_over() {
    let interrupted = || ErrorKind::Interrupted.into();
    let reads = [Err(interrupted()), Ok(HELLO.to_vec())].into();
    let mut stream = Script {
        reads,
        writes: [Err(interrupted()), Ok(9)].into(),
        ..Script::default()
    };
    assert!(echo(&mut stream).0.is_ok());
    assert_eq!(stream.written, [b"\x81\x05hello"]);
}

#[test]
fn a_turn_that_fails_in_the_middle_of_its_input_leaves_none_of_it_for_others() {
    let empty = b"\x81\x80\0\0\0\0";
    let mut stream = Script {
        reads: [Ok(empty.repeat(MAX_EVENTS + 5))].into(),
        writes: [Err(ErrorKind::BrokenPipe.into())].into(),
        ..Script::default()
    };
    let mut lease = Lease::take();
    let lease = &mut *lease;
    let config = Arc::new(Config::default());
    let agreed = Agreed::default();
    let mut connection = Connection::upgraded(Role::Server, config, &agreed, &mut lease.env);
    let mut events = 0;
    let failed = turn(
        &mut connection,
        &mut lease.env,
        &mut lease.input,
        &mut stream,
        &mut Readable::Yes,
        |connection, env, event| {
            events += 1;
            if let Ok(Event::Text(text)) = event {
                // Refused once the transport is lost.
                let _ = connection.send_text(env, &text);
            }
        },
    );
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(events, MAX_EVENTS);
    assert!(lease.input.is_empty(), "it is free for other connections");
    assert!(connection.has_input_aside(), "nothing is lost");
}
