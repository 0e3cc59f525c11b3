//! The scenes of the end-to-end test: what people do with the page, and what they must see then.
//! They build on one another in the order of this file.

use super::cdp::Channel;
use super::page::Page;

/// Two people join, see each other in the list, and read each other's lines as they were written.
pub(crate) fn two_people_talk<C: Channel>(ada: &mut Page<C>, grace: &mut Page<C>) {
    ada.join("Ada");
    ada.wait_for_people(&["Ada"]);
    ada.say("Is anybody there?");
    ada.wait_for_line("Ada", "Is anybody there?");

    grace.join("Grace");
    // Said before she came: the history holds it.
    grace.wait_for_line("Ada", "Is anybody there?");
    for page in [&mut *ada, &mut *grace] {
        page.wait_for_people(&["Ada", "Grace"]);
    }

    let markup = "<b id=\"smuggled\">grüße, 世界 🦀</b>";
    grace.say(markup);
    for page in [&mut *ada, &mut *grace] {
        page.wait_for_line("Grace", markup);
        let smuggled = page.cdp().evaluate("document.getElementById('smuggled')");
        assert!(smuggled.is_null(), "a chat line became markup");
    }
}

/// A taken name is given with a number.
pub(crate) fn a_second_ada_is_told_apart<C: Channel>(
    ada: &mut Page<C>,
    grace: &mut Page<C>,
    other_ada: &mut Page<C>,
) {
    other_ada.join("Ada");
    for page in [ada, grace, other_ada] {
        page.wait_for_people(&["Ada", "Grace", "Ada 2"]);
    }
}

/// The browser compresses, both ways, and gets back what it sent, whatever its size; the ratio is shown.
pub(crate) fn compressed_messages_come_back<C: Channel>(page: &mut Page<C>) {
    for badge in ["chat-state", "echo-state"] {
        page.wait_for_text(badge, "open · permessage-deflate");
    }
    let outcome = page.cdp().evaluate(
        r#"new Promise(resolve => {
            const socket = new WebSocket(`ws://${location.host}/echo`);
            socket.binaryType = "arraybuffer";
            const sizes = [0, 1, 63, 64, 125, 126, 1000, 4096, 40_000, 65_536, 300_000];
            const messages = Array.from({ length: 100 }, (_, n) => {
                const words = `${n} is the number of this message, and 🦀 lives on a 砂浜. `;
                const text = words.repeat(sizes[n % sizes.length] / words.length + 1);
                const cut = text.slice(0, sizes[n % sizes.length]).toWellFormed();
                return n % 2 ? cut : new TextEncoder().encode(cut);
            });
            const same = (sent, got) => typeof sent === "string"
                ? sent === got
                : got.byteLength === sent.length && new Uint8Array(got).every((byte, n) => byte === sent[n]);
            let right = 0;
            let answers = 0;
            socket.onopen = () => messages.forEach(message => socket.send(message));
            socket.onmessage = ({ data }) => {
                right += same(messages[answers], data);
                answers += 1;
                if (answers === messages.length) socket.close(1000);
            };
            socket.onclose = ({ code }) => resolve({ extensions: socket.extensions, right, code });
        })"#,
    );
    assert_eq!(
        outcome["extensions"],
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
    );
    assert_eq!(outcome["right"], 100, "{outcome}");
    assert_eq!(outcome["code"], 1000, "{outcome}");
    page.wait_for_number("figure-compression", "> 0");
    page.wait_for_number("figure-compression", "< 50");
}

/// The page's switch turns compression off and on: by new connections, on which the chat goes on.
pub(crate) fn compression_is_switched<C: Channel>(page: &mut Page<C>, people: &[&str]) {
    for (badge, note) in [("open", "off"), ("open · permessage-deflate", "on")] {
        page.click("compress");
        for state in ["chat-state", "echo-state"] {
            page.wait_for_text(state, badge);
        }
        page.wait_for_text("status-text", "Connected");
        page.wait_for_people(people);
        let line = format!("Compression is {note}.");
        page.say(&line);
        page.wait_for_line("Ada", &line);
    }
}

/// The echo bench measures its round trips and gets back what it sent, for both kinds.
pub(crate) fn the_bench_measures_echoes<C: Channel>(page: &mut Page<C>) {
    assert_eq!(page.text("echo-p50"), "–", "nothing has been measured yet");
    for (kind, size, count) in [("echo-text", "125", "500"), ("echo-binary", "1000000", "8")] {
        page.click(kind);
        page.fill("echo-size", size);
        page.fill("echo-count", count);
        page.click("echo-run");
        page.wait_for_text("echo-answers", count);
        page.wait_for_text("echo-outcome", "Done.");
        page.wait_for_number("echo-p50", "> 0");
        page.wait_for_number("echo-p99", "> 0");
        assert_eq!(page.text("echo-altered"), "0", "{kind} of {size} bytes");
    }
}

/// The figures show a run's messages and bytes while it lasts.
pub(crate) fn figures_follow_the_traffic<C: Channel>(page: &mut Page<C>) {
    page.click("echo-text");
    page.fill("echo-size", "100");
    page.fill("echo-rate", "200");
    page.fill("echo-count", "100000");
    // The traffic of earlier runs has to be over. At rest, a page sends one message a second.
    page.wait_for_number("figure-messages", "< 50");
    page.click("echo-run");
    for figure in [
        "figure-messages",
        "figure-messages-in",
        "figure-messages-out",
    ] {
        page.wait_for_number(figure, ">= 50");
    }
    page.wait_for_number("figure-latency", "> 0");
    page.click("echo-run");
    page.wait_for_text("echo-outcome", "Stopped.");
}

/// The figures and the room notice that a tab of three connections closes.
pub(crate) fn a_closed_tab_is_noticed<C: Channel>(
    stays: &mut Page<C>,
    name: &str,
    close_other: impl FnOnce(),
) {
    stays.wait_for_text("figure-connections", "6");
    close_other();
    stays.wait_for_text("figure-connections", "3");
    stays.wait_for_people(&[name]);
}

/// A server that shuts down says so with 1001 on every connection, and the page shows it.
pub(crate) fn a_shutdown_is_shown<C: Channel>(page: &mut Page<C>, shut_down: impl FnOnce()) {
    shut_down();
    page.wait_for_start("close-code", "1001 going away: server is shutting down");
    page.wait_for_text("status-text", "Reconnecting…");
    for badge in ["chat-state", "echo-state"] {
        page.wait_for_start(badge, "1001 going away");
    }
    assert!(
        page.cdp().exceptions().is_empty(),
        "{:#?}",
        page.cdp().exceptions()
    );
}

/// A page gets over a restart by itself: it connects, joins again and keeps the conversation.
pub(crate) fn a_restart_is_survived<C: Channel>(
    page: &mut Page<C>,
    name: &str,
    restart: impl FnOnce(),
) {
    restart();
    page.wait_for_text("status-text", "Connected");
    page.wait_for_people(&[name]);
    page.wait_for_line(name, "Is anybody there?");
    page.say("Welcome back.");
    page.wait_for_line(name, "Welcome back.");
}
