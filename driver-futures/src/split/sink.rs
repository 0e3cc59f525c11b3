//! `Sender` as a sink of messages.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_sink::Sink;
use wsproto::{CloseCode, Message, SendError};

use super::{sender::Sender, shared::Part};
use crate::{clock::Clock, engine::admission::Unit, transport::Transport};

/// As the sink of [`WebSocket`](crate::WebSocket). Closing it closes the connection with code 1000 and waits for
/// its end, as [`close`](Self::close) does.
///
/// If another sender starts a message in parts between `poll_ready` and `start_send`, the sink keeps its message
/// until that one is finished and the sink is polled again.
impl<S: Transport, C: Clock> Sink<Message> for Sender<S, C> {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_deferred(cx))?;
        let this = &*self;
        this.shared.poll(&this.waiter, cx, |state, cx| {
            ready!(state.poll_turn(cx, this.id(), Part::Whole, Unit::AnyMessage))?;
            Poll::Ready(if state.engine.connection.is_open() {
                Ok(())
            } else {
                Err(SendError::Closed)
            })
        })
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let mut state = self.shared.lock();
        if state.is_streaming_for_other(self.id()) {
            drop(state);
            self.deferred = Some(message);
            return Ok(());
        }
        let queued = state
            .engine
            .queue(|connection, env| connection.send_message(env, message));
        drop(state);
        self.waiter.wake_others();
        queued
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_deferred(cx))?;
        Self::poll_flush(&self, &self.waiter, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_deferred(cx))?;
        Self::poll_close(&self, &self.waiter, cx, CloseCode::NORMAL, "").map(Ok)
    }
}

impl<S: Transport, C: Clock> Sender<S, C> {
    /// Queues the message that had to wait for another sender's.
    fn poll_deferred(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Some(deferred) = &self.deferred else {
            return Poll::Ready(Ok(()));
        };
        let (id, unit) = (self.id(), Unit::Message(deferred.as_bytes().len()));
        self.shared.poll(&self.waiter, cx, |state, cx| {
            ready!(state.poll_turn(cx, id, Part::Whole, unit))?;
            let Some(message) = self.deferred.take() else {
                return Poll::Ready(Ok(()));
            };
            Poll::Ready(
                state
                    .engine
                    .queue(|connection, env| connection.send_message(env, message)),
            )
        })
    }
}
