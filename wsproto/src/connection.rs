//! One end of a WebSocket connection: its state, and what a driver is to do about it.

use alloc::{boxed::Box, sync::Arc};

use crate::{
    close::{CloseCode, Closed, ClosedBy},
    config::Config,
    deadlines::Timers,
    deflate::{Deflate, negotiation::Parameters},
    env::Env,
    error::{Cause, Deadline, Error, SendError, Violation},
    event::{Binary, Chunk, Event, Kind, Text},
    handshake::{Agreed, Request, Response},
    input::{Input, Last, Lent, Payload, Ready, Span},
    opening::Opening,
    partial::Partial,
    queue::Queue,
    receive::Receiver,
    utf8,
};

/// Which end of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Connects, and masks what it sends.
    Client,
    /// Accepts.
    Server,
}

/// One end of a WebSocket connection: a state machine over bytes and time, without any I/O.
///
/// The methods come in four kinds:
///
/// 1. **Making one**: [`accepting`](Self::accepting), [`connecting`](Self::connecting),
///    [`upgraded`](Self::upgraded).
/// 2. **News from outside**: [`next_event`](Self::next_event) (bytes that were read),
///    [`handle_eof`](Self::handle_eof), [`handle_lost`](Self::handle_lost),
///    [`handle_timeout`](Self::handle_timeout), [`handle_shutdown`](Self::handle_shutdown).
/// 3. **What the application wants**: [`accept`](Self::accept), [`reject`](Self::reject),
///    `send_*`, [`start`](Self::start) … [`finish`](Self::finish), [`close`](Self::close).
/// 4. **What the driver is to do**: [`wants`](Self::wants), [`outgoing`](Self::outgoing),
///    [`sent`](Self::sent).
///
/// One turn of a driver: set the present ([`Env::set_now`]); read into [`Input::spare`]; call
/// [`next_event`](Self::next_event) until it returns `Ok(None)`; write [`outgoing`](Self::outgoing) and
/// report it with [`sent`](Self::sent); ask [`wants`](Self::wants) what to wait for, or whether there
/// is another event already.
///
/// A connection between messages owns no memory beside itself. Nothing here panics, whatever the peer
/// sends.
///
/// ```
/// # extern crate alloc;
/// # use alloc::sync::Arc;
/// use wsproto::{ClientRequest, Config, Connection, Entropy, Env, Event, Input};
///
/// # struct Fixed;
/// # impl Entropy for Fixed { fn fill(&mut self, buf: &mut [u8]) { buf.fill(7) } }
/// # fn carry(from: &mut Connection, env: &mut Env, to: &mut Input<Vec<u8>>) {
/// #     while let Some(len) = from.outgoing().next().map(|bytes| {
/// #         to.spare()[..bytes.len()].copy_from_slice(bytes);
/// #         bytes.len()
/// #     }) {
/// #         to.filled(len);
/// #         from.sent(env, len);
/// #     }
/// # }
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let config = Arc::new(Config::default());
/// let mut env = Env::new(Fixed); // a real one uses a cryptographic generator
/// let mut server = Connection::accepting(config.clone(), &mut env);
/// let mut client = Connection::connecting(config, &ClientRequest::new("localhost", "/"), &mut env)?;
/// let (mut to_server, mut to_client) = (Input::new(vec![0; 4096]), Input::new(vec![0; 4096]));
///
/// carry(&mut client, &mut env, &mut to_server); // stands for a network
/// assert!(matches!(server.next_event(&mut env, &mut to_server)?, Some(Event::Request(_))));
/// server.accept(&mut env, &Default::default())?;
///
/// carry(&mut server, &mut env, &mut to_client);
/// assert!(matches!(client.next_event(&mut env, &mut to_client)?, Some(Event::Open(_))));
/// client.send_text(&mut env, "hello")?;
///
/// carry(&mut client, &mut env, &mut to_server);
/// while let Some(event) = server.next_event(&mut env, &mut to_server)? {
///     let Event::Text(text) = event else { continue };
///     server.send_text(&mut env, &text)?; // the event borrows the input, not the connection
/// }
///
/// carry(&mut server, &mut env, &mut to_client);
/// let Some(Event::Text(echo)) = client.next_event(&mut env, &mut to_client)? else { panic!() };
/// assert_eq!(&*echo, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(crate) config: Arc<Config>,
    /// The opening handshake, until it is complete.
    pub(crate) opening: Option<Box<Opening>>,
    /// Half of something that was received.
    pub(crate) partial: Option<Box<Partial>>,
    /// What waits to be sent.
    pub(crate) queue: Option<Box<Queue>>,
    pub(crate) timers: Timers,
    pub(crate) receiver: Receiver,
    /// Compression, if it was negotiated.
    pub(crate) deflate: Option<Deflate>,
    /// The message that `start` began.
    pub(crate) outgoing_message: Option<OutgoingMessage>,
    pub(crate) phase: Phase,
    pub(crate) role: Role,
    /// What ended or will end the connection, once that is known.
    pub(crate) closed_by: Option<ClosedBy>,
    /// Something to report that no input brings.
    pub(crate) notice: Option<Notice>,
    pub(crate) transport: Transport,
    /// The application takes no further input for now.
    pub(crate) paused: bool,
    /// The queue was high and is not drained yet.
    pub(crate) queue_high: bool,
    /// The queue was high and has drained: to be reported.
    pub(crate) drained: bool,
    /// What is sent now was admitted before; see [`send_admitted`](Self::send_admitted).
    pub(crate) admitted: bool,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The opening handshake is under way.
    Opening,
    /// Messages pass.
    Open,
    /// Our Close frame is queued or sent, the peer's has not come (RFC 6455 7.1.3).
    Closing,
    /// Nothing further is received: what is queued is sent, then the transport is ended in order.
    Ending,
    /// There is nothing to do any more.
    Over,
}

