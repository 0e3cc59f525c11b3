//! One loop: waits for its sockets, its timers and its mailbox, and serves whatever has news.

pub(crate) mod accepting;
pub(crate) mod broadcasting;
pub(crate) mod closing;
pub(crate) mod control;
pub(crate) mod mailbox;
pub(crate) mod slab;
pub(crate) mod timer;

use std::{
    io, mem,
    os::fd::AsRawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use driver_kit::{
    connect::ConnectError,
    lease::{Lease, Leased},
    wheel::Wheel,
};
use mio::{Events, Poll, Token, event::Event, unix::SourceFd};
use wsproto::{Connection, Time};

use crate::{
    Handler,
    broadcast::topics::Topics,
    client::dials::Dials,
    command::loop_command::Errand,
    command::{Command, Mailbox},
    connection::adopt::{Adopt, Stream, Under},
    connection::context::Extras,
    connection::slot::Entry,
    connection::transport::{INTEREST, Registration},
    event_loop::slab::Slab,
    event_loop::timer::{Coarse, Packed, Timer},
    event_loops::Shared,
    failure::panicked,
    server::listener::Listener,
};

/// The waker's token. Below it are those of listeners.
pub(crate) const WAKER: Token = Token(usize::MAX);

/// Tokens from here on down belong to attempts to connect; those of connections are below.
const ATTEMPTS: usize = 1 << (usize::BITS - 2);

/// Tokens of listeners are above this.
const LISTENERS: usize = 1 << (usize::BITS - 1);

/// A loop, with everything that belongs to it alone.
pub(crate) struct EventLoop<H: Handler> {
    pub(crate) shared: Arc<Shared<H>>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) poll: Poll,
    events: Events,
    /// What all times count from.
    pub(crate) epoch: Instant,
    pub(crate) lease: Lease,
    pub(crate) wheel: Wheel<Packed>,
    pub(crate) connections: Slab<Entry<H::State>>,
    /// Connections that have something to do for which no event will come.
    scheduled: Vec<u32>,
    pub(crate) dials: Dials<H::State>,
    pub(crate) listeners: Vec<Listener>,
    /// Listeners that may have more connections for which no event will come.
    pub(crate) accepting: Vec<u32>,
    commands: Vec<Command>,
    pub(crate) topics: Topics,
    /// Nothing new is begun.
    pub(crate) closing: bool,
    /// Connections that were dropped when patience ended.
    pub(crate) dropped: usize,
}

/// What a loop is made of, on the thread that starts it.
pub(crate) struct Plan<H: Handler> {
    pub(crate) shared: Arc<Shared<H>>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) poll: Poll,
    pub(crate) events: usize,
    pub(crate) listeners: Vec<Listener>,
}

impl<H: Handler> EventLoop<H> {
    /// To be called on the loop's own thread.
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

