//! Collects the bytes of a head as they come, and finds its end.
//!
//! Each byte is examined once, however the head is split: the state between two bytes is all that the scan
//! needs, so it never restarts. The first line is checked on the way, so that a TLS ClientHello, another
//! protocol or another version of HTTP is refused at the byte that shows it. The rest of the head is parsed
//! once, when it is complete.

use alloc::vec::Vec;

use super::headers::is_token_byte;

/// The kind of head that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadKind {
    /// A server expects a request.
    Request,
    /// A client expects a response.
    Response,
}

/// The result of [`HeadReader::push`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Number of input bytes that belong to the head; the others come after it.
    pub(crate) bytes: usize,
    /// True if the last byte of the head is among them.
    pub(crate) complete: bool,
}

/// The fault of a head that cannot become valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// The bytes are not the head of an HTTP/1 message.
    Malformed,
    /// The major version of HTTP is not 1.
    UnsupportedHttpVersion,
    /// The head has reached the limit without ending.
    TooLarge,
}

/// Collects the bytes of one head.
#[derive(Debug)]
pub(crate) struct HeadReader {
    buf: Vec<u8>,
    /// Number of bytes examined, to prove that none is examined twice.
    #[cfg(test)]
    examined: u64,
    kind: HeadKind,
    state: State,
}

/// The position in the grammar of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first line, where empty lines are skipped (RFC 7230 section 3.5).
    Start,
    /// After the CR of an empty line before the first line.
    StartCr,
    /// Within the method.
    Method,
    /// Before the first byte of the target.
    TargetStart,
    /// Within the target.
    Target,
    /// Within the version; this many of its bytes were right.
    Version(u8),
    /// Within the status; this many of its digits have come.
    StatusCode(u8),
    /// After the last byte that the first line must have.
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
    /// Creates a reader. `buf` must be empty; it is passed in so that its memory is reused.
    pub(crate) const fn new(kind: HeadKind, buf: Vec<u8>) -> Self {
        Self {
            buf,
            #[cfg(test)]
            examined: 0,
            kind,
            state: State::Start,
        }
    }

    /// Takes the bytes of `input` up to and including the end of the head.
    ///
    /// A head of exactly `max_len` bytes is accepted. After an error or a complete head, `push` must not be
    /// called again.
    pub(crate) fn push(&mut self, input: &[u8], max_len: usize) -> Result<Taken, HeadError> {
        debug_assert!(self.state != State::Complete, "the head has ended");
        let room = max_len.saturating_sub(self.buf.len());
        for (index, &byte) in input.iter().take(room).enumerate() {
            #[cfg(test)]
            {
                self.examined += 1;
            }
            self.state = self.state.after(byte, self.kind)?;
            if self.state == State::Complete {
                let bytes = index + 1;
                self.buf.extend_from_slice(&input[..bytes]);
                return Ok(Taken {
                    bytes,
                    complete: true,
                });
            }
        }
        if input.len() >= room {
            return Err(HeadError::TooLarge);
        }
        self.buf.extend_from_slice(input);
        Ok(Taken {
            bytes: input.len(),
            complete: false,
        })
    }

    /// Returns the bytes of the head.
    pub(crate) fn into_buf(self) -> Vec<u8> {
        self.buf
    }
}

