//! Close codes, Close frames, and the end of a connection (RFC 6455 7).

use alloc::boxed::Box;
use core::fmt;

use crate::error::{Deadline, Violation};

/// A status code of the closing handshake (RFC 6455 7.4).
///
/// Three codes are never on the wire and only inform the application: [`NO_STATUS`](Self::NO_STATUS),
/// [`ABNORMAL`](Self::ABNORMAL) and [`TLS_FAILED`](Self::TLS_FAILED).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: normal closure, the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: an endpoint is going away: a server shuts down, or a browser has left the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer violated the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: the endpoint received a type of data that it cannot accept.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the Close frame had no status code. Never on the wire:
    /// [`Connection::close`](crate::Connection::close) sends a Close frame without a code for it.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the connection was lost without a Close frame. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: the data of a message does not fit its type, such as text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: a message violates the endpoint's policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message is too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: a client expected an extension that the server did not negotiate.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// 1011: an unexpected condition kept the endpoint from fulfilling the request.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts (registered with IANA).
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the service is overloaded, and the client may try again later (registered with IANA).
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway received an invalid response (registered with IANA).
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed. Never on the wire.
    pub const TLS_FAILED: Self = Self(1015);

    /// Returns the code if it may be sent: 1000–1003, 1007–1014 or 3000–4999 (RFC 6455 7.4).
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// Returns the code as a number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Parses a code from a Close frame. 7.4: a peer must not send reserved or undefined codes.
    pub(crate) fn from_wire(code: u16) -> Result<Self, Violation> {
        Self::new(code).ok_or(Violation::CloseCode(code))
    }
}

impl TryFrom<u16> for CloseCode {
    type Error = InvalidCloseCode;

    /// As [`CloseCode::new`].
    fn try_from(code: u16) -> Result<Self, InvalidCloseCode> {
        Self::new(code).ok_or(InvalidCloseCode(code))
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl PartialEq<u16> for CloseCode {
    fn eq(&self, other: &u16) -> bool {
        self.0 == *other
    }
}

/// The error of converting a number that no Close frame may contain into a [`CloseCode`]. Contains the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidCloseCode(pub u16);

impl fmt::Display for InvalidCloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "close code {} must not be sent", self.0)
    }
}

impl core::error::Error for InvalidCloseCode {}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status received",
            1006 => "abnormal closure",
            1007 => "invalid payload data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "extension required",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake failed",
            3000..=3999 => "registered",
            _ => "private use",
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// The party or event that ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClosedBy {
    /// The peer sent the first Close frame, or refused the opening handshake.
    Peer,
    /// The application called [`close`](crate::Connection::close), or rejected the handshake.
    Application,
    /// The peer violated the protocol or exceeded a limit, in the opening handshake or later.
    Error,
    /// The outgoing queue was full, with the policy [`Overflow::Close`](crate::Overflow::Close).
    Overflow,
    /// A deadline of [`Config`](crate::Config) passed.
    Deadline(Deadline),
    /// The transport ended or failed without a closing handshake.
    Transport,
}

/// The end of a connection. There is exactly one for each connection, in
/// [`Event::Closed`](crate::Event::Closed) or in the one [`Error`](crate::Error).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The code of the peer's Close frame, which is [`NO_STATUS`](CloseCode::NO_STATUS) if the frame has
    /// none. If the peer violated the protocol or exceeded a limit after the opening handshake, the code that
    /// answers the fault. Otherwise [`ABNORMAL`](CloseCode::ABNORMAL).
    pub code: CloseCode,
    /// The reason in the peer's Close frame, or a description of the peer's fault; often empty.
    pub reason: Box<str>,
    /// True if the closing handshake is complete: the peer's Close frame has come, and ours is queued or
    /// sent.
    pub clean: bool,
    /// The party or event that ended the connection.
    pub by: ClosedBy,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed ")?;
        match self.by {
            ClosedBy::Peer => f.write_str("by the peer")?,
            ClosedBy::Application => f.write_str("by the application")?,
            ClosedBy::Error => f.write_str("because the peer broke the protocol")?,
            ClosedBy::Overflow => f.write_str("because the peer was too slow")?,
            ClosedBy::Deadline(deadline) => write!(f, "because {deadline}")?,
            ClosedBy::Transport => f.write_str("because the transport ended")?,
        }
        write!(f, " with {}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, ": {:?}", self.reason)?;
        }
        Ok(())
    }
}

