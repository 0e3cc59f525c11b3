//! `conformance client`: tests servers by their URLs.

use std::time::Duration;

use conformance::{
    Behavior, Case, Event, Outcome, Settings, Subject,
    case::{Closing, Kind, Script, Step},
    frame::Frame,
    handshake::Head,
    report::AgentNames,
    run_case,
    subject::Server,
};
use url::Url;

use super::{
    Status, Stop,
    arguments::ClientArguments,
    finish::{self, Agreement},
    subjects::Subjects,
};

pub(crate) fn run(arguments: &ClientArguments) -> Result<Status, Stop> {
    let cases = arguments.run.selection.cases()?;
    let known = finish::known(&arguments.run.reporting)?;
    let mut names = AgentNames::default();
    let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
    for (at, url) in arguments.urls.iter().enumerate() {
        let mut server = server(arguments, url);
        let outcome = probe(&server, url, arguments.run.running.settings())?;
        let name = match arguments.agents.get(at) {
            Some(name) => name.clone(),
            None => server_header(&outcome).unwrap_or_else(|| server.address.clone()),
        };
        server.name = names.take(&name);
        subjects.push(Box::new(server));
    }
    let run = Subjects {
        cases: &cases,
        known: &known,
        agreement: Agreement::Free,
        running: &arguments.run.running,
        reporting: &arguments.run.reporting,
    };
    run.run(&subjects)
}

fn server(arguments: &ClientArguments, url: &Url) -> Server {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let query = url
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    Server {
        name: url.to_string(),
        address: format!("{host}:{port}"),
        resource: format!("{}{query}", url.path()),
        facts: arguments.facts.facts(),
    }
}

/// Sends one message and waits for its echo, to check that there is a server to test.
fn probe(server: &Server, url: &Url, settings: Settings) -> Result<Outcome, Stop> {
    let script = Script::new(Closing::by_suite())
        .step(Step::Kill(Duration::from_secs(2)))
        .step(Step::message(Kind::Text, "conformance"))
        .step(Step::Await(1))
        .step(Step::Close(Frame::close(1000, "").payload.into()))
        .expect([Event::text("conformance")]);
    let case = Case::new(&[0], "Sends a message.", "The message comes back.", script);
    let outcome = run_case(&case, server, settings);
    if outcome.heads.request.is_empty() {
        return Err(Stop::NoConnection(
            url.to_string(),
            outcome.reasons.join("; "),
        ));
    }
    if outcome.verdict.behavior != Behavior::Ok {
        anstream::eprintln!(
            "warning: {url} does not seem to be an echo server, which the suite needs: {}",
            outcome.reasons.join("; ")
        );
    }
    Ok(outcome)
}

fn server_header(outcome: &Outcome) -> Option<String> {
    let head = Head::parse(&outcome.heads.response).ok()?;
    head.one("Server").ok().map(str::to_owned)
}
