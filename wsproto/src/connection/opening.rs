//! The opening handshake of a connection (RFC 6455 4): reading heads, answering requests, failing.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::ops::ControlFlow;

use super::{Connection, Notice, Phase, Role, closing::Handshake};
use crate::{
    config::Config,
    deflate::negotiation::{self, Parameters},
    env::Env,
    error::{Cause, Deadline, Error, SendError},
    handshake::{
        Accept, BodyProgress, BodyReader, ClientRequest, HandshakeMisuse, HeadError, HeadKind,
        HeadReader, Opening, Refusal, Reject, Request, Response, ResponseError, StatusLine,
        Verdict, accept_key, check_request, check_response, encode_key, join_subprotocols,
        parse_request, parse_response, write_accept, write_reject, write_request,
    },
    input::{EventBuffer, Input, Ready},
    wire::close::{CloseCode, Closed, ClosedBy},
};

/// Maximum number of bytes of a refusal's body that are kept for the application of a client.
const MAX_BODY: usize = 16 << 10;

impl Connection {
    /// Creates the server's end of a connection over a transport that was just accepted.
    #[must_use]
    pub fn accepting(config: Arc<Config>, env: &mut Env) -> Self {
        let mut connection = Self::new(Role::Server, config, env);
        let reader = HeadReader::new(HeadKind::Request, env.spare.take(0));
        connection.begin_opening(env, Opening::Request(reader));
        connection
    }

    /// Creates the client's end of a connection over a transport that was just connected, and queues the
    /// request.
    ///
    /// # Errors
    /// [`SendError::Handshake`] if `request` is invalid; see [`HandshakeMisuse`].
    pub fn connecting(
        config: Arc<Config>,
        request: &ClientRequest<'_>,
        env: &mut Env,
    ) -> Result<Self, SendError> {
        let mut connection = Self::new(Role::Client, config, env);
        // 4.1: the nonce must be selected randomly for each connection.
        let key = encode_key(env.random());
        let policy = connection.config.compression.as_ref();
        let offer = policy
            .filter(|_| env.pool.has_codecs())
            .map(negotiation::offer);
        connection.write_head(env, |out| {
            write_request(out, request, &key, offer.as_deref())
        })?;
        let reader = HeadReader::new(HeadKind::Response, env.spare.take(0));
        let subprotocols = join_subprotocols(request.subprotocols);
        connection.begin_opening(
            env,
            Opening::Response {
                reader,
                accept: accept_key(&key),
                subprotocols,
            },
        );
        Ok(connection)
    }

    /// Accepts the request and opens the connection; messages may be sent at once.
    ///
    /// # Errors
    /// [`NoRequest`](SendError::NoRequest) if no request awaits an answer, or if the request did not ask for
    /// an upgrade; [`Handshake`](SendError::Handshake) if `with` is invalid. After an error the request still
    /// awaits its answer, so the call may be repeated with other arguments.
    pub fn accept(&mut self, env: &mut Env, with: &Accept<'_>) -> Result<(), SendError> {
        let Some(mut opening) = self.opening.take() else {
            return Err(SendError::NoRequest);
        };
        let accepted = self.accept_opening(env, &mut opening, with);
        if accepted.is_err() {
            // The request may still be answered in another way.
            self.opening = Some(opening);
        }
        accepted
    }

    fn accept_opening(
        &mut self,
        env: &mut Env,
        opening: &mut Opening,
        with: &Accept<'_>,
    ) -> Result<(), SendError> {
        let Opening::Answer {
            verdict: Verdict::Upgrade { accept },
            subprotocols,
            offer,
            ..
        } = opening
        else {
            return Err(SendError::NoRequest);
        };
        // The configuration of the open connection decides, not the one of the handshake.
        let policy = with.config.unwrap_or(&self.config).compression;
        let policy = policy.filter(|_| with.compression && env.pool.has_codecs());
        let deflate = policy
            .zip(*offer)
            .map(|(policy, offer)| negotiation::answer(&policy, offer));
        let (parameters, extensions) = deflate.unzip();
        self.write_head(env, |out| {
            write_accept(out, accept, with, subprotocols, extensions.as_deref())
        })?;
        if let Some(config) = with.config {
            self.config = Arc::clone(config);
        }
        self.open(env, parameters);
        Ok(())
    }

