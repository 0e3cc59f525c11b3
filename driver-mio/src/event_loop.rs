//! One loop: waits for its sockets, its timers and its mailbox, and serves the connections that have something to do.

pub(crate) mod accepting;
pub(crate) mod broadcasting;
pub(crate) mod closing;
pub(crate) mod commands;
pub(crate) mod connections;
pub(crate) mod control;
pub(crate) mod dialing;
pub(crate) mod mailbox;
pub(crate) mod shared;
pub(crate) mod slab;
pub(crate) mod timer;

use std::{
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use driver_kit::{lease::Lease, wheel::Wheel};
use mio::{Events, Poll, Token, event::Event};
use wsproto::Time;

use self::{
    shared::Shared,
    slab::Slab,
    timer::{Packed, Timer},
};
use crate::{
    broadcast::topics::Topics,
    client::dials::Dials,
    command::{Command, LoopMailbox},
    connection::slot::Slot,
    handler::Handler,
    server::listener::Listener,
};

/// The token of the waker. The tokens below it belong to listeners.
pub(crate) const WAKER: Token = Token(usize::MAX);

/// The first token of attempts to connect. The tokens below it belong to connections.
const ATTEMPTS: usize = 1 << (usize::BITS - 2);

/// The first token of listeners.
const LISTENERS: usize = 1 << (usize::BITS - 1);

/// A loop, with everything that belongs to it alone.
pub(crate) struct EventLoop<H: Handler> {
    shared: Arc<Shared<H>>,
    mailbox: Arc<LoopMailbox>,
    poll: Poll,
    events: Events,
    /// The origin of all times.
    epoch: Instant,
    lease: Lease,
    wheel: Wheel<Packed>,
    connections: Slab<Slot<H::State>>,
    /// Connections to serve before the loop waits again, because no event will come for them.
    scheduled: Vec<u32>,
    dials: Dials<H::State>,
    listeners: Vec<Listener>,
    /// Listeners that may have more connections, for which no event will come.
    accepting: Vec<u32>,
    /// The memory that the mailbox gets in exchange for its commands.
    commands: Vec<Command>,
    topics: Topics,
    /// The loop is shutting down: nothing new begins.
    closing: bool,
    /// Connections that were dropped at the end of the grace period.
    dropped: usize,
}

/// The parts of a loop that are made on the thread that starts it.
pub(crate) struct Plan<H: Handler> {
    pub(crate) shared: Arc<Shared<H>>,
    pub(crate) mailbox: Arc<LoopMailbox>,
    pub(crate) poll: Poll,
    /// Events taken from the system at a time.
    pub(crate) events: usize,
    pub(crate) listeners: Vec<Listener>,
}

impl<H: Handler> EventLoop<H> {
    /// Creates a loop. Must be called on the loop's own thread.
    pub(crate) fn new(plan: Plan<H>) -> Self {
        Self {
            shared: plan.shared,
            mailbox: plan.mailbox,
            poll: plan.poll,
            events: Events::with_capacity(plan.events),
            epoch: Instant::now(),
            lease: Lease::take(),
            wheel: Wheel::new(0),
            connections: Slab::new(),
            scheduled: Vec::new(),
            dials: Dials::new(),
            listeners: plan.listeners,
            accepting: Vec::new(),
            commands: Vec::new(),
            topics: Topics::default(),
            closing: false,
            dropped: 0,
        }
    }

    /// Runs until the loop is shut down.
    ///
    /// # Errors
    /// If the system does not let the loop wait for its sockets.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        for number in 0..self.listeners.len() {
            let token = Token(LISTENERS + number);
            self.listeners[number].register(self.poll.registry(), token)?;
        }
        self.update_clock();
        if self.shared.control.shutdown().is_some() {
            self.begin_shutdown();
        }
        while !(self.closing && self.connections.is_empty() && self.dials.is_empty()) {
            self.turn()?;
        }
        Ok(())
    }

    /// Waits once, and then handles events, timers, commands and scheduled connections, in this order.
    fn turn(&mut self) -> io::Result<()> {
        let idle = self.scheduled.is_empty() && self.accepting.is_empty();
        let timeout = if idle && self.mailbox.fall_asleep() {
            self.until_next_timer()
        } else {
            Some(Duration::ZERO)
        };
        let polled = self.poll.poll(&mut self.events, timeout);
        self.mailbox.wake_up();
        match polled {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        self.update_clock();
        let events = mem::replace(&mut self.events, Events::with_capacity(0));
        let mut count = 0;
        for event in &events {
            count += 1;
            self.handle_event(event);
        }
        let counters = self.mailbox.counters();
        counters.waits.add(1);
        counters.events.add(count);
        self.events = events;
        self.expire();
        self.execute_commands();
        for number in mem::take(&mut self.accepting) {
            self.accept(number);
        }
        self.serve_scheduled();
        Ok(())
    }

    fn handle_event(&mut self, event: &Event) {
        let Token(token) = event.token();
        if event.token() == WAKER {
            return;
        }
        if token >= LISTENERS {
            return self.accept((token - LISTENERS) as u32);
        }
        if token >= ATTEMPTS {
            return self.attempt_ready((token - ATTEMPTS) as u32);
        }
        let index = token as u32;
        // The event may be one of a connection that has ended, whose place another has taken since. That one looks
        // at its socket in vain.
        if let Some((_, slot)) = self.connections.at(index) {
            let ending = event.is_read_closed() || event.is_write_closed() || event.is_error();
            slot.note_readiness(event.is_readable(), event.is_writable(), ending);
            // A scheduled connection is served behind all events, and not twice.
            if !slot.scheduled {
                self.serve(index);
            }
        }
    }

    // Time.

    fn until_next_timer(&self) -> Option<Duration> {
        let next = Duration::from_nanos(self.wheel.next()?);
        Some(next.saturating_sub(self.epoch.elapsed()))
    }

    fn update_clock(&mut self) {
        let now = Time::since_epoch(self.epoch.elapsed());
        self.lease.env.set_now(now);
    }

    /// Converts a moment to the wheel's time: nanoseconds since the epoch.
    fn nanos_at(&self, moment: Instant) -> u64 {
        let nanos = moment.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    /// Handles the timers that have fired.
    fn expire(&mut self) {
        let now = self.lease.env.now();
        loop {
            let expired = self.wheel.expire(now.as_nanos()).next();
            let Some((_, timer)) = expired else { return };
            match timer.into() {
                Timer::Connection(index) => self.connection_expired(index),
                Timer::Dial(index) => {
                    if let Some(timer) = self.dials.timer(index) {
                        *timer = None;
                    }
                    self.step_dial(index);
                }
                Timer::Listener(number) => self.resume_listener(number),
                Timer::ShutDown => self.drop_all(),
            }
        }
    }
}

impl<H: Handler> Drop for EventLoop<H> {
    fn drop(&mut self) {
        self.shared.control.loop_ended(self.dropped);
        // Dropping the commands that are left completes the senders that wait.
        drop(self.mailbox.close());
    }
}
