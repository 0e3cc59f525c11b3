//! Runs cases against subjects, one subject after the other.

use std::{collections::BTreeMap, time::Instant};

use conformance::{
    Case, Id, Outcome, Role, Subject, Suite,
    known::Known,
    report::{Agent, Report},
};

use super::{
    Status, Stop,
    arguments::{Reporting, Running},
    console::Console,
    finish::{self, Agreement},
};

/// The run of all cases against all subjects, and its output.
pub(crate) struct Subjects<'a> {
    pub(crate) cases: &'a [Case],
    pub(crate) known: &'a Known,
    pub(crate) agreement: Agreement,
    pub(crate) running: &'a Running,
    pub(crate) reporting: &'a Reporting,
}

impl Subjects<'_> {
    /// Runs every case that applies against every subject, and judges.
    pub(crate) fn run(&self, subjects: &[Box<dyn Subject>]) -> Result<Status, Stop> {
        let start = Instant::now();
        let runs: Vec<(&str, Role, BTreeMap<Id, Outcome>)> = subjects
            .iter()
            .map(|subject| (subject.name(), subject.role(), self.outcomes(&**subject)))
            .collect();
        let agents = runs.iter().map(|(name, role, outcomes)| Agent {
            name: (*name).to_owned(),
            role: *role,
            outcomes,
        });
        let report = Report {
            cases: self.cases,
            agents: agents.collect(),
        };
        let took = start.elapsed();
        finish::finish(&report, self.known, self.agreement, self.reporting, took)
    }

    fn outcomes(&self, subject: &dyn Subject) -> BTreeMap<Id, Outcome> {
        let suite = Suite {
            cases: self.cases.iter().collect(),
            jobs: self.running.jobs,
            settings: self.running.settings(),
        };
        let applies = |case: &&Case| case.applies_to(subject.role());
        let count = self.cases.iter().filter(applies).count();
        let console = Console::new("Testing", subject.name(), Some(count), self.reporting);
        let outcomes = suite.run(subject, &|case, outcome| console.outcome(case, outcome));
        console.finish();
        outcomes
    }
}
