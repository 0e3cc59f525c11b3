//! Opening handshakes with peers that do as they are told, and the verdicts on them.

use std::sync::mpsc;

use self::puppet::{
    Does::{self, Closes, Echoes, Ends, Resets, Says},
    Puppet,
};
use super::{
    Draft, Grade, Half, Manner, Opening, Place, Refusal,
    draft::{Blanks, bytes},
};
use crate::{
    case::{Closing, Event, Kind, Role, Script, Step},
    handshake::{Arrival, Head, Heads, Rule},
    payload::Payload,
    session::{Session, Settings},
    subject::Facts,
};

mod puppet;

fn session(role: Role, does: &[Does]) -> (Session, mpsc::Receiver<Vec<u8>>) {
    let (puppet, seen) = Puppet::new(role, does);
    let session = Session::new(Box::new(puppet), role.other(), Settings::default());
    (session, seen)
}

/// The verdict on a server that does these things.
fn served(opening: &Opening, does: &[Does]) -> String {
    let (mut session, _) = session(Role::Server, does);
    let arrival = Arrival::Dialled {
        host: "suite.example:8080".to_owned(),
        resource: "/".to_owned(),
    };
    judge(opening, &mut session, &arrival)
}

/// The verdict on a client that sends this request, and then does these things.
fn dialled(opening: &Opening, request: &str, does: &[Does]) -> String {
    let (mut session, _) = session(Role::Client, does);
    let head = Head::parse(request).expect("it has lines");
    judge(opening, &mut session, &Arrival::Accepted(head))
}

fn judge(opening: &Opening, session: &mut Session, arrival: &Arrival) -> String {
    let heads = &mut Heads::default();
    let (verdict, reasons) = super::run(opening, session, arrival, heads, &Facts::default());
    assert!(session.is_over(), "the suite leaves no connection behind");
    let fine = verdict.to_string() == "OK / OK";
    assert_eq!(reasons.is_empty(), fine, "{verdict}: {reasons:?}");
    verdict.to_string()
}

const OPENS: Does = Says(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Accept: {accept}\r\n\r\n",
);
const REFUSES: Does =
    Says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbad");

fn refused(refusal: Refusal) -> Opening {
    Opening::refused(Draft::request().without("Sec-WebSocket-Key"), refusal)
}

