//! Connections that are dialled.

use std::{io, net::SocketAddr, time::Instant};

use driver_kit::{connect::ConnectError, wheel};
use mio::Token;
use socket2::Socket;

use super::{ATTEMPTS, EventLoop, timer::Timer};
use crate::{
    client::{
        dials::{PendingDial, Progress},
        request::DialRequest,
    },
    connection::{context::Extras, slot::Slot},
    handler::Handler,
};

impl<H: Handler> EventLoop<H> {
    /// Begins to dial, if the name has addresses.
    pub(super) fn begin_dial(
        &mut self,
        request: Box<DialRequest>,
        addresses: io::Result<Vec<SocketAddr>>,
        state: H::State,
    ) {
        if self.closing {
            return self.connect_failed(state, ConnectError::ShutDown);
        }
        match addresses {
            Ok(addresses) => {
                let dial = self.dials.begin(request, addresses, state);
                self.step_dial(dial);
            }
            Err(error) => self.connect_failed(state, ConnectError::Resolve(error)),
        }
    }

    pub(super) fn step_dial(&mut self, index: u32) {
        let registry = self.poll.registry();
        let token = |attempt| Token(ATTEMPTS + attempt as usize);
        let progress = self.dials.step(index, Instant::now(), registry, token);
        if let Some(progress) = progress {
            self.advance_dial(index, progress);
        }
    }

    /// Handles an event of the poller for an attempt to connect.
    pub(super) fn attempt_ready(&mut self, attempt: u32) {
        match self.dials.attempt_ready(attempt) {
            Some((index, Some(progress))) => self.advance_dial(index, progress),
            Some((index, None)) => self.step_dial(index),
            None => {}
        }
    }

    fn advance_dial(&mut self, index: u32, progress: Progress<H::State>) {
        match progress {
            Progress::Wait(until) => {
                if let Some(until) = until {
                    self.arm_dial(index, until);
                }
            }
            Progress::Connected(dial, socket) => self.connected(dial, socket),
            Progress::Failed(dial, error) => {
                self.cancel(dial.timer);
                self.connect_failed(dial.state, error);
            }
        }
    }

    fn arm_dial(&mut self, index: u32, until: Instant) {
        let nanos = self.nanos_at(until);
        if let Some(timer) = self.dials.timer(index) {
            match *timer {
                Some(key) => drop(self.wheel.rearm(key, nanos)),
                None => *timer = Some(self.wheel.arm(nanos, Timer::Dial(index).into())),
            }
        }
    }

    /// Takes in a connection whose transport is connected. Its handshake begins.
    fn connected(&mut self, dial: PendingDial<H::State>, socket: Socket) {
        self.cancel(dial.timer);
        let connection = match dial.request.plan.begin(&mut self.lease.env) {
            Ok(connection) => connection,
            Err(error) => return self.connect_failed(dial.state, error),
        };
        self.shared.control.add_connection();
        let extras = dial.request.plan.may_redirect().then(|| {
            Box::new(Extras {
                dial_request: Some(dial.request),
                ..Extras::default()
            })
        });
        let slot = Slot::new(connection, Some(socket), extras, dial.state);
        if let Err(error) = self.insert_registered(slot) {
            self.shared.control.remove_connection();
            self.connect_failed(H::State::default(), ConnectError::Socket(error));
        }
    }

    fn cancel(&mut self, timer: Option<wheel::Key>) {
        if let Some(timer) = timer {
            self.wheel.cancel(timer);
        }
    }
}
