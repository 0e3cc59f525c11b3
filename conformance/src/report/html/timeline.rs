//! The timeline of the wire: on the left what the suite sent, on the right what it received.

use maud::{Markup, html};

use crate::{
    log::{Entry, Excerpt, Line, Log, Summary, What},
    render,
};

/// Entries that a page shows from the start and from the end.
const SHOWN: (usize, usize) = (80, 60);

/// Bytes of a payload whose digits a page shows.
const DIGITS: usize = 128;

/// The section of a page.
pub(super) fn section(log: &Log) -> Markup {
    let (first, last) = SHOWN;
    let lines = log.lines(first, last, |_| true);
    html! {
        @if !lines.is_empty() {
            section.wire {
                h2 { "Wire" }
                p.legend {
                    span { "→ the suite sends" } span { "← the subject sends" }
                    label.switch hidden { input #bytes type="checkbox"; " with reads and writes" }
                }
                ol.timeline {
                    @for line in lines {
                        @match line {
                            Line::Entry(entry) => (moment(entry)),
                            Line::LeftOut(count) => li.gap { "… " (count) " more …" },
                        }
                    }
                }
            }
        }
    }
}

fn moment(entry: &Entry) -> Markup {
    let (side, contents) = match &entry.what {
        What::SentBytes(bytes) => ("sent bytes", excerpt("write", bytes)),
        What::ReceivedBytes(bytes) => ("received bytes", excerpt("read", bytes)),
        What::SentFrame(frame) => ("sent", summary(frame)),
        What::ReceivedFrame(frame) => ("received", summary(frame)),
        What::Finished => ("sent", html! { span.end { (render::what(&entry.what)) } }),
        What::End | What::Reset => (
            "received",
            html! { span.end { (render::what(&entry.what)) } },
        ),
        What::Timer(_) | What::Note(_) => ("note", html! { (render::what(&entry.what)) }),
    };
    html! {
        li class=(side) {
            time { (render::duration(entry.at)) }
            span.arrow aria-hidden="true" { (render::arrow(&entry.what)) }
            div { (contents) }
        }
    }
}

fn summary(frame: &Summary) -> Markup {
    let class = match frame.opcode {
        0x8 => "opcode closing",
        0x9..=0xa => "opcode control",
        0x0..=0x2 => "opcode data",
        _ => "opcode reserved",
    };
    html! {
        span class=(class) { (render::opcode_name(frame.opcode)) }
        @if !frame.fin { " " span.flag title="FIN is clear: not the last frame of its message" { "not final" } }
        @if frame.reserved != 0 { " " span.flag title="the reserved bits" { "RSV " (format!("{:03b}", frame.reserved)) } }
        " " span.muted { (render::count(frame.payload.len, "byte")) }
        @if let Some(mask) = frame.mask { " " span.muted.mask { "mask " (render::hex(&mask)) } }
        @if frame.payload.len > 0 {
            @let text = render::frame_payload(frame);
            @let dump = render::dump(&frame.payload.head[..frame.payload.head.len().min(DIGITS)]);
            details {
                summary { code { (text) } }
                pre tabindex="0" { (dump) @if frame.payload.len > DIGITS { "…" } }
            }
        }
    }
}

fn excerpt(name: &str, bytes: &Excerpt) -> Markup {
    let shown = &bytes.head[..bytes.head.len().min(32)];
    html! {
        span.muted { (name) " of " (render::count(bytes.len, "byte")) ": " }
        code { (render::hex(shown)) @if bytes.len > shown.len() { " …" } }
    }
}
