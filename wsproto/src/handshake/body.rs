//! Reads the start of a refusal's body (RFC 7230 section 3.3.3), for the application of a client.

use alloc::vec::Vec;
use core::str;

use super::headers::elements;
use super::response::Response;

/// Maximum length in bytes of a line with a chunk size. Nobody needs chunk extensions longer than this.
const MAX_SIZE_LINE: usize = 256;

/// State of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyProgress {
    /// The body continues, and its limit is not reached.
    Unfinished,
    /// The body has ended or reached its limit, or its framing is invalid.
    Finished,
}

/// Collects a body up to a limit. The end of the stream ends the body too.
#[derive(Debug)]
pub(crate) struct BodyReader {
    body: Vec<u8>,
    limit: usize,
    framing: Framing,
}

/// The framing of a body, and the position in it.
#[derive(Debug)]
enum Framing {
    /// A body with a length, of which this many bytes are to come.
    Length(u64),
    /// A line with a chunk size, of which these bytes have come.
    ChunkSize(Vec<u8>),
    /// A chunk, of which this many bytes are to come.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// A body that lasts until the end of the stream.
    UntilEnd,
    /// The body has ended, or its framing is invalid.
    Finished,
}

impl BodyReader {
    /// Creates a reader for the body that follows the head of `response`. It keeps at most `limit` bytes, in
    /// `buf`, which must be empty and is passed in so that its memory is reused.
    pub(crate) fn new(response: &Response<'_>, limit: usize, buf: Vec<u8>) -> Self {
        Self {
            body: buf,
            limit,
            framing: Framing::of(response),
        }
    }

    /// Reads `input`. Bytes behind the body are dropped, since the connection ends with it.
    pub(crate) fn push(&mut self, input: &[u8]) -> BodyProgress {
        let mut rest = input;
        while !rest.is_empty() && self.progress() == BodyProgress::Unfinished {
            rest = self.take(rest);
        }
        self.progress()
    }

    /// Returns whether more bytes are wanted.
    pub(crate) fn progress(&self) -> BodyProgress {
        match self.framing {
            Framing::Finished => BodyProgress::Finished,
            _ if self.body.len() >= self.limit => BodyProgress::Finished,
            Framing::Length(_)
            | Framing::ChunkSize(_)
            | Framing::Chunk(_)
            | Framing::ChunkEnd
            | Framing::UntilEnd => BodyProgress::Unfinished,
        }
    }

