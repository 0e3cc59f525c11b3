//! The memory of a connection that compresses: none without takeover, the window with it, next to none for a message that
//! stalls, and none per message in the long run.
use std::sync::Arc;

use crate::deflate::BACKENDS;
use testkit::{
    Frame, Opcode,
    allocation::{allocations, live, peak},
    config,
    ends::{
        End, Pair, Seen,
        deflate::{Foreign, compressing, frame, frames, json, message, noise, opened_plainly},
    },
};
use wsproto::{Config, Connection, Delivery, Env, Event, Kind, Memory, Prepared, Role};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// Bytes that a connection owns after ten messages each way, when everything else is gone.
fn owned(role: Role, env: fn(u64) -> Env, config: &Arc<Config>, len: usize) -> usize {
    let mut foreign = Foreign::new(6);
    let text = json(len, 1);
    let messages = [(); 10].map(|()| frame(role, Opcode::Text, &foreign.message(text.as_bytes())));
    let before = live();
    let mut end = opened_by_either(role, env(1), config);
    for message in &messages {
        end.read(message);
        assert_eq!(end.take_seen(), [Seen::text(&text)]);
        end.connection.send_text(&mut end.env, &text).unwrap();
        end.drain();
    }
    end.connection.start(&mut end.env, Kind::Text).unwrap();
    end.connection.write(&mut end.env, text.as_bytes()).unwrap();
    end.connection.finish(&mut end.env, &[]).unwrap();
    end.drain();
    let connection = end.into_connection();
    let owned = live() - before;
    assert!(connection.is_open());
    owned.try_into().expect("nothing is given back twice")
}

/// An end whose peer agrees to whatever its policy needs.
fn opened_by_either(role: Role, env: Env, config: &Arc<Config>) -> End {
    let policy = config.compression.expect("it compresses");
    let mut extensions = String::from("permessage-deflate; client_max_window_bits");
    if role == Role::Client {
        extensions = format!(
            "permessage-deflate; server_max_window_bits={}",
            policy.receive_window_bits
        );
        if !policy.receive_takeover {
            extensions += "; server_no_context_takeover";
        }
    }
    testkit::ends::deflate::opened(role, env, config.clone(), &extensions)
}

#[test]
fn without_takeover_an_idle_connection_owns_nothing() {
    for role in ROLES {
        for (name, env) in BACKENDS {
            for memory in [Memory::Pooled, Memory::Dedicated] {
                let config = compressing(|_, compression| {
                    compression.memory = memory;
                    compression.send_takeover = false;
                    compression.receive_takeover = false;
                });
                // The peer's window is not kept, so each message of its stands alone.
                let plain = json(5000, 1);
                let bytes = frame(role, Opcode::Text, &message(plain.as_bytes()));
                let before = live();
                let mut end = opened_by_either(role, env(1), &config);
                for _ in 0..10 {
                    end.read(&bytes);
                    assert_eq!(end.take_seen(), [Seen::text(&plain)]);
                    end.connection.send_text(&mut end.env, &plain).unwrap();
                    end.connection.start(&mut end.env, Kind::Text).unwrap();
                    end.connection
                        .finish(&mut end.env, plain.as_bytes())
                        .unwrap();
                    end.drain();
                }
                let connection = end.into_connection();
                assert_eq!(live() - before, 0, "{role:?} {name} {memory:?}");
                assert!(connection.is_open());
            }
        }
    }
}

#[test]
fn takeover_for_receiving_costs_the_window_and_no_more() {
    for role in ROLES {
        for (name, env) in BACKENDS {
            for bits in 8..=15 {
                let config = compressing(|_, compression| {
                    compression.send_takeover = false;
                    compression.receive_window_bits = bits;
                    compression.preferred_receive_window_bits = bits;
                });
                let window = 1 << bits;
                // References within a message are shorter than the smallest window.
                let owned = owned(role, *env, &config, 100);
                let passed = 10 * 100;
                assert!(
                    owned <= window.min(2 * passed) + 512,
                    "{role:?} {name} {bits}: {owned}"
                );
            }
            let config = compressing(|_, compression| {
                compression.send_takeover = false;
                compression.preferred_receive_window_bits = 15;
            });
            let owned = owned(role, *env, &config, 9000);
            assert!(owned > 32 << 10, "{owned}");
            assert!(owned <= (32 << 10) + 512, "{role:?} {name}: {owned}");
        }
    }
}

#[test]
fn a_client_that_offers_to_be_asked_costs_a_server_4_kib() {
    for (name, env) in BACKENDS {
        let config = compressing(|_, compression| compression.send_takeover = false);
        // Ten messages are more than the window, and each refers to the one before, which is within it.
        let owned = owned(Role::Server, *env, &config, 1000);
        assert!(owned > 4 << 10, "{owned}");
        assert!(owned <= (4 << 10) + 512, "{name}: {owned}");
    }
}

