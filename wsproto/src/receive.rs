//! Frames come in: headers, payloads, messages, control frames (RFC 6455 5).

use alloc::string::String;

use crate::{
    close::{self, Closed},
    config::Delivery,
    connection::{Connection, Role},
    env::Env,
    error::{Cause, Error, Violation},
    event::Kind,
    frame::{self, Header, MAX_HEADER, Opcode, Rules},
    input::{Input, Last, Lent, Payload, Ready},
    mask,
    partial::{Assembly, Partial},
    utf8::Carry,
};

/// Text is unmasked, checked and copied in blocks of so many bytes, which stay in the nearest cache
/// meanwhile. A multiple of four, so that every block starts with the same byte of the key.
const BLOCK: usize = 8 << 10;

/// Where the stream of frames stands.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    expect: Expect,
    /// The message under way, if there is one.
    message: Option<IncomingMessage>,
}

impl Receiver {
    /// Whether the next byte starts a frame, and no message is under way.
    #[inline]
    pub(crate) fn is_between_messages(&self) -> bool {
        self.message.is_none() && matches!(self.expect, Expect::Header { len: 0, .. })
    }
}

impl Receiver {
    /// The type of the message under way.
    pub(crate) fn message_kind(&self) -> Option<Kind> {
        self.message.map(|message| message.kind)
    }

    /// Whether the text under way, as far as it was checked, may end where it is.
    pub(crate) fn ends_as_text(&self) -> bool {
        self.message
            .is_none_or(|mut message| message.utf8.finish().is_ok())
    }

    /// The message under way is through.
    pub(crate) fn end_message(&mut self) {
        self.message = None;
    }

    /// Of the present payload, so many bytes are still missing.
    fn expect_more(&mut self, missing: u64, key: [u8; 4], opcode: Opcode, fin: bool) {
        self.expect = if missing == 0 {
            Expect::default()
        } else {
            Expect::Payload {
                missing,
                key,
                opcode,
                fin,
            }
        };
    }
}

/// What the next byte is part of.
#[derive(Debug, Clone, Copy)]
enum Expect {
    /// A header, of which some bytes may have come.
    Header { bytes: [u8; MAX_HEADER], len: u8 },
    /// A payload of which bytes are missing.
    Payload {
        missing: u64,
        key: [u8; 4],
        opcode: Opcode,
        fin: bool,
    },
}

impl Default for Expect {
    fn default() -> Self {
        Self::Header {
            bytes: [0; MAX_HEADER],
            len: 0,
        }
    }
}

/// A message whose frames are not all in.
#[derive(Debug, Clone, Copy)]
struct IncomingMessage {
    /// Bytes of all its frames so far, the missing ones of the present frame included.
    len: u64,
    fragments: u32,
    kind: Kind,
    compressed: bool,
    utf8: Carry,
}

impl Connection {
    /// Goes on with the input up to the next event, or until it is used up.
    #[inline]
    pub(crate) fn receive<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Error> {
        if !input.unread().is_empty() {
            self.timers.heard(env.now());
        }
        loop {
            let chunks_wait = |partial: &Partial| partial.inflating.pending;
            let ready = match self.receiver.expect {
                _ if self.partial.as_deref().is_some_and(chunks_wait) => {
                    self.inflate_chunk(env, input)
                }
                Expect::Header { len: 0, .. } => {
                    let bytes = input.unread();
                    match frame::parse(bytes, &self.rules()) {
                        Ok(Some(header)) => {
                            input.consume(header.size);
                            self.begin_frame(env, input, header)
                        }
                        Ok(None) => {
                            // Fewer bytes than a header has; they fit.
                            let len = bytes.len();
                            let mut kept = [0; MAX_HEADER];
                            kept[..len].copy_from_slice(bytes);
                            self.receiver.expect = Expect::Header {
                                bytes: kept,
                                len: len as u8,
                            };
                            input.consume(len);
                            if input.unread().is_empty() {
                                return Ok(None);
                            }
                            continue;
                        }
                        Err(cause) => Err(cause),
                    }
                }
                Expect::Header { bytes, len } => match self.complete_header(input, bytes, len) {
                    Ok(Some(header)) => {
                        self.receiver.expect = Expect::default();
                        self.begin_frame(env, input, header)
                    }
                    Ok(None) => return Ok(None),
                    Err(cause) => Err(cause),
                },
                Expect::Payload { missing, .. } => {
                    if missing > 0 && input.unread().is_empty() {
                        return Ok(None);
                    }
                    self.receive_payload(env, input)
                }
            };
            match ready {
                Ok(Some(ready)) => return Ok(Some(ready)),
                Ok(None) => {}
                Err(cause) => {
                    input.clear();
                    return Err(self.fail(env, cause));
                }
            }
        }
    }

