//! Runs many cases against one subject, several at a time.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use crate::{
    case::{Case, Role, Script},
    handshake::{self, Arrival, Heads},
    id::Id,
    log::Log,
    outcome::{Ending, Outcome},
    run,
    session::{Session, Settings},
    subject::Subject,
    verdict::Verdict,
};

/// Cases to run, and how.
#[derive(Debug, Clone)]
pub struct Suite<'a> {
    /// The cases, in the order of their names. Those for the other role are left out.
    pub cases: Vec<&'a Case>,
    /// How many run at the same time. Most of them spend their time waiting.
    pub jobs: NonZeroUsize,
    /// How the suite behaves.
    pub settings: Settings,
}

impl Suite<'_> {
    /// Runs all cases that apply, and calls `progress` with each outcome.
    pub fn run(
        &self,
        subject: &dyn Subject,
        progress: &(dyn Fn(&Case, &Outcome) + Sync),
    ) -> BTreeMap<Id, Outcome> {
        let applies = |case: &&&Case| case.applies_to(subject.role());
        // Exchanges keep a processor busy; beside them, deadlines of others would pass.
        let busy = |case: &&Case| case.plan.keeps_busy();
        let (busy, quick): (Vec<_>, Vec<_>) =
            self.cases.iter().filter(applies).copied().partition(busy);
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let outcomes = Mutex::new(BTreeMap::new());
        for (cases, jobs) in [(quick, self.jobs), (busy, self.jobs.min(cores))] {
            let next = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..jobs.get() {
                    scope.spawn(|| {
                        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                            let outcome = run_case(case, subject, self.settings);
                            progress(case, &outcome);
                            let mut outcomes = outcomes.lock().expect("nobody panics with it");
                            outcomes.insert(case.id.clone(), outcome);
                        }
                    });
                }
            });
        }
        outcomes.into_inner().expect("nobody panics with it")
    }
}

/// Runs one case against a subject.
#[must_use]
pub fn run_case(case: &Case, subject: &dyn Subject, settings: Settings) -> Outcome {
    let wire = match subject.open(case) {
        Ok(wire) => wire,
        Err(error) => return no_connection(format!("no connection: {error}")),
    };
    let role = subject.role().other();
    let mut session = Session::new(wire, role, settings);
    let arrival = match role {
        Role::Client => {
            let (host, resource) = subject.target(case);
            Arrival::Dialled { host, resource }
        }
        Role::Server => match handshake::receive_head(&mut session) {
            Ok(head) => Arrival::Accepted(head),
            Err(fault) => {
                session.drop_wire(true);
                let log = std::mem::take(&mut session.log);
                return Outcome {
                    log,
                    ..no_connection(fault.to_string())
                };
            }
        },
    };
    let another = |script: &Script| {
        let case = Case {
            plan: script.clone().into(),
            ..case.clone()
        };
        run_case(&case, subject, settings).verdict.passes()
    };
    let facts = subject.facts(case);
    run::run(case, session, &arrival, &facts, Some(&another))
}

fn no_connection(reason: String) -> Outcome {
    Outcome {
        verdict: Verdict::FAILED,
        reasons: vec![reason],
        started: SystemTime::now(),
        duration: Duration::ZERO,
        expected: Vec::new(),
        closing: None,
        events: Vec::new(),
        heads: Heads::default(),
        ending: Ending {
            never_open: true,
            ..Ending::default()
        },
        log: Log::default(),
    }
}
