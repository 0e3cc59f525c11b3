//! Calls that the user of a driver gives up in the middle, in every driver: no message is lost, doubled or torn, and
//! no descriptor leaks.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, PoisonError},
    thread,
    time::Duration,
};

use conformance::{
    frame::{Frame, opcode},
    subject::ours::{self, Act, Driver, Haste, Offer, PLEASE_CLOSE, Unanswered},
};

use wsproto::Config;

use crate::{
    DESCRIPTORS,
    inside::{
        MASK, PATIENCE, Peer, answer, connect, descriptors, in_the_end, listen, open, read_head,
        request,
    },
};

/// How often a test runs over a driver. The first round is not counted: runtimes open descriptors then.
const ROUNDS: usize = 3;

/// Runs a test in rounds over every driver, and asserts that the rounds after the first leak no descriptor.
fn over_every_driver(mut test: impl FnMut(&dyn Driver, usize)) {
    let _alone = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    for driver in ours::drivers().expect("the runtimes start") {
        test(&*driver, 1);
        let before = descriptors();
        (2..=ROUNDS).for_each(|round| test(&*driver, round));
        let is_back = in_the_end(|| descriptors() <= before);
        let left = descriptors();
        assert!(
            is_back,
            "{}: {left} descriptors, not {before}",
            driver.name()
        );
    }
}

/// Messages of lengths between nothing and more than any buffer takes, all different, with what a peer may
/// put between and into them.
fn frames() -> Vec<Frame> {
    let lengths = [0, 1, 125, 126, 4_000, 65_535, 65_536, 300_000, 1_200_000];
    let mut frames = Vec::new();
    for round in 0..2_u8 {
        for (number, len) in lengths.into_iter().enumerate() {
            let payload = vec![round * 10 + number as u8; len];
            let (first, second) = payload.split_at(len / 3);
            frames.extend([
                Frame::new(opcode::BINARY, first).unfinished(),
                Frame::new(opcode::PING, [number as u8]),
                Frame::new(opcode::CONTINUATION, second),
                Frame::new(opcode::BINARY, payload),
            ]);
        }
    }
    frames
}

/// The messages among frames.
fn messages(frames: &[Frame]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut message = Vec::new();
    for frame in frames.iter().filter(|frame| frame.opcode < opcode::CLOSE) {
        message.extend_from_slice(&frame.payload);
        if frame.fin {
            messages.push(std::mem::take(&mut message));
        }
    }
    messages
}

/// Has everything echoed by somebody hasty, with so little room in the kernel that both sides have to wait, and
/// then has it close.
fn echoed(driver: &dyn Driver, haste: &Haste) -> Offer {
    let (listener, url) = listen();
    let offer = driver.dial_hastily(url, haste.clone());
    if offer != Offer::Made {
        return offer;
    }
    let case = format!("{} {:?} {}", driver.name(), haste.act, haste.steps);
    let mut peer = Peer::server(&listener);
    let frames = frames();
    let bytes: Vec<_> = frames.iter().flat_map(|frame| peer.encode(frame)).collect();
    let mut sender = peer.stream.try_clone().expect("a descriptor");
    let sending = thread::spawn(move || sender.write_all(&bytes));
    if haste.act != Act::Close && haste.steps == 1 {
        // It must give up: the kernel does not take all of this while nobody reads.
        in_the_end(|| haste.given_up() > 0);
    }
    let expected = messages(&frames);
    let (mut received, mut count) = (Vec::new(), 0);
    while count < expected.len() {
        let frame = peer
            .receive()
            .unwrap_or_else(|| panic!("{case}: it ends after {count}"));
        count += usize::from(frame.fin && frame.opcode < opcode::CLOSE);
        received.push(frame);
    }
    sending.join().expect("no panic").expect("all is taken");
    let received = messages(&received);
    for (number, (received, expected)) in received.iter().zip(&expected).enumerate() {
        assert!(
            received == expected,
            "{case}: message {number} is another one"
        );
    }

    // It closes once when told to, whatever arrives in between, and completes the closing handshake.
    peer.send(&Frame::text(PLEASE_CLOSE));
    let close = loop {
        let frame = peer
            .receive()
            .unwrap_or_else(|| panic!("{case}: it ends without a Close frame"));
        if frame.opcode != opcode::PONG {
            break frame;
        }
    };
    assert_eq!(
        (close.opcode, &close.payload[..]),
        (opcode::CLOSE, &1000_u16.to_be_bytes()[..])
    );
    peer.send(&Frame::text("too late"));
    peer.send(&close);
    // It may have ended already.
    let _ = peer.stream.shutdown(Shutdown::Write);
    assert_eq!(
        peer.receive(),
        None,
        "{case}: something behind the Close frame"
    );
    offer
}

