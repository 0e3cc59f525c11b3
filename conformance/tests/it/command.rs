//! The program `conformance`, run from the command line.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

use conformance::subject::ours::{self, Driver, Tokio};
use serde_json::Value;

mod liar;

/// The program, with reports below the directory that tests may write to.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.args(arguments).env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program(arguments).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
    (status.code().expect("it exits"), text(stdout), text(stderr))
}

/// A directory of a test's own.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // An earlier run may have left it.
    let _ = fs::remove_dir_all(&directory);
    directory
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it is there")).expect("it is JSON")
}

/// An echo server, and the runtime that it runs on.
fn echo() -> (Tokio, String) {
    let driver = Tokio::new().expect("the runtime starts");
    let config = Arc::new(ours::config(None));
    let address = driver.serve(config).expect("there is a port");
    (driver, format!("ws://{address}/"))
}

#[test]
fn a_good_server_passes_and_is_reported() {
    let (_driver, url) = echo();
    let report = directory("good");
    let path = report.to_str().expect("it is UTF-8");
    let (status, out, _) = run(&[
        "client", &url, "--agent", "Good 1.0", "--only", "1.*,2.1", "--report", path,
    ]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("17 ok"), "{out}");
    assert!(out.contains("Framing"), "{out}");
    assert!(
        !out.contains('\u{1b}'),
        "colours where there is no terminal"
    );
    let index = json(&report.join("index.json"));
    let entry = &index["Good 1.0"]["1.1.6"];
    assert_eq!(entry["behavior"], "OK");
    assert_eq!(entry["behaviorClose"], "OK");
    assert_eq!(entry["remoteCloseCode"], 1000);
    assert_eq!(entry["reportfile"], "good_1_0_case_1_1_6.json");
    assert!(entry["duration"].is_u64());
    let case = json(&report.join("good_1_0_case_1_1_6.json"));
    assert_eq!(case["id"], "1.1.6");
    assert_eq!(case["case"], 6);
    assert_eq!(case["isServer"], false);
    assert_eq!(case["rxFrameStats"]["1"], 1);
    assert!(report.join("good_1_0_case_1_1_6.html").exists());
    let page = fs::read_to_string(report.join("index.html")).expect("it is there");
    assert!(page.contains("good_1_0_case_1_1_6.html"));
}

#[test]
fn several_servers_stand_side_by_side() {
    let (_driver, url) = echo();
    let report = directory("side-by-side");
    let path = report.to_str().expect("it is UTF-8");
    let (status, out, _) = run(&[
        "client", &url, &url, "--agent", "one", "--agent", "One", "--only", "2.1", "--report", path,
    ]);
    assert_eq!(status, 0, "{out}");
    let index = json(&report.join("index.json"));
    // Their files would have the same name.
    let names: Vec<_> = index.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["One 2", "one"]);
    let page = fs::read_to_string(report.join("one_case_2_1.html")).expect("it is there");
    assert!(page.contains("one_2_case_2_1.html"));
}

#[test]
fn a_bad_server_fails_unless_that_is_known() {
    let url = liar::start();
    let report = directory("bad");
    let path = report.to_str().expect("it is UTF-8");
    let only = ["client", &url, "--only", "2.1", "--report", path];
    let (status, out, err) = run(&only);
    assert_eq!(status, 1, "{out}");
    assert!(err.contains("echo server"), "{err}");
    assert!(out.contains("1 failed"), "{out}");
    assert!(out.contains("instead of pong, empty, pong"), "{out}");
}

#[test]
fn what_is_known_passes_and_nothing_else() {
    let url = liar::start();
    // The liar sends a Close frame back that it should have refused.
    let run = |text: &str| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("known.toml");
        fs::write(&file, text).expect("it is written");
        let file = file.to_str().expect("it is UTF-8");
        run(&[
            "client",
            &url,
            "--only",
            "7.9.1",
            "--no-report",
            "--known",
            file,
        ])
    };
    let listed = "cases = [\"7.9.1\"]\nbehavior = \"FAILED\"\nreason = \"it lies\"";
    let (status, out, err) = run(&format!("[[known]]\nclose = \"WRONG CODE\"\n{listed}"));
    assert_eq!(status, 0, "{out}{err}");
    for (text, why) in [
        ("", "which is not known"),
        (
            "[[known]]\nagent = \"x\"\nclose = \"WRONG CODE\"",
            "which is not known",
        ),
        (
            "[[known]]\nclose = \"FAILED BY CLIENT\"",
            "better than known",
        ),
        ("[[known]]\nclose = \"UNCLEAN\"", "other than known"),
    ] {
        let listed = if text.is_empty() { "" } else { listed };
        let (status, out, _) = run(&format!("{text}\n{listed}"));
        assert_eq!(status, 1, "{text}: {out}");
        assert!(out.contains(why), "{text}: {out}");
    }
    let (status, _, err) = run("[[known]]");
    assert_eq!(status, 2);
    assert!(err.contains("known.toml"), "{err}");
}

