//! The subscriptions to topics, on one loop.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The subscriptions of one loop's connections.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    /// Places of the connections that have subscribed, by topic.
    members: HashMap<Arc<str>, HashSet<u32>>,
}

/// The topics of one connection.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions(Vec<Arc<str>>);

impl Topics {
    /// Subscribes a connection. Idempotent.
    pub(crate) fn subscribe(&mut self, index: u32, topic: Arc<str>, own: &mut Subscriptions) {
        // All subscribers share one copy of the name.
        let topic = match self.members.get_key_value(&topic) {
            Some((known, _)) => Arc::clone(known),
            None => topic,
        };
        if self
            .members
            .entry(Arc::clone(&topic))
            .or_default()
            .insert(index)
        {
            own.0.push(topic);
        }
    }

    /// Ends a connection's subscription to a topic, if there is one.
    pub(crate) fn unsubscribe(&mut self, index: u32, topic: &str, own: &mut Subscriptions) {
        own.0.retain(|other| **other != *topic);
        self.leave(index, topic);
    }

    /// Ends all subscriptions of a connection.
    pub(crate) fn remove(&mut self, index: u32, own: &Subscriptions) {
        for topic in &own.0 {
            self.leave(index, topic);
        }
    }

    /// Returns the places of the connections that have subscribed.
    pub(crate) fn members(&self, topic: &str) -> Vec<u32> {
        let members = self.members.get(topic);
        members.map_or_else(Vec::new, |members| members.iter().copied().collect())
    }

    fn leave(&mut self, index: u32, topic: &str) {
        if let Some(members) = self.members.get_mut(topic) {
            members.remove(&index);
            if members.is_empty() {
                self.members.remove(topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_topic_are_those_who_subscribed_and_did_not_leave() {
        let (mut topics, mut first, mut second) =
            <(Topics, Subscriptions, Subscriptions)>::default();
        topics.subscribe(1, "news".into(), &mut first);
        topics.subscribe(1, "news".into(), &mut first);
        topics.subscribe(1, "sport".into(), &mut first);
        topics.subscribe(2, "news".into(), &mut second);
        let mut news = topics.members("news");
        news.sort_unstable();
        assert_eq!(news, [1, 2]);
        topics.unsubscribe(2, "news", &mut second);
        assert_eq!(topics.members("news"), [1]);
        topics.remove(1, &first);
        assert!(
            topics.members.is_empty(),
            "nothing is kept of an empty topic"
        );
        assert!(second.0.is_empty());
    }

    #[test]
    fn a_connection_that_subscribes_again_after_leaving_is_a_member_again() {
        let (mut topics, mut own) = <(Topics, Subscriptions)>::default();
        topics.subscribe(7, "news".into(), &mut own);
        topics.unsubscribe(7, "news", &mut own);
        topics.subscribe(7, "news".into(), &mut own);
        assert_eq!(topics.members("news"), [7]);
        topics.remove(7, &own);
        assert_eq!(topics.members("news"), [0; 0]);
    }
}
