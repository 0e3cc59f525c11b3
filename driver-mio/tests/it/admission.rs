//! Admission: a call on a handle that returns `Ok` is a promise, and the call is where a message is refused.

use std::{
    net::TcpStream,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use driver_mio::{Config, EventLoops, Handle, Kind, Overflow, Prepared, Reached, SendError};
use testkit::{
    PATIENCE,
    blocking::{open, read_frame},
    config,
};

use crate::handlers::{Recorder, opened, serve_as};

const LIMIT: usize = 1000;

const POLICIES: [Overflow; 4] = [
    Overflow::Refuse,
    Overflow::DropNewest,
    Overflow::DropOldest,
    Overflow::Close,
];

/// A connection whose loop is busy, so that everything a test sends is on its way until it is released.
struct Held {
    /// Dropping it lets the loop go on, so it comes before the loops, which are joined when they are dropped.
    go: Option<mpsc::Sender<()>>,
    server: EventLoops<Recorder>,
    stream: TcpStream,
    handle: Handle,
}

fn hold(config: Arc<Config>) -> Held {
    let (recorder, news) = Recorder::new();
    let (server, address) = serve_as(|server| server.config(config), recorder);
    let stream = open(address);
    let handle = opened(&news);
    let (go, wait) = mpsc::channel();
    let (sender, entered) = mpsc::channel();
    let block = move |_: &mut driver_mio::Context<'_>| {
        sender.send(()).unwrap();
        assert!(wait.recv().is_err(), "nothing is sent");
    };
    handle.call(block).unwrap();
    entered.recv_timeout(PATIENCE).unwrap();
    Held {
        go: Some(go),
        server,
        stream,
        handle,
    }
}

impl Held {
    /// Has a callback queue a message on the loop, ahead of what is sent after this.
    fn queue_in_a_callback(&self, message: Vec<u8>) {
        let send = move |connection: &mut driver_mio::Context<'_>| {
            connection.send(message.as_slice()).unwrap();
        };
        self.handle.call(send).unwrap();
    }

    fn release(&mut self) {
        drop(self.go.take());
    }

    fn read(&mut self) -> (u8, Vec<u8>) {
        read_frame(&mut self.stream)
    }
}

/// `queue_limit` is below `queue_high`, so that a queue that is not high may be full.
fn low_limit(overflow: Overflow) -> Arc<Config> {
    config(|config| {
        config.queue_limit = LIMIT;
        config.overflow = overflow;
    })
}

fn refusal(overflow: Overflow) -> SendError {
    match overflow {
        Overflow::DropNewest => SendError::Dropped,
        _ => SendError::QueueFull,
    }
}

#[test]
fn a_message_that_does_not_fit_is_refused_by_the_call() {
    for overflow in POLICIES {
        let mut held = hold(low_limit(overflow));
        held.handle.send(vec![1; 600]).unwrap();
        let refused = Err(refusal(overflow));
        assert_eq!(held.handle.send(vec![2; 600]), refused, "{overflow:?}");
        let prepared = Prepared::binary(&[3; 600]);
        assert_eq!(held.handle.send_prepared(&prepared), refused);
        assert_eq!(held.handle.send_async(vec![4; 600]).wait(), refused);
        held.handle.send(vec![5; 300]).unwrap();
        held.release();
        assert_eq!(held.read(), (0x82, vec![1; 600]));
        assert_eq!(held.read(), (0x82, vec![5; 300]), "{overflow:?}");
    }
}

#[test]
fn with_queue_high_zero_a_handle_accepts_what_the_connection_accepts() {
    let never_low = config(|config| {
        config.queue_limit = LIMIT;
        config.queue_high = 0;
        config.queue_low = 0;
    });
    let mut held = hold(Arc::clone(&never_low));
    for queued in [0, 1, LIMIT] {
        assert_eq!(never_low.admits(queued, 5000), queued == 0);
    }
    held.handle
        .send(vec![1; 5000])
        .expect("nothing is queued and nothing is on its way");
    assert_eq!(held.handle.send("more"), Err(SendError::QueueFull));
    held.release();
    assert_eq!(held.read(), (0x82, vec![1; 5000]));
}

