//! Handles: connections controlled from any thread.

use std::{
    future::Future,
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    pin::pin,
    sync::{
        Arc, Barrier,
        mpsc::{self, RecvTimeoutError},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use driver_mio::{
    Adopt, CloseCode, ClosedBy, Handler, MessageRef, Overflow, Prepared, Role, SendError, Server,
    wsproto::Agreed,
};
use testkit::{
    PATIENCE,
    blocking::{frame, open, read_frame},
    config,
};

use crate::handlers::{News, Recorder, next, opened, serve, serve_as};

#[test]
fn what_each_thread_sends_arrives_in_order() {
    const EACH: u32 = 2_000;
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve(recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    thread::scope(|scope| {
        for thread in 0..4_u8 {
            let handle = &handle;
            scope.spawn(move || {
                for n in 0..EACH {
                    let message = [&[thread][..], &n.to_be_bytes()].concat();
                    handle.send(message).unwrap();
                }
            });
        }
        let mut next = [0_u32; 4];
        for _ in 0..4 * EACH {
            let (_, payload) = read_frame(&mut stream);
            let expected = &mut next[usize::from(payload[0])];
            assert_eq!(payload[1..], expected.to_be_bytes());
            *expected += 1;
        }
    });
}

#[test]
fn a_late_send_never_reaches_the_connection_that_took_the_place() {
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve(recorder);
    // One loop, one connection at a time: each takes the place and the descriptor of the one before.
    for _ in 0..100 {
        let old = open(address);
        let handle = opened(&news);
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                // While the connection ends, and after it.
                for _ in 0..200 {
                    let _ = handle.send("for the old one");
                }
            });
            start.wait();
            drop(old);
            while !matches!(next(&news), News::Closed(..)) {}
            let mut new = open(address);
            let handle = opened(&news);
            handle.send("for the new one").unwrap();
            assert_eq!(read_frame(&mut new).1, b"for the new one");
            handle.close(CloseCode::NORMAL, "").unwrap();
            assert_eq!(read_frame(&mut new).0, 0x88);
            new.write_all(&frame(0x88, b"\x03\xe8")).unwrap();
            assert_eq!(new.read(&mut [0]).unwrap(), 0, "there was nothing else");
            while !matches!(next(&news), News::Closed(..)) {}
        });
        assert_eq!(handle.send("late"), Err(SendError::Closed));
        assert!(handle.is_closed());
    }
}

/// A command that is still on its way when a connection ends finds the next one in its place, unless that has another
/// generation.
#[test]
fn orders_that_are_on_their_way_never_reach_the_connection_that_took_the_place() {
    let (recorder, news) = Recorder::new();
    let loops = Server::new().loops(1).start(recorder).unwrap();
    // Not over TCP: the end of one of these is seen by the loop when it looks next, and not later.
    let adopt = |far| {
        let adopt = Adopt::upgraded(Role::Server, Agreed::default());
        loops.adopt(far, adopt).unwrap();
    };
    let (old, far) = UnixStream::pair().unwrap();
    adopt(far);
    let handle = opened(&news);
    let go = Arc::new(Barrier::new(2));
    let held = Arc::clone(&go);
    let (sender, entered) = mpsc::channel();
    handle
        .call(move |_| {
            sender.send(()).unwrap();
            held.wait();
        })
        .unwrap();
    entered.recv_timeout(PATIENCE).unwrap();
    // The loop has its orders in hand. What comes now it takes up after the end of the old connection,
    // whose place is free for the new one.
    drop(old);
    let (mut new, far) = UnixStream::pair().unwrap();
    new.set_read_timeout(Some(PATIENCE)).unwrap();
    adopt(far);
    let (called, calls) = mpsc::channel();
    handle.send("for the old one").unwrap();
    handle.ping(b"for the old one").unwrap();
    handle.call(move |_| called.send(()).unwrap()).unwrap();
    go.wait();
    while !matches!(next(&news), News::Closed(..)) {}
    opened(&news).send("for the new one").unwrap();
    assert_eq!(read_frame(&mut new), (0x81, b"for the new one".to_vec()));
    assert_eq!(
        calls.recv_timeout(PATIENCE),
        Err(RecvTimeoutError::Disconnected)
    );
}

#[test]
fn a_sender_hears_that_its_message_has_left() {
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve(recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    let (sender, heard) = mpsc::channel();
    // More than the sockets take before somebody reads.
    let large = vec![7; 8 << 20];
    for (name, len) in [("large", large.len()), ("small", 1)] {
        let sender = sender.clone();
        handle.send_then(&large[..len], move |result| {
            sender.send((name, result)).unwrap();
        });
    }
    let sent = handle.send_async("future");
    assert!(heard.try_recv().is_err(), "the large one is in the way");
    for len in [large.len(), 1, 6] {
        assert_eq!(read_frame(&mut stream).1.len(), len);
    }
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(("large", Ok(()))));
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(("small", Ok(()))));
    assert_eq!(block_on(sent), Ok(()));
}

