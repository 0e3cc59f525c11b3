//! An echo server with the protocol core in an event loop of its own, written directly on mio.
//!
//! `cargo run --release -p wsproto --example reactor`, then connect to ws://127.0.0.1:9003.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read, Write},
    net::Shutdown,
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};
use wsproto::{Accept, Config, Connection, Entropy, Env, Event, Input, Time};

struct System;

impl Entropy for System {
    fn fill(&mut self, buf: &mut [u8]) {
        getrandom::fill(buf).expect("the system has randomness");
    }
}

const LISTENER: Token = Token(usize::MAX);

fn main() -> io::Result<()> {
    let (start, config) = (Instant::now(), Arc::new(Config::default()));
    let mut env = Env::new(System);
    let mut input = Input::new(vec![0; 256 << 10]); // one read buffer for all connections
    let (mut poll, mut ready) = (Poll::new()?, Events::with_capacity(1024));
    let mut listener = TcpListener::bind("127.0.0.1:9003".parse().expect("an address"))?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut peers: HashMap<Token, (TcpStream, Connection)> = HashMap::new();
    let mut tokens = (0..).map(Token);
    loop {
        // A production reactor would use a timer wheel instead of visiting every connection.
        let deadline = peers
            .values()
            .filter_map(|(_, connection)| connection.wants().deadline)
            .min();
        let wait = deadline.map(|at| {
            at.saturating_since(Time::since_epoch(start.elapsed())) + Duration::from_millis(1)
        });
        poll.poll(&mut ready, wait)?;
        env.set_now(Time::since_epoch(start.elapsed()));
        if ready.iter().any(|event| event.token() == LISTENER) {
            while let (Ok((mut stream, _)), Some(token)) = (listener.accept(), tokens.next()) {
                poll.registry().register(
                    &mut stream,
                    token,
                    Interest::READABLE | Interest::WRITABLE,
                )?;
                peers.insert(
                    token,
                    (stream, Connection::accepting(config.clone(), &mut env)),
                );
            }
        }
        let due = |connection: &Connection| {
            connection
                .wants()
                .deadline
                .is_some_and(|at| at <= env.now())
        };
        let mut turns: Vec<_> = ready.iter().map(|event| event.token()).collect();
        turns.extend(
            peers
                .iter()
                .filter(|(_, (_, connection))| due(connection))
                .map(|(token, _)| *token),
        );
        for token in turns {
            let Some((stream, connection)) = peers.get_mut(&token) else {
                continue;
            };
            connection.handle_timeout(&mut env);
            if turn(stream, connection, &mut env, &mut input) {
                peers.remove(&token);
            }
        }
    }
}

/// Reads, echoes and writes until the socket would block. Returns true if the connection is done.
fn turn(
    stream: &mut TcpStream,
    connection: &mut Connection,
    env: &mut Env,
    input: &mut Input<Vec<u8>>,
) -> bool {
    loop {
        while let Ok(Some(event)) = connection.next_event(env, input) {
            let _ = match event {
                Event::Request(_) => connection.accept(env, &Accept::new()),
                Event::Text(text) => connection.send_text(env, &text),
                Event::Binary(data) => connection.send_binary(env, &data),
                _ => Ok(()),
            };
        }
        while let Some(bytes) = connection.outgoing().next() {
            match stream.write(bytes) {
                Ok(n) => connection.sent(env, n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => connection.handle_lost(env),
            }
        }
        let wants = connection.wants();
        if wants.shutdown {
            let _ = stream.shutdown(Shutdown::Write);
            connection.handle_shutdown();
        } else if wants.done || !wants.read {
            return wants.done;
        } else {
            match stream.read(input.spare()) {
                Ok(0) => connection.handle_eof(env),
                Ok(n) => input.filled(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(_) => {
                    connection.handle_lost(env);
                    connection.handle_eof(env);
                }
            }
        }
    }
}
