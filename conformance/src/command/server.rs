//! `conformance server`: tests the clients that connect.

use std::{
    net::TcpListener,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use conformance::{
    Case, Outcome, Role,
    known::Known,
    report::{Agent, AgentNames, Report},
    server::{FuzzingServer, Observer, Outcomes},
};

use super::{
    Status, Stop,
    arguments::{Reporting, ServerArguments},
    console::Console,
    finish::{self, Agreement},
};

pub(crate) fn run(arguments: &ServerArguments) -> Result<Status, Stop> {
    let cases = arguments.run.selection.cases()?;
    let known = finish::known(&arguments.run.reporting)?;
    let unusable = |error| Stop::NoListener(arguments.address.clone(), error);
    let listener = TcpListener::bind(&arguments.address).map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    let settings = arguments.run.running.settings();
    let server = FuzzingServer::new(cases, settings, arguments.facts.facts());
    let subject = format!("clients at ws://{address}, {} cases", server.cases().len());
    let clients = Clients {
        console: Console::new("Testing", &subject, None, &arguments.run.reporting),
        server: &server,
        once: arguments.once,
        known: &known,
        reporting: &arguments.run.reporting,
        start: Instant::now(),
        last: Mutex::new(Ok(Status::Unusable)),
    };
    server.run(&listener, &clients).map_err(unusable)?;
    clients
        .last
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Output about the clients that connect.
struct Clients<'a> {
    console: Console,
    server: &'a FuzzingServer,
    /// True if the program ends after the first report.
    once: bool,
    known: &'a Known,
    reporting: &'a Reporting,
    start: Instant,
    /// The status of the reports that were written last.
    last: Mutex<Result<Status, Stop>>,
}

impl Observer for Clients<'_> {
    fn outcome(&self, _agent: &str, case: &Case, outcome: &Outcome) {
        self.console.outcome(case, outcome);
    }

    fn update_reports(&self, outcomes: &Outcomes) {
        let mut names = AgentNames::default();
        let agents = outcomes.iter().map(|(name, outcomes)| Agent {
            name: names.take(name),
            role: Role::Client,
            outcomes,
        });
        let report = Report {
            cases: self.server.cases(),
            agents: agents.collect(),
        };
        let took = self.start.elapsed();
        let status = finish::finish(&report, self.known, Agreement::Free, self.reporting, took);
        if let Err(stop) = &status {
            self.console.line(&stop.to_string());
        }
        if self.once {
            self.server.stop();
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
}