    /// Returns the bytes of the body so far.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Reads one element of the framing at the front of `input`, and returns the rest.
    fn take<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        match &mut self.framing {
            Framing::Finished => &[],
            Framing::UntilEnd => {
                self.collect(input);
                &[]
            }
            Framing::Length(left) => {
                let (body, rest) = split_at_most(input, *left);
                *left -= body.len() as u64;
                if *left == 0 {
                    self.framing = Framing::Finished;
                }
                self.collect(body);
                rest
            }
            Framing::Chunk(left) => {
                let (body, rest) = split_at_most(input, *left);
                *left -= body.len() as u64;
                if *left == 0 {
                    self.framing = Framing::ChunkEnd;
                }
                self.collect(body);
                rest
            }
            Framing::ChunkEnd => {
                let line_end = input
                    .iter()
                    .take_while(|byte| b"\r\n".contains(byte))
                    .count();
                if line_end < input.len() {
                    self.framing = Framing::ChunkSize(Vec::new());
                }
                &input[line_end..]
            }
            Framing::ChunkSize(line) => {
                let end = input.iter().position(|&byte| byte == b'\n');
                let (part, rest) = input.split_at(end.map_or(input.len(), |end| end + 1));
                if line.len() + part.len() > MAX_SIZE_LINE {
                    self.framing = Framing::Finished;
                    return &[];
                }
                line.extend_from_slice(part);
                if end.is_some() {
                    self.framing = Framing::of_chunk(line);
                }
                rest
            }
        }
    }

    /// Appends the bytes that fit within the limit.
    fn collect(&mut self, bytes: &[u8]) {
        let room = self.limit - self.body.len();
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Framing {
    /// Returns the framing of a response to a GET (RFC 7230 section 3.3.3).
    fn of(response: &Response<'_>) -> Self {
        if matches!(response.status(), 100..=199 | 204 | 304) {
            return Self::Finished;
        }
        if let Some(coding) = elements(response.fields(), "Transfer-Encoding").last() {
            return if coding.eq_ignore_ascii_case(b"chunked") {
                Self::ChunkSize(Vec::new())
            } else {
                Self::UntilEnd
            };
        }
        let mut lengths = elements(response.fields(), "Content-Length").map(parse_length);
        match lengths.next() {
            None => Self::UntilEnd,
            // Invalid or differing lengths leave the end unknown, so the body is not read. A length of 0 has
            // none.
            Some(None | Some(0)) => Self::Finished,
            Some(first) if lengths.any(|other| other != first) => Self::Finished,
            Some(Some(length)) => Self::Length(length),
        }
    }

    /// Returns the framing that follows a line with a chunk size. A size of 0 marks the last chunk.
    fn of_chunk(line: &[u8]) -> Self {
        match httparse::parse_chunk_size(line) {
            Ok(httparse::Status::Complete((_, size))) if size > 0 => Self::Chunk(size),
            Ok(httparse::Status::Complete(_) | httparse::Status::Partial)
            | Err(httparse::InvalidChunkSize) => Self::Finished,
        }
    }
}

/// Parses a `Content-Length`: digits only, without the sign that Rust's parser accepts.
fn parse_length(length: &[u8]) -> Option<u64> {
    if !length.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(length).ok()?.parse().ok()
}

/// Splits off the first `max` bytes, or all if there are fewer.
fn split_at_most(input: &[u8], max: u64) -> (&[u8], &[u8]) {
    let len = usize::try_from(max).map_or(input.len(), |max| max.min(input.len()));
    input.split_at(len)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;
    use crate::handshake::sample::with_response;

    const LIMIT: usize = 16 << 10;

    fn reader(fields: &str, limit: usize) -> BodyReader {
        let head = format!("HTTP/1.1 403 Forbidden\r\n{fields}\r\n");
        with_response(head, |response| {
            BodyReader::new(&response, limit, Vec::new())
        })
        .unwrap()
    }

    /// Reads `input` in pieces of `chunk` bytes until the body is complete.
    fn read(fields: &str, input: &[u8], chunk: usize, limit: usize) -> (String, BodyProgress) {
        let mut reader = reader(fields, limit);
        for part in input.chunks(chunk) {
            if reader.push(part) == BodyProgress::Finished {
                break;
            }
        }
        let progress = reader.progress();
        (String::from_utf8(reader.body().to_vec()).unwrap(), progress)
    }

    #[test]
    fn bodies_are_read_whatever_their_framing_and_chopping() {
        use BodyProgress::{Finished, Unfinished};
        const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
        for (fields, input, body, progress) in [
            ("Content-Length: 5\r\n", "hello, more", "hello", Finished),
            ("Content-Length: 5\r\n", "hel", "hel", Unfinished),
            ("Content-Length: 0\r\n", "hello", "", Finished),
            (
                "Content-Length: 5\r\nContent-Length: 5\r\n",
                "hello!",
                "hello",
                Finished,
            ),
            ("Content-Length: 5, 5\r\n", "hello!", "hello", Finished),
            (
                "Content-Length: 5\r\nContent-Length: 6\r\n",
                "hello!",
                "",
                Finished,
            ),
            ("Content-Length: +5\r\n", "hello", "", Finished),
            (
                "Content-Length: 99999999999999999999\r\n",
                "hello",
                "",
                Finished,
            ),
            (
                "Content-Length: 18446744073709551615\r\n",
                "hello",
                "hello",
                Unfinished,
            ),
            ("", "hello", "hello", Unfinished),
            (CHUNKED, "5\r\nhello\r\n0\r\n\r\n", "hello", Finished),
            (
                CHUNKED,
                "3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n",
                "hello",
                Finished,
            ),
            (CHUNKED, "A\r\nhellohello\r\n", "hellohello", Unfinished),
            (CHUNKED, "5\r\nhello\r\n", "hello", Unfinished),
            (CHUNKED, "5\r\nhel", "hel", Unfinished),
            (CHUNKED, "x\r\nhello", "", Finished),
            (CHUNKED, "\r\nhello", "", Finished),
            (CHUNKED, "11111111111111111\r\nhello", "", Finished),
            (
                "Transfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n",
                "1\r\nx\r\n0\r\n",
                "x",
                Finished,
            ),
            (
                "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n",
                "hello",
                "hello",
                Unfinished,
            ),
        ] {
            for chunk in 1..=input.len() {
                let read = read(fields, input.as_bytes(), chunk, LIMIT);
                assert_eq!(
                    read,
                    (body.into(), progress),
                    "{fields:?} {input:?} by {chunk}"
                );
            }
        }
    }

    #[test]
    fn no_more_than_the_limit_is_kept() {
        for fields in ["", "Content-Length: 1000000\r\n"] {
            let mut reader = reader(fields, LIMIT);
            assert_eq!(reader.push(&[b'x'; LIMIT - 1]), BodyProgress::Unfinished);
            assert_eq!(reader.push(&[b'x'; LIMIT]), BodyProgress::Finished);
            assert_eq!(reader.body().len(), LIMIT);
            assert_eq!(reader.push(b"more"), BodyProgress::Finished);
            assert_eq!(reader.body().len(), LIMIT);
        }
    }

    #[test]
    fn the_line_of_a_chunk_is_bounded() {
        let mut reader = reader("Transfer-Encoding: chunked\r\n", LIMIT);
        let progress = (0..1000).map(|_| reader.push(b"1;aaaaaaaaaa"));
        assert!(progress.last() == Some(BodyProgress::Finished));
        assert_eq!(reader.body(), b"");
    }

    #[test]
    fn answers_that_have_no_body_are_finished_at_once() {
        for status in [101, 204, 304] {
            let head = format!("HTTP/1.1 {status} \r\nContent-Length: 5\r\n\r\n");
            let reader = with_response(head, |response| {
                BodyReader::new(&response, LIMIT, Vec::new())
            });
            assert_eq!(
                reader.unwrap().progress(),
                BodyProgress::Finished,
                "{status}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_chopping_gives_the_same_body(
            input in "[0-9a-f;\r\n]{0,40}",
            chunk in 1..40usize,
            limit in 1..40usize,
        ) {
            for fields in ["Transfer-Encoding: chunked\r\n", "Content-Length: 9\r\n", ""] {
                let whole = read(fields, input.as_bytes(), usize::MAX, limit);
                prop_assert_eq!(read(fields, input.as_bytes(), chunk, limit), whole);
            }
        }
    }
}
