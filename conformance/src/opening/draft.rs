//! Heads as they will be sent: proper ones, and what can be done to them.

/// The suite's half of an opening handshake.
#[derive(Debug, Clone)]
pub enum Half {
    /// A proper request or response, whichever the subject is waiting for.
    Proper,
    /// A head, line by line.
    Lines(Draft),
    /// Bytes that need not be a head. Characters up to U+00FF stand for a byte each.
    Bytes(String),
}

impl From<Draft> for Half {
    fn from(draft: Draft) -> Self {
        Self::Lines(draft)
    }
}

impl From<&str> for Half {
    fn from(bytes: &str) -> Self {
        Self::Bytes(bytes.to_owned())
    }
}

impl From<String> for Half {
    fn from(bytes: String) -> Self {
        Self::Bytes(bytes)
    }
}

/// A head in which lines can be changed. Characters up to U+00FF stand for a byte each, and these
/// stand for what fits the connection:
///
/// - `{host}` and `{key}`; in requests `{resource}`;
/// - in responses `{accept}`, or wrongly `{ACCEPT}` and `{accept-without-padding}`;
/// - `{padding}`: what fills the head up to the length that it [must have](Self::padded).
#[derive(Debug, Clone)]
pub struct Draft {
    start: String,
    lines: Vec<String>,
    line_end: &'static str,
    ends: bool,
    beyond_limit: isize,
}

impl Draft {
    /// A proper request, with nothing that it need not have (RFC 6455 4.1).
    #[must_use]
    pub fn request() -> Self {
        Self::new(
            "GET {resource} HTTP/1.1",
            &[
                "Host: {host}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: {key}",
                "Sec-WebSocket-Version: 13",
            ],
        )
    }

    /// A proper response, with nothing that it need not have (RFC 6455 4.2.2).
    #[must_use]
    pub fn response() -> Self {
        Self::new(
            "HTTP/1.1 101 Switching Protocols",
            &[
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Accept: {accept}",
            ],
        )
    }

    /// A head of these lines.
    #[must_use]
    pub fn new(start: &str, lines: &[&str]) -> Self {
        Self {
            start: start.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            line_end: "\r\n",
            ends: true,
            beyond_limit: 0,
        }
    }

    /// Replaces the first line.
    #[must_use]
    pub fn start(mut self, start: impl Into<String>) -> Self {
        self.start = start.into();
        self
    }

    /// Gives a header another value, in its place.
    ///
    /// # Panics
    ///
    /// If there is no such header: then the case does not do what it says.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let line = self.position(name);
        self.lines[line] = format!("{name}: {value}");
        self
    }

    /// Leaves a header out.
    ///
    /// # Panics
    ///
    /// If there is no such header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        let line = self.position(name);
        self.lines.remove(line);
        self
    }

    fn position(&self, name: &str) -> usize {
        let names = |line: &String| line.split_once(':').is_some_and(|(other, _)| other == name);
        let position = self.lines.iter().position(names);
        position.unwrap_or_else(|| panic!("the head has no {name}"))
    }

    /// Adds a line at the end.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Adds a line in front of all headers.
    #[must_use]
    pub fn first(mut self, line: &str) -> Self {
        self.lines.insert(0, line.to_owned());
        self
    }

    /// Adds that many headers that nobody knows.
    #[must_use]
    pub fn unknown_headers(mut self, count: usize) -> Self {
        self.lines
            .extend((1..=count).map(|at| format!("X-Conformance-{at}: {at}")));
        self
    }

    /// Writes the names of headers otherwise.
    #[must_use]
    pub fn named(self, change: fn(&str) -> String) -> Self {
        self.map(|name, value| format!("{}: {value}", change(name)))
    }

    /// Puts that in front of the values of headers, and that behind them.
    #[must_use]
    pub fn spaced(self, before: &str, behind: &str) -> Self {
        self.map(|name, value| format!("{name}:{before}{value}{behind}"))
    }

    fn map(mut self, change: impl Fn(&str, &str) -> String) -> Self {
        for line in &mut self.lines {
            if let Some((name, value)) = line.split_once(": ") {
                *line = change(name, value);
            }
        }
        self
    }

    /// Ends lines otherwise than by CR LF.
    #[must_use]
    pub fn line_end(mut self, line_end: &'static str) -> Self {
        self.line_end = line_end;
        self
    }

    /// Leaves out the empty line that ends the head.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.ends = false;
        self
    }

    /// Lets the padding make the head as long as the longest that the subject takes, and longer by that
    /// many bytes.
    #[must_use]
    pub fn padded(mut self, beyond_limit: isize) -> Self {
        self.beyond_limit = beyond_limit;
        self
    }
}

/// The values for the words in braces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blanks<'a> {
    pub(crate) host: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) key: &'a str,
    pub(crate) accept: &'a str,
    /// The longest head that the subject takes.
    pub(crate) max_head: usize,
}

impl Half {
    /// The text for a connection. `proper` is what is proper there.
    pub(crate) fn fill(&self, blanks: &Blanks<'_>, proper: impl FnOnce() -> Draft) -> String {
        match self {
            Self::Proper => proper().fill(blanks),
            Self::Lines(draft) => draft.fill(blanks),
            Self::Bytes(bytes) => blanks.fill(bytes),
        }
    }
}

impl Draft {
    fn fill(&self, blanks: &Blanks<'_>) -> String {
        let mut text = self.start.clone();
        for line in &self.lines {
            text += self.line_end;
            text += line;
        }
        text += self.line_end;
        if self.ends {
            text += self.line_end;
        }
        let text = blanks.fill(&text);
        let len = text.chars().count().saturating_sub(PADDING.len());
        let wanted = blanks.max_head.saturating_add_signed(self.beyond_limit);
        text.replace(PADDING, &"x".repeat(wanted.saturating_sub(len)))
    }
}

const PADDING: &str = "{padding}";

impl Blanks<'_> {
    fn fill(&self, text: &str) -> String {
        text.replace("{host}", self.host)
            .replace("{resource}", self.resource)
            .replace("{key}", self.key)
            .replace("{accept}", self.accept)
            .replace("{ACCEPT}", &self.accept.to_ascii_uppercase())
            .replace(
                "{accept-without-padding}",
                self.accept.trim_end_matches('='),
            )
    }
}

/// The bytes that the characters of a text stand for.
///
/// # Panics
///
/// If a character stands for none.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let byte = |character| u8::try_from(character).expect("heads are written in Latin-1");
    text.chars().map(byte).collect()
}
