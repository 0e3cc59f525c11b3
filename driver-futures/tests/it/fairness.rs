//! The time for which a peer that never stops sending may keep others of the same thread waiting.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use driver_futures::{Clock, Transport, accept};
use driver_kit::{lease::BUFFER, turn::MAX_EVENTS};
use testkit::handshake::REQUEST;
use wsproto::{Accept, Config, Time};

/// An empty ping.
const PING: &[u8] = b"\x89\x80\0\0\0\0";

/// Sends a request, and then the same frame without an end. Takes everything.
struct Flood {
    reads: Arc<AtomicUsize>,
    frame: Vec<u8>,
}

impl Transport for Flood {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == 0 {
            buf[..REQUEST.len()].copy_from_slice(REQUEST.as_bytes());
            return Poll::Ready(Ok(REQUEST.len()));
        }
        let size = self.frame.len();
        let frames = buf.chunks_exact_mut(size);
        let len = frames.map(|part| part.copy_from_slice(&self.frame)).count() * size;
        Poll::Ready(Ok(len))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A clock that goes on by that many nanoseconds whenever it is looked at.
struct Ticking {
    now: AtomicU64,
    tick: u64,
}

impl Clock for Ticking {
    fn now(&self) -> Time {
        Time::from_nanos(self.now.fetch_add(self.tick, Ordering::Relaxed))
    }

    fn another(&self) -> Self {
        Self {
            now: AtomicU64::new(self.now.load(Ordering::Relaxed)),
            tick: self.tick,
        }
    }

    fn poll_deadline(&mut self, _: &mut Context<'_>, _: Time, _: Option<Time>) -> Poll<()> {
        Poll::Pending
    }
}

/// A message of some kibibytes, of zeros.
fn long_message() -> Vec<u8> {
    [b"\x82\xfe\x10\0\0\0\0\0".to_vec(), vec![0; 0x1000]].concat()
}

/// What a flood brings before others have their turn, several times in a row, when each look at the clock takes
/// that long: how often it is read, and how many events that makes.
fn in_a_row<const N: usize>(frame: Vec<u8>, each: Duration) -> [(usize, usize); N] {
    let reads = Arc::default();
    let clock = Ticking {
        now: AtomicU64::new(1),
        tick: each.as_nanos() as u64,
    };
    let flood = Flood {
        reads: Arc::clone(&reads),
        frame,
    };
    let mut cx = Context::from_waker(Waker::noop());
    let opened = pin!(async {
        let upgrade = accept(flood, clock, Arc::new(Config::default())).await;
        upgrade.expect("a request").accept(&Accept::new()).await
    });
    let Poll::Ready(Ok(mut socket)) = opened.poll(&mut cx) else {
        panic!("everything is there that it takes");
    };
    let mut next = || {
        let before = reads.load(Ordering::Relaxed);
        let mut events = 0;
        while let Poll::Ready(incoming) = pin!(socket.recv_incoming()).poll(&mut cx) {
            assert!(matches!(incoming, Ok(Some(_))));
            events += 1;
        }
        (reads.load(Ordering::Relaxed) - before, events)
    };
    // The first pause ends what the opening handshake has begun.
    next();
    std::array::from_fn(|_| next())
}

#[test]
fn a_flood_that_is_read_quickly_pauses_after_some_reads() {
    for (reads, events) in in_a_row::<3>(long_message(), Duration::from_nanos(1)) {
        assert!((2..=8).contains(&reads), "{reads}");
        assert!(events > 0);
    }
}

#[test]
fn a_flood_that_takes_long_to_handle_pauses_after_a_millisecond() {
    for (reads, _) in in_a_row::<3>(long_message(), Duration::from_micros(600)) {
        assert!(reads <= 2, "{reads}");
    }
    for (reads, _) in in_a_row::<3>(long_message(), Duration::from_millis(5)) {
        assert_eq!(reads, 1);
    }
}

#[test]
fn a_flood_of_short_frames_pauses_in_the_middle_of_what_was_read() {
    let turns = in_a_row::<100>(PING.to_vec(), Duration::from_nanos(1));
    assert!(turns.iter().all(|(_, events)| *events == MAX_EVENTS));
    let reads: usize = turns.iter().map(|(reads, _)| reads).sum();
    let each = BUFFER / PING.len();
    let read = reads * each;
    let taken = 100 * MAX_EVENTS;
    assert!(
        read.abs_diff(taken) <= each,
        "{read} pings were read, {taken} taken"
    );
}
