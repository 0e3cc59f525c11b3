//! Connections that are accepted.

use std::sync::Arc;

use socket2::Socket;
use wsproto::{Config, Connection};

use super::{EventLoop, timer::Timer};
use crate::{
    command::loop_command::LoopCommand,
    connection::adopt::{Stream, StreamKind},
    failure::Failure,
    handler::Handler,
    server::listener::Accepted,
};

/// Connections that are accepted from one listener before the loop goes on.
const BATCH: usize = 64;

impl<H: Handler> EventLoop<H> {
    /// Accepts connections from a listener.
    pub(super) fn accept(&mut self, number: u32) {
        for _ in 0..BATCH {
            let Some(listener) = self.listeners.get_mut(number as usize) else {
                return;
            };
            if listener.is_waiting() {
                return;
            }
            if !self.shared.control.try_add_connection() {
                // The next connection that ends has all listeners resumed.
                return listener.wait();
            }
            match listener.accept() {
                Accepted::Socket(socket) => self.pass_on(number, socket),
                Accepted::Nothing => return self.shared.control.remove_connection(),
                Accepted::Failed(error, pause) => {
                    self.shared.control.remove_connection();
                    if let Some(pause) = pause {
                        listener.wait();
                        let until = self.lease.env.now() + pause;
                        let timer = Timer::Listener(number).into();
                        self.wheel.arm(until.as_nanos(), timer);
                        return self.shared.observer.report(Failure::Accept(error));
                    }
                    self.shared.observer.report(Failure::Accept(error));
                }
            }
        }
        // There may be more, for which no event will come.
        self.accepting.push(number);
    }

    /// Has a listener that has waited accept again.
    pub(super) fn resume_listener(&mut self, number: u32) {
        let listener = self.listeners.get_mut(number as usize);
        if listener.is_some_and(|listener| listener.resume()) {
            self.accepting.push(number);
        }
    }

    /// Passes an accepted connection to the loop whose turn it is.
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
                let accepted = LoopCommand::<H::State>::Accepted(socket, config);
                if accepted.send(mailbox).is_err() {
                    self.shared.control.remove_connection();
                }
            }
            Some(_) | None => self.accepted(socket, config),
        }
    }

    /// Takes in a connection that was accepted and counted.
    pub(super) fn accepted(&mut self, socket: Socket, config: Arc<Config>) {
        if self.closing {
            return self.shared.control.remove_connection();
        }
        let connection = Connection::accepting(config, &mut self.lease.env);
        let stream = Stream(StreamKind::Socket(socket));
        if let Err(error) = self.insert(connection, stream, &[], H::State::default()) {
            self.shared.control.remove_connection();
            self.shared.observer.report(Failure::Accept(error));
        }
    }
}