#[test]
fn servers_that_have_to_refuse_are_judged_by_their_answer() {
    let bad = Refusal::with(&[400, 405, 426]);
    for (what, does, expected) in [
        ("the best answer", vec![REFUSES, Ends], "OK / OK"),
        (
            "an answer behind another one",
            vec![Says("HTTP/1.1 100 Continue\r\n\r\n"), REFUSES, Ends],
            "OK / OK",
        ),
        (
            "an answer in chunks on a connection that goes on",
            vec![Says(
                "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n",
            )],
            "OK / OK",
        ),
        (
            "another status",
            vec![Says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")],
            "NON-STRICT / OK",
        ),
        (
            "a page",
            vec![Says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")],
            "NON-STRICT / OK",
        ),
        (
            "a 405 without Allow",
            vec![Says("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")],
            "NON-STRICT / OK",
        ),
        (
            "a 426 without Upgrade",
            vec![Says("HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n")],
            "NON-STRICT / OK",
        ),
        (
            "a reset behind the answer",
            vec![REFUSES, Resets],
            "NON-STRICT / OK",
        ),
        (
            "half a body",
            vec![
                Says("HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\nbad"),
                Ends,
            ],
            "NON-STRICT / OK",
        ),
        (
            "no end in spite of close",
            vec![REFUSES],
            "NON-STRICT / FAILED BY CLIENT",
        ),
        (
            "a body without end",
            vec![Says("HTTP/1.1 400 No\r\n\r\nbad")],
            "NON-STRICT / UNCLEAN",
        ),
        ("the end without an answer", vec![Ends], "FAILED / OK"),
        ("a reset without an answer", vec![Resets], "FAILED / OK"),
        (
            "half an answer",
            vec![Says("HTTP/1.1 400 Bad"), Ends],
            "FAILED / OK",
        ),
        ("nothing at all", vec![], "FAILED / OK"),
        ("no HTTP", vec![Says("no\r\n\r\n"), Ends], "FAILED / OK"),
        (
            "a status that is none",
            vec![Says("HTTP/1.1 4000 No\r\n\r\n"), Ends],
            "FAILED / OK",
        ),
        (
            "an open connection",
            vec![OPENS, Echoes(3)],
            "FAILED / FAILED",
        ),
    ] {
        assert_eq!(served(&refused(bad), &does), expected, "{what}");
    }
}

#[test]
fn what_a_refusal_demands_besides_is_looked_at() {
    let version = |value| match value {
        "" => Says("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"),
        "13" => {
            Says("HTTP/1.1 400 No\r\nSec-WebSocket-Version: 8, 13\r\nContent-Length: 0\r\n\r\n")
        }
        _ => Says("HTTP/1.1 400 No\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n"),
    };
    let known = Refusal::with(&[400]).header("Sec-WebSocket-Version", "13");
    let quiet = Refusal::with(&[400]).silence(Grade::Right);
    let tolerant = Refusal::with(&[400]).silence(Grade::Tolerated);
    for (refusal, does, expected) in [
        (known, vec![version("13")], "OK / OK"),
        (known, vec![version("8")], "FAILED / OK"),
        (known, vec![version("")], "FAILED / OK"),
        (Refusal::exactly(&[431]), vec![REFUSES, Ends], "FAILED / OK"),
        (quiet, vec![Ends], "OK / OK"),
        (quiet, vec![Resets], "OK / OK"),
        (quiet, vec![], "NON-STRICT / OK"),
        (quiet, vec![Says("HTTP/1.1 4"), Ends], "FAILED / OK"),
        (tolerant, vec![Ends], "NON-STRICT / OK"),
    ] {
        assert_eq!(
            served(&refused(refusal), &does),
            expected,
            "{refusal:?} {does:?}"
        );
    }
}

#[test]
fn a_server_that_opens_what_it_might_refuse_has_to_echo() {
    let bad = Refusal::with(&[400]);
    let odd = || Opening::refused(Draft::request().line("Content-Length: 0"), bad);
    for (grade, does, expected) in [
        (Grade::Right, vec![OPENS, Echoes(3)], "OK / OK"),
        (Grade::Tolerated, vec![OPENS, Echoes(3)], "NON-STRICT / OK"),
        (Grade::Tolerated, vec![REFUSES, Ends], "OK / OK"),
        (Grade::Right, vec![OPENS, Ends], "FAILED / FAILED"),
        (Grade::Tolerated, vec![OPENS], "FAILED / UNCLEAN"),
    ] {
        let verdict = served(&odd().otherwise(grade), &does);
        assert_eq!(verdict, expected, "{grade:?} {does:?}");
    }
}

#[test]
fn servers_that_have_to_open_are_judged_by_their_answer_and_their_echo() {
    let offers = Draft::request()
        .line("Sec-WebSocket-Protocol: a, b")
        .line("Sec-WebSocket-Extensions: permessage-deflate");
    let opening = Opening::opens(offers);
    let lines = |lines: &'static str| vec![Says(lines), Echoes(3)];
    for (does, expected) in [
        (vec![OPENS, Echoes(3)], "OK / OK"),
        (
            lines(
                "HTTP/1.1 101 Yes\r\nUPGRADE: WebSocket\r\nConnection: a, upgrade\r\n\
                 Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
            ),
            "OK / OK",
        ),
        (vec![REFUSES, Ends], "FAILED / OK"),
        (vec![Ends], "FAILED / OK"),
        (vec![OPENS, Ends], "FAILED / FAILED"),
        (
            lines(
                "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            ),
            "FAILED / FAILED",
        ),
        (
            lines(
                "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Protocol: c\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
            ),
            "FAILED / FAILED",
        ),
        (
            lines(
                "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n",
            ),
            "FAILED / FAILED",
        ),
        (
            lines(
                "HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n",
            ),
            "FAILED / FAILED",
        ),
    ] {
        assert_eq!(served(&opening, &does), expected, "{does:?}");
    }
    let lenient = opening.otherwise(Grade::Tolerated);
    assert_eq!(served(&lenient, &[REFUSES, Ends]), "NON-STRICT / OK");
    assert_eq!(served(&lenient, &[Ends]), "FAILED / OK");
    // A client that does not wait for the response gets none.
    let early = vec![Step::message(Kind::Text, "early")];
    let early = Opening::early(Half::Proper, early, Script::new(Closing::by_suite()));
    let early = early.otherwise(Grade::Tolerated);
    assert_eq!(served(&early, &[Ends]), "NON-STRICT / OK");
    assert_eq!(
        served(&early, &[Says("\u{8a}\0"), OPENS]),
        "FAILED / FAILED"
    );
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: suite.example:8080\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

#[test]
fn clients_that_have_to_refuse_may_only_leave() {
    let bait = || Opening::bait(Draft::response().without("Upgrade"));
    for (does, expected) in [
        (vec![Ends], "OK / OK"),
        (vec![Resets], "OK / OK"),
        (vec![Echoes(3)], "FAILED / OK"),
        (vec![Says("GET / HTTP/1.1\r\n\r\n"), Ends], "FAILED / OK"),
        (vec![Says("\u{1}"), Ends], "FAILED / OK"),
        (vec![Closes, Ends], "NON-STRICT / OK"),
        (vec![], "FAILED / OK"),
    ] {
        assert_eq!(dialled(&bait(), REQUEST, &does), expected, "{does:?}");
    }
    for (grade, does, expected) in [
        (Grade::Tolerated, vec![Echoes(3)], "NON-STRICT / OK"),
        (Grade::Tolerated, vec![Ends], "OK / OK"),
        (Grade::Right, vec![Echoes(3)], "OK / OK"),
    ] {
        let opening = bait().otherwise(grade);
        assert_eq!(
            dialled(&opening, REQUEST, &does),
            expected,
            "{grade:?} {does:?}"
        );
    }
}

#[test]
fn clients_that_have_to_open_have_to_echo() {
    let opening = || Opening::opens(Half::Proper);
    for (grade, does, expected) in [
        (Grade::Wrong, vec![Echoes(3)], "OK / OK"),
        (Grade::Wrong, vec![Ends], "FAILED / FAILED"),
        (Grade::Wrong, vec![], "FAILED / UNCLEAN"),
        (Grade::Tolerated, vec![Echoes(3)], "OK / OK"),
        (Grade::Tolerated, vec![Ends], "NON-STRICT / OK"),
        (Grade::Tolerated, vec![], "FAILED / UNCLEAN"),
        (Grade::Right, vec![Ends], "OK / OK"),
    ] {
        let opening = opening().otherwise(grade);
        assert_eq!(
            dialled(&opening, REQUEST, &does),
            expected,
            "{grade:?} {does:?}"
        );
    }
}

#[test]
fn requests_are_measured_by_every_rule() {
    let opening = |rule| Opening::opens(Half::Proper).rule(rule);
    let echoes = [Echoes(3)];
    let change = |from: &str, to: &str| {
        assert!(REQUEST.contains(from), "{from}");
        REQUEST.replace(from, to)
    };
    for (rule, from, to) in [
        (Rule::FirstLine, "GET /", "GET /#top"),
        (Rule::Host, ":8080", ""),
        (Rule::Host, ":8080", ":80"),
        (Rule::Host, "Host: suite", "Host: a@suite"),
        (Rule::Host, "Host:", "Host: a\r\nHost:"),
        (Rule::Upgrade, "websocket", "h2c"),
        (Rule::Connection, "Connection: Upgrade", "Connection: close"),
        (Rule::Key, "AQID", "QID"),
        (Rule::Version, "13", "8"),
        (Rule::Offers, "Host", "Sec-WebSocket-Protocol: a, a\r\nHost"),
        (Rule::Offers, "Host", "Sec-WebSocket-Protocol: a b\r\nHost"),
        (
            Rule::Offers,
            "Host",
            "Sec-WebSocket-Extensions: a; =\r\nHost",
        ),
        (Rule::Grammar, "Host", "A b: c\r\nHost"),
        (Rule::Grammar, "Host", "A: b\0c\r\nHost"),
        (Rule::NoBody, "Host", "Content-Length: 1\r\nHost"),
        (Rule::NoBody, "Host", "Transfer-Encoding: chunked\r\nHost"),
    ] {
        assert_eq!(
            dialled(&opening(rule), REQUEST, &echoes),
            "OK / OK",
            "{rule:?}"
        );
        let request = change(from, to);
        let verdict = dialled(&opening(rule), &request, &echoes);
        assert!(
            verdict.starts_with("FAILED"),
            "{rule:?} {request}: {verdict}"
        );
    }
    let early = [Says("\u{81}\u{80}\0\0\0\0"), Echoes(3)];
    let verdict = dialled(&opening(Rule::Waits), REQUEST, &early);
    assert!(verdict.starts_with("FAILED"), "{verdict}");
}

#[test]
fn a_key_is_fresh_once() {
    let opening = Opening::opens(Half::Proper).rule(Rule::FreshKey);
    let request = REQUEST.replace("AQID", "fresh");
    let request = request.replace("freshBAUGBwgJCgsMDQ4PEA==", "/////////////////////w==");
    assert_eq!(dialled(&opening, &request, &[Echoes(3)]), "OK / OK");
    assert_eq!(dialled(&opening, &request, &[Echoes(3)]), "FAILED / OK");
}

#[test]
fn masks_have_to_differ_and_not_by_counting() {
    let texts = ["one", "two", "three"];
    let steps = texts.map(|text| Step::message(Kind::Text, text));
    let script = Script::new(Closing::by_suite())
        .steps(steps)
        .expect(texts.map(Event::text));
    let opening = Opening::opens(Half::Proper)
        .script(script)
        .rule(Rule::Masks);
    for (step, expected) in [(3, "OK / OK"), (1, "FAILED / OK"), (0, "FAILED / OK")] {
        assert_eq!(
            dialled(&opening, REQUEST, &[Echoes(step)]),
            expected,
            "{step}"
        );
    }
}

#[test]
fn heads_and_what_goes_with_them_are_cut_where_a_case_says() {
    let sizes = |opening: Opening| {
        let (mut session, seen) = session(Role::Client, &[]);
        let head = Head::parse(REQUEST).expect("it has lines");
        judge(&opening, &mut session, &Arrival::Accepted(head));
        seen.try_iter().map(|write| write.len()).collect::<Vec<_>>()
    };
    let opening = || {
        let early = vec![Step::message(Kind::Text, "Hello")];
        let script = Script::new(Closing::by_suite()).without_close();
        Opening::early("0123456789", early, script).behind("..")
    };
    for (manner, expected) in [
        (Manner::Whole, vec![19]),
        (Manner::Chopped(8), vec![8, 8, 3]),
        (Manner::Cut(Place::Start(4)), vec![4, 15]),
        (Manner::Cut(Place::BeforeEnd(1)), vec![9, 10]),
        (Manner::Cut(Place::BehindHead(0)), vec![10, 9]),
        (Manner::Cut(Place::BehindHead(3)), vec![13, 6]),
        (Manner::Cut(Place::BehindHead(30)), vec![19]),
        (Manner::Trickled(4), vec![5, 5, 5, 4]),
    ] {
        let sizes = sizes(opening().manner(manner));
        assert_eq!(sizes, expected, "{manner:?}");
    }
}

#[test]
fn padding_makes_a_head_as_long_as_the_limit() {
    for beyond in [-1, 0, 1] {
        let draft = Draft::request().line("X: {padding}").padded(beyond);
        let blanks = Blanks {
            host: "suite.example",
            resource: "/",
            key: "AQIDBAUGBwgJCgsMDQ4PEA==",
            max_head: 1000,
            ..Default::default()
        };
        let text = Half::Lines(draft).fill(&blanks, Draft::request);
        assert_eq!(text.len(), 1000_usize.saturating_add_signed(beyond));
    }
    let bytes = Payload::from(bytes("\u{0}\u{7f}\u{80}\u{ff}"));
    assert_eq!(bytes, Payload::from(b"\x00\x7f\x80\xff"));
}
