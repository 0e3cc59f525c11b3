//! A page of HTML: a long table that a program has written, and a heading with letters beyond ASCII.

use super::dice::Dice;

const LEN: usize = 263_647;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Results</title></head>
<body>
<h1>Ünïcödé: áàâäãå éèêë íìîï óòôöõ úùûü</h1>
<table class="results">
"#;

const TAIL: &str = "</table>\n</body>\n</html>\n";

pub(super) fn make() -> Vec<u8> {
    let mut dice = Dice::new(4);
    let mut text = HEAD.to_owned();
    for number in 1.. {
        let verdict = dice.pick(&["passed", "passed", "failed", "skipped"]);
        let row = format!(
            "<tr class=\"row\"><td class=\"number\"><a href=\"#case-{number}\">Case {number}</a></td>\
             <td class=\"verdict {verdict}\">{verdict}</td><td class=\"duration\">{} ms</td></tr>\n",
            dice.below(600),
        );
        if text.len() + row.len() + TAIL.len() > LEN {
            break;
        }
        text += &row;
    }
    text += &"\n".repeat(LEN - text.len() - TAIL.len());
    text += TAIL;
    text.into_bytes()
}