/// A message whose length was not known when it was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutgoingMessage {
    pub(crate) kind: Kind,
    /// The first frame is queued.
    pub(crate) begun: bool,
    pub(crate) compressed: bool,
    pub(crate) utf8: utf8::Carry,
}

/// Something to report that no input brings.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Notice {
    /// A deadline passed and the connection failed.
    Failed(Deadline),
    /// The connection is over, for the reason in [`Connection::closed_by`].
    Closed,
}

/// What is known of the transport.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Transport {
    /// The peer sends nothing any more.
    pub(crate) eof: bool,
    /// Writing is not possible.
    pub(crate) lost: bool,
    /// Our side of it was shut.
    pub(crate) shut: bool,
    /// Our side of it is to be shut when everything is sent.
    pub(crate) shut_when_sent: bool,
}

impl Connection {
    /// One end of a transport on which the handshake was completed by somebody else, for example an
    /// HTTP library. Bytes that came behind the head belong into the [`Input`].
    #[must_use]
    pub fn upgraded(role: Role, config: Arc<Config>, agreed: &Agreed, env: &mut Env) -> Self {
        let mut connection = Self::new(role, config, env);
        connection.enter_open(env, agreed.deflate);
        connection
    }

    pub(crate) fn new(role: Role, config: Arc<Config>, env: &Env) -> Self {
        let timers = Timers::new(env.now());
        Self {
            config,
            opening: None,
            partial: None,
            queue: None,
            timers,
            receiver: Receiver::default(),
            deflate: None,
            outgoing_message: None,
            phase: Phase::Opening,
            role,
            closed_by: None,
            notice: None,
            transport: Transport::default(),
            paused: false,
            queue_high: false,
            drained: false,
            admitted: false,
        }
    }

    /// Which end of the connection this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The configuration that was given when the connection was made, or when it was
    /// [accepted](crate::Accept::config).
    #[must_use]
    #[inline]
    pub const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether compression was negotiated.
    #[must_use]
    pub const fn has_compression(&self) -> bool {
        self.deflate.is_some()
    }

    /// Whether messages may be sent: the handshake is complete and no Close frame is queued.
    #[must_use]
    #[inline]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether data may be sent, or why not.
    #[inline]
    pub(crate) fn check_open(&self) -> Result<(), SendError> {
        match self.phase {
            Phase::Open if self.transport.lost => Err(SendError::Closed),
            Phase::Open => Ok(()),
            Phase::Opening => Err(SendError::NotOpen),
            Phase::Closing | Phase::Ending | Phase::Over => Err(SendError::Closed),
        }
    }

    /// The handshake is complete.
    pub(crate) fn enter_open(&mut self, env: &Env, deflate: Option<Parameters>) {
        self.phase = Phase::Open;
        self.deflate = deflate.map(Deflate::new);
        self.timers.open(env.now(), self.config.max_lifetime);
    }

    // News from outside.

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
            Some(Ready::Here(Payload::Message(kind), span)) => {
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
            && !self.drained
            && !self.transport.eof
    }

    /// Stops consuming for now: moves the rest of `input` into the connection, so that the input may
    /// serve another one. [`next_event`](Self::next_event) goes on with it, whatever input it is given.
    ///
    /// An event that [`has_event`](Self::has_event) announced is to be taken first; it is lost otherwise.
    pub fn set_aside<B: AsMut<[u8]>>(&mut self, env: &mut Env, input: &mut Input<B>) {
        input.recycle(env);
        if !input.is_empty() {
            let partial = self.partial.get_or_insert_with(|| env.spare.take_partial());
            input.move_to(&mut partial.aside, &mut env.spare);
        }
        input.clear();
    }

