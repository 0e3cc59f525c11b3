//! The page: its files, which are embedded in the program, and the HTTP responses that serve them.

use wsproto::Reject;

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static [u8],
}

impl Answer {
    /// A plain-text response with an additional header.
    pub(crate) fn text(
        status: u16,
        header: impl Into<Option<(&'static str, &'static str)>>,
        body: &'static str,
    ) -> Self {
        let mut answer = Self::new(status, "text/plain; charset=utf-8", body.as_bytes());
        answer.headers.extend(header.into());
        answer
    }

    fn new(status: u16, content_type: &'static str, body: &'static [u8]) -> Self {
        let mut headers = HEADERS.to_vec();
        headers.push(("Content-Type", content_type));
        Self {
            status,
            headers,
            body,
        }
    }

    /// The response in the form that `reject` of a connection takes.
    pub(crate) fn as_reject(&self) -> Reject<'_> {
        Reject::new(self.status)
            .headers(&self.headers)
            .body(self.body)
    }
}

/// The headers of every response; `PROTOCOL.md` gives the reasons.
const HEADERS: [(&str, &str); 5] = [
    (
        "Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-cache"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The files by path, each with its type and content.
const FILES: [(&str, &str, &[u8]); 12] = [
    ("/", HTML, include_bytes!("../static/index.html")),
    ("/index.html", HTML, include_bytes!("../static/index.html")),
    ("/style.css", CSS, include_bytes!("../static/style.css")),
    ("/icon.svg", SVG, include_bytes!("../static/icon.svg")),
    ("/app.js", SCRIPT, include_bytes!("../static/app.js")),
    ("/bench.js", SCRIPT, include_bytes!("../static/bench.js")),
    ("/chat.js", SCRIPT, include_bytes!("../static/chat.js")),
    ("/echo.js", SCRIPT, include_bytes!("../static/echo.js")),
    (
        "/figures.js",
        SCRIPT,
        include_bytes!("../static/figures.js"),
    ),
    ("/link.js", SCRIPT, include_bytes!("../static/link.js")),
    (
        "/sparkline.js",
        SCRIPT,
        include_bytes!("../static/sparkline.js"),
    ),
    ("/units.js", SCRIPT, include_bytes!("../static/units.js")),
];

/// Answers a plain HTTP request for `path`.
pub(crate) fn answer(method: &str, path: &str) -> Answer {
    let Some((_, content_type, content)) = FILES.iter().find(|(known, ..)| *known == path) else {
        return Answer::text(404, None, "not found\n");
    };
    if !matches!(method, "GET" | "HEAD") {
        // RFC 9110 15.5.6: the response MUST list the allowed methods.
        return Answer::text(
            405,
            ("Allow", "GET, HEAD"),
            "only GET and HEAD are allowed\n",
        );
    }
    Answer::new(200, content_type, content)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn all_files_of_the_page_are_served_with_the_type_of_their_name() {
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("static")).unwrap();
        let mut names: BTreeSet<String> = files
            .map(|file| format!("/{}", file.unwrap().file_name().into_string().unwrap()))
            .collect();
        names.insert("/".into());
        let served: BTreeSet<String> = FILES.iter().map(|(path, ..)| (*path).into()).collect();
        assert_eq!(served, names);
        for (path, content_type, content) in FILES {
            let expected = match path.rsplit_once('.').map(|(_, extension)| extension) {
                None | Some("html") => HTML,
                Some("css") => CSS,
                Some("js") => SCRIPT,
                Some("svg") => SVG,
                Some(other) => panic!("no type for {other}"),
            };
            assert_eq!(content_type, expected, "{path}");
            assert!(!content.is_empty(), "{path}");
        }
    }

    #[test]
    fn every_answer_carries_the_headers_that_keep_the_page_to_itself() {
        for (method, path, status) in [
            ("GET", "/", 200),
            ("HEAD", "/app.js", 200),
            ("POST", "/", 405),
            ("GET", "/nowhere", 404),
            ("GET", "/../Cargo.toml", 404),
            ("POST", "/nowhere", 404),
        ] {
            let answer = answer(method, path);
            assert_eq!(answer.status, status, "{method} {path}");
            for header in HEADERS {
                assert!(answer.headers.contains(&header), "{method} {path}");
            }
        }
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        let answer = answer("DELETE", "/style.css");
        assert!(answer.headers.contains(&("Allow", "GET, HEAD")));
    }
}
