//! A pipe in memory, in both directions: as a socket, it takes and gives at once what there is room for.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use smol::io::{AsyncRead, AsyncWrite};

/// One end of it.
pub(crate) struct Pipe {
    incoming: Arc<Mutex<Lane>>,
    outgoing: Arc<Mutex<Lane>>,
}

/// The bytes on the way in one direction.
struct Lane {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// Either end has done with it.
    is_closed: bool,
    waiting: Vec<Waker>,
}

impl Lane {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }

    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<io::Result<T>> {
        self.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

/// Two ends of which each reads what the other one writes, up to `capacity` bytes ahead.
pub(crate) fn pipe(capacity: usize) -> (Pipe, Pipe) {
    let [there, back] = [(); 2].map(|()| {
        Arc::new(Mutex::new(Lane {
            bytes: VecDeque::new(),
            capacity,
            is_closed: false,
            waiting: Vec::new(),
        }))
    });
    let near = Pipe {
        incoming: Arc::clone(&back),
        outgoing: Arc::clone(&there),
    };
    let far = Pipe {
        incoming: there,
        outgoing: back,
    };
    (near, far)
}

fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().expect("nobody panics in here")
}

fn close(lane: &Mutex<Lane>) {
    let mut lane = lock(lane);
    lane.is_closed = true;
    lane.wake();
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut lane = lock(&self.incoming);
        if lane.bytes.is_empty() && !lane.is_closed {
            return lane.wait(cx);
        }
        let read = lane.bytes.read(buf);
        lane.wake();
        Poll::Ready(read)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut lane = lock(&self.outgoing);
        if lane.is_closed {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let n = bytes.len().min(lane.capacity - lane.bytes.len());
        if n == 0 {
            return lane.wait(cx);
        }
        lane.bytes.extend(&bytes[..n]);
        lane.wake();
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.outgoing);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        close(&self.incoming);
        close(&self.outgoing);
    }
}
