//! The memory of a connection: none while it is idle, none per message in the long run, and never more than the peer has
//! paid for with bytes of its own.

use std::sync::Arc;

use testkit::{
    Frame, Length, Opcode,
    allocation::{allocations, live, peak},
    config,
    ends::env,
    opposite,
};
use wsproto::{
    Accept, Agreed, ClientRequest, Config, Connection, Delivery, Env, Event, Input, Kind, Prepared,
    Role,
};

/// Large enough for every message here that is to lie whole in it.
const BUFFER: usize = 128 << 10;

/// An environment and a read buffer: what all connections of a thread share.
struct Thread {
    env: Env,
    input: Input<Box<[u8]>>,
}

impl Thread {
    fn new(buffer: usize) -> Self {
        Self {
            env: env(0),
            input: Input::new(vec![0; buffer].into_boxed_slice()),
        }
    }

    fn upgraded(&mut self, role: Role, config: &Arc<Config>) -> Connection {
        Connection::upgraded(role, config.clone(), &Agreed::default(), &mut self.env)
    }

    /// One read: whole messages are echoed, a message in chunks is confirmed.
    fn read(&mut self, connection: &mut Connection, bytes: &[u8]) {
        self.input.spare()[..bytes.len()].copy_from_slice(bytes);
        self.input.filled(bytes.len());
        loop {
            let event = match connection.next_event(&mut self.env, &mut self.input) {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(error) => panic!("{error}"),
            };
            let sent = match event {
                Event::Text(text) => connection.send_text(&mut self.env, &text),
                Event::Binary(data) => connection.send_binary(&mut self.env, &data),
                Event::Chunk(chunk) if chunk.last => connection.send_text(&mut self.env, "thanks"),
                Event::Request(_) => connection.accept(&mut self.env, &Accept::new()),
                Event::Open(_)
                | Event::Refused(_)
                | Event::Chunk(_)
                | Event::Ping(_)
                | Event::Pong(_)
                | Event::Drained
                | Event::Closed(_)
                | _ => Ok(()),
            };
            assert_eq!(sent, Ok(()));
        }
    }

    /// The transport takes all output, one slice at a time.
    fn write(&mut self, connection: &mut Connection) {
        while let Some(len) = connection.outgoing().next().map(<[u8]>::len) {
            connection.sent(&mut self.env, len);
        }
    }

    /// Reads `bytes` in reads of `read` bytes, and writes what comes of them.
    fn turn(&mut self, connection: &mut Connection, bytes: &[u8], read: usize) {
        for part in bytes.chunks(read) {
            self.read(connection, part);
            self.write(connection);
        }
    }
}

/// Two ends that do their opening handshake through one thread.
fn open(thread: &mut Thread, config: &Arc<Config>) -> [Connection; 2] {
    let request = ClientRequest::new("localhost", "/");
    let client = Connection::connecting(config.clone(), &request, &mut thread.env);
    let mut client = client.expect("the request is valid");
    let mut server = Connection::accepting(config.clone(), &mut thread.env);
    let request = client.outgoing().collect::<Vec<_>>().concat();
    client.sent(&mut thread.env, request.len());
    thread.read(&mut server, &request);
    let response = server.outgoing().collect::<Vec<_>>().concat();
    server.sent(&mut thread.env, response.len());
    thread.read(&mut client, &response);
    assert!(client.is_open() && server.is_open());
    [client, server]
}

fn frame(frame: Frame, to: Role) -> Vec<u8> {
    frame.sent_by(opposite(to)).encode()
}

#[test]
fn an_idle_connection_owns_nothing() {
    const CONNECTIONS: usize = 200;
    let config = config(|_| {});
    let mut connections = Vec::with_capacity(2 * CONNECTIONS);
    let hello = |to| frame(Frame::text("hello"), to);
    let long = |to| frame(Frame::binary([7; 5000]), to);
    let before = live();
    {
        let mut thread = Thread::new(BUFFER);
        for _ in 0..CONNECTIONS {
            connections.extend(open(&mut thread, &config));
        }
        for connection in &mut connections {
            let role = connection.role();
            for _ in 0..10 {
                thread.turn(connection, &hello(role), usize::MAX);
                thread.turn(connection, &long(role), 3000);
                thread.turn(connection, &frame(Frame::ping("?"), role), 3);
            }
        }
        // Half a message each at the same time, more than there are spare buffers.
        for connection in &mut connections {
            let role = connection.role();
            thread.turn(connection, &long(role)[..2000], usize::MAX);
        }
        for connection in &mut connections {
            let role = connection.role();
            thread.turn(connection, &long(role)[2000..], usize::MAX);
        }
    }
    // Everything shared is gone; only the connections are left.
    assert_eq!(live() - before, 0);
    assert!(connections.iter().all(Connection::is_open));
}

