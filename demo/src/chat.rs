//! The chat room: its members, its history, and the delivery of every message to everyone in the same
//! order.

mod message;

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tracing::info;
use wsproto::{CloseCode, Message, Prepared};

use crate::{
    client::{Client, Farewell},
    encoder::Encoder,
    mailbox::Mailbox,
};
use message::{Line, Name, Reason, Text, Wish};

/// Maximum number of people in a room.
const CAPACITY: usize = 500;
/// Number of lines in a room's history.
const HISTORY: usize = 50;

/// A chat room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    encoder: Encoder,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of joining.
    members: Vec<Member>,
    /// Oldest first.
    history: VecDeque<Line>,
    last_id: u64,
}

#[derive(Debug)]
struct Member {
    id: u64,
    name: Name,
    mailbox: Mailbox,
}

impl Room {
    /// Returns an empty room.
    pub(crate) fn new(encoder: Encoder) -> Self {
        Self {
            encoder,
            state: Mutex::default(),
        }
    }

    /// Adds a member, welcomes them and tells the others. Returns the member's id.
    fn join(&self, name: Name, mailbox: &Mailbox) -> Result<u64, Reason> {
        let mut state = self.lock();
        if state.members.len() == CAPACITY {
            return Err(Reason::RoomFull);
        }
        let name =
            name.unless_taken(|name| state.members.iter().any(|member| member.name == *name));
        state.last_id += 1;
        let id = state.last_id;
        state.members.push(Member {
            id,
            name: name.clone(),
            mailbox: mailbox.clone(),
        });
        let online = state.online();
        let welcome = message::welcome(&name, &online, &state.history);
        let joined = message::joined(&name, &online);
        mailbox.post(&self.encoder.text(&welcome));
        state.post_but(id, &self.encoder.text(&joined));
        info!(
            name = name.as_str(),
            online = online.len(),
            "joined the chat"
        );
        Ok(id)
    }

    /// Sends a member's text to everyone.
    fn say(&self, id: u64, text: Text, at: u64) {
        let mut state = self.lock();
        let Some(member) = state.members.iter().find(|member| member.id == id) else {
            return;
        };
        let line = Line {
            name: member.name.clone(),
            text,
            at,
        };
        state.post(&self.encoder.text(&message::said(&line)));
        if state.history.len() == HISTORY {
            state.history.pop_front();
        }
        state.history.push_back(line);
    }

    /// Removes a member and tells the others.
    fn leave(&self, id: u64) {
        let mut state = self.lock();
        let Some(place) = state.members.iter().position(|member| member.id == id) else {
            return;
        };
        let Member { name, .. } = state.members.remove(place);
        let online = state.online();
        state.post(&self.encoder.text(&message::left(&name, &online)));
        info!(name = name.as_str(), online = online.len(), "left the chat");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is safe to use: nothing panics in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn online(&self) -> Vec<&str> {
        self.members
            .iter()
            .map(|member| member.name.as_str())
            .collect()
    }

    /// Sends to everyone. This happens under the lock, so everyone sees the same order.
    fn post(&self, message: &Prepared) {
        for member in &self.members {
            member.mailbox.post(message);
        }
    }

    fn post_but(&self, id: u64, message: &Prepared) {
        for member in self.members.iter().filter(|member| member.id != id) {
            member.mailbox.post(message);
        }
    }
}

/// A client of `/chat`, before or after joining.
#[derive(Debug)]
pub(crate) struct Guest {
    room: Arc<Room>,
    mailbox: Mailbox,
    /// Its id in the room, once it has joined.
    member: Option<u64>,
}

impl Guest {
    /// Creates a client that has not joined yet and receives messages through `mailbox`.
    pub(crate) const fn new(room: Arc<Room>, mailbox: Mailbox) -> Self {
        Self {
            room,
            mailbox,
            member: None,
        }
    }

    fn take(&mut self, message: &str) -> Result<(), Reason> {
        match (Wish::parse(message)?, self.member) {
            (Wish::Join(name), None) => {
                self.member = Some(self.room.join(name, &self.mailbox)?);
                Ok(())
            }
            (Wish::Join(_), Some(_)) => Err(Reason::AlreadyJoined),
            (Wish::Say(text), Some(id)) => {
                self.room.say(id, text, unix_millis());
                Ok(())
            }
            (Wish::Say(_), None) => Err(Reason::NotJoined),
        }
    }
}

impl Client for Guest {
    fn handle(&mut self, message: Message) -> ControlFlow<Farewell> {
        match message {
            Message::Text(text) => {
                if let Err(reason) = self.take(&text) {
                    let error = self.room.encoder.text(&message::error(reason));
                    self.mailbox.post(&error);
                }
                ControlFlow::Continue(())
            }
            Message::Binary(_) => ControlFlow::Break(Farewell {
                code: CloseCode::UNSUPPORTED_DATA,
                reason: "only text messages are accepted",
            }),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(id) = self.member {
            self.room.leave(id);
        }
    }
}

fn unix_millis() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A client, and the messages it receives.
    struct Person {
        guest: Guest,
        mailbox: Mailbox,
    }

