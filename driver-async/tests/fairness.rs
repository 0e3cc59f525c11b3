//! How long a peer that never stops sending may keep others of the same thread waiting.

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

use driver_async::{Clock, Transport, accept};
use wsproto::{Accept, Config, Time};

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n";

/// An empty ping.
const PING: &[u8] = b"\x89\x80\0\0\0\0";

/// Sends a request, and then pings without an end. Takes everything.
struct Flood {
    reads: Arc<AtomicUsize>,
}

impl Transport for Flood {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == 0 {
            buf[..REQUEST.len()].copy_from_slice(REQUEST);
            return Poll::Ready(Ok(REQUEST.len()));
        }
        let pings = buf.chunks_exact_mut(PING.len());
        let len = pings.map(|ping| ping.copy_from_slice(PING)).count() * PING.len();
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

/// How often a flood is read before others have their turn, when each read takes that long.
fn reads_in_a_row(each: Duration) -> usize {
    let reads = Arc::default();
    let clock = Ticking {
        now: AtomicU64::new(1),
        tick: each.as_nanos() as u64,
    };
    let flood = Flood {
        reads: Arc::clone(&reads),
    };
    let mut cx = Context::from_waker(Waker::noop());
    let opened = pin!(async {
        let upgrade = accept(flood, clock, Arc::new(Config::default())).await;
        upgrade.expect("a request").accept(&Accept::new()).await
    });
    let Poll::Ready(Ok(mut socket)) = opened.poll(&mut cx) else {
        panic!("everything is there that it takes");
    };
    // The first pause ends what the opening handshake has begun.
    let mut in_a_row = || {
        let before = reads.load(Ordering::Relaxed);
        assert!(pin!(socket.recv()).poll(&mut cx).is_pending());
        reads.load(Ordering::Relaxed) - before
    };
    in_a_row();
    in_a_row()
}

#[test]
fn a_flood_that_is_read_quickly_pauses_after_some_reads() {
    let reads = reads_in_a_row(Duration::from_nanos(1));
    assert!((2..=8).contains(&reads), "{reads}");
}

#[test]
fn a_flood_that_takes_long_to_handle_pauses_after_a_millisecond() {
    assert!(reads_in_a_row(Duration::from_micros(600)) <= 2);
    assert_eq!(reads_in_a_row(Duration::from_millis(5)), 1);
}