#[test]
fn nothing_that_a_peer_sends_becomes_part_of_a_page() {
    let url = liar::start();
    let report = directory("hostile");
    let path = report.to_str().expect("it is UTF-8");
    run(&["client", &url, "--only", "1.1.2,2.2", "--report", path]);
    let mut pages = 0;
    for entry in fs::read_dir(&report).expect("it is there") {
        let path = entry.expect("it is there").path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        pages += 1;
        let page = fs::read_to_string(&path).expect("it is UTF-8");
        assert!(
            page.contains("&lt;script&gt;") || page.contains("&lt;img"),
            "{path:?}"
        );
        // One script is the report's own; it has the nonce of the policy.
        assert_eq!(page.matches("<script").count(), 1, "{path:?}");
        assert_eq!(page.matches("</script").count(), 1, "{path:?}");
        assert!(!page.contains("<img"), "{path:?}");
        assert!(!page.contains("\" onmouseover"), "{path:?}");
        assert!(!page.contains(['\u{1b}', '\u{202e}']), "{path:?}");
    }
    assert_eq!(pages, 3);
}

#[test]
fn what_cannot_be_run_exits_with_2() {
    for (arguments, why) in [
        (&["client", "wss://localhost/"][..], "TLS"),
        (&["client", "http://localhost/"], "use ws:"),
        // Port 1 is reserved, and nobody listens there.
        (&["client", "ws://127.0.0.1:1/"], "no connection"),
        (
            &["client", "ws://127.0.0.1:1/", "--only", "99.*"],
            "The groups are 1, 2,",
        ),
        (
            &["list", "--cases", "closing/code-9999"],
            "server-handshake, client-handshake",
        ),
        (
            &[
                "client",
                "ws://127.0.0.1:1/",
                "--only",
                "1.1.1",
                "--exclude",
                "1.*",
            ],
            "no case is left",
        ),
        (
            &["client", "ws://127.0.0.1:1/", "--known", "missing.toml"],
            "missing.toml",
        ),
        (
            &["client", "ws://127.0.0.1:1/", "--max-message", "1 TB"],
            "no unit",
        ),
        (&["client"], "required"),
        (&["results", "missing"], "missing"),
        (&["drivers", "--subject", "nobody"], "no subject"),
    ] {
        let (status, _, err) = run(arguments);
        assert_eq!(status, 2, "{arguments:?}: {err}");
        assert!(err.contains(why), "{arguments:?}: {err}");
    }
}

#[test]
fn the_list_tells_what_a_case_wants() {
    let (status, out, _) = run(&["list", "--only", "7.1.5", "--long"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("7 Closing (1)\n  7.1.5 "), "{out}");
    assert_eq!(out.lines().count(), 3, "{out}");
}

#[test]
fn a_group_is_selected_by_its_name() {
    let list = |only| {
        let (status, out, _) = run(&["list", "--only", only]);
        assert_eq!(status, 0, "{only}");
        out
    };
    let closing = list("closing");
    assert!(closing.contains("\n  closing/code-1000 "), "{closing}");
    assert!(
        closing
            .lines()
            .skip(1)
            .all(|line| line.starts_with("  closing/")),
        "{closing}"
    );
    assert_eq!(list("closing/*"), closing);
    assert_eq!(list("9"), list("9.*"));
    assert!(list("closing/code-*").contains("(16)"));
}

#[test]
fn the_core_and_the_drivers_agree() {
    let (status, out, _) = run(&["drivers", "--only", "1.1.1,2.10,7.1.5", "--no-report"]);
    assert_eq!(status, 0, "{out}");
    for subject in [
        "wsproto server",
        "wsproto client",
        "driver-tokio server",
        "driver-smol client",
    ] {
        assert!(out.contains(subject), "{subject}: {out}");
    }
}

#[test]
fn a_client_is_tested_and_the_program_ends_with_its_report() {
    let report = directory("client-under-test");
    let path = report.to_str().expect("it is UTF-8");
    let arguments = [
        "server",
        "127.0.0.1:0",
        "--only",
        "2.1,2.2",
        "--once",
        "--report",
        path,
    ];
    let mut server = program(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut out = BufReader::new(server.stdout.take().expect("it is a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it says where it listens");
    let url = line.split(' ').find(|word| word.starts_with("ws://"));
    let url = url.expect("a URL").trim_end_matches(',').to_owned();
    liar::walk(&url, 2, "My Client/1.0");
    let status = server.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    let case = json(&report.join("my_client_1_0_case_2_2.json"));
    assert_eq!(case["behavior"], "OK");
    assert_eq!(case["isServer"], true);

    let (status, text, _) = run(&["results", path]);
    assert_eq!(status, 0);
    assert!(text.contains("## Clients"), "{text}");
    assert!(
        text.contains("| My Client/1.0 | 2 | 0 | 0 | 0 | 0 | 2 |"),
        "{text}"
    );
}