    /// Answers the request with an HTTP response that does not open a connection.
    ///
    /// This refuses or redirects a request for a WebSocket, or serves a plain HTTP request that was
    /// [surfaced](Config::surface_plain_http). The connection ends once the response is sent.
    ///
    /// # Errors
    /// [`NoRequest`](SendError::NoRequest) if no request awaits an answer;
    /// [`Handshake`](SendError::Handshake) if `with` is invalid: the request still awaits its answer then.
    pub fn reject(&mut self, env: &mut Env, with: &Reject<'_>) -> Result<(), SendError> {
        let Some(Opening::Answer { head_only, .. }) = self.opening.as_deref() else {
            return Err(SendError::NoRequest);
        };
        let head_only = *head_only;
        self.write_head(env, |out| write_reject(out, with, head_only))?;
        self.end(env, Phase::Ending, ClosedBy::Application, Notice::Closed);
        Ok(())
    }

    fn begin_opening(&mut self, env: &mut Env, opening: Opening) {
        self.opening = Some(Box::new(opening));
        self.enter(env, Phase::Opening);
    }

    /// Continues the opening handshake until it yields an event or needs more input.
    pub(super) fn advance_opening<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Error> {
        loop {
            let Some(opening) = self.opening.take() else {
                return Ok(None);
            };
            if let ControlFlow::Break(ready) = self.step_opening(env, input, opening)? {
                return Ok(ready);
            }
        }
    }

