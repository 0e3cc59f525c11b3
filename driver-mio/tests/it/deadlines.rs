//! Deadlines: timeouts of silent peers.

use std::{io::Write, time::Duration};

use driver_mio::{Cause, Context, Handler, wsproto::Deadline};
use testkit::{
    blocking::{ask, connect, eventually, frame, open, read_frame},
    config,
};

use crate::handlers::{News, Recorder, next, opened, serve, serve_as};

const SHORT: Duration = Duration::from_millis(30);

#[test]
fn a_silent_peer_is_pinged_and_given_up() {
    let (recorder, news) = Recorder::new();
    let impatient = config(|config| {
        config.ping_interval = Some(SHORT);
        config.pong_timeout = Some(SHORT);
        config.close_timeout = Some(SHORT);
    });
    let (server, address) = serve_as(|server| server.config(impatient), recorder);
    let mut stream = open(address);
    let _handle = opened(&news);
    // As long as it answers, it lives.
    for _ in 0..3 {
        assert_eq!(read_frame(&mut stream).0, 0x89);
        stream.write_all(&frame(0x8a, b"")).unwrap();
        assert!(matches!(next(&news), News::Pong(_)));
    }
    assert_eq!(read_frame(&mut stream).0, 0x89);
    let News::Closed(_, Some(Cause::Deadline(deadline))) = next(&news) else {
        panic!("it is given up");
    };
    assert_eq!(deadline, Deadline::Pong);
    eventually(|| server.connections(), |&connections| connections == 0);
}

#[test]
fn a_request_that_does_not_come_is_answered_408() {
    let (recorder, _news) = Recorder::new();
    let impatient = config(|config| config.opening_timeout = Some(SHORT));
    let (_server, address) = serve_as(|server| server.config(impatient), recorder);
    let mut stream = connect(address);
    let head = ask(&mut stream, "GET /");
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
}

/// Counts down to nothing.
struct Countdown;

impl Handler for Countdown {
    type State = u8;

    fn on_open(&self, connection: &mut Context<'_>, left: &mut u8) {
        *left = 3;
        connection.set_deadline(Some(SHORT));
    }

    fn on_deadline(&self, connection: &mut Context<'_>, left: &mut u8) {
        *left -= 1;
        connection.send(&[*left][..]).unwrap();
        connection.set_deadline((*left > 0).then_some(SHORT));
    }
}

#[test]
fn an_application_is_called_when_it_asked_to_be() {
    let (_server, address) = serve(Countdown);
    let mut stream = open(address);
    for left in [2, 1, 0] {
        assert_eq!(read_frame(&mut stream), (0x82, vec![left]));
    }
}
