//! The demo's page as a person uses it: fields are filled by typing, buttons are clicked, and what
//! is read is what the page shows. Elements are named by their `data-testid`.

use std::time::Duration;

use serde_json::json;

use super::cdp::{Cdp, Channel};

/// The longest that the page may take for anything: far longer than it needs, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The page in one tab.
pub(crate) struct Page<C> {
    cdp: Cdp<C>,
}

impl<C: Channel> Page<C> {
    /// Loads the page from `url` into a tab, and waits for its connections.
    pub(crate) fn open(channel: C, url: &str) -> Self {
        let mut page = Self {
            cdp: Cdp::new(channel),
        };
        page.cdp.navigate(url);
        page.wait_for(&format!(
            "{}.textContent === 'Connected'",
            named("status-text")
        ));
        page
    }

    /// The tab's DevTools.
    pub(crate) fn cdp(&mut self) -> &mut Cdp<C> {
        &mut self.cdp
    }

    /// Enters the chat room, and waits for the welcome.
    pub(crate) fn join(&mut self, name: &str) {
        self.fill("chat-name", name);
        self.click("chat-join");
        self.wait_for(&format!("!{}.disabled", named("chat-text")));
    }

    /// Says something in the chat room.
    pub(crate) fn say(&mut self, text: &str) {
        self.fill("chat-text", text);
        self.click("chat-send");
    }

    /// Waits until the conversation holds a line of `author` that reads `text`.
    pub(crate) fn wait_for_line(&mut self, author: &str, text: &str) {
        let (author, text) = (json!(author), json!(text));
        let lines = all_named("chat-line");
        self.wait_for(&format!(
            "{lines}.some(line => line.dataset.author === {author} \
             && line.querySelector('.said').textContent === {text})"
        ));
    }

    /// Waits until exactly these people are listed as online, in the order of their joining.
    pub(crate) fn wait_for_people(&mut self, names: &[&str]) {
        let people = all_named("chat-person");
        self.wait_for(&format!(
            "JSON.stringify({people}.map(person => person.querySelector('bdi').textContent)) \
             === JSON.stringify({})",
            json!(names)
        ));
        self.wait_for_text("chat-online-count", &names.len().to_string());
    }

    /// Waits until an element shows exactly `text`.
    pub(crate) fn wait_for_text(&mut self, element: &str, text: &str) {
        self.wait_for(&format!(
            "{}.textContent === {}",
            named(element),
            json!(text)
        ));
    }

    /// Waits until an element's text begins with `text`.
    pub(crate) fn wait_for_start(&mut self, element: &str, text: &str) {
        self.wait_for(&format!(
            "{}.textContent.startsWith({})",
            named(element),
            json!(text)
        ));
    }

    /// Waits until the number that an element begins with compares so: `"> 0"`.
    pub(crate) fn wait_for_number(&mut self, element: &str, comparison: &str) {
        // Thousands are set off with commas.
        let text = format!("{}.textContent.replaceAll(',', '')", named(element));
        self.wait_for(&format!("parseFloat({text}) {comparison}"));
    }

    /// The text of an element.
    pub(crate) fn text(&mut self, element: &str) -> String {
        let text = self
            .cdp
            .evaluate(&format!("{}.textContent", named(element)));
        text.as_str().expect("an element with text").to_owned()
    }

    /// Replaces a field's content by typing.
    pub(crate) fn fill(&mut self, field: &str, text: &str) {
        let field = named(field);
        self.cdp
            .evaluate(&format!("{field}.focus(), {field}.select()"));
        self.cdp
            .command("Input.insertText", json!({ "text": text }));
    }

    /// Clicks on a button or a choice that is there and enabled.
    pub(crate) fn click(&mut self, element: &str) {
        let element = named(element);
        self.wait_for(&format!("{element} && !{element}.disabled"));
        self.cdp.evaluate(&format!("{element}.click()"));
    }

    /// Waits until a condition holds in the page.
    pub(crate) fn wait_for(&mut self, condition: &str) {
        self.cdp.wait_for(condition, PATIENCE);
    }
}

/// The expression for the element with this `data-testid`.
fn named(element: &str) -> String {
    format!("document.querySelector('[data-testid=\"{element}\"]')")
}

/// The expression for an array of all elements with this `data-testid`.
fn all_named(element: &str) -> String {
    format!("[...document.querySelectorAll('[data-testid=\"{element}\"]')]")
}
