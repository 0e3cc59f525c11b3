//! Errors by blame: what the peer did wrong, what ended the connection, what the caller did wrong.

use core::fmt;

use crate::{
    handshake::{HandshakeMisuse, Refusal, ResponseError},
    wire::close::{CloseCode, Closed},
};

/// Why a connection failed. It comes once and is the last thing that a connection reports.
///
/// When it comes, the Close frame or the HTTP answer that tells the peer is already queued, behind
/// everything queued before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// What happened.
    pub cause: Cause,
    /// How the connection ended, in the same words as [`Event::Closed`](crate::Event::Closed).
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

/// What made a connection fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The peer broke RFC 6455.
    Violation(Violation),
    /// The peer sent more than the configuration allows.
    Limit(Limit),
    /// The peer did not do something in time.
    Deadline(Deadline),
    /// Server: the opening handshake was refused, and answered.
    Refused(Refusal),
    /// Client: the server's answer to the opening handshake is not a valid one.
    Response(ResponseError),
}

impl From<Violation> for Cause {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// A peer's breach of the protocol. Each is found on the first byte that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set that no negotiated extension defines (RFC 6455 5.2).
    ReservedBits,
    /// An opcode that is not defined (5.2). Contains the opcode.
    ReservedOpcode(u8),
    /// A Ping, Pong or Close frame without FIN (5.5).
    ControlFragmented,
    /// A Ping, Pong or Close frame of more than 125 bytes (5.5).
    ControlTooLong,
    /// A client's frame that is not masked (5.1).
    MaskMissing,
    /// A server's frame that is masked (5.1).
    MaskPresent,
    /// A continuation frame without a message to continue (5.4).
    ContinuationWithoutStart,
    /// A new message before the last fragment of the previous one (5.4).
    MessageInterrupted,
    /// A length in more bytes than it needs (5.2).
    LengthNotMinimal,
    /// A 64-bit length whose top bit is set (5.2).
    LengthOutOfRange,
    /// A Close frame whose payload is a single byte (5.5.1).
    CloseTooShort,
    /// A Close frame with a code that must not be sent (7.4). Contains the code.
    CloseCode(u16),
    /// A Close frame whose reason is not UTF-8 (5.5.1).
    CloseReasonNotUtf8,
    /// A text message that is not UTF-8 (8.1).
    TextNotUtf8,
    /// A compressed message that is no deflate stream (RFC 7692 7.2.2).
    Corrupt,
}

impl Violation {
    /// The code of the Close frame that answers it (RFC 6455 7.4.1).
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

/// A limit of [`Config`](crate::Config) that the peer exceeded; answered with 1009.
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
    /// [`opening_timeout`](crate::Config::opening_timeout)
    Opening,
    /// [`close_timeout`](crate::Config::close_timeout)
    Close,
    /// [`pong_timeout`](crate::Config::pong_timeout)
    Pong,
    /// [`idle_timeout`](crate::Config::idle_timeout)
    Idle,
    /// [`write_timeout`](crate::Config::write_timeout)
    Write,
    /// [`max_lifetime`](crate::Config::max_lifetime)
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

/// Why a call that sends was refused. Nothing was queued, and the connection is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The opening handshake is not complete.
    NotOpen,
    /// A Close frame is queued or sent, or the connection is over: no data may follow.
    Closed,
    /// The outgoing queue holds [`queue_limit`](crate::Config::queue_limit) bytes and the policy
    /// is to refuse.
    QueueFull,
    /// The outgoing queue is full and the policy is to drop the newest message: this one.
    Dropped,
    /// A control frame's payload is longer than 125 bytes (RFC 6455 5.5).
    ControlTooLong,
    /// A message started by [`start`](crate::Connection::start) is not finished yet.
    MessageUnfinished,
    /// There is no message that [`start`](crate::Connection::start) began.
    NoMessage,
    /// What was written to a text message is not UTF-8.
    NotUtf8,
    /// There is no request that waits for an answer.
    NoRequest,
    /// The handshake's answer or request cannot be written as asked.
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
            Self::Dropped => "the outgoing queue is full, the message was dropped",
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
