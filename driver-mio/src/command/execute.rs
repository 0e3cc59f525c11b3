//! Commands of handles, executed on the connection's loop.

use wsproto::{CloseCode, Connection, SendError};

use super::{Call, ConnectionCommand};
use crate::{connection::context::Context, handle::completion::Completion};

impl ConnectionCommand {
    /// Executes the command. If room was `promised`, it is not refused for want of room.
    pub(crate) fn execute(self, context: &mut Context<'_>, promised: bool) {
        match self {
            Self::Send(message, completion) => {
                let sent = context.queue(|connection, env| {
                    admitted(connection, promised, |connection| {
                        connection.send_message(env, message)
                    })
                });
                settle(context, sent, completion);
            }
            Self::SendPrepared(message, completion) => {
                let sent = context.queue(|connection, env| {
                    admitted(connection, promised, |connection| {
                        connection.send_prepared(env, &message)
                    })
                });
                settle(context, sent, completion);
            }
            Self::Start(kind) => {
                let Context {
                    connection, env, ..
                } = context;
                // If it fails, its parts fail too.
                let _ = admitted(connection, promised, |connection| {
                    connection.start(env, kind)
                });
            }
            Self::Write(part) => {
                let written = context.queue(|connection, env| {
                    admitted(connection, promised, |connection| {
                        connection.write(env, &part)
                    })
                });
                check_part(context, &written);
            }
            Self::Finish(part, completion) => {
                let finished = context.queue(|connection, env| {
                    admitted(connection, promised, |connection| {
                        connection.finish(env, &part)
                    })
                });
                check_part(context, &finished);
                settle(context, finished, completion);
            }
            Self::Ping(payload) => {
                let Context {
                    connection, env, ..
                } = context;
                // Its length was checked, and a connection that has closed needs no ping.
                let _ = admitted(connection, promised, |connection| {
                    connection.send_ping(env, &payload)
                });
            }
            Self::Close(code, reason) => context.close(code, &reason),
            Self::Pause => context.pause(),
            Self::Resume => context.resume(),
            Self::Call(Call(call)) => call(context),
        }
    }
}

/// Sends, past the admission rule if the call has applied it already.
fn admitted<T>(
    connection: &mut Connection,
    promised: bool,
    send: impl FnOnce(&mut Connection) -> T,
) -> T {
    if promised {
        connection.send_admitted(send)
    } else {
        send(connection)
    }
}

/// Completes a command, once what it has queued has left.
fn settle(context: &mut Context<'_>, sent: Result<(), SendError>, completion: Option<Completion>) {
    match (sent, completion) {
        (Ok(()), Some(completion)) => context.complete_when_sent(completion),
        (Err(error), Some(completion)) => completion.complete(Err(error)),
        (_, None) => {}
    }
}

/// Closes the connection if a part cannot be sent: the message can never be whole, and the peer must not take it
/// for whole.
fn check_part(context: &mut Context<'_>, written: &Result<(), SendError>) {
    match written {
        Ok(()) | Err(SendError::Closed) => {}
        Err(_) => context.close(CloseCode::INTERNAL_ERROR, ""),
    }
}
