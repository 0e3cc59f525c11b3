//! Errors by blame: violations and limits of the peer, deadlines, misuse by the caller.

use core::fmt;

use crate::{
    handshake::{HandshakeMisuse, Refusal, ResponseError},
    wire::close::{CloseCode, Closed},
};

/// The failure of a connection. It is returned once, and is the last thing that a connection reports.
///
/// The peer is told of its fault: a Close frame or an HTTP answer is queued behind everything queued before.
/// It is not told if our Close frame was queued before, if the server's response is invalid, after a client's
/// opening timeout, after the write timeout, or if the transport is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// The reason for the failure.
    pub cause: Cause,
    /// The end of the connection, as in [`Event::Closed`](crate::Event::Closed).
    pub closed: Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Violation(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Cause::Limit(limit) => write!(f, "the peer exceeded a limit: {limit}"),
            Cause::Deadline(deadline) => write!(f, "{deadline}"),
            Cause::Refused(refusal) => write!(f, "the opening handshake was refused: {refusal}"),
            Cause::Response(error) => write!(f, "the server's handshake is invalid: {error}"),
        }
    }
}

impl core::error::Error for Error {}

/// The reason for the failure of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The peer violated the protocol.
    Violation(Violation),
    /// The peer sent more than the configuration allows.
    Limit(Limit),
    /// A deadline passed: [`Opening`](Deadline::Opening), [`Pong`](Deadline::Pong) or
    /// [`Write`](Deadline::Write).
    Deadline(Deadline),
    /// Server: the opening handshake was refused, and answered.
    Refused(Refusal),
    /// Client: the server's response to the opening handshake is invalid.
    Response(ResponseError),
}

impl From<Violation> for Cause {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// A violation of the protocol by the peer.
///
/// Each is found at the first byte that proves it, except in a compressed message, which is kept for a while
/// before it is inflated ([`inflate_from`](crate::Compression::inflate_from)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set that no negotiated extension defines (RFC 6455 5.2).
    ReservedBits,
    /// A reserved opcode (RFC 6455 5.2). Contains the opcode.
    ReservedOpcode(u8),
    /// A Ping, Pong or Close frame without FIN (RFC 6455 5.5).
    ControlFragmented,
    /// A Ping, Pong or Close frame with a payload of more than 125 bytes (RFC 6455 5.5).
    ControlTooLong,
    /// A frame from a client that is not masked (RFC 6455 5.1).
    MaskMissing,
    /// A frame from a server that is masked (RFC 6455 5.1).
    MaskPresent,
    /// A continuation frame without a message to continue (RFC 6455 5.4).
    ContinuationWithoutStart,
    /// A new message before the last fragment of the previous one (RFC 6455 5.4).
    MessageInterrupted,
    /// A payload length that is not encoded in the minimal number of bytes (RFC 6455 5.2).
    LengthNotMinimal,
    /// A 64-bit payload length whose most significant bit is set (RFC 6455 5.2).
    LengthOutOfRange,
    /// A Close frame whose payload is a single byte (RFC 6455 5.5.1).
    CloseTooShort,
    /// A Close frame with a code that must not be sent (RFC 6455 7.4). Contains the code.
    CloseCode(u16),
    /// A Close frame whose reason is not UTF-8 (RFC 6455 5.5.1).
    CloseReasonNotUtf8,
    /// A text message that is not UTF-8 (RFC 6455 8.1).
    TextNotUtf8,
    /// A compressed message that is not a valid DEFLATE stream (RFC 7692 7.2.2).
    Corrupt,
}

impl Violation {
    /// Returns the code of the Close frame that answers the violation (RFC 6455 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::TextNotUtf8 | Self::CloseReasonNotUtf8 | Self::Corrupt => CloseCode::INVALID_DATA,
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::MaskMissing
            | Self::MaskPresent
            | Self::ContinuationWithoutStart
            | Self::MessageInterrupted
            | Self::LengthNotMinimal
            | Self::LengthOutOfRange
            | Self::CloseTooShort
            | Self::CloseCode(_) => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "a reserved bit is set",
            Self::ReservedOpcode(opcode) => return write!(f, "opcode {opcode:#x} is reserved"),
            Self::ControlFragmented => "a control frame is fragmented",
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::MaskMissing => "a client's frame is not masked",
            Self::MaskPresent => "a server's frame is masked",
            Self::ContinuationWithoutStart => "a continuation frame has nothing to continue",
            Self::MessageInterrupted => "a message began inside another",
            Self::LengthNotMinimal => "a length is not in its shortest form",
            Self::LengthOutOfRange => "a length has its top bit set",
            Self::CloseTooShort => "a Close frame has half a code",
            Self::CloseCode(code) => return write!(f, "close code {code} must not be sent"),
            Self::CloseReasonNotUtf8 => "a close reason is not UTF-8",
            Self::TextNotUtf8 => "a text message is not UTF-8",
            Self::Corrupt => "a compressed message is corrupt",
        })
    }
}