#[test]
fn a_connection_that_has_ended_owns_nothing() {
    let config = config(|_| {});
    for role in [Role::Client, Role::Server] {
        for last in [
            Frame::close(1000, "bye"),
            Frame::text("?").reserved(7),
            Frame::new(Opcode::Text, *b"\xff"),
        ] {
            let half = frame(Frame::binary([7; 5000]).unfinished(), role);
            let bytes = frame(last.clone(), role);
            let before = live();
            let mut thread = Thread::new(BUFFER);
            let mut connection = thread.upgraded(role, &config);
            thread.turn(&mut connection, &half, 3000);
            thread.input.spare()[..bytes.len()].copy_from_slice(&bytes);
            thread.input.filled(bytes.len());
            while let Ok(Some(_)) = connection.next_event(&mut thread.env, &mut thread.input) {}
            thread.write(&mut connection);
            drop(thread);
            assert!(!connection.is_open());
            assert_eq!(live() - before, 0, "{last:?}");
        }
    }
}

#[test]
fn a_connection_whose_transport_is_lost_owns_nothing() {
    let config = config(|_| {});
    for role in [Role::Client, Role::Server] {
        let half = frame(Frame::binary([7; 5000]).unfinished(), role);
        let data = vec![7; 100_000];
        let before = live();
        let mut thread = Thread::new(BUFFER);
        let mut connection = thread.upgraded(role, &config);
        thread.read(&mut connection, &half[..3000]);
        assert_eq!(connection.send_binary(&mut thread.env, &data), Ok(()));
        connection.handle_lost(&mut thread.env);
        connection.handle_eof(&mut thread.env);
        while let Ok(Some(_)) = connection.next_event(&mut thread.env, &mut thread.input) {}
        drop(thread);
        assert!(connection.wants().done);
        assert_eq!(live() - before, 0);
    }
}

/// After a few turns of the same, further ones allocate nothing.
#[track_caller]
fn assert_no_allocations(what: &str, mut turn: impl FnMut()) {
    for _ in 0..8 {
        turn();
    }
    let allocations = allocations(|| {
        for _ in 0..20 {
            turn();
        }
    });
    assert_eq!(allocations, 0, "{what}");
}

#[test]
fn an_echo_of_a_message_that_lies_whole_in_the_buffer_allocates_nothing() {
    let config = config(|_| {});
    for role in [Role::Client, Role::Server] {
        for len in [0, 16, 125, 126, 512, 4096, 64 << 10] {
            let mut thread = Thread::new(BUFFER);
            let mut connection = thread.upgraded(role, &config);
            let text = frame(Frame::text(&"a".repeat(len)), role);
            let binary = frame(Frame::binary(vec![7; len]), role);
            assert_no_allocations(&format!("{role:?} {len}"), || {
                thread.turn(&mut connection, &text, usize::MAX);
                thread.turn(&mut connection, &binary, usize::MAX);
            });
        }
    }
}

#[test]
fn many_small_messages_in_one_read_allocate_nothing() {
    let config = config(|_| {});
    for role in [Role::Client, Role::Server] {
        let mut thread = Thread::new(BUFFER);
        let mut connection = thread.upgraded(role, &config);
        // The output is more than one buffer of the queue holds.
        let bytes = frame(Frame::text("a long while"), role).repeat(5000);
        assert_no_allocations(&format!("{role:?}"), || {
            thread.turn(&mut connection, &bytes, usize::MAX);
        });
    }
}

#[test]
fn an_echo_of_a_message_in_several_reads_allocates_nothing() {
    let config = config(|_| {});
    for role in [Role::Client, Role::Server] {
        for len in [16, 125, 512, 4096, 64 << 10, 200_000] {
            for reads in [2, 7] {
                let mut thread = Thread::new(BUFFER.max(len));
                let mut connection = thread.upgraded(role, &config);
                let text = frame(Frame::text(&"é".repeat(len / 2)), role);
                let binary = frame(Frame::binary(vec![7; len]), role);
                assert_no_allocations(&format!("{role:?} {len} in {reads} reads"), || {
                    thread.turn(&mut connection, &text, text.len().div_ceil(reads));
                    thread.turn(&mut connection, &binary, binary.len().div_ceil(reads));
                });
            }
        }
    }
}

