//! `WebSocket` as a stream and a sink of messages.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use wsproto::{CloseCode, Error, Message, SendError};

use crate::{
    clock::Clock,
    engine::{Engine, admission::Unit},
    poll::Receiving,
    socket::WebSocket,
    transport::Transport,
};

/// Yields the messages, then at most one error, then ends.
impl<S: Transport, C: Clock> Stream for WebSocket<S, C> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

/// Closing the sink closes the connection with code 1000 and waits for its end. If the peer sends more than is
/// read ahead, and nobody receives it, that ends with the deadline of the closing handshake.
impl<S: Transport, C: Clock> Sink<Message> for WebSocket<S, C> {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_room(cx, Unit::AnyMessage));
        if self.engine.connection.is_open() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Ready(Err(SendError::Closed))
        }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.engine
            .queue(|connection, env| connection.send_message(env, message))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.engine.poll_flush(cx, Receiving::Keep)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.engine.close(CloseCode::NORMAL, "");
        self.engine
            .poll_until(cx, Receiving::Keep, None, Engine::is_over)
            .map(Ok)
    }
}
