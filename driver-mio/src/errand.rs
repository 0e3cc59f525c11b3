//! What loops of one type ask of each other: connections that change hands.

use std::{io, net::SocketAddr, sync::Arc};

use driver_kit::target::Target;
use socket2::Socket;
use wsproto::Config;

use crate::{
    Adopt, Connect, Stream,
    command::{Command, Mailbox},
};

/// Something for a loop whose connections have such a state.
pub(crate) enum Errand<S> {
    /// A connection that another loop has accepted, and counted.
    Accepted(Socket, Arc<Config>),
    Adopt(Stream, Adopt, S),
    Dial(Box<DialOrder<S>>),
}

/// A connection to be made.
pub(crate) struct DialOrder<S> {
    pub(crate) connect: Connect,
    pub(crate) target: Target,
    pub(crate) addresses: io::Result<Vec<SocketAddr>>,
    pub(crate) state: S,
}

impl<S: Send + 'static> Errand<S> {
    /// Sends it to a loop; gives it back if that has ended.
    pub(crate) fn send(self, mailbox: &Mailbox) -> Result<(), Box<Self>> {
        let command = Command::Errand(Box::new(self));
        match mailbox.push(command) {
            Err(Command::Errand(errand)) => match errand.downcast() {
                Ok(errand) => Err(errand),
                Err(_) => unreachable!("it comes back as it went"),
            },
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
