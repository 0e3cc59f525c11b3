//! The loop: opens the connections, keeps messages in flight or sends them when they are due, and
//! measures in a window of time.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, event::Event};
use rustix::process::getpid;

use super::{
    connection::{Connection, Stage as ConnectionStage},
    fault::Fault,
    plan::{Pace, Plan, Until},
    report::{Connections, Latency, Report, ServerUsage},
    schedule::Schedule,
    script::Script,
    tally::Tally,
};
use crate::{
    opening::Request,
    process::{Usage, raise_file_limit},
};

/// Octets that are read at once.
const BUFFER: usize = 256 << 10;
/// Connections that are being opened at a time, fewer than a usual backlog.
const OPENING_MAX: usize = 256;
/// How long a server may take to open a connection.
const OPENING_TIMEOUT: u64 = 20_000_000_000;
/// How often the observer is told, in nanoseconds.
const TICK: u64 = 250_000_000;
/// Messages of an open loop that are sent before what has come is looked at.
const DUE_AT_ONCE: usize = 1024;
/// The system waits in milliseconds. What is due sooner is waited for without it.
const MILLISECOND: u64 = 1_000_000;

/// Who wants to know how a run goes.
pub trait Observe {
    /// Called a few times a second.
    fn tick(&mut self, snapshot: &Snapshot);
}

/// Nobody wants to know.
impl Observe for () {
    fn tick(&mut self, _: &Snapshot) {}
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Connections are being opened.
    Opening,
    /// Messages are sent, and not counted.
    WarmUp,
    /// Messages are sent and counted.
    Measuring,
    /// Nothing is sent; missing answers are waited for.
    Draining,
}

/// How a run goes.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot {
    /// Where it is.
    pub stage: Stage,
    /// Connections that are open.
    pub open: usize,
    /// Connections that were given up.
    pub failed: usize,
    /// Messages answered per second, since the last snapshot.
    pub per_second: f64,
    /// Messages that wait for an answer.
    pub in_flight: u64,
    /// Latencies so far.
    pub latency: Latency,
}

/// Does what `plan` says.
///
/// # Errors
/// If the system cannot wait for connections. What is wrong with single connections is in the report.
pub fn run(plan: &Plan, observer: &mut dyn Observe) -> io::Result<Report> {
    raise_file_limit();
    let mut events = Events::with_capacity(1024);
    let mut generator = Generator::new(plan)?;
    let before = generator.usage();
    generator.open_all(&mut events, observer)?;
    let open = generator.usage();
    generator.traffic(&mut events, observer)?;
    Ok(generator.report(before, open))
}

struct Generator<'a> {
    plan: &'a Plan,
    script: Script,
    request: Request,
    poll: Poll,
    buf: Box<[u8]>,
    started: Instant,
    /// `None`: given up.
    connections: Vec<Option<Connection>>,
    /// Indices of those that are open.
    open: Vec<usize>,
    /// Indices of those that are being opened, and since when.
    opening: Vec<(usize, u64)>,
    stage: Stage,
    /// Messages that may still be sent.
    budget: u64,
    tally: Tally,
    /// Of this process and of the watched one, when measuring began and ended.
    own: [Option<Usage>; 2],
    watched: [Option<Usage>; 2],
    ticked: u64,
    received_then: u64,
}

impl<'a> Generator<'a> {
    fn new(plan: &'a Plan) -> io::Result<Self> {
        let target = &plan.target;
        Ok(Self {
            plan,
            script: Script::new(&plan.sizes, plan.content),
            request: Request::new(&target.authority, &target.path, *b"a measuring tool", None),
            poll: Poll::new()?,
            buf: vec![0; BUFFER].into_boxed_slice(),
            started: Instant::now(),
            connections: Vec::with_capacity(plan.connections),
            open: Vec::with_capacity(plan.connections),
            opening: Vec::new(),
            stage: Stage::Opening,
            budget: match plan.until {
                Until::Elapsed(_) => u64::MAX,
                Until::Messages(n) => n,
            },
            tally: Tally::new(),
            own: [None; 2],
            watched: [None; 2],
            ticked: 0,
            received_then: 0,
        })
    }

    /// Nanoseconds since the run started.
    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn usage(&self) -> Option<Usage> {
        self.plan.watched.and_then(Usage::of)
    }

    /// Opens all connections, at the pace that the plan says.
    fn open_all(&mut self, events: &mut Events, observer: &mut dyn Observe) -> io::Result<()> {
        loop {
            let now = self.now();
            let allowed = self.plan.ramp.map_or(self.plan.connections, |per_second| {
                self.plan
                    .connections
                    .min((now as f64 / 1e9 * per_second) as usize + 1)
            });
            while self.connections.len() < allowed && self.opening.len() < OPENING_MAX {
                self.connect(now)?;
            }
            if self.connections.len() == self.plan.connections && self.opening.is_empty() {
                return Ok(());
            }
            self.expire(now);
            self.turn(events, Some(MILLISECOND))?;
            self.tick(observer);
        }
    }