#[test]
fn takeover_for_sending_costs_the_window_or_a_compressor() {
    for role in ROLES {
        for (name, env) in BACKENDS {
            for bits in 8..=15 {
                let config = |memory| {
                    compressing(|_, compression| {
                        compression.memory = memory;
                        compression.send_window_bits = bits;
                        compression.preferred_receive_window_bits = 15;
                    })
                };
                let received = 32 << 10;
                let pooled = owned(role, *env, &config(Memory::Pooled), 9000);
                let window = received + (1 << bits);
                assert!(pooled <= window + 512, "{role:?} {name} {bits}: {pooled}");
                let dedicated = owned(role, *env, &config(Memory::Dedicated), 9000);
                let compressor = dedicated - received;
                assert!(
                    compressor <= 400 << 10,
                    "{role:?} {name} {bits}: {compressor}"
                );
                if *name == "zlib-rs" {
                    // The window counts four times, whatever else there is.
                    let expected = (4 << bits) + (162 << 10);
                    assert!(compressor <= expected, "{bits}: {compressor}");
                }
            }
        }
    }
}

/// An end in the middle of a compressed message of which `len` bytes have come.
fn stalled(end: &mut End, deflated: &[u8], len: usize) {
    let role = end.connection.role();
    let bytes = frame(role, Opcode::Binary, deflated);
    let header = bytes.len() - deflated.len();
    end.read(&bytes[..header + len]);
    assert_eq!(end.seen, []);
}

#[test]
fn a_compressed_message_that_stalls_pins_no_inflater() {
    let deflated = message(&noise(5000, 1));
    for role in ROLES {
        for (name, env) in BACKENDS {
            for delivery in [Delivery::Messages, Delivery::Chunks] {
                let config = compressing(|config, _| config.delivery = delivery);
                let mut end = opened_plainly(role, env(1), config);
                let bytes = frame(role, Opcode::Binary, &deflated);
                let (first, rest) = bytes.split_at(bytes.len() - deflated.len() + 10);
                let used = peak(|| end.read(first));
                assert!(used < 1024, "{role:?} {name} {delivery:?}: {used}");
                assert_eq!(end.seen, []);
                end.read(rest);
                assert_eq!(
                    testkit::ends::messages(&end.seen),
                    [Seen::binary(&noise(5000, 1))]
                );
            }
        }
    }
}

#[test]
fn a_thousand_stalled_messages_cost_less_than_a_kibibyte_each_and_leave_nothing() {
    for (name, env) in BACKENDS {
        for lost in [false, true] {
            let before = live();
            let mut env = env(1);
            let mut stalls = Vec::with_capacity(1000);
            let deflated = message(&noise(5000, 1));
            let config = compressing(|_, _| {});
            for _ in 0..1000 {
                let mut end = opened_plainly(Role::Server, env, config.clone());
                stalled(&mut end, &deflated, 10);
                let End {
                    connection,
                    env: shared,
                    ..
                } = end;
                env = shared;
                stalls.push(connection);
            }
            let each = (live() - before) / 1000;
            assert!(each < 1024, "{name}: {each}");
            if lost {
                drop((stalls, env, config, deflated));
            } else {
                let mut end = End::new(stalls.pop().expect("there are some"), env);
                for mut connection in stalls.drain(..) {
                    end.connection.handle_eof(&mut end.env);
                    end.take_events();
                    std::mem::swap(&mut end.connection, &mut connection);
                }
                drop((stalls, end, config, deflated));
            }
            assert_eq!(live() - before, 0, "{name}");
        }
    }
}

#[test]
fn what_inflates_and_compresses_is_kept_for_a_few_and_lent_to_all() {
    for (name, make) in BACKENDS {
        let config = compressing(|_, compression| compression.inflate_from = 0);
        let deflated = message(&noise(90_000, 1));
        let plain = live();
        let mut env = make(1);
        let mut connections = Vec::new();
        for _ in 0..50 {
            let mut end = opened_plainly(Role::Server, env, config.clone());
            stalled(&mut end, &deflated, 9000);
            end.connection.start(&mut end.env, Kind::Text).unwrap();
            end.connection.write(&mut end.env, b"so far").unwrap();
            end.drain();
            let End {
                connection,
                env: shared,
                ..
            } = end;
            env = shared;
            connections.push(connection);
        }
        let busy = live() - plain;
        for connection in &mut connections {
            let mut input = wsproto::Input::new(vec![0; 100]);
            assert_eq!(connection.finish(&mut env, b"."), Ok(()));
            connection.handle_eof(&mut env);
            while let Ok(Some(_)) = connection.next_event(&mut env, &mut input) {}
        }
        connections.clear();
        let kept = live() - plain;
        assert!(kept < busy / 5, "{name}: {kept} of {busy}");
    }
}

