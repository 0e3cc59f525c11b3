//! Execution of the commands of other threads.

use std::mem;

use driver_kit::connect::ConnectError;

use super::{EventLoop, slab::Key};
use crate::{
    command::{Command, ConnectionCommand, loop_command::LoopCommand},
    connection::adopt::{Adopt, Stream},
    handler::Handler,
    server::answer::Answer,
};

impl<H: Handler> EventLoop<H> {
    /// Executes the commands that have come in. Frames that they queue are written behind the last of them.
    pub(super) fn execute_commands(&mut self) {
        let mut commands = mem::take(&mut self.commands);
        self.mailbox.take(&mut commands);
        let mut left = commands.drain(..).peekable();
        while let Some(command) = left.next() {
            match command {
                Command::Connection(key, command) => self.execute_on_connection(key, command),
                Command::Answer(key, answer) => self.answer(key, &answer),
                Command::Notified(key) => self.notified(key),
                Command::Loop(command) => match command.downcast() {
                    Ok(command) => self.execute_on_loop(*command),
                    Err(_) => unreachable!("loops get commands of their own type"),
                },
                Command::Broadcast(broadcast, recipients, except) => {
                    let another = matches!(left.peek(), Some(Command::Broadcast(..)));
                    self.broadcast(&broadcast, recipients, except, another);
                }
                Command::Subscribe(key, topic) => self.subscribe(key, topic),
                Command::Unsubscribe(key, topic) => self.unsubscribe(key, &topic),
                Command::Accept => {
                    for number in 0..self.listeners.len() as u32 {
                        self.resume_listener(number);
                    }
                }
                Command::ShutDown => self.begin_shutdown(),
                Command::Abandon => {
                    self.begin_shutdown();
                    self.drop_all();
                }
            }
        }
        drop(left);
        self.commands = commands;
    }

    /// Executes a command of a handle, and releases its reservation.
    fn execute_on_connection(&mut self, key: Key, command: ConnectionCommand) {
        let Some(slot) = self.connections.get(key) else {
            return;
        };
        let dispatcher = self.shared.dispatcher(&self.mailbox);
        let demand = command.demand();
        let promised = demand.is_some_and(|demand| {
            let state = slot.handle_state();
            state.is_some_and(|state| state.promises(demand))
        });
        slot.with_context(&dispatcher, &mut self.lease.env, key, |context, _| {
            command.execute(context, promised);
        });
        if let (Some(demand), Some(state)) = (demand, slot.handle_state()) {
            state.executed(demand, slot.connection.queued());
        }
        self.schedule(key.index);
    }

    fn answer(&mut self, key: Key, answer: &Answer) {
        if let Some(slot) = self.connections.get(key) {
            slot.answer(answer, &mut self.lease.env);
            if self.closing {
                self.go_away(key.index);
            }
            self.schedule(key.index);
        }
    }

    fn notified(&mut self, key: Key) {
        if let Some(slot) = self.connections.get(key) {
            slot.note_readiness(true, true, true);
            self.schedule(key.index);
        }
    }

    fn execute_on_loop(&mut self, command: LoopCommand<H::State>) {
        match command {
            LoopCommand::Accepted(socket, config) => self.accepted(socket, config),
            LoopCommand::Adopt(stream, adopt, state) => self.adopt(stream, &adopt, state),
            LoopCommand::Dial(request, addresses, state) => {
                self.begin_dial(request, addresses, state);
            }
            LoopCommand::Redirected(request, state) => {
                if let Err((error, state)) = self.shared.dial(&self.mailbox, request, state) {
                    self.connect_failed(state, error);
                }
            }
        }
    }

    fn adopt(&mut self, stream: Stream, adopt: &Adopt, state: H::State) {
        if self.closing {
            return self.connect_failed(state, ConnectError::ShutDown);
        }
        let connection = match adopt.begin(&mut self.lease.env) {
            Ok(connection) => connection,
            Err(error) => return self.connect_failed(state, error),
        };
        self.shared.control.add_connection();
        if let Err(error) = self.insert(connection, stream, &adopt.received, state) {
            self.shared.control.remove_connection();
            self.connect_failed(H::State::default(), ConnectError::Socket(error));
        }
    }
}