    fn connect(&mut self, now: u64) -> io::Result<()> {
        let index = self.connections.len();
        let sources = &self.plan.sources;
        let source = (!sources.is_empty()).then(|| sources[index % sources.len()]);
        // Connections do not all send the long messages of a mix at the same time.
        let first = (index * 7919 % self.script.len()) as u64;
        let target = self.plan.target.address;
        match Connection::connect(target, source, first, &self.script) {
            Ok(mut connection) => {
                self.poll.registry().register(
                    &mut connection.stream,
                    Token(index),
                    Interest::READABLE | Interest::WRITABLE,
                )?;
                self.connections.push(Some(connection));
                self.opening.push((index, now));
            }
            Err(error) => {
                self.connections.push(None);
                self.tally.failed(Fault::Connect(error.kind()), 0);
            }
        }
        Ok(())
    }

    /// Gives up what takes too long to open.
    fn expire(&mut self, now: u64) {
        let is_late = |since: u64| now - since > OPENING_TIMEOUT;
        while let Some(&(index, since)) = self.opening.first()
            && is_late(since)
        {
            self.fail(index, Fault::OpeningTimeout);
        }
    }

    fn traffic(&mut self, events: &mut Events, observer: &mut dyn Observe) -> io::Result<()> {
        let start = self.now();
        let warm_up = match self.plan.until {
            Until::Elapsed(_) => nanos(self.plan.warm_up),
            Until::Messages(_) => 0,
        };
        self.tally.begin = start + warm_up;
        if let Until::Elapsed(duration) = self.plan.until {
            self.tally.end = self.tally.begin + nanos(duration);
        }
        self.stage = Stage::WarmUp;
        let mut schedule = match self.plan.pace {
            Pace::Closed { depth } => {
                self.fill(depth, start);
                None
            }
            Pace::Open { rate } => Some(Schedule::new(start, rate)),
        };
        let mut give_up = u64::MAX;
        while !self.open.is_empty() {
            let now = self.now();
            if self.stage == Stage::WarmUp && now >= self.tally.begin {
                self.stage = Stage::Measuring;
                self.own[0] = Usage::of(getpid());
                self.watched[0] = self.usage();
            }
            let mut wait = 10 * MILLISECOND;
            let mut all_sent = now >= self.tally.end;
            if let Some(schedule) = &mut schedule
                && self.stage != Stage::Draining
            {
                // What was due before the end is sent, however late this loop is.
                self.send_due(schedule, now);
                all_sent = schedule.next_due() >= self.tally.end;
                wait = wait.min(schedule.next_due().saturating_sub(self.now()));
            }
            if self.stage == Stage::Measuring && (all_sent || self.budget == 0) {
                self.stage = Stage::Draining;
                give_up = now + nanos(self.plan.patience);
                self.measure_end();
            }
            let all_answered = self.stage == Stage::Draining && self.tally.in_flight() == 0;
            if all_answered || now >= give_up {
                break;
            }
            self.turn(events, (wait >= MILLISECOND).then_some(wait))?;
            self.tick(observer);
        }
        if self.tally.end == u64::MAX {
            self.tally.end = self.tally.last.max(self.tally.begin + 1);
            self.measure_end();
        }
        Ok(())
    }

    fn measure_end(&mut self) {
        self.own[1] = Usage::of(getpid());
        self.watched[1] = self.usage();
    }

    /// Starts a closed loop.
    fn fill(&mut self, depth: u32, now: u64) {
        for index in self.open.clone() {
            self.guard(index, |generator, connection| {
                generator.send(connection, depth, now, now);
                connection.flush(&generator.script)
            });
        }
    }

    /// Sends the messages of an open loop that are due, on all connections in turn.
    fn send_due(&mut self, schedule: &mut Schedule, now: u64) {
        let mut touched = Vec::new();
        while touched.len() < DUE_AT_ONCE && self.budget > 0 {
            let due = schedule.next_due();
            if due > now || due >= self.tally.end {
                break;
            }
            let turn = schedule.take() as usize % self.open.len();
            let index = self.open[turn];
            if let Some(mut connection) = self.connections[index].take() {
                self.send(&mut connection, 1, due, now);
                self.connections[index] = Some(connection);
                touched.push(index);
            }
        }
        for index in touched {
            self.guard(index, |generator, connection| {
                connection.flush(&generator.script)
            });
        }
    }

