//! What handles have asked for, carried out on the connection's loop.

use wsproto::{CloseCode, SendError};

use crate::{
    command::{Call, Order},
    completion::Completion,
    context::Context,
};

impl Order {
    /// Carries it out.
    pub(crate) fn obey(self, context: &mut Context<'_>) {
        match self {
            Self::Send(message, completion) => {
                let sent = context.send_message(message);
                settle(context, sent, completion);
            }
            Self::SendPrepared(message, completion) => {
                let sent = context.send_prepared(&message);
                settle(context, sent, completion);
            }
            Self::Start(kind) => {
                // If it fails, so will its parts.
                let _ = context.start(kind);
            }
            Self::Write(part) => {
                let written = context.write(&part);
                check_part(context, &written);
            }
            Self::Finish(part, completion) => {
                let finished = context.finish(&part);
                check_part(context, &finished);
                settle(context, finished, completion);
            }
            Self::Ping(payload) => {
                // Its length was checked, and a connection that has closed needs no ping.
                let _ = context.ping(&payload);
            }
            Self::Close(code, reason) => context.close(code, &reason),
            Self::Pause => context.pause(),
            Self::Resume => context.resume(),
            Self::Call(Call(call)) => call(context),
        }
    }
}

/// Has the sender told, if he wants to know.
fn settle(context: &mut Context<'_>, sent: Result<(), SendError>, completion: Option<Completion>) {
    match (sent, completion) {
        (Ok(()), Some(completion)) => context.wait(completion),
        (Err(error), Some(completion)) => completion.complete(Err(error)),
        (_, None) => {}
    }
}

/// Without one of its parts, a message is worth nothing, and the peer must not take it for whole.
fn check_part(context: &mut Context<'_>, written: &Result<(), SendError>) {
    match written {
        Ok(()) | Err(SendError::Closed) => {}
        Err(_) => context.close(CloseCode::INTERNAL_ERROR, ""),
    }
}
