//! The state that the halves of a split WebSocket share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use wsproto::{Closed, SendError};

use crate::{
    clock::Clock,
    engine::{Engine, admission::Unit, lending::Loan},
    poll::Receiving,
    transport::Transport,
    waiters::{Waiter, Waiters},
};

/// A connection whose halves may be in different tasks.
pub(super) struct Shared<S, C> {
    state: Mutex<State<S, C>>,
    /// All that wait for this connection.
    waiters: Arc<Waiters>,
    /// Wakes all of them: the transport and the clock remember only one waker.
    waker: Waker,
}

pub(super) struct State<S, C> {
    pub(super) engine: Engine<S, C>,
    pub(super) receiving: Receiving,
    /// The sender of the message in parts that is under way: no other message may get into it (RFC 6455
    /// 5.4).
    streaming: Option<SenderId>,
}

/// Identifies a sender among those of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SenderId(pub(super) u64);

/// How much of a message a submission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// The beginning, without bytes.
    Start,
    Middle,
    Last,
}

impl<S: Transport, C: Clock> Shared<S, C> {
    pub(super) fn new(engine: Engine<S, C>) -> Self {
        let waiters = Arc::new(Waiters::default());
        Self {
            state: Mutex::new(State {
                engine,
                receiving: Receiving::Keep,
                streaming: None,
            }),
            waker: Waker::from(Arc::clone(&waiters)),
            waiters,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<S, C>> {
        // Nothing that may panic leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls on behalf of a waiter. All waiters are woken when the transport or the clock is ready, and the
    /// others at once if this poll has changed something that they may wait for.
    pub(super) fn poll<T>(
        &self,
        waiter: &Waiter,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut State<S, C>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        // Before anything is tried, so that no wake-up is missed in between.
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

    pub(super) fn waiter(&self) -> Waiter {
        Waiter::new(Arc::clone(&self.waiters))
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.lock().engine.closed().cloned()
    }
}

/// Everything about a connection that a half may wait for.
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

    pub(super) fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        is_done: impl Fn(&Engine<S, C>) -> bool,
    ) -> Poll<()> {
        self.engine.poll_until(cx, self.receiving, None, is_done)
    }

    /// Returns true if `sender` has to wait until another sender's message in parts is finished.
    pub(super) fn is_streaming_for_other(&self, sender: SenderId) -> bool {
        // Where nothing can be sent any more, there is nothing to wait for.
        self.engine.connection.is_open()
            && self.streaming.is_some_and(|streaming| streaming != sender)
    }

    /// Waits until `sender` may queue `unit`: it is its turn, and there is room.
    pub(super) fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        sender: SenderId,
        part: Part,
        unit: Unit,
    ) -> Poll<Result<(), SendError>> {
        let waits = self.is_streaming_for_other(sender);
        match part {
            Part::Middle | Part::Last if waits => return Poll::Ready(Err(SendError::NoMessage)),
            Part::Whole | Part::Start | Part::Middle | Part::Last => {}
        }
        self.poll_until(cx, |engine| {
            (!waits || !engine.connection.is_open()) && engine.has_room(unit)
        })
        .map(Ok)
    }

    /// Records that `sender` has queued a part of a message.
    pub(super) fn part_queued(&mut self, sender: SenderId, part: Part) {
        match part {
            Part::Whole | Part::Middle => {}
            Part::Start => self.streaming = Some(sender),
            Part::Last => self.streaming = None,
        }
    }

    /// Takes back the message in parts that `sender` will not finish. Returns true if there was one.
    pub(super) fn stop_streaming(&mut self, sender: SenderId) -> bool {
        self.streaming.take_if(|id| *id == sender).is_some()
    }

    /// Takes back an event that the receiver was lent.
    pub(super) fn take_back(&mut self, loan: &mut Option<Loan>) {
        if let Some(loan) = loan.take() {
            self.engine.take_back(loan);
            self.receiving = Receiving::Keep;
        }
    }
}