    /// Runs until the order to end is carried out.
    ///
    /// # Errors
    /// If the system does not let it wait.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        for number in 0..self.listeners.len() {
            let token = Token(LISTENERS + number);
            self.listeners[number].register(self.poll.registry(), token)?;
        }
        self.tell_time();
        if self.shared.control.shutdown().is_some() {
            self.begin_to_close();
        }
        while !(self.closing && self.connections.is_empty() && self.dials.is_empty()) {
            self.turn()?;
        }
        Ok(())
    }

    /// Waits once, and serves everything that has news then.
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
        self.tell_time();
        let events = mem::replace(&mut self.events, Events::with_capacity(0));
        let mut count = 0;
        for event in &events {
            count += 1;
            self.handle(event);
        }
        let counters = self.mailbox.counters();
        counters.waits.add(1);
        counters.events.add(count);
        self.events = events;
        self.expire();
        self.obey();
        for number in mem::take(&mut self.accepting) {
            self.accept(number);
        }
        let mut scheduled = mem::take(&mut self.scheduled);
        for index in scheduled.drain(..) {
            if let Some((_, entry)) = self.connections.at(index) {
                entry.scheduled = false;
                self.serve(index);
            }
        }
        if self.scheduled.is_empty() {
            self.scheduled = scheduled;
        }
        Ok(())
    }

    fn until_next_timer(&self) -> Option<Duration> {
        let next = Duration::from_nanos(self.wheel.next()?);
        Some(next.saturating_sub(self.epoch.elapsed()))
    }

    fn tell_time(&mut self) {
        let now = Time::since_epoch(self.epoch.elapsed());
        self.lease.env.set_now(now);
    }

    fn handle(&mut self, event: &Event) {
        let Token(token) = event.token();
        if event.token() == WAKER {
            return;
        }
        if token >= LISTENERS {
            return self.accept((token - LISTENERS) as u32);
        }
        if token >= ATTEMPTS {
            return self.attempted((token - ATTEMPTS) as u32);
        }
        let index = token as u32;
        // The place may have been taken since by another connection, for which the news is not; it
        // costs that one a look at its socket.
        if let Some((_, entry)) = self.connections.at(index) {
            let ending = event.is_read_closed() || event.is_write_closed() || event.is_error();
            entry.news(event.is_readable(), event.is_writable(), ending);
            // One that has its turn behind all events does not have two.
            if !entry.scheduled {
                self.serve(index);
            }
        }
    }

    // Connections.

    /// Takes a connection in.
    pub(crate) fn insert(
        &mut self,
        connection: Connection,
        stream: Stream,
        received: &[u8],
        state: H::State,
    ) -> io::Result<()> {
        let key = self.connections.next_key();
        let token = Token(key.index as usize);
        let registry = self.poll.registry();
        let mut entry = match stream.0 {
            Under::Socket(socket) => {
                registry.register(&mut SourceFd(&socket.as_raw_fd()), token, INTEREST)?;
                Entry::new(connection, Some(socket), None, state)
            }
            Under::Other(mut transport) => {
                transport.register(Registration {
                    registry,
                    token,
                    mailbox: &self.mailbox,
                    key,
                })?;
                let extras = Extras {
                    transport: Some(transport),
                    ..Extras::default()
                };
                Entry::new(connection, None, Some(Box::new(extras)), state)
            }
        };
        let Leased { env, input, .. } = &mut *self.lease;
        let mut received = received;
        while !received.is_empty() {
            let spare = input.spare();
            let len = received.len().min(spare.len());
            spare[..len].copy_from_slice(&received[..len]);
            input.filled(len);
            entry.connection.set_aside(env, input);
            received = &received[len..];
        }
        self.connections.insert(entry);
        self.begun();
        self.schedule(key.index);
        Ok(())
    }

    /// Takes a connection in whose socket the poller knows already.
    pub(crate) fn insert_registered(&mut self, entry: Entry<H::State>) -> io::Result<()> {
        let token = Token(self.connections.next_key().index as usize);
        if let Some(socket) = entry.socket() {
            let registry = self.poll.registry();
            registry.reregister(&mut SourceFd(&socket.as_raw_fd()), token, INTEREST)?;
        }
        let key = self.connections.insert(entry);
        self.begun();
        self.schedule(key.index);
        Ok(())
    }

    /// A connection was inserted.
    fn begun(&self) {
        let counters = self.mailbox.counters();
        counters.connections.add(1);
        counters.begun.add(1);
    }

    /// Has a connection served before the loop waits again.
    pub(crate) fn schedule(&mut self, index: u32) {
        if let Some((_, entry)) = self.connections.at(index)
            && !mem::replace(&mut entry.scheduled, true)
        {
            self.scheduled.push(index);
        }
    }

    /// Gives a connection its turn.
    pub(crate) fn serve(&mut self, index: u32) {
        let Some((key, entry)) = self.connections.at(index) else {
            return;
        };
        let audience = self.shared.audience(&self.mailbox);
        let mut wants = entry.turn(&audience, &mut self.lease, key);
        if wants.shutdown && entry.shut() {
            wants = entry.connection.wants();
        }
        if wants.done {
            return self.remove(index);
        }
        entry.count(self.mailbox.counters());
        entry.after_turn();
        if entry.has_more(&wants) && !mem::replace(&mut entry.scheduled, true) {
            self.scheduled.push(index);
        }
        let deadline = entry.next_deadline(&wants);
        if let Some(deadline) = deadline {
            let coarse = Coarse::new(deadline);
            match entry.timer {
                // Deadlines mostly move away: it is looked at again when the old one fires.
                Some(_) if coarse.is_not_before(entry.armed) => return,
                Some(timer) => {
                    self.wheel.rearm(timer, deadline.as_nanos());
                }
                None => {
                    let timer = Timer::Connection(index).into();
                    entry.timer = Some(self.wheel.arm(deadline.as_nanos(), timer));
                }
            }
            entry.armed = coarse;
        }
    }

    fn remove(&mut self, index: u32) {
        if let Some(mut entry) = self.connections.remove(index) {
            entry.discount(self.mailbox.counters());
            if let Some(timer) = entry.timer {
                self.wheel.cancel(timer);
            }
            if let Some(extras) = &entry.extras {
                self.topics.forget(index, &extras.subscriptions);
                if let Some(line) = &extras.line {
                    line.close();
                }
            }
            self.shared.control.gone();
            // The application's state may have something to do when it is dropped, and fail in that.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(entry))) {
                self.shared.observer.tell(panicked(&*panic));
            }
        }
    }

    // Timers.

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

    fn connection_expired(&mut self, index: u32) {
        let Some((key, entry)) = self.connections.at(index) else {
            return;
        };
        entry.timer = None;
        let audience = self.shared.audience(&self.mailbox);
        entry.expired(&audience, &mut self.lease.env, key);
        // It is armed anew behind its turn.
        self.schedule(index);
    }

    // Commands.

    /// Does what others have asked for. What it leads to is written behind the last of it.
    fn obey(&mut self) {
        let mut commands = mem::take(&mut self.commands);
        self.mailbox.take(&mut commands);
        let mut left = commands.drain(..).peekable();
        while let Some(command) = left.next() {
            match command {
                Command::Order(line, order) => {
                    let Some(entry) = self.connections.get(line.key) else {
                        continue;
                    };
                    let audience = self.shared.audience(&self.mailbox);
                    let (reserved, promised) = (line.reservation(&order), line.promises(&order));
                    entry.with_context(&audience, &mut self.lease.env, line.key, |context, _| {
                        order.execute(context, promised);
                    });
                    line.executed(reserved, entry.connection.queued());
                    self.schedule(line.key.index);
                }
                Command::Answer(key, answer) => {
                    if let Some(entry) = self.connections.get(key) {
                        entry.answered(&answer, &mut self.lease.env);
                        if self.closing {
                            self.go_away(key.index);
                        }
                        self.schedule(key.index);
                    }
                }
                Command::Notified(key) => {
                    if let Some(entry) = self.connections.get(key) {
                        entry.news(true, true, true);
                        self.schedule(key.index);
                    }
                }
                Command::Errand(errand) => match errand.downcast() {
                    Ok(errand) => self.run_errand(*errand),
                    Err(_) => unreachable!("loops get errands of their own type"),
                },
                Command::Broadcast(round, recipients) => {
                    let another = matches!(left.peek(), Some(Command::Broadcast(..)));
                    self.broadcast(&round, recipients, another);
                }
                Command::Subscribe(key, topic) => self.subscribe(key, topic),
                Command::Unsubscribe(key, topic) => self.unsubscribe(key, &topic),
                Command::Accept => {
                    for number in 0..self.listeners.len() as u32 {
                        self.resume_listener(number);
                    }
                }
                Command::ShutDown => self.begin_to_close(),
                Command::Abandon => {
                    self.begin_to_close();
                    self.drop_all();
                }
            }
        }
        drop(left);
        self.commands = commands;
    }

    fn run_errand(&mut self, errand: Errand<H::State>) {
        match errand {
            Errand::Accepted(socket, config) => self.accepted(socket, config),
            Errand::Adopt(stream, adopt, state) => self.adopt(stream, &adopt, state),
            Errand::Dial(route, addresses, state) => self.begin_dial(route, addresses, state),
            Errand::Redirected(route, state) => {
                if let Err((error, state)) = self.shared.dial(&self.mailbox, route, state) {
                    self.not_connected(state, error);
                }
            }
        }
    }

    fn adopt(&mut self, stream: Stream, adopt: &Adopt, state: H::State) {
        if self.closing {
            return self.not_connected(state, ConnectError::ShutDown);
        }
        let connection = match adopt.begin(&mut self.lease.env) {
            Ok(connection) => connection,
            Err(error) => return self.not_connected(state, error),
        };
        self.shared.control.count();
        if let Err(error) = self.insert(connection, stream, &adopt.received, state) {
            self.shared.control.gone();
            self.not_connected(H::State::default(), ConnectError::Socket(error));
        }
    }
}

impl<H: Handler> Drop for EventLoop<H> {
    fn drop(&mut self) {
        self.shared.control.loop_ended(self.dropped);
        // Whoever waits for an answer is told that there will be none.
        drop(self.mailbox.close());
    }
}

/// The token of an attempt to connect.
pub(crate) const fn attempt_token(attempt: u32) -> Token {
    Token(ATTEMPTS + attempt as usize)
}
