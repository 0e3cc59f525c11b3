//! What a connection reports, and in which order: input first, then notices, then the end of the transport.

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
    /// `Ok(None)` means that the input is used up, and may serve another connection. What could not
    /// be consumed yet (a half message, or everything behind a request that waits for its answer) is
    /// in the connection then, in memory of its own. The memory that the previous event has lent is
    /// taken back.
    ///
    /// # Errors
    /// When the connection fails. It is the last thing that it reports; see [`Error`].
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

    /// The next message, if it lies whole in the input and nothing else comes before it: what
    /// [`next_event`](Self::next_event) would return, for the innermost loop of a driver, where an event that
    /// need not be put together in memory takes half the time. `None` says nothing; ask `next_event` then.
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
                // `next_event` finds that out once more, and fails.
                rest.announce(kind, span);
                None
            }
        }
    }

    /// Whether [`next_event`](Self::next_event) has an event to return.
    ///
    /// Lends nothing, so a loop may test it where the borrow checker does not let it test
    /// `next_event`. If it returns `true`, `next_event` must be called with the same input next (with
    /// another one only unless [`Input::has_more`]), and returns that event: what can fail has failed here.
    /// Where [`Input::has_message`] says that it is one, [`next_message`](Self::next_message) returns it as well.
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

    /// Keeps a message for [`next_event`](Self::next_event).
    #[inline(always)]
    fn announce<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        kind: Kind,
        span: Span,
    ) -> Result<(), Error> {
        if kind == Kind::Text {
            // Checked where it is lent, since the check is the cast; but a caller that would lend it on
            // could not tell the peer any more that it is no text.
            self.lend_message(env, input, kind, span)?;
        }
        input.announce(kind, span);
        Ok(())
    }

    /// Whether there is nothing to report, as between messages, when a driver asks before it waits.
    /// `false` says nothing.
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

    /// Stops consuming for now: moves the rest of `input` into the connection, so that the input may
    /// serve another one. [`next_event`](Self::next_event) goes on with it, whatever input it is given.
    ///
    /// An event that [`has_event`](Self::has_event) has announced is set aside with it, and comes first.
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

    /// Whether input was [set aside](Self::set_aside) that [`next_event`](Self::next_event) would go on with.
    #[must_use]
    pub fn has_input_aside(&self) -> bool {
        let Some(partial) = self.partial.as_deref() else {
            return false;
        };
        // Input behind a request waits for its answer; an event that was announced, perhaps the request, does not.
        let input_waits = !partial.aside.is_empty() || partial.inflating.is_pending();
        partial.announced.is_some() || (input_waits && !self.answer_is_due())
    }

    /// The peer has ended its side of the transport; nothing further will be read.
    ///
    /// Everything read before may still be handed to [`next_event`](Self::next_event), which reports
    /// the end of the connection when the input is used up.
    pub fn handle_eof(&mut self, _env: &mut Env) {
        self.transport.reading = Reading::Ended;
    }

    /// The transport takes nothing any more: a write failed. What is queued is dropped, and nothing
    /// can be sent.
    ///
    /// What the peer had sent before may still be there to read, its Close frame perhaps among it:
    /// go on reading until that fails too or ends, and then call [`handle_eof`](Self::handle_eof).
    pub fn handle_lost(&mut self, env: &mut Env) {
        self.transport.writing = Writing::Lost;
        self.drop_queue(env);
    }

    /// The driver has shut the transport's writing side, as [`Wants::shutdown`](crate::Wants::shutdown) asked.
    pub fn handle_shutdown(&mut self) {
        if !self.transport.is_lost() {
            self.transport.writing = Writing::Shut;
        }
    }

    /// Stops reading: the application cannot take more for now. Clocks that would end the connection
    /// because nothing comes stand still until [`resume`](Self::resume).
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Goes on reading after [`pause`](Self::pause).
    pub fn resume(&mut self, env: &mut Env) {
        if core::mem::take(&mut self.paused) {
            self.timers.resume(env.now());
        }
    }

    /// Finds out what comes next.
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

    /// Whether the end of the transport is to be reported once the input is used up.
    pub(super) fn end_is_due(&self) -> bool {
        // A peer that has only ended its own side can still be answered, and what it sent behind its
        // request be read after that.
        self.transport.has_ended() && (self.transport.is_lost() || !self.answer_is_due())
    }

    /// Reports what no input brings, as the last thing.
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

    /// All input is used up and no more will come: the end, if it has not been reported before.
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

    /// Makes the event, which borrows what it is made of.
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
                // An empty message needs no memory; a chunk is never assembled, but may be empty.
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
    // Inlined into a caller that matches on the event, no event is ever put together: half the time
    // that a small message takes.
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