    /// Has up to `n` messages sent that are due at `due`.
    fn send(&mut self, connection: &mut Connection, n: u32, due: u64, now: u64) {
        let n = u32::try_from(self.budget).map_or(n, |budget| budget.min(n));
        if n > 0 {
            self.budget -= u64::from(n);
            connection.owe(n, due);
            self.tally.sent(n, due, now);
        }
    }

    /// Waits, for `wait` nanoseconds or not at all, and handles what happened.
    fn turn(&mut self, events: &mut Events, wait: Option<u64>) -> io::Result<()> {
        let wait = wait.map_or(Duration::ZERO, Duration::from_nanos);
        match self.poll.poll(events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        for event in &*events {
            self.guard(event.token().0, |generator, connection| {
                generator.handle(connection, event)
            });
        }
        Ok(())
    }

    /// Does something with a connection, and gives it up if that fails.
    fn guard(
        &mut self,
        index: usize,
        handle: impl FnOnce(&mut Self, &mut Connection) -> Result<(), Fault>,
    ) {
        let Some(mut connection) = self.connections[index].take() else {
            return;
        };
        let handled = handle(self, &mut connection);
        self.connections[index] = Some(connection);
        if let Err(fault) = handled {
            self.fail(index, fault);
        }
    }

    fn fail(&mut self, index: usize, fault: Fault) {
        let connection = self.connections[index].take();
        let in_flight = connection.map_or(0, |connection| connection.in_flight());
        self.opening.retain(|&(other, _)| other != index);
        self.open.retain(|&other| other != index);
        self.tally.failed(fault, in_flight);
    }

    fn handle(&mut self, connection: &mut Connection, event: &Event) -> Result<(), Fault> {
        if matches!(connection.stage, ConnectionStage::Connecting) {
            connection.handle_connected(&self.request)?;
        }
        if matches!(connection.stage, ConnectionStage::Opening(_)) {
            let response = connection.read_response(&self.request, &mut self.buf, &self.script)?;
            if response.is_some() {
                let index = event.token().0;
                self.opening.retain(|&(other, _)| other != index);
                self.open.push(index);
            }
        }
        while let Some(arrived) = connection.read(&mut self.buf, &self.script, self.plan.sample)? {
            let now = self.now();
            let n = arrived.taken.messages;
            self.tally.octets(arrived.taken.octets, now);
            connection.land(n, |due, n| self.tally.landed(n, due, now));
            match (self.plan.pace, self.stage) {
                (Pace::Closed { .. }, Stage::WarmUp | Stage::Measuring) => {
                    self.send(connection, n, now, now);
                }
                (Pace::Closed { .. }, Stage::Opening | Stage::Draining)
                | (Pace::Open { .. }, _) => {}
            }
            // A read that does not fill the buffer has emptied the socket, and what comes later is
            // a new edge. Only the end of the stream is no octet: where it was announced, read on.
            if !arrived.more && !event.is_read_closed() {
                break;
            }
        }
        connection.flush(&self.script)
    }

    fn tick(&mut self, observer: &mut dyn Observe) {
        let now = self.now();
        if now < self.ticked + TICK {
            return;
        }
        let seconds = (now - self.ticked) as f64 / 1e9;
        let messages = self.tally.received - self.received_then;
        observer.tick(&Snapshot {
            stage: self.stage,
            open: self.open.len(),
            failed: self.failed(),
            per_second: messages as f64 / seconds,
            in_flight: self.tally.in_flight(),
            latency: self.tally.latency(),
        });
        self.ticked = now;
        self.received_then = self.tally.received;
    }

    fn failed(&self) -> usize {
        self.connections.len() - self.open.len() - self.opening.len()
    }

    fn report(&self, before: Option<Usage>, open: Option<Usage>) -> Report {
        let messages = self.tally.messages();
        let elapsed = Duration::from_secs_f64(messages.seconds);
        let generator_processor = match self.own {
            [Some(begin), Some(end)] => {
                let used = end.processor.saturating_sub(begin.processor);
                Some(used.as_secs_f64() / messages.seconds)
            }
            _ => None,
        };
        let server = match (before, open, self.watched) {
            (Some(before), Some(open), [Some(begin), Some(end)]) => Some(ServerUsage::new(
                &[before, open, begin, end],
                elapsed,
                messages.received,
            )),
            _ => None,
        };
        Report {
            connections: Connections {
                wanted: self.plan.connections,
                open: self.open.len(),
                failed: self.failed(),
            },
            messages,
            latency: self.tally.latency(),
            late: match self.plan.pace {
                Pace::Closed { .. } => None,
                Pace::Open { .. } => Some(self.tally.late()),
            },
            generator_processor,
            server,
            errors: self.tally.faults.clone(),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
