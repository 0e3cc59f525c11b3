//! State that all loops of one handler share.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use driver_kit::connect::ConnectError;

use super::control::Control;
use crate::{
    client::{request::DialRequest, resolver::Resolver},
    command::{LoopMailbox, loop_command::LoopCommand},
    connection::dispatcher::Dispatcher,
    failure::Observer,
    handler::Handler,
};

/// State that all loops of one handler share.
pub(crate) struct Shared<H> {
    pub(crate) handler: H,
    pub(crate) observer: Observer,
    pub(crate) control: Arc<Control>,
    pub(crate) resolver: Arc<Resolver>,
}

impl<H> Shared<H> {
    /// Returns the dispatcher of the loop with that mailbox.
    pub(crate) const fn dispatcher<'a>(
        &'a self,
        mailbox: &'a Arc<LoopMailbox>,
    ) -> Dispatcher<'a, H> {
        Dispatcher {
            handler: &self.handler,
            observer: &self.observer,
            mailbox,
        }
    }
}

impl<H: Handler> Shared<H> {
    /// Has a loop dial, as soon as the name is resolved. If there is no use in trying, the state comes back.
    pub(crate) fn dial(
        self: &Arc<Self>,
        mailbox: &Arc<LoopMailbox>,
        request: Box<DialRequest>,
        state: H::State,
    ) -> Result<(), (ConnectError, H::State)> {
        let target = request.plan.target();
        if target.is_secure() {
            return Err((ConnectError::TlsUnsupported, state));
        }
        let port = target.port();
        if let Ok(address) = target.host().parse::<IpAddr>() {
            let addresses = Ok(vec![SocketAddr::new(address, port)]);
            return send_dial(mailbox, LoopCommand::Dial(request, addresses, state));
        }
        let host = target.host().to_owned();
        let (shared, mailbox) = (Arc::clone(self), Arc::clone(mailbox));
        self.resolver.resolve(host, port, move |addresses| {
            let dial = LoopCommand::Dial(request, addresses, state);
            if let Err((error, state)) = send_dial(&mailbox, dial) {
                shared.handler.on_connect_failed(state, error);
            }
        });
        Ok(())
    }
}

/// Sends a dial to a loop. If the loop has ended, the state comes back.
fn send_dial<S: Send + 'static>(
    mailbox: &LoopMailbox,
    dial: LoopCommand<S>,
) -> Result<(), (ConnectError, S)> {
    dial.send(mailbox).map_err(|command| match *command {
        LoopCommand::Dial(_, _, state) => (ConnectError::ShutDown, state),
        LoopCommand::Accepted(..) | LoopCommand::Adopt(..) | LoopCommand::Redirected(..) => {
            unreachable!("it comes back as it went")
        }
    })
}