    /// Whether input was [set aside](Self::set_aside) that [`next_event`](Self::next_event) would go on with.
    #[must_use]
    pub fn has_input_aside(&self) -> bool {
        let waits = |partial: &Partial| !partial.aside.is_empty() || partial.inflating.pending;
        !self.answer_is_due() && self.partial.as_deref().is_some_and(waits)
    }

    /// The peer has ended its side of the transport; nothing further will be read.
    ///
    /// Everything read before may still be handed to [`next_event`](Self::next_event), which reports
    /// the end of the connection when the input is used up.
    pub fn handle_eof(&mut self, _env: &mut Env) {
        self.transport.eof = true;
    }

    /// The transport takes nothing any more: a write failed. What is queued is dropped, and nothing
    /// can be sent.
    ///
    /// What the peer had sent before may still be there to read, its Close frame perhaps among it:
    /// go on reading until that fails too or ends, and then call [`handle_eof`](Self::handle_eof).
    pub fn handle_lost(&mut self, env: &mut Env) {
        self.transport.lost = true;
        self.drop_queue(env);
    }

    /// The driver has shut the transport's writing side, as [`Wants::shutdown`](crate::Wants::shutdown) asked.
    pub fn handle_shutdown(&mut self) {
        self.transport.shut = true;
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
        input.recycle(env);
        if let Some(partial) = &mut self.partial
            && !partial.aside.is_empty()
        {
            let aside = core::mem::take(&mut partial.aside);
            input.put_before(aside, &mut env.spare);
        }
        if core::mem::take(&mut self.drained) {
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
    pub(crate) fn end_is_due(&self) -> bool {
        // A peer that has only ended its own side can still be answered, and what it sent behind its
        // request be read after that.
        self.transport.eof && (self.transport.lost || !self.answer_is_due())
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
                if self.transport.lost {
                    self.phase = Phase::Over;
                }
                return None;
            }
            Phase::Over => return None,
        }
        let by = self.closed_by.unwrap_or(ClosedBy::Transport);
        self.release(env);
        self.enter_ending(env, false);
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
            Ready::Here(Payload::Message(kind), span) => self.lend_message(env, input, kind, span),
            Ready::Here(Payload::Chunk(kind, last), span) => Ok(Event::Chunk(Chunk {
                kind,
                data: input.lend(span).0,
                last: last == Last::Yes,
            })),
            Ready::Here(Payload::Ping, span) => Ok(Event::Ping(input.lend(span).0)),
            Ready::Here(Payload::Pong, span) => Ok(Event::Pong(input.lend(span).0)),
            Ready::Lent(payload) => Ok(match (&mut input.lent, payload) {
                (Lent::Text(text), _) => Event::Text(Text::assembled(text)),
                (Lent::Bytes(bytes), Payload::Message(kind)) => {
                    Event::Binary(Binary::assembled(bytes, kind))
                }
                (Lent::Bytes(bytes), Payload::Ping) => Event::Ping(bytes),
                (Lent::Bytes(bytes), Payload::Pong) => Event::Pong(bytes),
                // An empty message needs no memory; a chunk is never assembled, but may be empty.
                (Lent::Bytes(bytes), Payload::Chunk(kind, last)) => Event::Chunk(Chunk {
                    kind,
                    data: bytes,
                    last: last == Last::Yes,
                }),
                (Lent::None, Payload::Message(Kind::Text)) if self.config.check_utf8 => {
                    Event::Text(Text::in_place(""))
                }
                (Lent::None, Payload::Message(kind)) => Event::Binary(Binary::in_place(&[], kind)),
                (Lent::None, Payload::Chunk(kind, last)) => Event::Chunk(Chunk {
                    kind,
                    data: &[],
                    last: last == Last::Yes,
                }),
                (Lent::None, Payload::Ping) => Event::Ping(&[]),
                (Lent::None, Payload::Pong) => Event::Pong(&[]),
            }),
            Ready::Request(line) => Ok(Event::Request(Request::new(
                input.lent.bytes(),
                line,
                &input.spans,
            ))),
            Ready::Open(line) => Ok(Event::Open(Response::new(
                input.lent.bytes(),
                line,
                &input.spans,
                &[],
            ))),
            Ready::Refused(line, body) => {
                let (head, body) = input.lent.bytes().split_at(body);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_stays_small() {
        assert!(
            size_of::<Connection>() <= 160,
            "{} bytes",
            size_of::<Connection>()
        );
    }
}
