//! Collects the octets of a head as they come, and finds its end.
//!
//! Each octet is looked at once, however the head is chopped: the state between two octets is all
//! that the scan needs, so it never starts again. The first line is checked on the way, so that a
//! TLS hello, another protocol or another version of HTTP is refused at the octet that shows it.
//! The rest of the head is parsed once, when it is whole.

use alloc::vec::Vec;

use super::headers::is_token_octet;

/// Which kind of head is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadKind {
    /// A server expects a request.
    Request,
    /// A client expects a response.
    Response,
}

/// What [`HeadReader::push`] did with its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How many octets of the input belong to the head; the others come after it.
    pub(crate) octets: usize,
    /// Whether the last octet of the head is among them.
    pub(crate) complete: bool,
}

/// Why a head is hopeless before it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// The octets are no head of HTTP/1.
    Malformed,
    /// The major version of HTTP is not 1.
    UnsupportedHttpVersion,
    /// The head has reached the limit without an end.
    TooLarge,
}

/// Collects the octets of one head.
#[derive(Debug)]
pub(crate) struct HeadReader {
    buf: Vec<u8>,
    examined: u64,
    kind: HeadKind,
    state: State,
}

/// What the octets so far amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first line, where empty lines are skipped (RFC 7230 section 3.5).
    Start,
    /// After the CR of an empty line before the first line.
    StartCr,
    /// Within the method.
    Method,
    /// Before the first octet of the target.
    TargetStart,
    /// Within the target.
    Target,
    /// Within the version; this many of its octets were right.
    Version(u8),
    /// Within the status; this many of its digits have come.
    StatusCode(u8),
    /// After the last octet that the first line must have.
    FirstLineEnd,
    /// Within the reason phrase.
    Reason,
    /// After the CR that ends the first line.
    FirstLineCr,
    /// At the start of a line that is a header or the end.
    LineStart,
    /// Within a header line.
    Line,
    /// After a CR at the start of a line.
    LastCr,
    /// After the end.
    Complete,
}

impl HeadReader {
    /// Starts with nothing; `buf` is an empty vector whose memory is used again.
    pub(crate) const fn new(kind: HeadKind, buf: Vec<u8>) -> Self {
        Self {
            buf,
            examined: 0,
            kind,
            state: State::Start,
        }
    }

    /// Takes the octets of `input` up to and including the end of the head.
    ///
    /// A head of exactly `max_len` octets is taken. After an error or a complete head, there is
    /// nothing more to push.
    pub(crate) fn push(&mut self, input: &[u8], max_len: usize) -> Result<Taken, HeadError> {
        debug_assert!(self.state != State::Complete, "the head has ended");
        let room = max_len.saturating_sub(self.buf.len());
        for (index, &octet) in input.iter().take(room).enumerate() {
            self.examined += 1;
            self.state = self.state.after(octet, self.kind)?;
            if self.state == State::Complete {
                let octets = index + 1;
                self.buf.extend_from_slice(&input[..octets]);
                return Ok(Taken {
                    octets,
                    complete: true,
                });
            }
        }
        if input.len() >= room {
            return Err(HeadError::TooLarge);
        }
        self.buf.extend_from_slice(input);
        Ok(Taken {
            octets: input.len(),
            complete: false,
        })
    }

    /// How many octets have been looked at: never more than have been pushed.
    pub(crate) const fn examined(&self) -> u64 {
        self.examined
    }

    /// The octets of the head.
    pub(crate) fn into_buf(self) -> Vec<u8> {
        self.buf
    }
}

impl State {
    /// The state after one more octet.
    ///
    /// What is an error here is one to httparse too, at the same octet; what is none may still be
    /// one, since header lines are only searched for their ends.
    fn after(self, octet: u8, kind: HeadKind) -> Result<Self, HeadError> {
        let next = match (self, octet) {
            (Self::Start, b'\r') => Self::StartCr,
            (Self::Start | Self::StartCr, b'\n') => Self::Start,
            (Self::Start, _) => match kind {
                HeadKind::Request if is_token_octet(octet) => Self::Method,
                HeadKind::Response if octet == b'H' => Self::Version(1),
                HeadKind::Request | HeadKind::Response => return Err(HeadError::Malformed),
            },
            (Self::Method, b' ') => Self::TargetStart,
            (Self::Method, _) if is_token_octet(octet) => Self::Method,
            (Self::Target, b' ') => Self::Version(0),
            (Self::TargetStart | Self::Target, 0x21..=0x7e | 0x80..) => Self::Target,
            (Self::Version(read), _) => return after_version(read, octet, kind),
            (Self::StatusCode(2), b'0'..=b'9') => Self::FirstLineEnd,
            (Self::StatusCode(digits), b'0'..=b'9') => Self::StatusCode(digits + 1),
            (Self::FirstLineEnd, b' ') if kind == HeadKind::Response => Self::Reason,
            (Self::FirstLineEnd | Self::Reason, b'\r') => Self::FirstLineCr,
            (Self::FirstLineEnd | Self::Reason | Self::FirstLineCr, b'\n') => Self::LineStart,
            (Self::Reason, b'\t' | 0x20..=0x7e | 0x80..) => Self::Reason,
            (Self::LineStart, b'\r') => Self::LastCr,
            (Self::LineStart | Self::LastCr, b'\n') => Self::Complete,
            (Self::Line, b'\n') => Self::LineStart,
            (Self::LineStart, _) if is_token_octet(octet) => Self::Line,
            (Self::Line, _) => Self::Line,
            (
                Self::StartCr
                | Self::Method
                | Self::TargetStart
                | Self::Target
                | Self::StatusCode(_)
                | Self::FirstLineEnd
                | Self::Reason
                | Self::FirstLineCr
                | Self::LineStart
                | Self::LastCr
                | Self::Complete,
                _,
            ) => return Err(HeadError::Malformed),
        };
        Ok(next)
    }
}

/// The state after one more octet of the version, of which `read` octets have come.
fn after_version(read: u8, octet: u8, kind: HeadKind) -> Result<State, HeadError> {
    const MAJOR: u8 = 5;
    const DOT: u8 = 6;
    const MINOR: u8 = 7;
    match (read, octet) {
        (0, b'H') | (1 | 2, b'T') | (3, b'P') | (4, b'/') | (MAJOR, b'1') | (DOT, b'.') => {
            Ok(State::Version(read + 1))
        }
        // "HTTP/2" and "HTTP/10" are HTTP, but not one that can be upgraded to WebSocket.
        (MAJOR | DOT, b'0'..=b'9') => Err(HeadError::UnsupportedHttpVersion),
        (MINOR, b'0' | b'1') => Ok(match kind {
            HeadKind::Request => State::FirstLineEnd,
            HeadKind::Response => State::Version(read + 1),
        }),
        (_, b' ') if read > MINOR => Ok(State::StatusCode(0)),
        _ => Err(HeadError::Malformed),
    }
}
