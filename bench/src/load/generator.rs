//! The main loop: opens the connections, keeps messages in flight or sends them when they are due, and
//! measures in a time window.

mod opening;
mod traffic;

use std::{
    io,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use mio::{Events, Poll, event::Event};
use wsproto::Compression;

use super::{
    company::Company,
    compression::Offer,
    connection::{Connection, Stage as ConnectionStage},
    fault::Fault,
    plan::{Pace, Plan, Until},
    report::{Connections, Latency, Misdeeds, Report, ServerUsage},
    script::Script,
    tally::Tally,
};
use crate::{
    opening::Request,
    process::{Usage, raise_file_limit},
};

/// Maximum number of bytes per read.
const BUFFER: usize = 256 << 10;
/// Interval between calls of the observer, in nanoseconds.
const TICK: u64 = 250_000_000;
/// The system waits in milliseconds. Shorter waits are busy-waits.
const MILLISECOND: u64 = 1_000_000;

/// An observer of a run.
pub trait Observe {
    /// Called a few times per second. May end the run early.
    fn tick(&mut self, snapshot: &Snapshot) -> ControlFlow<()>;
}

/// Observes nothing.
impl Observe for () {
    fn tick(&mut self, _: &Snapshot) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Connections are being opened.
    Opening,
    /// Messages are sent and not counted.
    WarmUp,
    /// Messages are sent and counted.
    Measuring,
    /// Nothing is sent; the run waits for missing answers.
    Draining,
}

/// A snapshot of a run.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot {
    /// The current stage.
    pub stage: Stage,
    /// Number of open connections.
    pub open: usize,
    /// Number of connections given up.
    pub failed: usize,
    /// Messages answered per second since the last snapshot.
    pub per_second: f64,
    /// Messages in flight.
    pub in_flight: u64,
    /// The latencies so far.
    pub latency: Latency,
}

/// Runs `plan` and returns the report.
///
/// # Errors
/// If the system cannot poll for events. Errors of single connections are in the report.
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
    /// The compression that the server agreed to.
    compression: Option<Compression>,
    poll: Poll,
    buf: Box<[u8]>,
    started: Instant,
    /// `None` if the connection was given up.
    connections: Vec<Option<Connection>>,
    /// Indices of open connections.
    open: Vec<usize>,
    /// Indices of connections being opened, with their start times.
    opening: Vec<(usize, u64)>,
    stage: Stage,
    /// Number of messages that may still be sent.
    budget: u64,
    tally: Tally,
    /// Usage of this process and of the watched one at the start and end of the measurement.
    own: [Option<Usage>; 2],
    watched: [Option<Usage>; 2],
    /// Bad neighbours, from the first message on, and their totals at the start of the measurement.
    company: Option<Company>,
    misdeeds: [Option<Misdeeds>; 2],
    ticked: u64,
    received_then: u64,
}

impl<'a> Generator<'a> {
    fn new(plan: &'a Plan) -> io::Result<Self> {
        let target = &plan.target;
        Ok(Self {
            plan,
            script: Script::new(&plan.sizes, plan.content),
            request: Request::new(
                &target.authority,
                &target.path,
                *b"a measuring tool",
                plan.compression.map(Offer::header),
            ),
            compression: None,
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
            company: None,
            misdeeds: [None; 2],
            ticked: 0,
            received_then: 0,
        })
    }

    /// Returns the nanoseconds since the run started.
    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn usage(&self) -> Option<Usage> {
        self.plan.watched.and_then(Usage::of)
    }

    /// Polls for `wait` nanoseconds, or without waiting, and handles the events.
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
        if let Some(company) = &mut self.company {
            company.step(self.started.elapsed().as_nanos() as u64);
        }
        Ok(())
    }

    /// Runs an action on a connection, and gives the connection up if the action fails.
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
            let opened = connection.read_response(&self.request, &mut self.buf)?;
            if let Some((response, bytes)) = opened {
                let index = event.token().0;
                let reading = self.reading(index, connection.next(), &response)?;
                connection.begin(reading, &bytes, &self.script)?;
                self.opening.retain(|&(other, _)| other != index);
                self.open.push(index);
            }
        }
        while let Some(arrived) = connection.read(&mut self.buf, &self.script, self.plan.sample)? {
            let now = self.now();
            let n = arrived.taken.messages;
            self.tally.bytes(arrived.taken.bytes, now);
            connection.land(n, |due, n| self.tally.landed(n, due, now));
            match (self.plan.pace, self.stage) {
                (Pace::Closed { .. }, Stage::WarmUp | Stage::Measuring) => {
                    self.send(connection, n, now, now);
                }
                (Pace::Closed { .. }, Stage::Opening | Stage::Draining)
                | (Pace::Open { .. } | Pace::Broadcast, _) => {}
            }
            // A read that does not fill the buffer has emptied the socket, and later data is a new
            // edge. Only the end of the stream brings no data: if it was announced, read on.
            if !arrived.more && !event.is_read_closed() {
                break;
            }
        }
        connection.flush(&self.script)
    }

    fn tick(&mut self, observer: &mut dyn Observe) -> ControlFlow<()> {
        let now = self.now();
        if now < self.ticked + TICK {
            return ControlFlow::Continue(());
        }
        let seconds = (now - self.ticked) as f64 / 1e9;
        let messages = self.tally.received - self.received_then;
        let snapshot = Snapshot {
            stage: self.stage,
            open: self.open.len(),
            failed: self.failed(),
            per_second: messages as f64 / seconds,
            in_flight: self.tally.in_flight(),
            latency: self.tally.latency(),
        };
        self.ticked = now;
        self.received_then = self.tally.received;
        observer.tick(&snapshot)
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
            p99s: self.tally.p99s(),
            late: match self.plan.pace {
                Pace::Open { .. } => Some(self.tally.late()),
                Pace::Closed { .. } | Pace::Broadcast => None,
            },
            rounds: match self.plan.pace {
                Pace::Broadcast => Some(self.tally.rounds()),
                Pace::Closed { .. } | Pace::Open { .. } => None,
            },
            generator_processor,
            server,
            neighbours: match self.misdeeds {
                [Some(begin), Some(end)] => Some(end.since(begin)),
                _ => None,
            },
            errors: self.tally.faults.clone(),
        }
    }
}
