//! The events of a connection and their order: a drained queue, an end without input, input, the end of the
//! transport.

use alloc::boxed::Box;

use super::{Backlog, Connection, Notice, Phase, Reading, Writing, closing::Handshake};
use crate::{
    env::Env,
    error::{Cause, Error, Violation},
    event::{Binary, Chunk, Event, Kind, Text},
    handshake::{Request, Response},
    input::{ChunkPosition, EventBuffer, Input, Payload, Ready, Span},
    wire::{
        close::{CloseCode, Closed, ClosedBy},
        utf8,
    },
};

impl Connection {
    /// Takes the next event out of `input`.
    ///
    /// `Ok(None)` means that the input is used up, and may serve another connection. Bytes that could not be
    /// processed yet (an incomplete message, or everything behind a request that awaits its answer) are then
    /// in the connection, in memory of its own. Memory that was lent to the previous event is taken back.
    ///
    /// # Errors
    /// [`Error`] if the connection fails. It is reported once, and nothing follows it.
    #[inline]
    pub fn next_event<'a, B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &'a mut Input<B>,
    ) -> Result<Option<Event<'a>>, Error> {
        if let Some((kind, span)) = self.receive_whole(env, input) {
            return self.lend_message(env, input, kind, span).map(Some);
        }
        if let Some((kind, span)) = input.take_announced() {
            return self.lend_message(env, input, kind, span).map(Some);
        }
        if self.has_nothing(input) {
            return Ok(None);
        }
        let ready = match input.ready.take() {
            Some(ready) => ready,
            None => match self.advance(env, input)? {
                Some(ready) => ready,
                None => return Ok(None),
            },
        };
        self.lend(env, input, ready).map(Some)
    }

    /// Returns the next message if it lies whole in the input and no other event comes before it.
    ///
    /// This is a shortcut of [`next_event`](Self::next_event) for the innermost loop of a driver: the
    /// compiler need not construct an [`Event`] in memory, which halves the time of a small message. `None`
    /// is inconclusive: call `next_event` to find out.
    #[inline(always)]
    pub fn next_message<'a, B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &'a mut Input<B>,
    ) -> Option<Event<'a>> {
        let (kind, span) = match input.take_announced() {
            Some(announced) => announced,
            None => self.receive_whole(env, input)?,
        };
        let (bytes, rest) = input.lend(span);
        if kind == Kind::Binary || !self.config.check_utf8 {
            return Some(Event::Binary(Binary::in_place(bytes, kind)));
        }
        match utf8::whole(bytes) {
            Ok(text) => Some(Event::Text(Text::in_place(text))),
            Err(utf8::NotUtf8) => {
                // Announced once more, so that `next_event` checks it again and fails.
                rest.announce(kind, span);
                None
            }
        }
    }

    /// Returns true if [`next_event`](Self::next_event) has an event to return.
    ///
    /// The result borrows nothing, so a loop can test it where the borrow checker does not accept a test of
    /// `next_event`. After `true`, call `next_event` with the same input next: it returns that event, and
    /// does not fail. Another input may be used only if [`Input::has_more`] is false. If
    /// [`Input::has_message`] is true, [`next_message`](Self::next_message) returns the event as well.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    #[inline]
    pub fn has_event<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<bool, Error> {
        if input.is_announced() {
            return Ok(true);
        }
        if self.has_nothing(input) {
            return Ok(false);
        }
        if let Some((kind, span)) = self.receive_whole(env, input) {
            return self.announce(env, input, kind, span).map(|()| true);
        }
        match self.advance(env, input)? {
            Some(Ready::InPlace(Payload::Message(kind), span)) => {
                self.announce(env, input, kind, span)?;
                Ok(true)
            }
            ready => {
                input.ready = ready;
                Ok(input.ready.is_some())
            }
        }
    }

    /// Announces a message, which stays in the input for [`next_event`](Self::next_event).
    #[inline(always)]
    fn announce<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        kind: Kind,
        span: Span,
    ) -> Result<(), Error> {
        if kind == Kind::Text {
            // `next_event` checks the text again, since the check is the cast to `str`. It must not fail
            // after an announcement, so the text is checked here as well.
            self.lend_message(env, input, kind, span)?;
        }
        input.announce(kind, span);
        Ok(())
    }

    /// Returns true if nothing is to be reported, as is usual between messages when a driver asks before it
    /// waits.
    ///
    /// `false` is inconclusive: call [`advance`](Self::advance) to find out.
    #[inline]
    fn has_nothing<B: AsMut<[u8]>>(&self, input: &Input<B>) -> bool {
        input.is_plain()
            && input.is_empty()
            && self.phase == Phase::Open
            && self.partial.is_none()
            && self.notice.is_none()
            && self.backlog != Backlog::Drained
            && !self.transport.has_ended()
    }

    /// Moves the unread rest of `input` into the connection, so that `input` may serve another connection.
    ///
    /// [`next_event`](Self::next_event) continues with these bytes, whatever input it is given. An event that
    /// [`has_event`](Self::has_event) has announced moves with them, and comes first.
    pub fn set_aside<B: AsMut<[u8]>>(&mut self, env: &mut Env, input: &mut Input<B>) {
        let announced = input.take_announced_event(&mut env.spare, self.config.check_utf8);
        input.recycle(&mut env.spare);
        if let Some(announced) = announced {
            let partial = self.partial.get_or_insert_with(|| env.take_partial());
            partial.announced = Some(Box::new(announced));
        }
        if !input.is_empty() {
            let partial = self.partial.get_or_insert_with(|| env.take_partial());
            input.move_to(&mut partial.aside, &mut env.spare);
        }
        input.clear();
    }

    /// Returns true if [`next_event`](Self::next_event) can process input that was
    /// [set aside](Self::set_aside).
    #[must_use]
    pub fn has_input_aside(&self) -> bool {
        let Some(partial) = self.partial.as_deref() else {
            return false;
        };
        // Input behind a request waits for its answer. An announced event, perhaps the request itself, does
        // not.
        let input_waits = !partial.aside.is_empty() || partial.inflating.is_pending();
        partial.announced.is_some() || (input_waits && !self.answer_is_due())
    }

    /// Records that the peer has ended its side of the transport: a read returned no bytes.
    ///
    /// Bytes read before may still be handed to [`next_event`](Self::next_event), which reports the end of
    /// the connection once the input is used up.
    pub fn handle_eof(&mut self, _env: &mut Env) {
        self.transport.reading = Reading::Ended;
    }

    /// Records that a write failed. Drops the queue; nothing can be sent from now on.
    ///
    /// Bytes that the peer sent before, perhaps with its Close frame among them, may still be readable. Read
    /// on until reading fails or reaches the end of the stream, and then call
    /// [`handle_eof`](Self::handle_eof).
    pub fn handle_lost(&mut self, env: &mut Env) {
        self.transport.writing = Writing::Lost;
        self.drop_queue(env);
    }

    /// Records that the driver has shut the transport's writing side, as
    /// [`Wants::shutdown`](crate::Wants::shutdown) asked.
    pub fn handle_shutdown(&mut self) {
        if !self.transport.is_lost() {
            self.transport.writing = Writing::Shut;
        }
    }

    /// Stops reading, because the application cannot take more for now.
    ///
    /// [`Wants::read`](crate::Wants::read) is false until [`resume`](Self::resume) or until the connection
    /// closes. The idle, ping and pong timeouts do not run while reading is stopped.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Resumes reading after [`pause`](Self::pause), and restarts the timeouts that did not run.
    pub fn resume(&mut self, env: &mut Env) {
        if core::mem::take(&mut self.paused) {
            self.timers.resume(env.now());
        }
    }

    /// Determines the next event.
    #[inline(never)]
    fn advance<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Error> {
        input.recycle(&mut env.spare);
        if let Some(partial) = &mut self.partial {
            if let Some(announced) = partial.announced.take() {
                return Ok(Some(input.restore(*announced)));
            }
            if !partial.aside.is_empty() {
                let aside = core::mem::take(&mut partial.aside);
                input.put_before(aside, &mut env.spare);
            }
        }
        if self.backlog == Backlog::Drained {
            self.backlog = Backlog::Low;
            return Ok(Some(Ready::Drained));
        }
        if let Some(notice) = self.notice.take() {
            return self.report(env, input, notice).map(Some);
        }
        let ready = match self.phase {
            Phase::Open | Phase::Closing => self.receive(env, input)?,
            Phase::Opening => self.advance_opening(env, input)?,
            Phase::Ending | Phase::Over => {
                input.clear();
                None
            }
        };
        if ready.is_some() {
            return Ok(ready);
        }
        if self
            .partial
            .as_ref()
            .is_some_and(|partial| partial.is_empty())
            && let Some(partial) = self.partial.take()
        {
            env.put_partial(partial);
        }
        if self.end_is_due() {
            Ok(self.ended_by_transport(env, input))
        } else {
            Ok(None)
        }
    }

    /// Returns true if the end of the transport is to be reported once the input is used up.
    pub(super) fn end_is_due(&self) -> bool {
        // A peer that has only ended its own side can still be answered, and the bytes that it sent behind
        // its request can be read after that.
        self.transport.has_ended() && (self.transport.is_lost() || !self.answer_is_due())
    }

    /// Reports the end of a connection for a reason other than input, as its last event.
    fn report<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        notice: Notice,
    ) -> Result<Ready, Error> {
        input.clear();
        self.release(env);
        let by = self.closed_by.unwrap_or(ClosedBy::Transport);
        let closed = Closed {
            code: CloseCode::ABNORMAL,
            reason: Box::default(),
            clean: false,
            by,
        };
        match notice {
            Notice::Closed => Ok(Ready::Closed(closed)),
            Notice::Failed(deadline) => Err(Error {
                cause: Cause::Deadline(deadline),
                closed,
            }),
        }
    }

    /// Reports the end of the connection after the end of the stream, unless it was reported before.
    fn ended_by_transport<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Option<Ready> {
        match self.phase {
            Phase::Opening => {
                if let Some(ready) = self.opening_ended(env, input) {
                    return Some(ready);
                }
            }
            Phase::Open | Phase::Closing => {}
            Phase::Ending => {
                if self.transport.is_lost() {
                    self.enter(env, Phase::Over);
                }
                return None;
            }
            Phase::Over => return None,
        }
        let by = self.closed_by.unwrap_or(ClosedBy::Transport);
        self.release(env);
        self.enter_ending(env, Handshake::Incomplete);
        // 7.1.5: without a Close frame, the code is 1006.
        Some(Ready::Closed(Closed {
            code: CloseCode::ABNORMAL,
            reason: Box::default(),
            clean: false,
            by,
        }))
    }

    /// Constructs an event that borrows from `input`.
    #[inline]
    fn lend<'a, B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &'a mut Input<B>,
        ready: Ready,
    ) -> Result<Event<'a>, Error> {
        match ready {
            Ready::InPlace(Payload::Message(kind), span) => {
                self.lend_message(env, input, kind, span)
            }
            Ready::InPlace(Payload::Chunk(kind, last), span) => Ok(Event::Chunk(Chunk {
                kind,
                data: input.lend(span).0,
                last: last == ChunkPosition::Last,
            })),
            Ready::InPlace(Payload::Ping, span) => Ok(Event::Ping(input.lend(span).0)),
            Ready::InPlace(Payload::Pong, span) => Ok(Event::Pong(input.lend(span).0)),
            Ready::Buffered(payload) => Ok(match (&mut input.event_buffer, payload) {
                (EventBuffer::Text(text), _) => Event::Text(Text::assembled(text)),
                (EventBuffer::Bytes(bytes), Payload::Message(kind)) => {
                    Event::Binary(Binary::assembled(bytes, kind))
                }
                (EventBuffer::Bytes(bytes), Payload::Ping) => Event::Ping(bytes),
                (EventBuffer::Bytes(bytes), Payload::Pong) => Event::Pong(bytes),
                // A chunk is never assembled, but an inflated or empty one has a buffer of its own.
                (EventBuffer::Bytes(bytes), Payload::Chunk(kind, last)) => Event::Chunk(Chunk {
                    kind,
                    data: bytes,
                    last: last == ChunkPosition::Last,
                }),
                (EventBuffer::None, Payload::Message(Kind::Text)) if self.config.check_utf8 => {
                    Event::Text(Text::in_place(""))
                }
                (EventBuffer::None, Payload::Message(kind)) => {
                    Event::Binary(Binary::in_place(&[], kind))
                }
                (EventBuffer::None, Payload::Chunk(kind, last)) => Event::Chunk(Chunk {
                    kind,
                    data: &[],
                    last: last == ChunkPosition::Last,
                }),
                (EventBuffer::None, Payload::Ping) => Event::Ping(&[]),
                (EventBuffer::None, Payload::Pong) => Event::Pong(&[]),
            }),
            Ready::Request(line) => Ok(Event::Request(Request::new(
                input.event_buffer.bytes(),
                line,
                &input.spans,
            ))),
            Ready::Open(line) => Ok(Event::Open(Response::new(
                input.event_buffer.bytes(),
                line,
                &input.spans,
                &[],
            ))),
            Ready::Refused(line, body) => {
                let (head, body) = input.event_buffer.bytes().split_at(body);
                Ok(Event::Refused(Response::new(
                    head,
                    line,
                    &input.spans,
                    body,
                )))
            }
            Ready::Drained => Ok(Event::Drained),
            Ready::Closed(closed) => Ok(Event::Closed(closed)),
        }
    }

    /// Lends a message that lies whole in the input.
    // Where this is inlined into a caller that matches on the event, no `Event` is constructed in memory,
    // which halves the time of a small message.
    #[inline(always)]
    fn lend_message<'a, B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &'a mut Input<B>,
        kind: Kind,
        span: Span,
    ) -> Result<Event<'a>, Error> {
        let (bytes, rest) = input.lend(span);
        if kind == Kind::Binary || !self.config.check_utf8 {
            return Ok(Event::Binary(Binary::in_place(bytes, kind)));
        }
        match utf8::whole(bytes) {
            Ok(text) => Ok(Event::Text(Text::in_place(text))),
            Err(utf8::NotUtf8) => {
                rest.clear();
                Err(self.fail(env, Cause::Violation(Violation::TextNotUtf8)))
            }
        }
    }
}