#[test]
fn whatever_is_given_up_on_a_connection_loses_nothing() {
    for act in Act::ALL {
        let mut offers = 0;
        over_every_driver(|driver, steps| {
            let haste = Haste::new(act, steps);
            match echoed(driver, &haste) {
                Offer::NotMade(because) => println!("{}: no {act:?}: {because}", driver.name()),
                Offer::Made => {
                    offers += 1;
                    let waits = haste.given_up() > 0 || steps > 1;
                    assert!(waits, "{}: {act:?} never waits", driver.name());
                }
            }
        });
        assert!(offers > 0, "{act:?} is in no driver");
    }
}

/// How far a connection has come when it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Stage {
    /// Nothing has happened.
    Nothing,
    /// The client has begun.
    Begun,
    /// The server has accepted.
    Accepted,
    /// The request has come.
    Requested,
    /// Half of the answer has gone.
    HalfAnswered,
    /// It is open.
    Answered,
}

const STAGES: [Stage; 6] = [
    Stage::Nothing,
    Stage::Begun,
    Stage::Accepted,
    Stage::Requested,
    Stage::HalfAnswered,
    Stage::Answered,
];

/// Reads to the end, however that comes; returns what came before.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    // A reset is an end as well, but silence is none.
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::ConnectionReset,
            "no end comes"
        );
    }
    rest
}

/// Gives a dial up at a stage.
fn give_up_dial(driver: &dyn Driver, stage: Stage) {
    let (listener, url) = listen();
    let mut attempt = driver.dial_until_dropped(url).expect("it can begin");
    if stage == Stage::Nothing {
        drop(attempt);
        listener.set_nonblocking(true).expect("a socket");
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nonblocking(false).expect("a socket");
            rest(&mut stream);
        }
        return;
    }
    attempt.step();
    if stage == Stage::Begun {
        drop(attempt);
    } else {
        let (mut stream, _) = listener.accept().expect("a client");
        if stage >= Stage::Requested {
            stream
                .set_read_timeout(Some(Duration::from_millis(1)))
                .expect("a socket");
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                attempt.step();
                head += &read_head(&mut stream);
            }
            let answer = answer(&head);
            let told = match stage {
                Stage::Nothing | Stage::Begun | Stage::Accepted | Stage::Requested => "",
                Stage::HalfAnswered => &answer[..answer.len() / 2],
                Stage::Answered => &answer,
            };
            stream
                .write_all(told.as_bytes())
                .expect("the client is there");
            (0..10).for_each(|_| attempt.step());
        }
        drop(attempt);
        rest(&mut stream);
    }
}

#[test]
fn a_dial_that_is_given_up_leaves_nothing() {
    over_every_driver(|driver, _| {
        for stage in STAGES {
            for _ in 0..5 {
                give_up_dial(driver, stage);
            }
        }
    });
}

#[test]
fn a_request_that_is_given_up_is_answered_all_the_same() {
    // No deadline may end it first.
    let mut config = Config::default();
    config.opening_timeout = None;
    let config = Arc::new(config);
    for how in [Unanswered::AtOnce, Unanswered::Later] {
        let _alone = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
        for driver in ours::drivers().expect("the runtimes start") {
            let address = driver
                .serve_no_answers(config.clone(), how)
                .expect("a free port");
            for _ in 0..20 {
                let mut stream = connect(address);
                let request = request(address);
                stream
                    .write_all(request.as_bytes())
                    .expect("the server reads");
                let answer = String::from_utf8(rest(&mut stream)).expect("text");
                let is_refusal = answer.starts_with("HTTP/1.1 503 ");
                assert!(is_refusal, "{} {how:?}: {answer:?}", driver.name());
            }
        }
    }
}

#[test]
fn a_server_that_is_given_up_ends_every_conversation() {
    over_every_driver(|driver, _| {
        let served = driver.serve_until_dropped(Arc::default());
        let (address, server) = served.expect("a free port");
        let silent = connect(address);
        let mut halfway = connect(address);
        halfway.write_all(b"GET / HT").expect("the server reads");
        let idle = open(address);
        let mut in_a_frame = open(address);
        let bytes = Frame::new(opcode::BINARY, vec![7; 5000]).encode(Some(MASK));
        in_a_frame
            .write_all(&bytes[..2000])
            .expect("the server reads");
        let mut closing = Peer::client(open(address));
        closing.send(&Frame::close(1000, ""));
        // The server waits for the end of the transport, or has ended it.
        assert!(closing.receive().is_some());
        let mut unread = open(address);
        let sending = thread::spawn(move || {
            let bytes = bytes.repeat(1000);
            while unread.write_all(&bytes).is_ok() {}
        });
        let mut talking = Peer::client(open(address));
        talking.send(&Frame::text("hello"));
        assert_eq!(talking.receive(), Some(Frame::text("hello")));

        drop(server);
        for mut stream in [
            silent,
            halfway,
            idle,
            in_a_frame,
            closing.stream,
            talking.stream,
        ] {
            // A Close frame may come, or nothing, but an end does.
            rest(&mut stream);
        }
        sending.join().expect("no panic");
        let listens = || TcpStream::connect(address).is_ok();
        assert!(in_the_end(|| !listens()), "{} still listens", driver.name());
    });
}
