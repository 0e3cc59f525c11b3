//! `Sec-WebSocket-Extensions`: offers and answers (RFC 6455 section 9.1).
//!
//! ```text
//! extension-list  = 1#extension
//! extension       = token *( ";" extension-param )
//! extension-param = token [ "=" ( token | quoted-string ) ]
//! ```
//!
//! Whitespace may stand between any two of these, and a quoted value must be a token once it is unquoted. A
//! list that breaks this grammar fails the handshake at both ends, as 9.1 demands. An extension or parameter
//! that is merely unknown does not.

use alloc::borrow::Cow;
use alloc::string::String;
use core::error::Error;
use core::{fmt, str};

use crate::handshake::headers::{is_token, is_token_byte};

/// An extension in an offer or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    name: &'a str,
    /// The parameters as they were sent. They have been checked against the grammar.
    parameters: Cursor<'a>,
}

impl<'a> Extension<'a> {
    /// Returns the name, such as `permessage-deflate`.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the parameters in order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let mut cursor = self.parameters;
        core::iter::from_fn(move || cursor.next_parameter().ok().flatten())
    }
}

/// A parameter of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The name, such as `client_max_window_bits`.
    pub name: &'a str,
    /// The value without its quotes. It is borrowed unless it contained a backslash.
    pub value: Option<Cow<'a, str>>,
}

/// The error for a list of extensions that does not follow the grammar (RFC 6455 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedExtensions;

impl fmt::Display for MalformedExtensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of extensions is malformed")
    }
}

impl Error for MalformedExtensions {}

/// An iterator over a list of extensions that may be split over several header lines. It ends after an error.
pub(crate) struct Extensions<'a, L> {
    /// The remaining lines; `None` after an error.
    lines: Option<L>,
    line: Cursor<'a>,
}

impl<'a, L: Iterator<Item = &'a [u8]>> Extensions<'a, L> {
    /// Creates an iterator over the extensions in `lines`.
    pub(crate) const fn new(lines: L) -> Self {
        Self {
            lines: Some(lines),
            line: Cursor { rest: &[] },
        }
    }
}

impl<'a, L: Iterator<Item = &'a [u8]>> Iterator for Extensions<'a, L> {
    type Item = Result<Extension<'a>, MalformedExtensions>;

    fn next(&mut self) -> Option<Self::Item> {
        let lines = self.lines.as_mut()?;
        // Elements may be empty (RFC 7230 section 7), and so may lines.
        self.line.skip_separators();
        while self.line.rest.is_empty() {
            self.line.rest = lines.next()?;
            self.line.skip_separators();
        }
        let extension = self.line.next_extension();
        if extension.is_err() {
            self.lines = None;
        }
        Some(extension)
    }
}

/// Returns the well-formed extensions in `lines`, for the tests of negotiation.
#[cfg(test)]
pub(crate) fn parse_extensions<'a>(lines: &[&'a str]) -> alloc::vec::Vec<Extension<'a>> {
    let lines = lines.iter().map(|line| line.as_bytes());
    Extensions::new(lines).filter_map(Result::ok).collect()
}

/// The unread rest of a header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Parses one extension with its parameters, up to the comma or the end of the line.
    fn next_extension(&mut self) -> Result<Extension<'a>, MalformedExtensions> {
        let name = self.token()?;
        let start = self.rest;
        while self.next_parameter()?.is_some() {}
        let parameters = Cursor {
            rest: &start[..start.len() - self.rest.len()],
        };
        match self.rest {
            [] | [b',', ..] => Ok(Extension { name, parameters }),
            _ => Err(MalformedExtensions),
        }
    }

    /// Parses a semicolon and a parameter, if a semicolon comes next.
    fn next_parameter(&mut self) -> Result<Option<Parameter<'a>>, MalformedExtensions> {
        if !self.eat(b';') {
            return Ok(None);
        }
        let name = self.token()?;
        let value = if !self.eat(b'=') {
            None
        } else if self.eat(b'"') {
            Some(self.quoted()?)
        } else {
            Some(Cow::Borrowed(self.token()?))
        };
        self.skip_space();
        Ok(Some(Parameter { name, value }))
    }

    /// Parses a token and the whitespace around it.
    fn token(&mut self) -> Result<&'a str, MalformedExtensions> {
        self.skip_space();
        let is_end = |byte: &u8| !is_token_byte(*byte);
        let len = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(len);
        self.rest = rest;
        self.skip_space();
        unquoted_token(token)
    }

    /// Parses the rest of a quoted string after its first quote (RFC 7230 section 3.2.6).
    fn quoted(&mut self) -> Result<Cow<'a, str>, MalformedExtensions> {
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\');
        let mut unescaped = String::new();
        loop {
            let len = self
                .rest
                .iter()
                .position(is_special)
                .ok_or(MalformedExtensions)?;
            let plain = &self.rest[..len];
            match self.rest[len..] {
                [b'\\', ref escaped, ref rest @ ..] => {
                    unescaped.push_str(str::from_utf8(plain).map_err(|_| MalformedExtensions)?);
                    unescaped.push(char::from(*escaped));
                    self.rest = rest;
                }
                [b'"', ref rest @ ..] => {
                    self.rest = rest;
                    if unescaped.is_empty() {
                        return unquoted_token(plain).map(Cow::Borrowed);
                    }
                    unescaped.push_str(str::from_utf8(plain).map_err(|_| MalformedExtensions)?);
                    unquoted_token(unescaped.as_bytes())?;
                    return Ok(Cow::Owned(unescaped));
                }
                _ => return Err(MalformedExtensions),
            }
        }
    }

    /// Consumes `byte` if it comes next. Returns true if it did.
    fn eat(&mut self, byte: u8) -> bool {
        let Some(rest) = self.rest.strip_prefix(&[byte]) else {
            return false;
        };
        self.rest = rest;
        true
    }

    /// Skips spaces and tabs.
    fn skip_space(&mut self) {
        while self.eat(b' ') || self.eat(b'\t') {}
    }

    /// Skips spaces, tabs and commas.
    fn skip_separators(&mut self) {
        while self.eat(b' ') || self.eat(b'\t') || self.eat(b',') {}
    }
}

