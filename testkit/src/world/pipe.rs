//! Bounded byte streams in memory, as awkward as a test asks for.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker, ready},
};

use driver_futures::Transport;

use crate::Random;

/// The manner in which an end takes and gives bytes.
#[derive(Debug, Clone)]
pub enum Awkward {
    /// As many as possible, at once.
    No,
    /// At most that many at a time, at once.
    Slowly(usize),
    /// Each operation blocks once, and then moves at most that many.
    Always(usize),
    /// Operations block at random, and move a random number.
    Random(Random),
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) bytes: VecDeque<u8>,
    capacity: usize,
    /// The writing end was shut down or dropped.
    pub(super) ended: bool,
    /// The reading end was dropped.
    pub(super) dropped: bool,
    /// Errors that reads and writes fail with.
    pub(super) read_error: Option<ErrorKind>,
    pub(super) write_error: Option<ErrorKind>,
    /// Bytes read and writes made so far.
    pub(super) given: usize,
    pub(super) writes: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub(super) type Shared = Arc<Mutex<Stream>>;

pub(super) fn lock(stream: &Shared) -> MutexGuard<'_, Stream> {
    stream.lock().expect("nothing panics with a pipe locked")
}

impl Stream {
    fn shared(capacity: usize) -> Shared {
        Arc::new(Mutex::new(Self {
            // So that a test that counts allocations counts none of these.
            bytes: VecDeque::with_capacity(capacity.min(1 << 20)),
            capacity,
            ..Self::default()
        }))
    }

    pub(super) fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    pub(super) fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

/// Operations that have blocked once and go on now, for [`Awkward::Always`].
#[derive(Debug, Default)]
struct Blocked {
    read: bool,
    write: bool,
    flush: bool,
    shutdown: bool,
}

/// An end of a pipe.
#[derive(Debug)]
pub struct Pipe {
    pub(super) incoming: Shared,
    pub(super) outgoing: Shared,
    awkward: Awkward,
    blocked: Blocked,
    /// Bytes that are written and not flushed, if this end buffers as TLS does.
    buffered: Option<Vec<u8>>,
}

/// The two ends of a pipe that holds `capacity` bytes each way.
pub fn pipe(capacity: usize, awkward: [Awkward; 2]) -> (Pipe, Pipe) {
    let (there, back) = (Stream::shared(capacity), Stream::shared(capacity));
    let [a, b] = awkward;
    let end = |incoming: &Shared, outgoing: &Shared, awkward| Pipe {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        awkward,
        blocked: Blocked::default(),
        buffered: None,
    };
    (end(&back, &there, a), end(&there, &back, b))
}

impl Pipe {
    /// Buffers written bytes until they are flushed, as TLS does.
    pub fn buffering(mut self) -> Self {
        self.buffered = Some(Vec::new());
        self
    }

    /// Bytes that this end has read.
    pub fn given(&self) -> usize {
        lock(&self.incoming).given
    }

    /// Decides how many of `len` bytes an operation moves. `None`: it blocks, and is tried again at once.
    fn step(
        &mut self,
        cx: &Context<'_>,
        blocked: fn(&mut Blocked) -> &mut bool,
        len: usize,
    ) -> Option<usize> {
        let blocks = match &mut self.awkward {
            Awkward::No | Awkward::Slowly(_) => false,
            Awkward::Always(_) => {
                let blocked = blocked(&mut self.blocked);
                *blocked = !*blocked;
                *blocked
            }
            Awkward::Random(random) => random.one_in(3),
        };
        if blocks {
            cx.waker().wake_by_ref();
            return None;
        }
        Some(match &mut self.awkward {
            Awkward::No => len,
            Awkward::Always(max) | Awkward::Slowly(max) => len.min(*max),
            Awkward::Random(random) => match random.below(2) {
                0 if len > 1 => 1 + random.below(len),
                _ => len,
            },
        })
    }

    fn push(&mut self, cx: &Context<'_>, bufs: &[&[u8]]) -> Poll<io::Result<usize>> {
        let shared = Arc::clone(&self.outgoing);
        let mut stream = lock(&shared);
        if let Some(kind) = stream.write_error {
            return Poll::Ready(Err(kind.into()));
        }
        if stream.dropped {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let len: usize = bufs.iter().map(|buf| buf.len()).sum();
        let room = len.min(stream.capacity - stream.bytes.len());
        if room == 0 {
            stream.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let Some(len) = self.step(cx, |blocked| &mut blocked.write, room) else {
            return Poll::Pending;
        };
        let mut left = len;
        for buf in bufs {
            let taken = left.min(buf.len());
            stream.bytes.extend(&buf[..taken]);
            left -= taken;
        }
        stream.writes += 1;
        stream.wake_reader();
        Poll::Ready(Ok(len))
    }
}

impl Pipe {
    /// Moves the buffered bytes into the pipe.
    fn push_buffered(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let Some(mut bytes) = self.buffered.take() else {
            return Poll::Ready(Ok(()));
        };
        let mut pushed = Poll::Ready(Ok(0));
        while !bytes.is_empty() && matches!(pushed, Poll::Ready(Ok(_))) {
            pushed = self.push(cx, &[&bytes]);
            if let Poll::Ready(Ok(n)) = pushed {
                bytes.drain(..n);
            }
        }
        self.buffered = Some(bytes);
        pushed.map_ok(|_| ())
    }
}

impl Transport for Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!buf.is_empty(), "there is always room for something");
        let shared = Arc::clone(&self.incoming);
        let mut stream = lock(&shared);
        if stream.bytes.is_empty() {
            if let Some(kind) = stream.read_error {
                return Poll::Ready(Err(kind.into()));
            }
            if stream.ended {
                return Poll::Ready(Ok(0));
            }
            stream.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = buf.len().min(stream.bytes.len());
        let Some(n) = self.step(cx, |blocked| &mut blocked.read, len) else {
            return Poll::Pending;
        };
        let (front, back) = stream.bytes.as_slices();
        let from_front = n.min(front.len());
        buf[..from_front].copy_from_slice(&front[..from_front]);
        buf[from_front..n].copy_from_slice(&back[..n - from_front]);
        stream.bytes.drain(..n);
        stream.given += n;
        stream.wake_writer();
        Poll::Ready(Ok(n))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // As many slices as a call is likely to have, without an allocation.
        let mut slices = [&[][..]; 64];
        let count = bufs.len().min(slices.len());
        for (slice, buf) in slices.iter_mut().zip(bufs) {
            *slice = buf;
        }
        let slices = &slices[..count];
        assert!(slices.iter().any(|slice| !slice.is_empty()));
        if self.buffered.is_none() {
            return self.push(cx, slices);
        }
        ready!(self.push_buffered(cx))?;
        let bytes = slices.concat();
        let n = bytes.len();
        self.buffered = Some(bytes);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.push_buffered(cx))?;
        match self.step(cx, |blocked| &mut blocked.flush, 0) {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.step(cx, |blocked| &mut blocked.shutdown, 0).is_none() {
            return Poll::Pending;
        }
        let buffered = self.buffered.as_ref().map_or(0, Vec::len);
        assert_eq!(buffered, 0, "what is buffered is flushed first");
        let mut stream = lock(&self.outgoing);
        stream.ended = true;
        stream.wake_reader();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut outgoing = lock(&self.outgoing);
        outgoing.ended = true;
        outgoing.wake_reader();
        drop(outgoing);
        let mut incoming = lock(&self.incoming);
        incoming.dropped = true;
        incoming.wake_writer();
    }
}