/// A limit of [`Config`](crate::Config) that the peer exceeded. It is answered with 1009 (RFC 6455 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`max_frame`](crate::Config::max_frame): bytes in one frame.
    Frame,
    /// [`max_message`](crate::Config::max_message): bytes in one message.
    Message,
    /// [`max_fragments`](crate::Config::max_fragments): frames in one message.
    Fragments,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame => "frame too long",
            Self::Message => "message too long",
            Self::Fragments => "message in too many fragments",
        })
    }
}

/// A deadline of [`Config`](crate::Config).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// The opening handshake was not completed within [`opening_timeout`](crate::Config::opening_timeout).
    Opening,
    /// The peer did not answer our Close frame within [`close_timeout`](crate::Config::close_timeout).
    Close,
    /// The peer sent no byte within [`pong_timeout`](crate::Config::pong_timeout) after a ping.
    Pong,
    /// No message was sent or received for [`idle_timeout`](crate::Config::idle_timeout).
    Idle,
    /// The transport took no byte for [`write_timeout`](crate::Config::write_timeout) while some were queued.
    Write,
    /// The connection was open for [`max_lifetime`](crate::Config::max_lifetime).
    Lifetime,
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "the opening handshake took too long",
            Self::Close => "the peer did not answer the Close frame in time",
            Self::Pong => "the peer did not answer a ping in time",
            Self::Idle => "no message passed for too long",
            Self::Write => "the peer did not take our data in time",
            Self::Lifetime => "the connection reached its maximum age",
        })
    }
}

/// The reason why a call did not send.
///
/// The message was not queued. The connection is unchanged, unless it is closed because of
/// [`Overflow::Close`](crate::Overflow::Close): then a Close frame is queued, and the call returns
/// [`Closed`](Self::Closed).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The opening handshake is not complete.
    NotOpen,
    /// A Close frame is queued or sent, a write has failed, or the connection is over.
    Closed,
    /// The outgoing queue has no room for it (see [`Config::admits`](crate::Config::admits)), and nothing may
    /// be dropped: the policy is [`Overflow::Refuse`](crate::Overflow::Refuse), dropping the oldest messages
    /// is not enough, or it is a control frame or a part of a message.
    QueueFull,
    /// The outgoing queue is full, and the policy is [`Overflow::DropNewest`](crate::Overflow::DropNewest).
    Dropped,
    /// A control frame's payload is longer than 125 bytes (RFC 6455 5.5).
    ControlTooLong,
    /// A message started by [`start`](crate::Connection::start) is not finished yet.
    MessageUnfinished,
    /// No message was begun by [`start`](crate::Connection::start).
    NoMessage,
    /// The data of a text message is not UTF-8.
    NotUtf8,
    /// No request awaits an answer.
    NoRequest,
    /// The request or response of the opening handshake is invalid.
    Handshake(HandshakeMisuse),
}

impl From<HandshakeMisuse> for SendError {
    fn from(misuse: HandshakeMisuse) -> Self {
        Self::Handshake(misuse)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpen => "the connection is not open yet",
            Self::Closed => "the connection is closing or closed",
            Self::QueueFull => "the outgoing queue is full",
            Self::Dropped => "the outgoing queue is full: the message was dropped",
            Self::ControlTooLong => "a control frame carries at most 125 bytes",
            Self::MessageUnfinished => "another message is still being written",
            Self::NoMessage => "no message has been started",
            Self::NotUtf8 => "text is not UTF-8",
            Self::NoRequest => "no request waits for an answer",
            Self::Handshake(misuse) => return fmt::Display::fmt(misuse, f),
        })
    }
}

impl core::error::Error for SendError {}