#[test]
fn an_echo_of_messages_of_all_sizes_in_turn_allocates_nothing() {
    let config = config(|_| {});
    for role in [Role::Client, Role::Server] {
        for read in [usize::MAX, 5000] {
            let mut thread = Thread::new(BUFFER);
            let mut connection = thread.upgraded(role, &config);
            let messages = [16, 100_000, 0, 4096, 125, 70_000, 1000]
                .map(|len| frame(Frame::binary(vec![7; len]), role));
            assert_no_allocations(&format!("{role:?} in reads of {read}"), || {
                for message in &messages {
                    thread.turn(&mut connection, message, read);
                }
            });
        }
    }
}

#[test]
fn fragments_and_control_frames_allocate_nothing() {
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        let config = config(|config| config.delivery = delivery);
        for role in [Role::Client, Role::Server] {
            for read in [usize::MAX, 50, 1] {
                let mut thread = Thread::new(BUFFER);
                let mut connection = thread.upgraded(role, &config);
                let bytes = [
                    Frame::text("hel").unfinished(),
                    Frame::ping("still there?"),
                    Frame::continuation("lo").unfinished(),
                    Frame::pong([7; 125]),
                    Frame::continuation("!"),
                ]
                .map(|part| frame(part, role))
                .concat();
                assert_no_allocations(&format!("{role:?} {delivery:?} {read}"), || {
                    thread.turn(&mut connection, &bytes, read);
                });
            }
        }
    }
}

#[test]
fn every_way_to_send_allocates_nothing() {
    let config = config(|_| {});
    for role in [Role::Client, Role::Server] {
        for len in [0, 125, 4096, 100_000] {
            let mut thread = Thread::new(BUFFER);
            let mut connection = thread.upgraded(role, &config);
            let data = vec![7; len];
            let prepared = Prepared::binary(&data);
            assert_no_allocations(&format!("{role:?} {len}"), || {
                let Thread { env, .. } = &mut thread;
                let connection = &mut connection;
                let sent = [
                    connection.send_through(env, Kind::Binary, &data, |_| len / 2),
                    connection.send_prepared(env, &prepared),
                    connection.start(env, Kind::Binary),
                    connection.write(env, &data),
                    connection.send_ping(env, b"!"),
                    connection.finish(env, b"."),
                ];
                assert_eq!(sent, [const { Ok(()) }; 6]);
                thread.write(connection);
            });
        }
    }
}

#[test]
fn a_declared_length_costs_nothing() {
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        let config = config(|config| {
            config.max_frame = u64::MAX;
            config.max_message = u64::MAX;
            config.delivery = delivery;
        });
        for role in [Role::Client, Role::Server] {
            let mut thread = Thread::new(BUFFER);
            let mut connection = thread.upgraded(role, &config);
            let huge = Frame::binary([]).length(Length::Declared(1 << 62));
            let bytes = frame(huge, role);
            assert_eq!(peak(|| thread.read(&mut connection, &bytes)), 0);
            assert_eq!(peak(|| thread.read(&mut connection, &[])), 0);
            let first = peak(|| thread.read(&mut connection, b"x"));
            assert!(first <= 2048, "{first} bytes for the first of the payload");
        }
    }
}

#[test]
fn memory_grows_with_what_has_come() {
    for fragment in [1, 100, 10_000, 1 << 20] {
        let config = config(|config| config.max_fragments = u32::MAX);
        let mut thread = Thread::new(BUFFER);
        let mut connection = thread.upgraded(Role::Client, &config);
        thread.read(
            &mut connection,
            &frame(Frame::binary([]).unfinished(), Role::Client),
        );
        let part = frame(
            Frame::continuation(vec![7; fragment]).unfinished(),
            Role::Client,
        );
        let before = live();
        let mut came = 0;
        while came < fragment.max(1 << 16) {
            for bytes in part.chunks(1000) {
                thread.read(&mut connection, bytes);
            }
            came += fragment;
            // Growing by doubling, with a start of a few hundred bytes.
            let held = live() - before;
            assert!(held <= 2 * came as isize + 4096, "{held} bytes for {came}");
        }
    }
}

#[test]
fn a_peer_that_pings_and_does_not_read_costs_a_bounded_amount() {
    let config = config(|_| {});
    let mut thread = Thread::new(BUFFER);
    let mut connection = thread.upgraded(Role::Server, &config);
    let pings = frame(Frame::ping([7; 125]), Role::Server).repeat(500);
    let held = peak(|| {
        for _ in 0..200 {
            thread.read(&mut connection, &pings);
            // Now and then the transport takes a little.
            connection.sent(&mut thread.env, 300);
        }
    });
    assert!(held <= 16 << 10, "{held} bytes");
}
