//! Reports for people: self-contained pages of HTML.
//!
//! Everything that a peer sent goes through `maud`, which escapes it, and no script runs but the one that
//! carries the nonce of the report: a page is safe to look at whatever the peer is.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Grade, Tally};
use crate::{
    outcome::Outcome,
    render,
    verdict::{BehaviorClose, Verdict},
};

pub(super) mod case;
pub(super) mod index;
mod reference;
mod timeline;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// A green tick.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Crect width='16' height='16' rx='4' fill='%231a7f37'/%3E\
    %3Cpath d='M4 8.5l2.5 2.5L12 5.5' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E";

/// A nonce that the scripts of one report share.
#[derive(Debug)]
pub(super) struct Nonce(String);

impl Nonce {
    /// Makes one that nobody can guess who wrote to the wire before.
    pub(super) fn new() -> Self {
        Self(format!("{:016x}", fastrand::u64(..)))
    }
}

/// A page around its contents.
fn page(title: &str, nonce: &Nonce, contents: &Markup) -> String {
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'nonce-{}'",
        nonce.0
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                (contents)
                script nonce=(nonce.0) { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

impl Grade {
    /// A sign that shows it without a colour.
    const fn sign(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::NonStrict => "≈",
            Self::Informational => "i",
            Self::Unimplemented => "–",
            Self::Failed => "✗",
        }
    }
}

/// The verdict on a case: what the subject did, and how it closed if that is worth a word.
fn badge(outcome: &Outcome) -> Markup {
    let Verdict { behavior, close } = outcome.verdict;
    let did = Grade::from(Verdict {
        behavior,
        close: BehaviorClose::Ok,
    });
    html! {
        span class={ "badge " (did.name()) } {
            span.sign aria-hidden="true" { (did.sign()) } " " (behavior)
        }
        @if !close.is_right() {
            " "
            span.badge.failed {
                span.sign aria-hidden="true" { (Grade::Failed.sign()) } " close: " (close)
            }
        }
    }
}

/// A bar of the shares of all grades.
fn bar(tally: &Tally) -> Markup {
    html! {
        span.bar aria-hidden="true" {
            @for grade in Grade::ALL {
                @if tally.count(grade) > 0 {
                    span class=(grade.name()) style={ "flex-grow:" (tally.count(grade)) } {}
                }
            }
        }
    }
}

/// The counts that are not zero, in words.
fn counts(tally: &Tally) -> Markup {
    html! {
        @for grade in Grade::ALL {
            @if tally.count(grade) > 0 {
                span class={ "count " (grade.name()) } {
                    (tally.count(grade)) " " (grade.name())
                }
                " "
            }
        }
    }
}

/// How long a connection lasted.
fn duration(outcome: &Outcome) -> String {
    render::duration(outcome.duration)
}
