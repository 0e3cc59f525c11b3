//! The fuzzing server: tests clients, which select a case by the URL.
//!
//! The URLs are those of Autobahn's fuzzing server, so that clients which were written for it work
//! unchanged.

use std::{
    collections::BTreeMap,
    io,
    net::{TcpListener, TcpStream},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use url::Url;

use crate::{
    case::{Case, Kind, Role, Sending},
    handshake::{self, Arrival, Head, Heads},
    id::Id,
    outcome::Outcome,
    run,
    script::send_message,
    session::{Session, Settings},
    subject::Facts,
    wire::TcpWire,
};

/// The outcomes of the cases of each agent, by its name.
pub type Outcomes = BTreeMap<String, BTreeMap<Id, Outcome>>;

/// The longest that a client which asks for a verdict has to wait for it.
const STATUS_TIMEOUT: Duration = Duration::from_secs(30);

/// The program around a fuzzing server, which is told of outcomes. Called on the threads of
/// connections.
pub trait Observer: Sync {
    /// A case has been run.
    fn outcome(&self, agent: &str, case: &Case, outcome: &Outcome);

    /// A client has asked for reports. The outcomes are all that there are so far.
    fn update_reports(&self, outcomes: &Outcomes);
}

/// State that connections share.
#[derive(Debug, Default)]
struct State {
    outcomes: Outcomes,
    /// The agents of the cases that run.
    running: Vec<String>,
}

/// A server that tests clients.
#[derive(Debug)]
pub struct FuzzingServer {
    cases: Vec<Case>,
    settings: Settings,
    facts: Facts,
    state: Mutex<State>,
    /// Signalled when an outcome has been added.
    added: Condvar,
    stopped: AtomicBool,
}

impl FuzzingServer {
    /// Makes a server for those of the cases that are for clients. A client selects one by its
    /// position, counted from 1, or by its name.
    #[must_use]
    pub fn new(mut cases: Vec<Case>, settings: Settings, facts: Facts) -> Self {
        cases.retain(|case| case.applies_to(Role::Client));
        Self {
            cases,
            settings,
            facts,
            state: Mutex::default(),
            added: Condvar::new(),
            stopped: AtomicBool::new(false),
        }
    }

    /// The cases, in order.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Serves each connection on a thread of its own until a client asks for `/stopServer`, then
    /// returns all outcomes.
    ///
    /// # Errors
    ///
    /// If the listener fails.
    pub fn run(&self, listener: &TcpListener, observer: &dyn Observer) -> io::Result<Outcomes> {
        thread::scope(|scope| {
            loop {
                let (stream, _) = match listener.accept() {
                    Ok(accepted) => accepted,
                    // The client was gone before it was accepted.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                    Err(error) => return Err(error),
                };
                if self.stopped.load(Ordering::Relaxed) {
                    return Ok(());
                }
                scope.spawn(|| {
                    self.serve(stream, observer);
                    if self.stopped.load(Ordering::Relaxed) {
                        // The loop above waits for a connection, so here is one.
                        let _ = listener.local_addr().and_then(TcpStream::connect);
                    }
                });
            }
        })?;
        Ok(self.state().outcomes.clone())
    }

    /// Lets [`run`](Self::run) return once the current connections are over. To be called by an
    /// [`Observer`].
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream, observer: &dyn Observer) {
        let Ok(wire) = TcpWire::new(stream) else {
            return;
        };
        let mut session = Session::new(Box::new(wire), Role::Server, self.settings);
        // Without a request there is nothing to test.
        let Ok(head) = handshake::receive_head(&mut session) else {
            return;
        };
        match self.parse(&head) {
            Ok(Command::RunCase(case, agent)) => {
                let arrival = Arrival::Accepted(head);
                self.state().running.push(agent.clone());
                let outcome = run::run(case, session, &arrival, &self.facts, None);
                observer.outcome(&agent, case, &outcome);
                let mut state = self.state();
                let ended = state.running.iter().position(|other| *other == agent);
                ended.map(|at| state.running.swap_remove(at));
                let of_agent = state.outcomes.entry(agent).or_default();
                of_agent.insert(case.id.clone(), outcome);
                self.added.notify_all();
            }
            Ok(Command::CaseCount) => {
                answer(session, head, || Some(self.cases.len().to_string()));
            }
            Ok(Command::CaseInfo(case)) => {
                let info = serde_json::json!({
                    "id": case.id.to_string(),
                    "description": case.description,
                });
                answer(session, head, || Some(info.to_string()));
            }
            Ok(Command::CaseStatus(case, agent)) => answer(session, head, || {
                let behavior = self.status(case, &agent)?;
                Some(serde_json::json!({ "behavior": behavior }).to_string())
            }),
            Ok(Command::UpdateReports { agent, stop }) => {
                answer(session, head, || {
                    // The client saw the end of its last case before the verdict on it was there.
                    let state = self.wait(|state| {
                        state
                            .running
                            .iter()
                            .any(|other| Some(other) == agent.as_ref())
                    });
                    observer.update_reports(&state.outcomes);
                    None
                });
                self.stopped.fetch_or(stop, Ordering::Relaxed);
            }
            Ok(Command::Stop) => {
                answer(session, head, || None);
                self.stop();
            }
            Err(why) => {
                let body = format!("{why}\n");
                let response = format!(
                    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                session.send(response.as_bytes());
                session.drop_wire(false);
            }
        }
    }

    /// The verdict on a case, as soon as there is one.
    fn status(&self, case: &Case, agent: &str) -> Option<&'static str> {
        let find = |state: &State| {
            let outcome = state.outcomes.get(agent)?.get(&case.id)?;
            Some(outcome.verdict.behavior.name())
        };
        find(&self.wait(|state| find(state).is_none()))
    }

    /// Waits while a condition holds, but not for ever.
    fn wait(&self, while_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self
            .added
            .wait_timeout_while(self.state(), STATUS_TIMEOUT, |state| while_so(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state
    }

    fn parse(&self, head: &Head) -> Result<Command<'_>, String> {
        let target = head.start.split(' ').nth(1).unwrap_or_default();
        let base = Url::parse("ws://suite/").map_err(|error| error.to_string())?;
        let url = base
            .join(target)
            .map_err(|error| format!("{target}: {error}"))?;
        let parameter = |name: &str| {
            let mut values = url.query_pairs().filter(|(other, _)| other == name);
            match (values.next(), values.next()) {
                (value, None) => Ok(value.map(|(_, value)| value.into_owned())),
                (_, Some(_)) => Err(format!("{name} is repeated")),
            }
        };
        let agent = || parameter("agent")?.ok_or_else(|| "agent is missing".to_owned());
        let case = || self.case(parameter("case")?, parameter("casetuple")?);
        match url.path() {
            "/runCase" => Ok(Command::RunCase(case()?, agent()?)),
            "/getCaseCount" => Ok(Command::CaseCount),
            "/getCaseInfo" => Ok(Command::CaseInfo(case()?)),
            "/getCaseStatus" => Ok(Command::CaseStatus(case()?, agent()?)),
            "/updateReports" => Ok(Command::UpdateReports {
                agent: parameter("agent")?,
                stop: parameter("shutdownOnComplete")?.as_deref() == Some("true"),
            }),
            "/stopServer" => Ok(Command::Stop),
            path => Err(format!(
                "{path} is none of /getCaseCount, /getCaseInfo, /runCase, /getCaseStatus, \
                 /updateReports and /stopServer"
            )),
        }
    }

    fn case(&self, number: Option<String>, id: Option<String>) -> Result<&Case, String> {
        let found = match (&number, &id) {
            (Some(number), _) => number
                .parse::<usize>()
                .ok()
                .and_then(|number| self.cases.get(number.checked_sub(1)?)),
            (None, Some(id)) => self.cases.iter().find(|case| case.id.to_string() == *id),
            (None, None) => return Err("case is missing".to_owned()),
        };
        found.ok_or_else(|| format!("there is no case {}", number.or(id).unwrap_or_default()))
    }
}

/// The request of a client.
enum Command<'a> {
    RunCase(&'a Case, String),
    CaseCount,
    CaseInfo(&'a Case),
    CaseStatus(&'a Case, String),
    UpdateReports { agent: Option<String>, stop: bool },
    Stop,
}

/// Opens the connection, sends a message of text if there is one to send, and closes without a code.
///
/// Slow work is done once the connection is open: clients wait longer for a message than for the handshake.
fn answer(mut session: Session, head: Head, text: impl FnOnce() -> Option<String>) {
    let arrival = Arrival::Accepted(head);
    if handshake::open(&mut session, &arrival, None, &mut Heads::default()).is_err() {
        session.drop_wire(false);
        return;
    }
    if let Some(text) = text() {
        let bytes = text.as_bytes();
        send_message(Kind::Text, bytes, 0, Sending::Together, false, &mut session);
    }
    session.begin_close(Vec::new());
    session.run_out();
}