#[test]
fn frame_headers_count_from_the_call_on() {
    // Each byte of the message becomes a frame of three bytes.
    let fragments = config(|config| {
        config.queue_limit = LIMIT;
        config.fragment_size = std::num::NonZeroUsize::new(1);
    });
    let mut held = hold(fragments);
    held.handle.send(vec![1; 300]).unwrap();
    assert_eq!(held.handle.buffered(), 300, "without frame headers");
    assert_eq!(held.handle.send(vec![2; 101]), Err(SendError::QueueFull));
    held.handle.send(vec![3; 100]).unwrap();
    held.release();
    for n in 0..300 {
        let first = match n {
            0 => 0x02,
            299 => 0x80,
            _ => 0x00,
        };
        assert_eq!(held.read(), (first, vec![1]));
    }
    assert_eq!(held.read(), (0x02, vec![3]));
}

#[test]
fn room_for_one_message_is_not_given_to_two_threads() {
    const THREADS: usize = 8;
    let one_at_a_time = config(|config| {
        config.queue_limit = LIMIT;
        config.queue_high = 0;
        config.queue_low = 0;
    });
    for _ in 0..50 {
        let mut held = hold(Arc::clone(&one_at_a_time));
        let (admitted, start) = (AtomicUsize::new(0), Barrier::new(THREADS));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    while held.handle.send(vec![7; 1]).is_ok() {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let admitted = admitted.into_inner();
        // Of the last frame only the payload has to fit.
        assert_eq!(admitted, LIMIT.div_ceil(3), "frames of three bytes");
        held.release();
        for _ in 0..admitted {
            assert_eq!(held.read(), (0x82, vec![7]));
        }
    }
}

#[test]
fn an_admitted_message_is_not_lost_to_what_callbacks_queue_in_between() {
    for overflow in [Overflow::Refuse, Overflow::DropNewest] {
        let mut held = hold(low_limit(overflow));
        held.queue_in_a_callback(vec![1; 900]);
        held.handle.send(vec![2; 900]).unwrap();
        held.release();
        assert_eq!(held.read(), (0x82, vec![1; 900]));
        assert_eq!(held.read(), (0x82, vec![2; 900]), "{overflow:?}");

        let mut held = hold(low_limit(overflow));
        held.queue_in_a_callback(vec![1; 900]);
        let prepared = Prepared::binary(&[2; 900]);
        held.handle.send_prepared(&prepared).unwrap();
        held.release();
        assert_eq!(held.read(), (0x82, vec![1; 900]));
        assert_eq!(held.read(), (0x82, vec![2; 900]), "{overflow:?}");
    }
}

#[test]
fn admitted_parts_make_a_whole_message_whatever_callbacks_queue_in_between() {
    for overflow in [Overflow::Refuse, Overflow::DropNewest] {
        let mut held = hold(low_limit(overflow));
        held.queue_in_a_callback(vec![1; 2 * LIMIT]);
        held.handle.start(Kind::Binary).unwrap();
        held.handle.write(vec![2; 400]).unwrap();
        held.handle.finish(vec![3; 400]).unwrap();
        held.release();
        assert_eq!(held.read(), (0x82, vec![1; 2 * LIMIT]));
        assert_eq!(held.read(), (0x02, vec![2; 400]), "{overflow:?}");
        assert_eq!(held.read(), (0x80, vec![3; 400]), "{overflow:?}");
    }
}

/// The core refuses parts whatever the policy, since a message in parts cannot be dropped.
#[test]
fn admitted_parts_survive_policies_that_make_room() {
    for overflow in [Overflow::DropOldest, Overflow::Close] {
        let mut held = hold(low_limit(overflow));
        held.handle.start(Kind::Binary).unwrap();
        held.handle.write(vec![1; 400]).unwrap();
        let grow = |connection: &mut driver_mio::Context<'_>| {
            connection.write(&[2; 500]).unwrap();
        };
        held.handle.call(grow).unwrap();
        held.handle.finish(vec![3; 400]).unwrap();
        held.release();
        assert_eq!(held.read(), (0x02, vec![1; 400]), "{overflow:?}");
        assert_eq!(held.read(), (0x00, vec![2; 500]), "{overflow:?}");
        assert_eq!(held.read(), (0x80, vec![3; 400]), "{overflow:?}");
    }
}