impl State {
    /// Returns the state after one more byte.
    ///
    /// Every error here is one to httparse too, at the same byte. The converse is not true, since header
    /// lines are only searched for their ends.
    fn after(self, byte: u8, kind: HeadKind) -> Result<Self, HeadError> {
        let next = match (self, byte) {
            (Self::Start, b'\r') => Self::StartCr,
            (Self::Start | Self::StartCr, b'\n') => Self::Start,
            (Self::Start, _) => match kind {
                HeadKind::Request if is_token_byte(byte) => Self::Method,
                HeadKind::Response if byte == b'H' => Self::Version(1),
                HeadKind::Request | HeadKind::Response => return Err(HeadError::Malformed),
            },
            (Self::Method, b' ') => Self::TargetStart,
            (Self::Method, _) if is_token_byte(byte) => Self::Method,
            (Self::Target, b' ') => Self::Version(0),
            (Self::TargetStart | Self::Target, 0x21..=0x7e | 0x80..) => Self::Target,
            (Self::Version(read), _) => return after_version(read, byte, kind),
            (Self::StatusCode(2), b'0'..=b'9') => Self::FirstLineEnd,
            (Self::StatusCode(digits), b'0'..=b'9') => Self::StatusCode(digits + 1),
            (Self::FirstLineEnd, b' ') if kind == HeadKind::Response => Self::Reason,
            (Self::FirstLineEnd | Self::Reason, b'\r') => Self::FirstLineCr,
            (Self::FirstLineEnd | Self::Reason | Self::FirstLineCr, b'\n') => Self::LineStart,
            (Self::Reason, b'\t' | 0x20..=0x7e | 0x80..) => Self::Reason,
            (Self::LineStart, b'\r') => Self::LastCr,
            (Self::LineStart | Self::LastCr, b'\n') => Self::Complete,
            (Self::Line, b'\n') => Self::LineStart,
            (Self::LineStart, _) if is_token_byte(byte) => Self::Line,
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

/// Returns the state after one more byte of the version, of which `read` bytes have come.
fn after_version(read: u8, byte: u8, kind: HeadKind) -> Result<State, HeadError> {
    const MAJOR: u8 = 5;
    const DOT: u8 = 6;
    const MINOR: u8 = 7;
    match (read, byte) {
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

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    const MAX_LEN: usize = 16 << 10;

    const REQUEST: &[u8] = b"GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nEmpty:\r\nTab:\tb \r\n\r\n";
    const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    /// Returns the number of bytes taken from a head, and the result.
    #[derive(Debug, PartialEq, Eq)]
    enum Outcome {
        Complete(usize),
        Unfinished(usize),
        Failed(HeadError, u64),
    }

    fn read<'a>(kind: HeadKind, parts: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        let mut reader = HeadReader::new(kind, Vec::new());
        let mut bytes = 0;
        for part in parts {
            match reader.push(part, MAX_LEN) {
                Ok(taken) => bytes += taken.bytes,
                Err(error) => return Outcome::Failed(error, reader.examined),
            }
            if reader.state == State::Complete {
                assert_eq!(reader.into_buf().len(), bytes);
                return Outcome::Complete(bytes);
            }
        }
        Outcome::Unfinished(bytes)
    }

    /// Returns the same from httparse, which parses every prefix.
    fn parse_every_prefix(kind: HeadKind, bytes: &[u8]) -> Result<Option<usize>, usize> {
        for end in 0..=bytes.len() {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let parsed = match kind {
                HeadKind::Request => httparse::Request::new(&mut headers).parse(&bytes[..end]),
                HeadKind::Response => httparse::Response::new(&mut headers).parse(&bytes[..end]),
            };
            match parsed {
                Ok(httparse::Status::Complete(len)) => return Ok(Some(len)),
                Ok(httparse::Status::Partial) => {}
                Err(_) => return Err(end),
            }
        }
        Ok(None)
    }

    #[test]
    fn the_end_is_found_and_what_follows_is_left() {
        for (kind, head) in [
            (HeadKind::Request, REQUEST),
            (HeadKind::Response, RESPONSE),
            (HeadKind::Request, b"GET / HTTP/1.1\n\n"),
            (HeadKind::Request, b"GET / HTTP/1.1\nHost: a\n\r\n"),
            (HeadKind::Request, b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
            (HeadKind::Request, b"\r\n\n\r\nGET / HTTP/1.0\r\n\r\n"),
            (HeadKind::Response, b"\nHTTP/1.0 404\n\n"),
            (HeadKind::Response, b"HTTP/1.1 200 \r\n\r\n"),
            (HeadKind::Response, b"HTTP/1.1 200 \xc3\xa9\tok\r\n\r\n"),
        ] {
            let input = [head, b"\x81\x00\r\n\r\n"].concat();
            assert_eq!(read(kind, [&input[..]]), Outcome::Complete(head.len()));
        }
    }

    #[test]
    fn garbage_is_refused_at_the_byte_that_shows_it() {
        use HeadError::{Malformed, UnsupportedHttpVersion};
        use HeadKind::{Request, Response};
        for (kind, bytes, error, examined) in [
            (Request, &b"\x16\x03\x01\x02\x00\x01"[..], Malformed, 1),
            (Request, b"\x00", Malformed, 1),
            (Request, b" GET", Malformed, 1),
            (Request, b"\rG", Malformed, 2),
            (Request, b"SSH-2.0-client\r\n", Malformed, 15),
            (Request, b"GET\r\n", Malformed, 4),
            (Request, b"GET  /", Malformed, 5),
            (Request, b"GET /\r\n", Malformed, 6),
            (Request, b"GET /a\x07b", Malformed, 7),
            (Request, b"GET /a\x7fb", Malformed, 7),
            (Request, b"GET / FTP/1.1", Malformed, 7),
            (Request, b"GET / HTTP/x", Malformed, 12),
            (Request, b"GET / HTTP/1.2", Malformed, 14),
            (Request, b"GET / HTTP/1.1 ", Malformed, 15),
            (Request, b"GET / HTTP/1.1\rx", Malformed, 16),
            (Request, b"GET / HTTP/1.1\r\n Host", Malformed, 17),
            (Request, b"GET / HTTP/1.1\r\n\rx", Malformed, 18),
            (Request, b"PRI * HTTP/2.0\r\n", UnsupportedHttpVersion, 12),
            (Request, b"GET / HTTP/0.9\r\n", UnsupportedHttpVersion, 12),
            (Request, b"GET / HTTP/10.1", UnsupportedHttpVersion, 13),
            (Response, b"\x15\x03\x03", Malformed, 1),
            (Response, b"SSH-2.0-server\r\n", Malformed, 1),
            (Response, b"HTTP/2.0 101", UnsupportedHttpVersion, 6),
            (Response, b"HTTP/1.12", Malformed, 9),
            (Response, b"HTTP/1.1 10x", Malformed, 12),
            (Response, b"HTTP/1.1 1011", Malformed, 13),
            (Response, b"HTTP/1.1 101 a\x00", Malformed, 15),
        ] {
            let whole = read(kind, [bytes]);
            assert_eq!(
                whole,
                Outcome::Failed(error, examined),
                "{}",
                bytes.escape_ascii()
            );
            let trickle = read(kind, bytes.chunks(1));
            assert_eq!(trickle, whole, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_head_may_be_as_long_as_the_limit_and_no_longer() {
        let mut fits = HeadReader::new(HeadKind::Request, Vec::new());
        let taken = fits.push(REQUEST, REQUEST.len());
        assert_eq!(taken.map(|taken| taken.complete), Ok(true));

        // One more byte would be beyond the limit, so there is no need to wait for it.
        let mut full = HeadReader::new(HeadKind::Request, Vec::new());
        let taken = full.push(&REQUEST[..20], 20);
        assert_eq!(taken, Err(HeadError::TooLarge));

        for chunk in [1, 7, REQUEST.len()] {
            let mut reader = HeadReader::new(HeadKind::Request, Vec::new());
            let max_len = REQUEST.len() - 1;
            let error = REQUEST
                .chunks(chunk)
                .find_map(|part| reader.push(part, max_len).err());
            assert_eq!(error, Some(HeadError::TooLarge));
            assert_eq!(reader.examined, max_len as u64);
        }
    }

    #[test]
    fn each_byte_is_examined_once_however_the_head_is_chopped() {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        while head.len() < MAX_LEN - 100 {
            head.extend_from_slice(b"Name: value\r\n");
        }
        head.extend_from_slice(b"\r\n");
        for chunk in [1, 2, 3, 1000, head.len()] {
            let mut reader = HeadReader::new(HeadKind::Request, Vec::new());
            for part in head.chunks(chunk) {
                reader.push(part, MAX_LEN).expect("a valid head");
            }
            assert_eq!(reader.examined, head.len() as u64);
            assert_eq!(reader.into_buf(), head);
        }
    }

    #[test]
    fn recycled_memory_is_used_again() {
        let buf = Vec::with_capacity(1000);
        let memory = buf.as_ptr();
        let mut reader = HeadReader::new(HeadKind::Request, buf);
        reader.push(REQUEST, MAX_LEN).expect("a valid head");
        let buf = reader.into_buf();
        assert_eq!(buf.as_ptr(), memory);
    }

    /// Generates bytes that are nearly a head: a sample with pieces inserted, truncated somewhere.
    fn nearly_a_head() -> impl Strategy<Value = (HeadKind, Vec<u8>)> {
        let piece = prop::sample::select(vec![
            &b"\r"[..],
            b"\n",
            b"\r\n",
            b"\r\n\r\n",
            b" ",
            b":",
            b"\x00",
            b"\x80",
            b"HTTP/1.1",
            b"2",
            b"a: b\n",
        ]);
        let samples = vec![(HeadKind::Request, REQUEST), (HeadKind::Response, RESPONSE)];
        let sample = prop::sample::select(samples);
        let edits = prop::collection::vec((any::<prop::sample::Index>(), piece, 0..3usize), 0..4);
        (sample, edits).prop_map(|((kind, sample), edits)| {
            let mut bytes = sample.to_vec();
            for (index, piece, removed) in edits {
                let start = index.index(bytes.len() + 1);
                let end = bytes.len().min(start + removed);
                bytes.splice(start..end, piece.iter().copied());
            }
            (kind, bytes)
        })
    }

    proptest! {
        #[test]
        fn any_chopping_gives_the_same_outcome(
            (kind, bytes) in nearly_a_head(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
            let whole = read(kind, [&bytes[..]]);
            prop_assert_eq!(read(kind, parts), whole);
        }

        #[test]
        fn the_end_is_where_httparse_finds_it((kind, bytes) in nearly_a_head()) {
            let naive = parse_every_prefix(kind, &bytes);
            match read(kind, [&bytes[..]]) {
                // Faults of header lines are left to the parser, which sees them when the head is complete.
                Outcome::Complete(len) => {
                    prop_assert!(naive == Ok(Some(len)) || naive.is_err_and(|end| end <= len));
                }
                Outcome::Unfinished(_) => prop_assert!(!matches!(naive, Ok(Some(_)))),
                Outcome::Failed(_, examined) => {
                    prop_assert!(naive.is_err_and(|end| end as u64 <= examined));
                }
            }
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            max_len in 0..200usize,
        ) {
            for kind in [HeadKind::Request, HeadKind::Response] {
                let mut reader = HeadReader::new(kind, vec![]);
                let _ = reader.push(&bytes, max_len);
                prop_assert!(reader.examined <= bytes.len().min(max_len) as u64);
            }
        }
    }
}