    impl Person {
        fn at(room: &Arc<Room>) -> Self {
            let mailbox = Mailbox::new(1_000);
            Self {
                guest: Guest::new(Arc::clone(room), mailbox.clone()),
                mailbox,
            }
        }

        fn joined(room: &Arc<Room>, name: &str) -> Self {
            let mut person = Self::at(room);
            person.send(json!({ "type": "join", "name": name }));
            person
        }

        fn send(&mut self, message: Value) {
            let handled = self.guest.handle(Message::Text(message.to_string()));
            assert_eq!(handled, ControlFlow::Continue(()));
        }

        fn say(&mut self, text: &str) {
            self.send(json!({ "type": "say", "text": text }));
        }

        /// The messages received, without timestamps.
        fn mail(&self) -> Vec<Value> {
            let parse = |text: &String| {
                let mut message: Value = serde_json::from_str(text).unwrap();
                if let Some(message) = message.as_object_mut() {
                    message.remove("at");
                }
                message
            };
            self.mailbox.read().iter().map(parse).collect()
        }
    }

    fn said(name: &str, text: &str) -> Value {
        json!({ "type": "said", "name": name, "text": text })
    }

    #[test]
    fn everybody_hears_everything_in_the_same_order() {
        let room = Arc::default();
        let mut ada = Person::joined(&room, "Ada");
        let mut bob = Person::joined(&room, "Bob");
        bob.say("Hi");
        ada.say("Hello");
        drop(bob.guest);
        let joined = json!({ "type": "joined", "name": "Bob", "online": ["Ada", "Bob"] });
        let talk = [said("Bob", "Hi"), said("Ada", "Hello")];
        let left = json!({ "type": "left", "name": "Bob", "online": ["Ada"] });

        let mail = ada.mail();
        assert_eq!(
            mail[0],
            json!({ "type": "welcome", "you": "Ada", "online": ["Ada"], "history": [] })
        );
        assert_eq!(mail[1], joined);
        assert_eq!(mail[2..4], talk);
        assert_eq!(mail[4..], [left]);
        let bobs: Vec<Value> = bob
            .mailbox
            .read()
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect();
        assert_eq!(
            bobs[0],
            json!({ "type": "welcome", "you": "Bob", "online": ["Ada", "Bob"], "history": [] })
        );
        assert_eq!(bobs.len(), 3);
    }

    #[test]
    fn newcomers_get_the_last_fifty_lines() {
        let room = Arc::default();
        let mut ada = Person::joined(&room, "Ada");
        for n in 1..=HISTORY + 1 {
            ada.say(&n.to_string());
        }
        let welcome = &Person::joined(&room, "Bob").mail()[0];
        let history = welcome["history"].as_array().expect("a list");
        assert_eq!(history.len(), HISTORY);
        assert_eq!(history[0]["text"], "2");
        assert_eq!(history[HISTORY - 1]["text"], (HISTORY + 1).to_string());
        assert!(history[0]["at"].as_u64() > Some(1_600_000_000_000));
    }

    #[test]
    fn bad_messages_are_answered_and_change_nothing() {
        let room = Arc::default();
        let mut ada = Person::at(&room);
        let join = |name: &str| json!({ "type": "join", "name": name });
        for (message, reason) in [
            (json!("join"), Some("bad_message")),
            (join(""), Some("bad_name")),
            (json!({ "type": "say", "text": "Hi" }), Some("not_joined")),
            (join("Ada"), None),
            (join("Bob"), Some("already_joined")),
            (json!({ "type": "say", "text": " " }), Some("bad_text")),
        ] {
            ada.send(message.clone());
            let mail = ada.mail();
            assert_eq!(mail.len(), 1, "{message}");
            match reason {
                Some(reason) => {
                    assert_eq!(mail[0], json!({ "type": "error", "reason": reason }));
                }
                None => assert_eq!(mail[0]["you"], "Ada"),
            }
        }
        assert_eq!(
            Person::joined(&room, "Bob").mail()[0]["online"],
            json!(["Ada", "Bob"])
        );
    }

    #[test]
    fn a_full_room_lets_nobody_in_until_somebody_leaves() {
        let room = Arc::default();
        let mut people: Vec<Person> = (0..CAPACITY)
            .map(|_| Person::joined(&room, "Ada"))
            .collect();
        let mut late = Person::joined(&room, "Late");
        assert_eq!(
            late.mail(),
            [json!({ "type": "error", "reason": "room_full" })]
        );
        people.pop();
        late.send(json!({ "type": "join", "name": "Late" }));
        assert_eq!(late.mail()[0]["type"], "welcome");
    }

    #[test]
    fn binary_messages_end_the_connection() {
        let mut ada = Person::joined(&Arc::default(), "Ada");
        let handled = ada.guest.handle(Message::Binary(vec![1]));
        let ControlFlow::Break(farewell) = handled else {
            panic!("a binary message must close the connection");
        };
        assert_eq!(farewell.code, CloseCode::UNSUPPORTED_DATA);
    }
}
