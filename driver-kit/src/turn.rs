//! One turn of one connection over non-blocking `Read + Write`: read, handle, flush.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use wsproto::{Connection, Env, Error, Event, Input, Wants};

/// Reads in one [`turn`], so that one busy connection cannot starve the others of its thread. Long messages
/// are cheap as long as their bytes are in the processor's cache, so it is some full buffers: two mebibytes.
pub const MAX_READS: usize = 8;

/// Events in one [`turn`]. Short messages cost more than their bytes: a read buffer full of empty pings is more
/// than a millisecond's work.
pub const MAX_EVENTS: usize = 1024;

/// Slices of one vectored write.
const MAX_SLICES: usize = 64;

/// What [`fill`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// That many bytes, at least one, are in the input now.
    Bytes(usize),
    /// The transport has nothing at hand.
    Nothing,
    /// The peer sends nothing any more; the connection knows.
    End,
}

/// Reads once from the transport into `input`.
///
/// # Errors
/// What the transport reported, other than that it would block. The connection was told.
pub fn fill<B: AsMut<[u8]>>(
    connection: &mut Connection,
    env: &mut Env,
    input: &mut Input<B>,
    stream: &mut impl Read,
) -> io::Result<Filled> {
    loop {
        match stream.read(input.spare()) {
            Ok(0) => {
                connection.handle_eof(env);
                return Ok(Filled::End);
            }
            Ok(n) => {
                input.filled(n);
                return Ok(Filled::Bytes(n));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Filled::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                connection.handle_lost(env);
                connection.handle_eof(env);
                return Err(error);
            }
        }
    }
}

/// Writes what is queued until the transport would block or nothing is left; vectored where there is
/// more than one buffer.
///
/// # Errors
/// What the transport reported, other than that it would block. The connection was told.
pub fn flush(
    connection: &mut Connection,
    env: &mut Env,
    stream: &mut impl Write,
) -> io::Result<()> {
    while connection.queued() > 0 {
        match write(connection, stream) {
            Ok(0) => {
                connection.handle_lost(env);
                return Err(ErrorKind::WriteZero.into());
            }
            Ok(n) => connection.sent(env, n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                connection.handle_lost(env);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Writes once.
fn write(connection: &Connection, stream: &mut impl Write) -> io::Result<usize> {
    let mut outgoing = connection.outgoing();
    let (first, second) = (outgoing.next(), outgoing.next());
    // Most often there is one buffer, and an array of slices would cost more than all else here.
    let Some(second) = second else {
        return stream.write(first.unwrap_or_default());
    };
    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
    let mut count = 0;
    let bytes = first.into_iter().chain([second]).chain(outgoing);
    for (slot, bytes) in slices.iter_mut().zip(bytes) {
        *slot = IoSlice::new(bytes);
        count += 1;
    }
    stream.write_vectored(&slices[..count])
}

/// Whether a read may find something, as far as is known.
///
/// Edge-triggered pollers tell of news once, so a driver keeps this beside the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// Nothing is at hand: reading would block.
    No,
    /// Something may be. A read that fills less than its buffer has taken all of it.
    Yes,
    /// Something may be, and behind it the end of the stream; or the transport keeps bytes of its own,
    /// and a short read means nothing. It is read until it would block or has ended.
    UntilEnd,
}

/// One turn of one connection: reads what is there, hands every event to `on`, and writes what that led
/// to, all frames in as few writes as possible.
///
/// Set the present before ([`Env::set_now`]), and if a deadline has passed, tell the connection. The
/// returned [`Wants`] tell what to wait for; if [`shutdown`](Wants::shutdown) is set, shut the stream's
/// writing side and tell the connection. A turn ends after [`MAX_READS`] even if there is more to read,
/// which `readable` tells then, and after [`MAX_EVENTS`] even if there are more, which [`Wants::event`]
/// tells: call it again when the other connections had theirs.
///
/// Where the connection [holds back](Connection::holds_back), nothing further is handed to `on`: what was
/// read already is set aside.
///
/// # Errors
/// What the transport reported. The connection was told, and `on` has had its last event.
pub fn turn<S: Read + Write, B: AsMut<[u8]>>(
    connection: &mut Connection,
    env: &mut Env,
    input: &mut Input<B>,
    stream: &mut S,
    readable: &mut Readable,
    mut on: impl FnMut(&mut Connection, &mut Env, Result<Event<'_>, Error>),
) -> io::Result<Wants> {
    let mut result = Ok(());
    let mut wants = connection.wants();
    let mut events = 0;
    for _ in 0..MAX_READS {
        // What is here already, or was brought by time or a write, comes before what is still to be read.
        if *readable != Readable::No && wants.read && !wants.event && input.is_empty() {
            let room = input.spare().len();
            match fill(connection, env, input, stream) {
                Ok(Filled::Bytes(n)) => {
                    if n < room && *readable == Readable::Yes {
                        *readable = Readable::No;
                    }
                }
                Ok(Filled::End | Filled::Nothing) => *readable = Readable::No,
                Err(error) => {
                    *readable = Readable::No;
                    result = Err(error);
                }
            }
        }
        if connection.holds_back() && !wants.event {
            connection.set_aside(env, input);
        } else {
            let told = tell(connection, env, input, stream, &mut events, &mut on);
            result = result.and(told);
        }
        let flushed = flush(connection, env, stream);
        result = result.and(flushed);
        wants = connection.wants();
        let may_read = *readable != Readable::No && wants.read;
        if events >= MAX_EVENTS || (!wants.event && !may_read) {
            break;
        }
    }
    result.map(|()| wants)
}

/// Hands over all events that there are, or as many as are wanted, and counts them.
fn tell<S: Write, B: AsMut<[u8]>>(
    connection: &mut Connection,
    env: &mut Env,
    input: &mut Input<B>,
    stream: &mut S,
    events: &mut usize,
    on: &mut impl FnMut(&mut Connection, &mut Env, Result<Event<'_>, Error>),
) -> io::Result<()> {
    loop {
        if let Some(event) = connection.next_message(env, input) {
            *events += 1;
            on(connection, env, Ok(event));
        } else {
            match connection.next_event(env, input) {
                Ok(Some(event)) => {
                    *events += 1;
                    on(connection, env, Ok(event));
                }
                Ok(None) => return Ok(()),
                Err(error) => {
                    on(connection, env, Err(error));
                    return Ok(());
                }
            }
        }
        if connection.holds_back() {
            // If only the queue is high, this may be all that it takes.
            let flushed = flush(connection, env, stream);
            if flushed.is_err() || connection.holds_back() {
                connection.set_aside(env, input);
                return flushed;
            }
        }
        if *events >= MAX_EVENTS {
            connection.set_aside(env, input);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
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
}
