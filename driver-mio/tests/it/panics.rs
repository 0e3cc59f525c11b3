//! A callback that panics concerns its own connection only.

use std::{io::Write, sync::mpsc};

use driver_mio::{Cause, Closed, Context, Failure, Handler, MessageRef};
use testkit::{
    PATIENCE,
    blocking::{eventually, frame, open, read_frame},
};

use crate::handlers::serve_as;

/// Panics where it is told to; tells of every end.
struct Fragile(mpsc::Sender<String>);

impl Handler for Fragile {
    type State = String;

    fn on_message(
        &self,
        connection: &mut Context<'_>,
        state: &mut String,
        message: MessageRef<'_>,
    ) {
        let text = message.as_text().unwrap();
        assert!(state.is_empty(), "nothing is told after a panic");
        if text.starts_with("panic") {
            text.clone_into(state);
            panic!("{text}");
        }
        connection.send(message).unwrap();
    }

    fn on_close(&self, _: &mut Context<'_>, state: &mut String, _: &Closed, _: Option<&Cause>) {
        self.0.send(state.clone()).unwrap();
        assert_ne!(state, "panic twice");
    }
}

/// Something that fails when it is dropped.
#[derive(Default)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("of the state");
    }
}

/// Has its failures everywhere but in callbacks.
struct Treacherous;

impl Handler for Treacherous {
    type State = Bomb;

    fn on_message(&self, connection: &mut Context<'_>, _: &mut Bomb, message: MessageRef<'_>) {
        connection.send(message).unwrap();
        connection.when_sent(|_| panic!("of the completion"));
    }
}

#[test]
fn a_loop_survives_panics_around_its_callbacks() {
    let (sender, failures) = mpsc::channel();
    let observe = move |failure: Failure| {
        sender.send(failure.to_string()).unwrap();
        panic!("of the observer");
    };
    let (server, address) = serve_as(|server| server.on_failure(observe), Treacherous);
    for _ in 0..2 {
        let mut stream = open(address);
        for _ in 0..2 {
            stream.write_all(&frame(0x81, b"alive")).unwrap();
            assert_eq!(read_frame(&mut stream), (0x81, b"alive".to_vec()));
        }
        drop(stream);
        let failure = failures.recv_timeout(PATIENCE);
        assert_eq!(failure.as_deref(), Ok("a callback panicked: of the state"));
    }
    assert_eq!(server.handle().shutdown(PATIENCE), 0);
}

#[test]
fn a_panic_closes_its_connection_and_no_other() {
    let (sender, failures) = mpsc::channel();
    let (ended, ends) = mpsc::channel();
    let (server, address) = serve_as(
        |server| server.on_failure(move |failure| sender.send(failure).unwrap()),
        Fragile(ended),
    );
    let mut other = open(address);
    for text in ["panic", "panic twice"] {
        let mut stream = open(address);
        let mut bytes = frame(0x81, b"before");
        bytes.extend(frame(0x81, text.as_bytes()));
        bytes.extend(frame(0x81, b"behind"));
        stream.write_all(&bytes).unwrap();
        assert_eq!(read_frame(&mut stream), (0x81, b"before".to_vec()));
        assert_eq!(
            read_frame(&mut stream),
            (0x88, b"\x03\xf3".to_vec()),
            "1011"
        );
        stream.write_all(&frame(0x88, b"\x03\xf3")).unwrap();
        assert_eq!(ends.recv_timeout(PATIENCE).as_deref(), Ok(text));
        let Ok(Failure::Panicked(message)) = failures.recv_timeout(PATIENCE) else {
            panic!("it is reported");
        };
        assert_eq!(&*message, text);
    }
    // The panic of the last on_close.
    assert!(failures.recv_timeout(PATIENCE).is_ok());
    other.write_all(&frame(0x81, b"alive")).unwrap();
    assert_eq!(read_frame(&mut other), (0x81, b"alive".to_vec()));
    eventually(|| server.connections(), |&connections| connections <= 1);
}
