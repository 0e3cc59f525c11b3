//! The fuzzing server, asked by a client as clients for Autobahn's ask.

use std::{
    error::Error,
    net::TcpListener,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use conformance::{
    Case, Facts, Outcome, Settings, Verdict, cases,
    server::{FuzzingServer, Observer, Outcomes},
};
use driver_tokio::{Closed, ConnectError, HandshakeError, Message, connect};

#[derive(Default)]
struct Seen {
    cases: Mutex<Vec<String>>,
    reports: AtomicUsize,
}

impl Observer for Seen {
    fn outcome(&self, agent: &str, case: &Case, outcome: &Outcome) {
        assert_eq!(outcome.verdict, Verdict::OK, "{agent} {}", case.id);
        self.cases
            .lock()
            .unwrap()
            .push(format!("{agent} {}", case.id));
    }

    fn update_reports(&self, outcomes: &Outcomes) {
        self.reports
            .fetch_add(outcomes["an agent"].len(), Ordering::Relaxed);
    }
}

/// Runs `client` against a fuzzing server for group 1, which it has to stop, and tells what was seen.
fn with_server<F: Future<Output = Result<(), Box<dyn Error>>>>(
    client: impl FnOnce(String) -> F,
) -> (Seen, Outcomes) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let mut cases = cases::all();
    cases.retain(|case| case.id.group() == "1");
    let server = FuzzingServer::new(cases, Settings::default(), Facts::default());
    let seen = Seen::default();
    let outcomes = thread::scope(|scope| {
        let running = scope.spawn(|| server.run(&listener, &seen));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let done = runtime.block_on(client(url.clone()));
        let stopped = runtime.block_on(ask(&format!("{url}/stopServer")));
        let outcomes = running.join().unwrap().unwrap();
        done.unwrap();
        stopped.unwrap();
        outcomes
    });
    (seen, outcomes)
}

/// The text that a control URL answers with, if any, and how the connection ended.
async fn ask(url: &str) -> Result<(Option<String>, Option<Closed>), Box<dyn Error>> {
    let mut socket = connect(url).await?;
    let mut answer = None;
    while let Some(message) = socket.recv().await? {
        let Message::Text(text) = message else {
            return Err("an answer that is no text".into());
        };
        answer = Some(text);
    }
    Ok((answer, socket.closed().cloned()))
}

#[test]
fn a_client_is_led_through_all_cases() {
    let (seen, outcomes) = with_server(|url| async move {
        let (count, closed) = ask(&format!("{url}/getCaseCount")).await?;
        assert_eq!(count.as_deref(), Some("16"));
        assert_eq!(closed.map(|closed| closed.clean), Some(true));
        for case in 1..=16 {
            let url = format!("{url}/runCase?case={case}&agent=an%20agent");
            let mut socket = connect(&url).await?;
            while let Some(message) = socket.recv().await? {
                socket.feed(message).await?;
            }
        }
        let (status, _) = ask(&format!("{url}/getCaseStatus?case=3&agent=an%20agent")).await?;
        assert_eq!(status.as_deref(), Some(r#"{"behavior":"OK"}"#));
        let (info, _) = ask(&format!("{url}/getCaseInfo?casetuple=1.2.1")).await?;
        assert!(info.is_some_and(|info| info.contains(r#""id":"1.2.1""#)));
        ask(&format!("{url}/updateReports?agent=an%20agent")).await?;
        Ok(())
    });
    let cases = seen.cases.into_inner().unwrap();
    assert_eq!(cases.len(), 16);
    assert_eq!(cases[0], "an agent 1.1.1");
    assert_eq!(seen.reports.into_inner(), 16);
    assert_eq!(outcomes["an agent"].len(), 16);
}

#[test]
fn what_makes_no_sense_is_refused_with_an_answer() {
    with_server(|url| async move {
        for path in [
            "/",
            "/runCase",
            "/runCase?case=1",
            "/runCase?agent=a",
            "/runCase?case=0&agent=a",
            "/runCase?case=17&agent=a",
            "/runCase?case=1&case=2&agent=a",
            "/runCase?casetuple=99.1&agent=a",
            "/getCaseInfo",
        ] {
            let refused = connect(&format!("{url}{path}")).await.err();
            let Some(ConnectError::Handshake(HandshakeError::Refused(response))) = refused else {
                return Err(format!("{path}: {refused:?}").into());
            };
            assert_eq!(response.view().status(), 400, "{path}");
        }
        Ok(())
    });
}
