//! The messages of `/chat` as specified in `PROTOCOL.md`: parsed requests and encoded notifications.

use serde_json::{Value, json};

/// Maximum length of a name in characters.
const NAME_LIMIT: usize = 32;
/// Maximum length of a text in characters.
const TEXT_LIMIT: usize = 2_000;

/// A request of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Enter the room.
    Join(Name),
    /// Say something.
    Say(Text),
}

impl Wish {
    /// Parses a client's message.
    pub(super) fn parse(message: &str) -> Result<Self, Reason> {
        let message: Value = serde_json::from_str(message).map_err(|_| Reason::BadMessage)?;
        // Indexing returns null if the field is missing or the value is not an object.
        let field = |name: &str| message[name].as_str().ok_or(Reason::BadMessage);
        match field("type")? {
            "join" => Name::parse(field("name")?).map(Self::Join),
            "say" => Text::parse(field("text")?).map(Self::Say),
            _ => Err(Reason::BadMessage),
        }
    }
}

/// A name within the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    fn parse(name: &str) -> Result<Self, Reason> {
        let name = name.trim();
        let fits = (1..=NAME_LIMIT).contains(&name.chars().count());
        if !fits || name.chars().any(char::is_control) {
            return Err(Reason::BadName);
        }
        Ok(Self(name.into()))
    }

    /// Returns this name, or the first of its numbered variants that is not taken.
    pub(super) fn unless_taken(self, taken: impl Fn(&Self) -> bool) -> Self {
        let mut name = self.clone();
        let mut number = 2;
        while taken(&name) {
            let suffix = format!(" {number}");
            let kept = self.0.chars().take(NAME_LIMIT - suffix.len());
            name = Self(kept.chain(suffix.chars()).collect());
            number += 1;
        }
        name
    }

    /// The name as a string.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text within the limits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text(String);

impl Text {
    fn parse(text: &str) -> Result<Self, Reason> {
        let fits = (1..=TEXT_LIMIT).contains(&text.chars().count());
        if !fits || text.trim().is_empty() {
            return Err(Reason::BadText);
        }
        Ok(Self(text.into()))
    }
}

/// The reason for which a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The message is none of the known requests.
    BadMessage,
    /// The name is outside its limits.
    BadName,
    /// The text is outside its limits.
    BadText,
    /// The client has not joined yet.
    NotJoined,
    /// The client has joined already.
    AlreadyJoined,
    /// The room is full.
    RoomFull,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::BadMessage => "bad_message",
            Self::BadName => "bad_name",
            Self::BadText => "bad_text",
            Self::NotJoined => "not_joined",
            Self::AlreadyJoined => "already_joined",
            Self::RoomFull => "room_full",
        }
    }
}

/// A line of the conversation.
#[derive(Debug)]
pub(super) struct Line {
    /// The speaker.
    pub(super) name: Name,
    /// The text.
    pub(super) text: Text,
    /// The time, in milliseconds since the Unix epoch.
    pub(super) at: u64,
}

impl Line {
    fn to_json(&self) -> Value {
        json!({ "name": self.name.0, "text": self.text.0, "at": self.at })
    }
}

/// Encodes the answer to a join.
pub(super) fn welcome<'a>(
    you: &Name,
    online: &[&str],
    history: impl IntoIterator<Item = &'a Line>,
) -> String {
    let history: Vec<Value> = history.into_iter().map(Line::to_json).collect();
    json!({
        "type": "welcome", "you": you.0, "online": online, "history": history,
    })
    .to_string()
}

/// Encodes the message to the others that somebody joined.
pub(super) fn joined(name: &Name, online: &[&str]) -> String {
    json!({ "type": "joined", "name": name.0, "online": online }).to_string()
}

/// Encodes the message to the remaining members that somebody left.
pub(super) fn left(name: &Name, online: &[&str]) -> String {
    json!({ "type": "left", "name": name.0, "online": online }).to_string()
}