    /// What the next frame is measured against.
    #[inline]
    fn rules(&self) -> Rules {
        let config = &*self.config;
        let (in_message, fragments, len) = self.receiver.message.map_or((false, 0, 0), |message| {
            (true, message.fragments, message.len)
        });
        Rules {
            masked: self.role == Role::Server,
            compression: self.deflate.is_some(),
            in_message,
            fragments_left: fragments < config.max_fragments,
            max_frame: config.max_frame,
            room: config.max_message - len,
        }
    }

    /// Adds bytes to a header that came in parts, one by one: each may be the one that refuses it.
    #[cold]
    fn complete_header<B: AsMut<[u8]>>(
        &mut self,
        input: &mut Input<B>,
        mut bytes: [u8; MAX_HEADER],
        mut len: u8,
    ) -> Result<Option<Header>, Cause> {
        let rules = self.rules();
        while let Some(byte) = input.unread().first().copied() {
            input.consume(1);
            bytes[usize::from(len)] = byte;
            len += 1;
            let header = frame::parse(&bytes[..usize::from(len)], &rules)?;
            if header.is_some() {
                return Ok(header);
            }
        }
        self.receiver.expect = Expect::Header { bytes, len };
        Ok(None)
    }

    /// A header is in and legal: takes the payload at once if all of it is there, and needs no room.
    #[inline]
    fn begin_frame<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        header: Header,
    ) -> Result<Option<Ready>, Cause> {
        let Header {
            fin,
            compressed,
            opcode,
            len,
            key,
            ..
        } = header;
        let bytes = input.unread();
        let payload = usize::try_from(len)
            .ok()
            .and_then(|len| bytes.get_mut(..len));
        let Some(payload) = payload else {
            self.begin_partial_frame(header);
            return Ok(None);
        };
        if opcode.is_control() {
            mask::apply(payload, key);
            let control = self.receive_control(env, opcode, payload)?;
            let span = input.consume(len as usize);
            return Ok(Some(match control {
                Control::Payload(payload) => Ready::Here(payload, span),
                Control::Closed(closed) => {
                    input.clear();
                    Ready::Closed(closed)
                }
            }));
        }
        let alone = fin && !compressed && self.config.delivery == Delivery::Messages;
        let Some(kind) = opcode.kind().filter(|_| alone) else {
            self.begin_partial_frame(header);
            return Ok(None);
        };
        // A whole message, where it lies.
        mask::apply(payload, key);
        self.timers.active = env.now();
        Ok(Some(Ready::Here(
            Payload::Message(kind),
            input.consume(len as usize),
        )))
    }

    /// The payload is not all there, or belongs to a message in several frames.
    fn begin_partial_frame(&mut self, header: Header) {
        let Header {
            fin,
            compressed,
            opcode,
            len,
            key,
            ..
        } = header;
        if let Some(kind) = opcode.kind() {
            self.receiver.message = Some(IncomingMessage {
                len,
                fragments: 1,
                kind,
                compressed,
                utf8: Carry::default(),
            });
        } else if opcode == Opcode::Continuation
            && let Some(message) = &mut self.receiver.message
        {
            message.fragments += 1;
            message.len += len;
        }
        self.receiver.expect = Expect::Payload {
            missing: len,
            key,
            opcode,
            fin,
        };
    }

    /// Takes what has come of the present payload.
    fn receive_payload<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Cause> {
        let Expect::Payload {
            missing,
            key,
            opcode,
            fin,
        } = self.receiver.expect
        else {
            return Ok(None);
        };
        let bytes = input.unread();
        let mut len =
            usize::try_from(missing).map_or(bytes.len(), |missing| missing.min(bytes.len()));
        let piece = &mut bytes[..len];
        if !opcode.is_control() {
            // A message that takes long to come is activity all the while.
            self.timers.active = env.now();
        }
        let is_compressed = |message: &IncomingMessage| message.compressed;
        if !opcode.is_control() && self.receiver.message.as_ref().is_some_and(is_compressed) {
            mask::apply(piece, key);
            self.receiver
                .expect_more(missing - len as u64, mask::rotated(key, len), opcode, fin);
            let last = fin && len as u64 == missing;
            return match self.config.delivery {
                Delivery::Messages => {
                    self.inflate_piece(env, piece, last)?;
                    input.consume(len);
                    if last {
                        self.message_complete(env, input)
                    } else {
                        Ok(None)
                    }
                }
                Delivery::Chunks => {
                    self.keep_to_inflate(env, piece, last);
                    input.consume(len);
                    // The chunks that can be made of it come before anything else.
                    Ok(None)
                }
            };
        }
        let delivered_here = self.config.delivery == Delivery::Chunks && !opcode.is_control();
        if delivered_here || opcode.is_control() {
            mask::apply(piece, key);
        }
        if delivered_here {
            let checked = self.check_chunk(piece, fin && len as u64 == missing)?;
            // The rest is refused in the next call.
            mask::apply(&mut piece[checked..], mask::rotated(key, checked));
            len = checked;
        }
        let piece = &mut piece[..len];
        let still_missing = missing - len as u64;
        let whole = still_missing == 0;
        self.receiver
            .expect_more(still_missing, mask::rotated(key, len), opcode, fin);
        if opcode.is_control() {
            let partial = self.partial.get_or_insert_with(|| env.spare.take_partial());
            if partial.control.capacity() == 0 {
                partial.control = env.spare.take(len);
            }
            partial.control.extend_from_slice(piece);
            if opcode == Opcode::Close && !whole {
                close::check_start(&partial.control)?;
            }
            input.consume(len);
            return if whole {
                self.control_complete(env, input, opcode).map(Some)
            } else {
                Ok(None)
            };
        }
        let last = whole && fin;
        match self.config.delivery {
            Delivery::Messages => {
                // Behind the last frame there is nothing to leave room for.
                let declared = if fin { missing } else { u64::MAX };
                self.assemble(env, piece, key, declared)?;
                input.consume(len);
                if last {
                    self.message_complete(env, input)
                } else {
                    Ok(None)
                }
            }
            Delivery::Chunks => {
                let span = input.consume(len);
                let Some(IncomingMessage { kind, .. }) = self.receiver.message else {
                    return Ok(None);
                };
                if last {
                    self.receiver.message = None;
                }
                self.timers.active = env.now();
                let payload = Payload::Chunk(kind, if last { Last::Yes } else { Last::No });
                Ok((last || len > 0).then_some(Ready::Here(payload, span)))
            }
        }
    }

    /// Adds a piece to the message under way, which is `declared` to grow by so many bytes at most.
    /// The piece is still masked with `key`, and is unmasked while it is copied.
    pub(crate) fn assemble(
        &mut self,
        env: &mut Env,
        piece: &mut [u8],
        key: [u8; 4],
        declared: u64,
    ) -> Result<(), Cause> {
        let Some(message) = &mut self.receiver.message else {
            return Ok(());
        };
        if piece.is_empty() {
            return Ok(());
        }
        let partial = self.partial.get_or_insert_with(|| env.spare.take_partial());
        if let Assembly::None = partial.message {
            let bytes = env.spare.take(piece.len());
            partial.message = match message.kind {
                // A recycled buffer is empty, and so it is text.
                Kind::Text if self.config.check_utf8 => {
                    Assembly::Text(String::from_utf8(bytes).unwrap_or_default())
                }
                Kind::Text | Kind::Binary => Assembly::Bytes(bytes),
            };
        }
        match &mut partial.message {
            Assembly::Text(text) => {
                // The start of a code point may be carried over from before.
                let (len, declared) = (
                    piece.len() + Carry::MAX,
                    declared.saturating_add(Carry::MAX as u64),
                );
                let additional = growth(text.len(), text.capacity(), len, declared);
                if additional > 0 {
                    env.spare.grow_text(text, additional);
                }
                for block in piece.chunks_mut(BLOCK) {
                    mask::apply(block, key);
                    message
                        .utf8
                        .push(block, |valid| text.push_str(valid))
                        .map_err(|_| Violation::TextNotUtf8)?;
                }
            }
            Assembly::Bytes(bytes) => {
                let additional = growth(bytes.len(), bytes.capacity(), piece.len(), declared);
                if additional > 0 {
                    env.spare.grow(bytes, additional);
                }
                mask::append(bytes, piece, key);
            }
            Assembly::None => {}
        }
        Ok(())
    }

    /// The last byte of an assembled message is in.
    fn message_complete<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
    ) -> Result<Option<Ready>, Cause> {
        let Some(mut message) = self.receiver.message.take() else {
            return Ok(None);
        };
        message.utf8.finish().map_err(|_| Violation::TextNotUtf8)?;
        input.lent = match self.partial.as_mut().map(|partial| partial.message.take()) {
            Some(Assembly::Text(text)) => Lent::Text(text),
            Some(Assembly::Bytes(bytes)) => Lent::Bytes(bytes),
            Some(Assembly::None) | None => Lent::None,
        };
        self.timers.active = env.now();
        Ok(Some(Ready::Lent(Payload::Message(message.kind))))
    }

    /// Checks the text of a chunk, which is delivered where it lies.
    ///
    /// Returns how many bytes come before the one that proves that it is none: those are delivered,
    /// as they would be if they had come alone.
    pub(crate) fn check_chunk(&mut self, piece: &[u8], last: bool) -> Result<usize, Cause> {
        let Some(message) = &mut self.receiver.message else {
            return Ok(piece.len());
        };
        if message.kind != Kind::Text || !self.config.check_utf8 {
            return Ok(piece.len());
        }
        let mut utf8 = message.utf8;
        let mut checked = utf8.push(piece, |_| {});
        if last {
            checked = checked.and_then(|()| utf8.finish());
        }
        if checked.is_ok() {
            message.utf8 = utf8;
            return Ok(piece.len());
        }
        let mut valid = 0;
        for byte in &piece[..piece.len().saturating_sub(usize::from(last))] {
            let mut utf8 = message.utf8;
            if utf8.push(core::slice::from_ref(byte), |_| {}).is_err() {
                break;
            }
            message.utf8 = utf8;
            valid += 1;
        }
        if valid == 0 {
            return Err(Cause::Violation(Violation::TextNotUtf8));
        }
        Ok(valid)
    }

    /// A control frame that came in parts is whole.
    fn control_complete<B: AsMut<[u8]>>(
        &mut self,
        env: &mut Env,
        input: &mut Input<B>,
        opcode: Opcode,
    ) -> Result<Ready, Cause> {
        let bytes = self
            .partial
            .as_mut()
            .map(|partial| core::mem::take(&mut partial.control))
            .unwrap_or_default();
        let control = self.receive_control(env, opcode, &bytes);
        input.lent = Lent::Bytes(bytes);
        Ok(match control? {
            Control::Payload(payload) => Ready::Lent(payload),
            Control::Closed(closed) => {
                input.clear();
                Ready::Closed(closed)
            }
        })
    }

    /// Does what a control frame asks for.
    fn receive_control(
        &mut self,
        env: &mut Env,
        opcode: Opcode,
        payload: &[u8],
    ) -> Result<Control, Cause> {
        match opcode {
            Opcode::Close => {
                let (code, reason) = close::parse(payload)?;
                Ok(Control::Closed(self.peer_closed(env, code, reason)))
            }
            Opcode::Ping => {
                // 5.5.2: unless a Close was received, a pong is sent.
                if self.config.answer_pings {
                    self.queue_pong(env, payload);
                }
                Ok(Control::Payload(Payload::Ping))
            }
            Opcode::Pong | Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                Ok(Control::Payload(Payload::Pong))
            }
        }
    }
}

/// What a control frame comes to.
enum Control {
    Payload(Payload),
    Closed(Closed),
}

/// By how much to grow a buffer for `len` further bytes, when at most `declared` bytes, those
/// included, are still to come. Grows with what has come, never by what was only declared.
fn growth(had: usize, capacity: usize, len: usize, declared: u64) -> usize {
    const LEAST: usize = 1 << 10;
    if capacity - had >= len {
        return 0;
    }
    let double = (had + len).max(LEAST) + len;
    // Where the message ends before that, the buffer fits exactly. Where only a frame does, it must
    // not: a message in small fragments would be copied as often as it has some.
    usize::try_from(declared)
        .map_or(double, |declared| declared.min(double))
        .max(len)
}
