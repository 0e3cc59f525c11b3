//! How a loop accepts connections, and dials them.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use driver_kit::{connect::ConnectError, wheel};
use socket2::Socket;
use wsproto::{Config, Connection};

use crate::{
    Handler, Stream,
    client::dials::{Next, Route},
    command::loop_command::Errand,
    connection::adopt::Under,
    connection::context::Extras,
    connection::slot::Entry,
    event_loop::timer::Timer,
    event_loop::{EventLoop, attempt_token},
    failure::Failure,
    server::listener::Accepted,
};

/// Connections that are accepted before the others have their turn.
const BATCH: usize = 64;

impl<H: Handler> EventLoop<H> {
    /// Accepts what waits at a listener.
    pub(crate) fn accept(&mut self, number: u32) {
        for _ in 0..BATCH {
            let Some(listener) = self.listeners.get_mut(number as usize) else {
                return;
            };
            if listener.is_waiting() {
                return;
            }
            if !self.shared.control.admit() {
                // Whoever leaves makes room, and says so.
                return listener.wait();
            }
            match listener.accept() {
                Accepted::Socket(socket) => self.pass_on(number, socket),
                Accepted::Nothing => return self.shared.control.gone(),
                Accepted::Failed(error, pause) => {
                    self.shared.control.gone();
                    if let Some(pause) = pause {
                        listener.wait();
                        let until = self.lease.env.now() + pause;
                        let timer = Timer::Listener(number).into();
                        self.wheel.arm(until.as_nanos(), timer);
                        return self.shared.observer.tell(Failure::Accept(error));
                    }
                    self.shared.observer.tell(Failure::Accept(error));
                }
            }
        }
        // There may be more, after the others had their turn.
        self.accepting.push(number);
    }

    /// A listener that has waited accepts again.
    pub(crate) fn resume_listener(&mut self, number: u32) {
        let listener = self.listeners.get_mut(number as usize);
        if listener.is_some_and(|listener| listener.resume()) {
            self.accepting.push(number);
        }
    }

    /// Gives an accepted connection to the loop whose turn it is.
    fn pass_on(&mut self, number: u32, socket: Socket) {
        let Some(listener) = self.listeners.get_mut(number as usize) else {
            return;
        };
        let config = Arc::clone(&listener.config);
        let mailboxes = self.shared.control.mailboxes();
        match listener
            .next_loop(mailboxes.len())
            .map(|next| &mailboxes[next])
        {
            Some(mailbox) if !Arc::ptr_eq(mailbox, &self.mailbox) => {
                if Errand::<H::State>::Accepted(socket, config)
                    .send(mailbox)
                    .is_err()
                {
                    self.shared.control.gone();
                }
            }
            Some(_) | None => self.accepted(socket, config),
        }
    }

    /// Takes in a connection that was accepted and counted.
    pub(crate) fn accepted(&mut self, socket: Socket, config: Arc<Config>) {
        if self.closing {
            return self.shared.control.gone();
        }
        let connection = Connection::accepting(config, &mut self.lease.env);
        let stream = Stream(Under::Socket(socket));
        if let Err(error) = self.insert(connection, stream, &[], H::State::default()) {
            self.shared.control.gone();
            self.shared.observer.tell(Failure::Accept(error));
        }
    }

    // Dialling.

    pub(crate) fn begin_dial(
        &mut self,
        route: Box<Route>,
        addresses: io::Result<Vec<SocketAddr>>,
        state: H::State,
    ) {
        if self.closing {
            return self.not_connected(state, ConnectError::ShutDown);
        }
        match addresses {
            Ok(addresses) => {
                let dial = self.dials.begin(route, addresses, state);
                self.step_dial(dial);
            }
            Err(error) => self.not_connected(state, ConnectError::Resolve(error)),
        }
    }

    pub(crate) fn step_dial(&mut self, dial: u32) {
        let registry = self.poll.registry();
        if let Some(next) = self
            .dials
            .step(dial, Instant::now(), registry, attempt_token)
        {
            self.dialled(dial, next);
        }
    }

    /// The poller has news of an attempt to connect.
    pub(crate) fn attempted(&mut self, attempt: u32) {
        match self.dials.news(attempt) {
            Some((dial, Some(next))) => self.dialled(dial, next),
            Some((dial, None)) => self.step_dial(dial),
            None => {}
        }
    }

    fn dialled(&mut self, index: u32, next: Next<H::State>) {
        match next {
            Next::Wait(until) => {
                if let (Some(until), Some(timer)) = (until, self.dials.timer(index)) {
                    let nanos = until.saturating_duration_since(self.epoch).as_nanos();
                    let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
                    match *timer {
                        Some(key) => drop(self.wheel.rearm(key, nanos)),
                        None => *timer = Some(self.wheel.arm(nanos, Timer::Dial(index).into())),
                    }
                }
            }
            Next::Connected(dial, socket) => {
                self.disarm(dial.timer);
                let connection = match dial.route.plan.begin(&mut self.lease.env) {
                    Ok(connection) => connection,
                    Err(error) => return self.not_connected(dial.state, error),
                };
                self.shared.control.count();
                let extras = dial.route.plan.may_redirect().then(|| {
                    Box::new(Extras {
                        route: Some(dial.route),
                        ..Extras::default()
                    })
                });
                let entry = Entry::new(connection, Some(socket), extras, dial.state);
                if let Err(error) = self.insert_registered(entry) {
                    self.shared.control.gone();
                    self.not_connected(H::State::default(), ConnectError::Socket(error));
                }
            }
            Next::Failed(dial, error) => {
                self.disarm(dial.timer);
                self.not_connected(dial.state, error);
            }
        }
    }

    fn disarm(&mut self, timer: Option<wheel::Key>) {
        if let Some(timer) = timer {
            self.wheel.cancel(timer);
        }
    }
}
