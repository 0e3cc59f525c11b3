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
    // What earlier runs did has to be over. At rest, a page sends one message a second.
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
