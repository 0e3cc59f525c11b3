//! `conformance drivers`: tests the drivers of this project and the core below them.

use conformance::{
    Role, Subject,
    subject::{core::Core, ours},
};

use super::{
    Status, Stop,
    arguments::DriversArguments,
    finish::{self, Agreement},
    subjects::Subjects,
};

pub(crate) fn run(arguments: &DriversArguments) -> Result<Status, Stop> {
    let cases = arguments.run.selection.cases()?;
    let known = finish::known(&arguments.run.reporting)?;
    let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
    for role in [Role::Server, Role::Client] {
        subjects.push(Box::new(Core::new(role, ours::config)));
    }
    for driver in ours::all().map_err(Stop::NoDrivers)? {
        subjects.push(Box::new(driver));
    }
    if let Some(text) = &arguments.subject {
        subjects.retain(|subject| subject.name().contains(text));
    }
    if subjects.is_empty() {
        return Err(Stop::NoSubject);
    }
    let run = Subjects {
        cases: &cases,
        known: &known,
        agreement: Agreement::Required,
        running: &arguments.run.running,
        reporting: &arguments.run.reporting,
    };
    run.run(&subjects)
}
