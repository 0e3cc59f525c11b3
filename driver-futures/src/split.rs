//! A WebSocket in two halves, or one receiver and any number of senders: the state that they share.

mod receiver;
mod sender;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use wsproto::{Closed, SendError};

use crate::{
    clock::Clock,
    engine::{Engine, lending::Loan},
    poll::Receiving,
    socket::WebSocket,
    transport::Transport,
    waiters::{Waiter, Waiters},
};

pub use self::{receiver::Receiver, sender::Sender};

impl<S: Transport, C: Clock> WebSocket<S, C> {
    /// Splits into a sender, which can be cloned, and a receiver, for tasks of their own.
    ///
    /// Whichever half waits drives the whole connection: a receiver alone still sends pongs and answers
    /// a Close; a sender alone still sees the peer's Close, reading up to 64 KiB ahead. If the receiver
    /// is dropped, what would have come to it is dropped too.
    ///
    /// A message that was [started](Self::start) before can be finished by any sender.
    #[must_use]
    pub fn split(self) -> (Sender<S, C>, Receiver<S, C>) {
        let waiters = Arc::new(Waiters::default());
        let waker = Waker::from(Arc::clone(&waiters));
        let state = Mutex::new(State {
            engine: self.engine,
            receiving: Receiving::Keep,
            streaming: None,
        });
        let shared = Arc::new(Shared {
            state,
            waiters,
            waker,
        });
        (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
    }
}

/// What the halves share.
struct Shared<S, C> {
    state: Mutex<State<S, C>>,
    /// Who waits for anything of this connection.
    waiters: Arc<Waiters>,
    /// Wakes them all: the transport and the clock remember only one waker.
    waker: Waker,
}

struct State<S, C> {
    engine: Engine<S, C>,
    receiving: Receiving,
    /// The sender that is sending a message in parts, which those of others must not get into (RFC 6455
    /// 5.4).
    streaming: Option<SenderId>,
}

/// Which of the senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SenderId(u64);

/// Which part of a message something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    Whole,
    /// Its beginning, without bytes.
    Start,
    Middle,
    Last,
}

impl<S: Transport, C: Clock> Shared<S, C> {
    fn lock(&self) -> MutexGuard<'_, State<S, C>> {
        // Nothing in here leaves the state half changed if it panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls for a waiter: when something happens, all are woken, and the others are if this poll has
    /// changed what they may wait for.
    fn poll<T>(
        &self,
        waiter: &Waiter,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut State<S, C>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        // Before anything is tried, so that no wake-up falls between.
        waiter.register(cx.waker());
        let before = state.visible();
        let polled = poll(&mut state, &mut Context::from_waker(&self.waker));
        let changed = state.visible() != before;
        drop(state);
        if polled.is_ready() {
            waiter.unregister();
        }
        if changed {
            waiter.wake_others();
        }
        polled
    }

    fn waiter(&self) -> Waiter {
        Waiter::new(Arc::clone(&self.waiters))
    }

    fn closed(&self) -> Option<Closed> {
        self.lock()
            .engine
            .outcome
            .as_ref()
            .map(|outcome| outcome.closed.clone())
    }
}

/// What another half may wait for.
#[derive(PartialEq, Eq)]
struct Visible {
    queued: usize,
    is_flushed: bool,
    read_ahead: usize,
    reads_ahead: bool,
    is_open: bool,
    is_over: bool,
    receiving: Receiving,
    streaming: Option<SenderId>,
}

impl<S: Transport, C: Clock> State<S, C> {
    fn visible(&self) -> Visible {
        let engine = &self.engine;
        Visible {
            queued: engine.connection.queued(),
            is_flushed: engine.is_flushed(),
            read_ahead: engine.read_ahead(),
            reads_ahead: engine.reads_ahead(),
            is_open: engine.connection.is_open(),
            is_over: engine.is_over(),
            receiving: self.receiving,
            streaming: self.streaming,
        }
    }

    fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        is_done: impl Fn(&Engine<S, C>) -> bool,
    ) -> Poll<()> {
        self.engine.poll_until(cx, self.receiving, None, is_done)
    }

    /// Whether what others send has to wait until another sender's message is whole.
    fn is_streaming_for_other(&self, sender: SenderId) -> bool {
        // Where nothing can be sent any more, there is nothing to wait for.
        self.engine.connection.is_open()
            && self.streaming.is_some_and(|streaming| streaming != sender)
    }

    /// Waits until a sender may queue `len` bytes: it is its turn, and there is room.
    fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        sender: SenderId,
        part: Part,
        len: usize,
    ) -> Poll<Result<(), SendError>> {
        match part {
            Part::Middle | Part::Last if self.is_streaming_for_other(sender) => {
                return Poll::Ready(Err(SendError::NoMessage));
            }
            Part::Whole | Part::Start | Part::Middle | Part::Last => {}
        }
        let waits = self.is_streaming_for_other(sender);
        self.poll_until(cx, |engine| {
            (!waits || !engine.connection.is_open()) && engine.has_room(len)
        })
        .map(Ok)
    }

    /// A part of a message of that sender's is queued.
    fn part_queued(&mut self, sender: SenderId, part: Part) {
        match part {
            Part::Whole | Part::Middle => {}
            Part::Start => self.streaming = Some(sender),
            Part::Last => self.streaming = None,
        }
    }

    /// The receiver has done with what it was lent.
    fn take_back(&mut self, loan: &mut Option<Loan>) {
        if let Some(loan) = loan.take() {
            self.engine.take_back(loan);
            self.receiving = Receiving::Keep;
        }
    }
}