/// Maximum length in bytes of a reason: a Close frame has 125 bytes (RFC 6455 5.5), and the code takes two.
pub(crate) const MAX_REASON: usize = 123;

/// The payload of a Close frame, at most 125 bytes.
pub(crate) struct ClosePayload {
    bytes: [u8; 2 + MAX_REASON],
    len: usize,
}

impl ClosePayload {
    /// Encodes a code and a reason, which is truncated at a character boundary if it is too long (RFC 6455
    /// 5.5.1).
    pub(crate) fn new(code: CloseCode, reason: &str) -> Self {
        let mut payload = Self {
            bytes: [0; 2 + MAX_REASON],
            len: 0,
        };
        if CloseCode::new(code.get()).is_none() {
            // 7.4.1: 1005, 1006 and 1015 are never sent. A reason needs a code before it, so it is not sent
            // either.
            return payload;
        }
        let mut end = reason.len().min(MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = &reason[..end];
        payload.bytes[..2].copy_from_slice(&code.get().to_be_bytes());
        payload.bytes[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
        payload.len = 2 + reason.len();
        payload
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Parses the payload of a Close frame (RFC 6455 5.5.1).
pub(crate) fn parse(payload: &[u8]) -> Result<(CloseCode, &str), Violation> {
    match payload {
        [] => Ok((CloseCode::NO_STATUS, "")),
        [_] => Err(Violation::CloseTooShort),
        [high, low, reason @ ..] => {
            let code = CloseCode::from_wire(u16::from_be_bytes([*high, *low]))?;
            let reason = core::str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
            Ok((code, reason))
        }
    }
}

/// Checks the first bytes of the payload of a Close frame, so that a violation is found before the rest has
/// come.
pub(crate) fn check_start(bytes: &[u8]) -> Result<(), Violation> {
    let [high, low, reason @ ..] = bytes else {
        return Ok(());
    };
    CloseCode::from_wire(u16::from_be_bytes([*high, *low]))?;
    match core::str::from_utf8(reason) {
        Err(error) if error.error_len().is_some() => Err(Violation::CloseReasonNotUtf8),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_defined_codes_pass() {
        for code in 0..=u16::MAX {
            let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            assert_eq!(CloseCode::new(code).is_some(), allowed, "{code}");
            match CloseCode::try_from(code) {
                Ok(valid) => assert!(allowed && valid == code && u16::from(valid) == code),
                Err(InvalidCloseCode(invalid)) => assert!(!allowed && invalid == code),
            }
            assert_eq!(parse(&code.to_be_bytes()).is_ok(), allowed, "{code}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let payload = ClosePayload::new(CloseCode::NORMAL, &"é".repeat(70));
        assert_eq!(payload.as_slice().len(), 2 + 122);
        assert_eq!(
            parse(payload.as_slice()),
            Ok((CloseCode::NORMAL, "é".repeat(61).as_str()))
        );
    }

    #[test]
    fn codes_that_are_never_on_the_wire_send_an_empty_close() {
        for code in [
            CloseCode::NO_STATUS,
            CloseCode::ABNORMAL,
            CloseCode::TLS_FAILED,
        ] {
            assert_eq!(ClosePayload::new(code, "lost").as_slice(), b"");
        }
    }

    #[test]
    fn a_close_of_one_byte_or_with_a_broken_reason_is_a_violation() {
        assert_eq!(parse(b"\x03"), Err(Violation::CloseTooShort));
        assert_eq!(parse(b"\x03\xe8\xff"), Err(Violation::CloseReasonNotUtf8));
        assert_eq!(parse(b"\x03\xed"), Err(Violation::CloseCode(1005)));
    }
}
