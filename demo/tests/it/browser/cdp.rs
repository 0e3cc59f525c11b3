//! A client of the Chrome DevTools Protocol, as small as the tests need it, over any channel that
//! carries its messages.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

const POLL_EVERY: Duration = Duration::from_millis(20);

/// A WebSocket connection to a tab's DevTools, one text message at a time.
pub(crate) trait Channel {
    /// Sends a message.
    fn send(&mut self, message: &str);
    /// Waits for a message. Panics if the connection ends, or nothing comes for far too long.
    fn receive(&mut self) -> String;
}

/// The DevTools of one tab.
pub(crate) struct Cdp<C> {
    channel: C,
    last_id: u64,
    exceptions: Vec<String>,
    /// The documents that have loaded, as the browser numbers their loaders.
    loaded: Vec<Value>,
}

impl<C: Channel> Cdp<C> {
    /// Takes over the DevTools of a tab and makes it behave as the tab in front: a page in the
    /// background has its timers slowed down.
    pub(crate) fn new(channel: C) -> Self {
        let mut cdp = Self {
            channel,
            last_id: 0,
            exceptions: Vec::new(),
            loaded: Vec::new(),
        };
        cdp.command("Runtime.enable", json!({}));
        cdp.command("Page.enable", json!({}));
        cdp.command("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        cdp.command(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        );
        cdp
    }

    /// Goes to `url` and waits until it has loaded.
    ///
    /// Before that the tab may still be between two documents, where nothing can be evaluated.
    pub(crate) fn navigate(&mut self, url: &str) {
        let answer = self.command("Page.navigate", json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        while !self.loaded.contains(&answer["loaderId"]) {
            let event = self.receive();
            self.note(&event);
        }
    }

    /// Runs a command and returns its result.
    ///
    /// # Panics
    ///
    /// If the browser answers with an error.
    pub(crate) fn command(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let command = json!({ "id": id, "method": method, "params": params });
        self.channel.send(&command.to_string());
        loop {
            let message = self.receive();
            if message["id"] != id {
                self.note(&message);
                continue;
            }
            assert!(message["error"].is_null(), "{method}: {}", message["error"]);
            return message["result"].clone();
        }
    }

    /// Evaluates an expression in the page, awaits it if it is a promise, and returns its value.
    ///
    /// # Panics
    ///
    /// If the expression throws.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.command(
            "Runtime.evaluate",
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true }),
        );
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}\n{thrown:#}");
        answer["result"]["value"].clone()
    }

    /// Waits until a condition holds in the page.
    ///
    /// # Panics
    ///
    /// If it does not within `limit`; the message shows what the page showed.
    pub(crate) fn wait_for(&mut self, condition: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.evaluate(&format!("Boolean({condition})")) != true {
            if Instant::now() > deadline {
                let page = self.evaluate("document.body.innerText");
                panic!(
                    "{limit:?} later this still does not hold: {condition}\nexceptions: {:#?}\nthe page:\n{}",
                    self.exceptions,
                    page.as_str().unwrap_or_default(),
                );
            }
            sleep(POLL_EVERY);
        }
    }

    /// Writes a PNG image of what the tab shows to `path`.
    pub(crate) fn screenshot(&mut self, path: &Path) {
        let answer = self.command("Page.captureScreenshot", json!({ "format": "png" }));
        let image = answer["data"].as_str().expect("an image in base64");
        let image = base64::engine::general_purpose::STANDARD
            .decode(image)
            .expect("valid base64");
        fs::write(path, image).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Uncaught exceptions of the page, from all that has been received so far.
    pub(crate) fn exceptions(&self) -> &[String] {
        &self.exceptions
    }

    fn receive(&mut self) -> Value {
        serde_json::from_str(&self.channel.receive()).expect("a message in JSON")
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        if event["method"] == "Runtime.exceptionThrown" {
            self.exceptions.push(params["exceptionDetails"].to_string());
        } else if event["method"] == "Page.lifecycleEvent" && params["name"] == "load" {
            self.loaded.push(params["loaderId"].clone());
        }
    }
}