/// Encodes a line for everyone.
pub(super) fn said(line: &Line) -> String {
    let mut message = line.to_json();
    message["type"] = "said".into();
    message.to_string()
}

/// Encodes the reason for which a client's request was refused.
pub(super) fn error(reason: Reason) -> String {
    json!({ "type": "error", "reason": reason.as_str() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(name: &str) -> Result<Wish, Reason> {
        Wish::parse(&json!({ "type": "join", "name": name }).to_string())
    }

    fn say(text: &str) -> Result<Wish, Reason> {
        Wish::parse(&json!({ "type": "say", "text": text }).to_string())
    }

    #[test]
    fn messages_of_another_shape_are_bad() {
        for message in [
            "",
            "Hi",
            "null",
            "[]",
            "\"join\"",
            r#"["type", "join"]"#,
            "{}",
            r#"{"type":"join"}"#,
            r#"{"type":"join","name":null}"#,
            r#"{"type":"join","name":["Ada"]}"#,
            r#"{"type":"say","name":"Ada"}"#,
            r#"{"type":"shout","text":"Hi"}"#,
            r#"{"type":1,"text":"Hi"}"#,
            r#"{"type":"say","text":"Hi"} and more"#,
            r#"{"type":"say","text":"\ud800"}"#,
        ] {
            assert_eq!(Wish::parse(message), Err(Reason::BadMessage), "{message}");
        }
        let nested = "[".repeat(30_000);
        assert_eq!(Wish::parse(&nested), Err(Reason::BadMessage));
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let message = r#"{"colour":"red","type":"say","text":"Hi","to":["Ada"]}"#;
        assert_eq!(Wish::parse(message), Ok(Wish::Say(Text("Hi".into()))));
    }

    #[test]
    fn names_keep_their_limits() {
        let longest = "🦀".repeat(NAME_LIMIT);
        for (name, expected) in [
            ("Ada", Some("Ada")),
            ("\u{2003} Ada L. \n", Some("Ada L.")),
            (&longest, Some(&longest)),
            (&format!("{longest}x"), None),
            ("", None),
            (" \t ", None),
            ("A\nda", None),
            ("A\u{85}da", None),
        ] {
            let expected = expected.map(|name| Wish::Join(Name(name.into())));
            assert_eq!(join(name), expected.ok_or(Reason::BadName), "{name:?}");
        }
    }

    #[test]
    fn texts_keep_their_limits_and_their_white_space() {
        let longest = "ü".repeat(TEXT_LIMIT);
        for (text, good) in [
            ("  two\nlines ", true),
            (&longest, true),
            (&format!("{longest}x"), false),
            ("", false),
            (" \n\u{a0}", false),
        ] {
            let expected = if good {
                Ok(Wish::Say(Text(text.into())))
            } else {
                Err(Reason::BadText)
            };
            assert_eq!(say(text), expected, "{text:?}");
        }
    }

    #[test]
    fn taken_names_get_the_lowest_number_that_is_free() {
        let longest = "ü".repeat(NAME_LIMIT);
        let shortened = format!("{} 2", "ü".repeat(NAME_LIMIT - 2));
        let many: Vec<String> = (2..=9).map(|n| format!("Ada {n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).chain(["Ada"]).collect();
        for (asked, taken, given) in [
            ("Ada", &["Bob"][..], "Ada"),
            ("Ada", &["Ada"], "Ada 2"),
            ("Ada", &["Ada", "Ada 3"], "Ada 2"),
            ("Ada", &["Ada", "Ada 2"], "Ada 3"),
            ("Ada 2", &["Ada 2"], "Ada 2 2"),
            ("Ada", &many, "Ada 10"),
            (&longest, &[&longest], &shortened),
        ] {
            let name = Name(asked.into()).unless_taken(|name| taken.contains(&name.as_str()));
            assert_eq!(name.as_str(), given, "{asked} beside {taken:?}");
        }
    }
}