#[test]
fn a_part_that_does_not_fit_is_refused_by_the_call_and_the_message_goes_on() {
    for overflow in POLICIES {
        let mut held = hold(low_limit(overflow));
        held.handle.start(Kind::Binary).unwrap();
        held.handle.write(vec![1; 600]).unwrap();
        let full = Err(SendError::QueueFull);
        assert_eq!(held.handle.write(vec![2; 600]), full, "{overflow:?}");
        assert_eq!(held.handle.finish(vec![2; 600]), full, "{overflow:?}");
        assert_eq!(held.handle.finish_async(vec![2; 600]).wait(), full);
        held.handle.finish(vec![3; 300]).unwrap();
        held.release();
        assert_eq!(held.read(), (0x02, vec![1; 600]));
        assert_eq!(held.read(), (0x80, vec![3; 300]), "{overflow:?}");
    }
}

/// A start that only the loop refused would leave its parts without a message, which costs the connection.
#[test]
fn a_start_for_which_there_is_no_room_is_refused_by_the_call() {
    for overflow in [Overflow::Refuse, Overflow::DropNewest] {
        let mut held = hold(low_limit(overflow));
        held.handle.send(vec![1; 2 * LIMIT]).unwrap();
        let refused = Err(refusal(overflow));
        assert_eq!(held.handle.start(Kind::Text), refused, "{overflow:?}");
        held.release();
        assert_eq!(held.read(), (0x82, vec![1; 2 * LIMIT]));
    }
}

#[test]
fn a_ping_is_refused_by_the_call_or_sent() {
    for overflow in POLICIES {
        let mut held = hold(low_limit(overflow));
        held.handle.send(vec![1; 990]).unwrap();
        let full = Err(SendError::QueueFull);
        assert_eq!(held.handle.ping(b"too long"), full, "{overflow:?}");
        held.release();
        assert_eq!(held.read(), (0x82, vec![1; 990]));

        let mut held = hold(low_limit(overflow));
        held.queue_in_a_callback(vec![1; 2 * LIMIT]);
        held.handle.ping(b"admitted").unwrap();
        held.release();
        let ping = (0x89, b"admitted".to_vec());
        assert_eq!(held.read(), ping, "it overtakes, {overflow:?}");
        assert_eq!(held.read(), (0x82, vec![1; 2 * LIMIT]));
    }
}

#[test]
fn the_oldest_make_room_for_what_a_handle_sends() {
    let mut held = hold(low_limit(Overflow::DropOldest));
    held.queue_in_a_callback(vec![1; 900]);
    held.handle.send(vec![2; 900]).unwrap();
    held.release();
    assert_eq!(held.read(), (0x82, vec![2; 900]));
}

#[test]
fn a_full_queue_has_the_connection_closed_when_a_handle_sends_more() {
    let mut held = hold(low_limit(Overflow::Close));
    held.queue_in_a_callback(vec![1; 900]);
    held.handle.send(vec![2; 900]).unwrap();
    held.release();
    assert_eq!(held.read(), (0x82, vec![1; 900]));
    let (first, payload) = held.read();
    assert_eq!((first, &payload[..2]), (0x88, &b"\x03\xf0"[..]), "1008");
}

#[test]
fn a_broadcast_counts_the_connections_that_it_finds_full() {
    for (overflow, slow, refused) in [
        (Overflow::Refuse, 0, 1),
        (Overflow::DropNewest, 0, 1),
        (Overflow::Close, 1, 0),
    ] {
        let mut held = hold(low_limit(overflow));
        held.queue_in_a_callback(vec![1; 900]);
        let broadcaster = held.server.broadcaster();
        let broadcast = broadcaster.to_all(Prepared::binary(&[2; 900]));
        held.release();
        let Reached {
            sent,
            slow: were_slow,
            refused: were_refused,
            ..
        } = broadcast.wait();
        assert_eq!(
            (sent, were_slow, were_refused),
            (0, slow, refused),
            "{overflow:?}"
        );
    }
}

/// The two agree on the edge: a frame that fits exactly, and one byte more.
#[test]
fn a_handle_draws_the_line_where_the_connection_does() {
    let limits = low_limit(Overflow::Refuse);
    let mut held = hold(Arc::clone(&limits));
    held.handle.send(vec![1; 500]).unwrap();
    let queued = 4 + 500; // 5.2: a length of more than 125 takes two bytes more.
    let fits = LIMIT - queued;
    assert!(limits.admits(queued, fits));
    assert_eq!(
        held.handle.send(vec![2; fits + 1]),
        Err(SendError::QueueFull)
    );
    held.handle.send(vec![2; fits]).unwrap();
    held.release();
}
