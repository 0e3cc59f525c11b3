//! What loops of one type ask of each other: connections that change hands.

use std::{io, net::SocketAddr, sync::Arc};

use socket2::Socket;
use wsproto::Config;

use crate::{
    Adopt, Stream,
    client::dials::Route,
    command::{Command, Mailbox},
};

/// Something for a loop whose connections have such a state.
pub(crate) enum Errand<S> {
    /// A connection that another loop has accepted, and counted.
    Accepted(Socket, Arc<Config>),
    Adopt(Stream, Adopt, S),
    /// A connection to be made, to one of these addresses.
    Dial(Box<Route>, io::Result<Vec<SocketAddr>>, S),
    /// A connection to be made elsewhere than was thought.
    Redirected(Box<Route>, S),
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
