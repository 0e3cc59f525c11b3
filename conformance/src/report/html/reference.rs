//! Links to the sections of the RFCs that a text names.

use maud::{Markup, html};

/// The text, in which a section such as `(5.5.1)` or `RFC 7692 7.2.3` leads to where it stands. A section
/// without a number of an RFC is one of RFC 6455.
pub(super) fn linked(text: &str) -> Markup {
    let words: Vec<_> = text.split_inclusive(' ').collect();
    html! {
        @for (at, word) in words.iter().enumerate() {
            @match section(&words[..at], word) {
                Some((rfc, before, section, behind)) => {
                    (before)
                    a href={ "https://www.rfc-editor.org/rfc/rfc" (rfc) "#section-" (section) } { (section) }
                    (behind)
                }
                None => (word),
            }
        }
    }
}

/// The number of the RFC, and the word taken apart around the number of a section.
fn section<'a>(before: &[&'a str], word: &'a str) -> Option<(&'a str, &'a str, &'a str, &'a str)> {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let start = word.find(number)?;
    let (opening, rest) = word.split_at(start);
    let end = rest.find(|c| !number(c)).unwrap_or(rest.len());
    let section = rest[..end].trim_end_matches('.');
    let named = match before {
        [.., "RFC ", rfc] | [.., "(RFC ", rfc] => Some(rfc.trim_end()),
        _ => None,
    };
    let rfc = match (named, opening) {
        (Some(rfc), "") => rfc,
        // Numbers alone may count anything; those with a dot in parentheses are sections.
        (None, "(") if section.contains('.') => "6455",
        _ => return None,
    };
    let behind = &rest[section.len()..];
    (!section.is_empty()).then_some((rfc, opening, section, behind))
}

#[cfg(test)]
mod tests {
    use super::linked;

    #[test]
    fn sections_lead_to_where_they_stand() {
        let link = |rfc: &str, section: &str| {
            format!(
                "<a href=\"https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}\">{section}</a>"
            )
        };
        for (text, expected) in [
            (
                "closes (5.1).".to_owned(),
                format!("closes ({}).", link("6455", "5.1")),
            ),
            (
                "see RFC 7692 7.2.3, too".to_owned(),
                format!("see RFC 7692 {}, too", link("7692", "7.2.3")),
            ),
            (
                "(RFC 6455 4.1)".to_owned(),
                format!("(RFC 6455 {})", link("6455", "4.1")),
            ),
            (
                "125 bytes in 1.5 s (9)".to_owned(),
                "125 bytes in 1.5 s (9)".to_owned(),
            ),
            ("<b> & (x)".to_owned(), "&lt;b&gt; &amp; (x)".to_owned()),
        ] {
            assert_eq!(linked(&text).into_string(), expected);
        }
    }
}
