//! Commands that only loops of one handler's type understand: connections that change hands.

use std::{io, net::SocketAddr, sync::Arc};

use socket2::Socket;
use wsproto::Config;

use super::{Command, LoopMailbox};
use crate::{
    client::request::DialRequest,
    connection::adopt::{Adopt, Stream},
};

/// A command to a loop whose connections have a state of type `S`.
pub(crate) enum LoopCommand<S> {
    /// Take in a connection that another loop has accepted and counted.
    Accepted(Socket, Arc<Config>),
    /// Take in a connection that comes from elsewhere.
    Adopt(Stream, Adopt, S),
    /// Connect to one of these addresses.
    Dial(Box<DialRequest>, io::Result<Vec<SocketAddr>>, S),
    /// Connect again, to where the server has redirected.
    Redirected(Box<DialRequest>, S),
}

impl<S: Send + 'static> LoopCommand<S> {
    /// Sends the command to a loop. Gives it back if the loop has ended.
    pub(crate) fn send(self, mailbox: &LoopMailbox) -> Result<(), Box<Self>> {
        match mailbox.push(Command::Loop(Box::new(self))) {
            Err(Command::Loop(command)) => match command.downcast() {
                Ok(command) => Err(command),
                Err(_) => unreachable!("it comes back as it went"),
            },
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