/// Checks that `text` is a token.
fn unquoted_token(text: &[u8]) -> Result<&str, MalformedExtensions> {
    if !is_token(text) {
        return Err(MalformedExtensions);
    }
    str::from_utf8(text).map_err(|_| MalformedExtensions)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Returns the parsed extensions in one canonical form.
    fn parse(lines: &[&str]) -> Result<String, MalformedExtensions> {
        let extensions = Extensions::new(lines.iter().map(|line| line.as_bytes()));
        let extensions: Vec<_> = extensions
            .map(|extension| {
                let extension = extension?;
                let parameters = extension
                    .parameters()
                    .map(|parameter| match parameter.value {
                        Some(value) => format!(";{}={value}", parameter.name),
                        None => format!(";{}", parameter.name),
                    });
                Ok(parameters.fold(extension.name().to_string(), |all, one| all + &one))
            })
            .collect::<Result<_, MalformedExtensions>>()?;
        Ok(extensions.join(","))
    }

    #[test]
    fn lists_that_follow_the_grammar_are_read() {
        for (lines, expected) in [
            (&[][..], ""),
            (&[""], ""),
            (&[" , ,"], ""),
            (&["foo"], "foo"),
            (&["foo", "bar; baz=2"], "foo,bar;baz=2"),
            (&["foo, bar; baz=2"], "foo,bar;baz=2"),
            (
                &["mux; max-channels=4; flow-control,deflate-stream"],
                "mux;max-channels=4;flow-control,deflate-stream",
            ),
            (&[",foo,\t,bar ,"], "foo,bar"),
            (&["", "foo", ""], "foo"),
            (&["a ; b = c\t;d"], "a;b=c;d"),
            (&["a;b=\"c\""], "a;b=c"),
            (&["a;b=\"c\";d, e"], "a;b=c;d,e"),
            (&["a; b=\"\\1\\5\" "], "a;b=15"),
            (&["a; b=\"1\\5x\""], "a;b=15x"),
            (&["a;b;b;b=1"], "a;b;b;b=1"),
            (
                &["permessage-deflate; client_max_window_bits, permessage-deflate"],
                "permessage-deflate;client_max_window_bits,permessage-deflate",
            ),
        ] {
            assert_eq!(parse(lines).as_deref(), Ok(expected), "{lines:?}");
        }
    }

    #[test]
    fn lists_that_break_the_grammar_are_errors() {
        for lines in [
            &["a b"][..],
            &[";"],
            &["; a"],
            &["a;"],
            &["a;;b"],
            &["a; =b"],
            &["a; b="],
            &["a; b=c d"],
            &["a; b=c=d"],
            &["a=b"],
            &["a; b=\""],
            &["a; b=\"c"],
            &["a; b=\"c\\"],
            &["a; b=\"c\\\""],
            &["a; b=\"\""],
            &["a; b=\"c d\""],
            &["a; b=\"c,d\""],
            &["a; b=\"\\c d\""],
            &["a; b=\"\u{e4}\""],
            &["a; b=\"\\\u{e4}\""],
            &["a; b=\"c\"d"],
            &["a; b=c\"d\""],
            &["\"a\""],
            &["\u{e4}"],
            &["a/b"],
            &["good", "a; b="],
            // An element ends with its line: it does not continue in the next one.
            &["a; b=", "c"],
        ] {
            assert_eq!(parse(lines), Err(MalformedExtensions), "{lines:?}");
        }
    }

    #[test]
    fn an_error_is_the_last_item() {
        let lines = [&b"a, b c, d"[..], b"e"];
        let items: Vec<_> = Extensions::new(lines.into_iter())
            .map(|extension| extension.map(|extension| extension.name()))
            .collect();
        assert_eq!(items, [Ok("a"), Err(MalformedExtensions)]);
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic_and_what_it_reads_it_reads_again(
            bytes in "[ab,;=\"\\\\ \t\u{e4}]{0,24}",
        ) {
            if let Ok(canonical) = parse(&[&bytes]) {
                prop_assert_eq!(parse(&[&canonical]), Ok(canonical));
            }
        }
    }
}