#[test]
fn a_connection_that_has_ended_owns_nothing() {
    let deflated = message(&noise(90_000, 1));
    for role in ROLES {
        for (name, env) in BACKENDS {
            for memory in [Memory::Pooled, Memory::Dedicated] {
                for (last, delivery) in [
                    (Frame::close(1000, "bye"), Delivery::Messages),
                    (Frame::close(1000, "bye"), Delivery::Chunks),
                    (Frame::ping("?").reserved(4), Delivery::Messages),
                    (Frame::continuation(*b"\xff\xff"), Delivery::Messages),
                    (Frame::continuation(*b"\xff\xff"), Delivery::Chunks),
                ] {
                    let config = compressing(|config, compression| {
                        compression.memory = memory;
                        config.delivery = delivery;
                    });
                    let before = live();
                    let mut end = opened_plainly(role, env(1), config.clone());
                    end.read_frames(&frames(Opcode::Text, &message(b"to refer to"), &[]));
                    end.connection
                        .send_text(&mut end.env, &json(500, 1))
                        .unwrap();
                    end.connection.start(&mut end.env, Kind::Text).unwrap();
                    end.connection.write(&mut end.env, b"unfinished").unwrap();
                    let half = frames(Opcode::Binary, &deflated, &[40_000]).remove(0);
                    end.read_frames(&[half, last.clone()]);
                    end.drain();
                    let connection = end.into_connection();
                    assert!(!connection.is_open());
                    assert_eq!(live() - before, 0, "{role:?} {name} {last:?}");
                }
            }
        }
    }
}

/// Two ends, and one that echoes what the other sends.
fn echo(pair: &mut Pair, text: &str, input: &mut [u8]) {
    let End {
        connection, env, ..
    } = &mut pair.client;
    connection.send_text(env, text).unwrap();
    let echo = |connection: &mut Connection, env: &mut Env, event: &Event<'_>| match event {
        Event::Text(text) => connection.send_text(env, text).unwrap(),
        Event::Chunk(chunk) if chunk.last => connection.send_text(env, text).unwrap(),
        _ => {}
    };
    carry(&mut pair.client, &mut pair.server, input, echo);
    carry(&mut pair.server, &mut pair.client, input, |_, _, _| {});
}

/// Carries everything that an end has to send to the other, without memory of its own.
fn carry(
    from: &mut End,
    to: &mut End,
    wire: &mut [u8],
    on: impl Fn(&mut Connection, &mut Env, &Event<'_>),
) {
    while let Some(len) = from.connection.outgoing().next().map(|bytes| {
        wire[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }) {
        from.connection.sent(&mut from.env, len);
        // In two reads, so that a message is seldom whole.
        for part in wire[..len].chunks(len.div_ceil(2)) {
            to.input.spare()[..part.len()].copy_from_slice(part);
            to.input.filled(part.len());
            loop {
                match to.connection.next_event(&mut to.env, &mut to.input) {
                    Ok(Some(event)) => on(&mut to.connection, &mut to.env, &event),
                    Ok(None) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

#[test]
fn an_echo_in_the_long_run_allocates_nothing() {
    let mut wire = vec![0; 200_000];
    for (name, env) in BACKENDS {
        for memory in [Memory::Pooled, Memory::Dedicated] {
            for takeover in [true, false] {
                for delivery in [Delivery::Messages, Delivery::Chunks] {
                    let config = compressing(|config, compression| {
                        config.delivery = delivery;
                        compression.memory = memory;
                        compression.send_takeover = takeover;
                        compression.receive_takeover = takeover;
                        compression.inflate_from = 1000;
                    });
                    let mut pair = Pair::opened_in((env(1), config.clone()), (env(2), config));
                    let texts = [100, 5000, 20, 120_000].map(|len| json(len, 1));
                    // Until the windows are full, and all buffers as large as they are needed.
                    for _ in 0..8 {
                        for text in &texts {
                            echo(&mut pair, text, &mut wire);
                        }
                    }
                    let allocations = allocations(|| {
                        for text in &texts {
                            echo(&mut pair, text, &mut wire);
                        }
                    });
                    assert_eq!(allocations, 0, "{name} {memory:?} {takeover} {delivery:?}");
                }
            }
        }
    }
}

#[test]
fn a_prepared_message_is_compressed_once_and_allocates_nothing_where_it_is_sent() {
    for (name, env) in BACKENDS {
        let config = compressing(|_, _| {});
        let mut end = opened_plainly(Role::Server, env(1), config);
        let prepared = Prepared::text(&json(5000, 1)).compressed(&mut end.env, 6, 12);
        let mut send = || {
            let sent = end.connection.send_prepared(&mut end.env, &prepared);
            assert_eq!(sent, Ok(()));
            let queued = end.connection.queued();
            assert!(queued < 2500, "compressed: {queued}");
            end.connection.sent(&mut end.env, queued);
        };
        for _ in 0..10 {
            send();
        }
        assert_eq!(allocations(send), 0, "{name}");
    }
}

#[test]
fn a_connection_that_could_compress_and_has_not_yet_owns_nothing() {
    for role in ROLES {
        for (_, env) in BACKENDS {
            let before = live();
            let end = opened_plainly(role, env(1), compressing(|_, _| {}));
            let connection = end.into_connection();
            let owned = live() - before;
            drop(connection);
            // The configuration, which a driver has once.
            let before = live();
            let config = config(|_| {});
            assert_eq!(owned, live() - before);
            drop(config);
        }
    }
}