#[test]
fn a_sender_hears_that_its_message_is_lost() {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve(recorder);
    let stream = open(address);
    let handle = opened(&news);
    let sent = handle.send_async(vec![7; 8 << 20]);
    drop(stream);
    assert_eq!(block_on(sent), Err(SendError::Closed));
    drop(server);
    assert_eq!(block_on(handle.send_async("late")), Err(SendError::Closed));
}

#[test]
fn a_peer_that_does_not_read_is_not_queued_for_without_bound() {
    for (overflow, refusal) in [
        (Overflow::Refuse, SendError::QueueFull),
        (Overflow::DropNewest, SendError::Dropped),
    ] {
        let (recorder, news) = Recorder::new();
        let limited = config(|config| {
            config.queue_limit = 1 << 20;
            config.overflow = overflow;
        });
        let (_server, address) = serve_as(|server| server.config(limited), recorder);
        let _stream = open(address);
        let handle = opened(&news);
        let mut refused = None;
        while refused.is_none() {
            refused = handle.send(vec![7; 100_000]).err();
            assert!(
                handle.buffered() <= (1 << 20) + 100_000,
                "{}",
                handle.buffered()
            );
        }
        assert_eq!(refused, Some(refusal));
    }
}

#[test]
fn a_slow_peer_that_is_to_be_closed_is() {
    let (recorder, news) = Recorder::new();
    let limited = config(|config| {
        config.queue_limit = 1 << 20;
        config.overflow = Overflow::Close;
    });
    let (_server, address) = serve_as(|server| server.config(limited), recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    while handle.send(vec![7; 100_000]) != Err(SendError::Closed) {}
    let close = loop {
        match read_frame(&mut stream) {
            (0x82, message) => assert_eq!(message.len(), 100_000),
            other => break other,
        }
    };
    assert_eq!((close.0, &close.1[..2]), (0x88, &b"\x03\xf0"[..]), "1008");
    stream.write_all(&frame(0x88, b"\x03\xf0")).unwrap();
    loop {
        match next(&news) {
            News::Closed(closed, _) => break assert_eq!(closed.by, ClosedBy::Overflow),
            News::Drained => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Keeps its loop busy from the first message on, until the test lets it go.
struct Busy {
    entered: mpsc::Sender<driver_mio::Handle>,
    go: Arc<Barrier>,
}

impl Handler for Busy {
    type State = ();

    fn on_message(&self, connection: &mut driver_mio::Context<'_>, _: &mut (), _: MessageRef<'_>) {
        self.entered.send(connection.handle()).unwrap();
        self.go.wait();
    }
}

#[test]
fn what_is_on_its_way_to_a_busy_loop_counts_as_queued() {
    let (sender, entered) = mpsc::channel();
    let go = Arc::new(Barrier::new(2));
    let busy = Busy {
        entered: sender,
        go: Arc::clone(&go),
    };
    let limited = config(|config| config.queue_limit = 1 << 20);
    let (_server, address) = serve_as(|server| server.config(limited), busy);
    let mut stream = open(address);
    stream.write_all(&frame(0x81, b"go")).unwrap();
    let handle = entered.recv_timeout(PATIENCE).unwrap();
    let mut sent = 0;
    while handle.send(vec![7; 10_000]).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, (1 << 20) / 10_000);
    assert_eq!(handle.buffered(), sent * 10_000);
    go.wait();
    for _ in 0..sent {
        assert_eq!(read_frame(&mut stream).1.len(), 10_000);
    }
}

#[test]
fn a_pause_holds_the_peer_back_until_it_ends() {
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve(recorder);
    let mut stream = open(address);
    let handle = opened(&news);
    handle.pause().unwrap();
    // Behind the pause, and so in effect when this has arrived.
    handle.send("paused").unwrap();
    assert_eq!(read_frame(&mut stream).1, b"paused");
    stream.write_all(&frame(0x81, b"held back")).unwrap();
    handle.send("still").unwrap();
    assert_eq!(read_frame(&mut stream).1, b"still");
    assert!(news.try_recv().is_err());
    handle.resume().unwrap();
    assert!(matches!(next(&news), News::Message(_)));
}

#[test]
fn a_prepared_message_reaches_everybody_of_whom_there_is_a_handle() {
    let (recorder, news) = Recorder::new();
    let (_server, address) = serve(recorder);
    let mut streams: Vec<TcpStream> = (0..20).map(|_| open(address)).collect();
    let handles: Vec<_> = streams.iter().map(|_| opened(&news)).collect();
    let message = Prepared::binary(&[7; 1000]);
    for handle in &handles {
        handle.send_prepared(&message).unwrap();
    }
    for stream in &mut streams {
        assert_eq!(read_frame(stream), (0x82, vec![7; 1000]));
    }
}

/// Waits for a future on this thread, without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