    /// Reads one head, or the available part of a body.
    fn step_opening<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        mut opening: Box<Opening>,
    ) -> Result<ControlFlow<Option<Ready>>, Error> {
        let whole = match &mut *opening {
            Opening::Request(reader) => self
                .read_head(input, reader)
                .map_err(|error| Cause::Refused(error.into())),
            Opening::Response { reader, .. } => self
                .read_head(input, reader)
                .map_err(|error| Cause::Response(error.into())),
            Opening::Body { reader, .. } => Ok(read_body(input, reader)),
            Opening::Answer { .. } => {
                self.opening = Some(opening);
                // Bytes behind the request wait for the answer.
                self.set_aside(env, input);
                return Ok(ControlFlow::Break(None));
            }
        };
        match whole {
            Ok(true) => self.opening_complete(env, input, *opening),
            Ok(false) => {
                self.opening = Some(opening);
                Ok(ControlFlow::Break(None))
            }
            Err(cause) => Err(self.fail_opening(env, input, cause, false)),
        }
    }

    /// Handles the head or body that the handshake was waiting for, now complete.
    fn opening_complete<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        opening: Opening,
    ) -> Result<ControlFlow<Option<Ready>>, Error> {
        match opening {
            Opening::Request(reader) => self
                .request_complete(env, input, reader.into_buf())
                .map(|ready| ControlFlow::Break(Some(ready))),
            Opening::Response {
                reader,
                accept,
                subprotocols,
            } => self.response_complete(env, input, reader.into_buf(), accept, subprotocols),
            Opening::Body { head, reader } => Ok(ControlFlow::Break(self.refused(
                env,
                input,
                head,
                reader.body(),
            ))),
            Opening::Answer { .. } => Ok(ControlFlow::Break(None)),
        }
    }

    /// Moves bytes from `input` to `reader`. Returns true if the head is complete.
    fn read_head<B: AsMut<[u8]>>(
        &self,
        input: &mut Input<B>,
        reader: &mut HeadReader,
    ) -> Result<bool, HeadError> {
        // Bytes that were set aside come first, then those of the buffer: at most two rounds.
        while !input.unread().is_empty() {
            let taken = reader.push(input.unread(), self.config.max_head)?;
            input.consume(taken.bytes);
            if taken.complete {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks a complete request, and shows it to the application.
    fn request_complete<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        head: Vec<u8>,
    ) -> Result<Ready, Error> {
        let line = match parse_request(&head, self.config.max_headers, &mut input.spans) {
            Ok(line) => line,
            Err(refusal) => {
                return Err(self.fail_opening(env, input, Cause::Refused(refusal), false));
            }
        };
        let request = Request::new(&head, line, &input.spans);
        let head_only = request.method() == "HEAD";
        match check_request(&request, self.config.surface_plain_http) {
            Ok(verdict) => {
                let subprotocols = request.join_subprotocols();
                let offer = negotiation::choose(request.extensions().flatten());
                // The opening timeout starts anew: the application has as long for its answer as the peer had
                // for its request.
                self.begin_opening(
                    env,
                    Opening::Answer {
                        verdict,
                        subprotocols,
                        head_only,
                        offer,
                    },
                );
                input.event_buffer = EventBuffer::Bytes(head);
                Ok(Ready::Request(line))
            }
            Err(refusal) => Err(self.fail_opening(env, input, Cause::Refused(refusal), head_only)),
        }
    }

    /// Checks a complete response.
    fn response_complete<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        mut head: Vec<u8>,
        accept: [u8; 28],
        subprotocols: String,
    ) -> Result<ControlFlow<Option<Ready>>, Error> {
        let line = match parse_response(&head, self.config.max_headers, &mut input.spans) {
            Ok(line) => line,
            Err(error) => return Err(self.fail_opening(env, input, Cause::Response(error), false)),
        };
        if line.is_interim() {
            head.clear();
            let reader = HeadReader::new(HeadKind::Response, head);
            self.opening = Some(Box::new(Opening::Response {
                reader,
                accept,
                subprotocols,
            }));
            return Ok(ControlFlow::Continue(()));
        }
        let response = Response::new(&head, line, &input.spans, &[]);
        if response.status() == 101 {
            let checked = self.check_agreement(env, &response, &accept, &subprotocols);
            let deflate = match checked {
                Ok(deflate) => deflate,
                Err(error) => {
                    return Err(self.fail_opening(env, input, Cause::Response(error), false));
                }
            };
            self.open(env, deflate);
            input.event_buffer = EventBuffer::Bytes(head);
            return Ok(ControlFlow::Break(Some(Ready::Open(line))));
        }
        let reader = BodyReader::new(&response, MAX_BODY, env.spare.take(0));
        self.opening = Some(Box::new(Opening::Body { head, reader }));
        Ok(ControlFlow::Continue(()))
    }

    /// Checks a 101 response against the request. Returns the parameters of compression, if it was agreed on.
    fn check_agreement(
        &self,
        env: &Env,
        response: &Response<'_>,
        accept: &[u8; 28],
        subprotocols: &str,
    ) -> Result<Option<Parameters>, ResponseError> {
        let policy = self
            .config
            .compression
            .as_ref()
            .filter(|_| env.pool.has_codecs());
        let offered: &[&str] = if policy.is_some() {
            &[negotiation::NAME]
        } else {
            &[]
        };
        check_response(response, accept, subprotocols, offered)?;
        let Some(policy) = policy else {
            return Ok(None);
        };
        negotiation::check(policy, response.extensions().flatten())
            .map_err(|_| ResponseError::IllegalCompression)
    }

    /// Reports the server's refusal, whose body is complete or has reached [`MAX_BODY`].
    fn refused<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        mut head: Vec<u8>,
        body: &[u8],
    ) -> Option<Ready> {
        let line = self.reparse(&head, input)?;
        let body_start = head.len();
        head.extend_from_slice(body);
        input.event_buffer = EventBuffer::Bytes(head);
        self.end(env, Phase::Ending, ClosedBy::Peer, Notice::Closed);
        Some(Ready::Refused(line, body_start))
    }

    /// Parses a head again, since the positions of its headers were not kept.
    fn reparse<B>(&self, head: &[u8], input: &mut Input<B>) -> Option<StatusLine> {
        parse_response(head, self.config.max_headers, &mut input.spans).ok()
    }

    /// Handles the end of the stream during the opening handshake, which may be the end of a refusal's body.
    pub(super) fn opening_ended<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Option<Ready> {
        match self.opening.take().map(|opening| *opening) {
            Some(Opening::Body { head, reader }) => self.refused(env, input, head, reader.body()),
            Some(Opening::Request(_) | Opening::Answer { .. } | Opening::Response { .. })
            | None => None,
        }
    }

    /// Ends the connection because the opening timeout has passed.
    pub(super) fn opening_timed_out(&mut self, env: &mut Env) {
        let by = ClosedBy::Deadline(Deadline::Opening);
        let notice = Notice::Failed(Deadline::Opening);
        match self.opening.as_deref() {
            Some(Opening::Request(_)) => {
                self.write_refusal(env, Refusal::TooSlow, false);
                self.end(env, Phase::Ending, by, notice);
            }
            Some(Opening::Answer { .. }) => {
                self.answer_unavailable(env, b"the application did not answer in time\n");
                self.end(env, Phase::Ending, by, notice);
            }
            Some(Opening::Response { .. } | Opening::Body { .. }) | None => {
                self.end(env, Phase::Over, by, notice);
            }
        }
    }

    /// Ends the connection at the application's request before it is open. A request that awaits its answer
    /// is answered with 503.
    pub(super) fn give_up(&mut self, env: &mut Env) {
        if self.answer_is_due() {
            return self.answer_unavailable(env, b"the server is closing\n");
        }
        self.end(env, Phase::Over, ClosedBy::Application, Notice::Closed);
    }

    /// Answers a request with 503 in place of the application.
    fn answer_unavailable(&mut self, env: &mut Env, why: &[u8]) {
        // 503, and a body without headers of the application, are always valid.
        let answered = self.reject(env, &Reject::new(503).body(why));
        debug_assert!(answered.is_ok());
    }

    /// Fails the opening handshake. A server answers the request.
    fn fail_opening<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        cause: Cause,
        head_only: bool,
    ) -> Error {
        input.clear();
        if let Cause::Refused(refusal) = &cause {
            self.write_refusal(env, *refusal, head_only);
        }
        self.release(env);
        self.enter_ending(env, Handshake::Incomplete);
        let (code, by) = (CloseCode::ABNORMAL, ClosedBy::Error);
        Error {
            cause,
            closed: Closed {
                code,
                reason: Box::default(),
                clean: false,
                by,
            },
        }
    }

    fn write_refusal(&mut self, env: &mut Env, refusal: Refusal, head_only: bool) {
        let written = self.write_head(env, |out| {
            refusal.write(out, head_only);
            Ok::<(), HandshakeMisuse>(())
        });
        debug_assert!(written.is_ok());
    }

    /// Queues an HTTP head, which may include a body. Queues nothing if `write` returns an error.
    fn write_head(
        &mut self,
        env: &mut Env,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), HandshakeMisuse>,
    ) -> Result<(), SendError> {
        let mut head = env.spare.take(0);
        let written = write(&mut head);
        if written.is_ok() {
            let queue = self.queue.get_or_insert_with(|| env.take_queue());
            queue
                .reserve(head.len(), &mut env.spare)
                .extend_from_slice(&head);
            // Not a frame: no pong may overtake it.
            queue.begin_all();
            self.timers.unsent_since = Some(env.now());
        }
        env.spare.put(head);
        Ok(written?)
    }
}

/// Moves bytes from `input` to `reader`. Returns true if no more of the body is wanted.
fn read_body<B: AsMut<[u8]>>(input: &mut Input<B>, reader: &mut BodyReader) -> bool {
    while reader.progress() == BodyProgress::Unfinished && !input.unread().is_empty() {
        let bytes = input.unread();
        let len = bytes.len();
        reader.push(bytes);
        input.consume(len);
    }
    reader.progress() == BodyProgress::Finished
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::Entropy, event::Event};

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&mut self, buf: &mut [u8]) {
            buf.fill(7);
        }
    }

    #[test]
    fn any_number_of_interim_responses_is_passed_over() {
        let mut env = Env::new(Fixed);
        let request = ClientRequest::new("example.com", "/");
        let config = Arc::new(Config::default());
        let mut client = Connection::connecting(config, &request, &mut env).unwrap();
        let bytes = [
            &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100_000)[..],
            b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
        ]
        .concat();
        let mut input = Input::new(bytes.clone());
        input.filled(bytes.len());
        let Ok(Some(Event::Refused(response))) = client.next_event(&mut env, &mut input) else {
            panic!("the refusal is shown");
        };
        assert_eq!((response.status(), response.body()), (404, &b"no"[..]));
    }
}
