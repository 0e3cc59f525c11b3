//! `conformance results`: sums up reports in Markdown.

use std::{fs, io::Write};

use conformance::{
    Pattern,
    report::{Results, Unwritable},
};

use super::{Status, Stop, arguments::ResultsArguments};

pub(crate) fn run(arguments: &ResultsArguments) -> Result<Status, Stop> {
    let mut results = Results::default();
    for directory in &arguments.reports {
        results.add(directory).map_err(Stop::NoReport)?;
    }
    let patterns: Vec<_> = arguments.exclude.iter().map(Pattern::new).collect();
    results.leave_out(&patterns);
    let mut text = match &arguments.introduction {
        Some(path) => {
            fs::read_to_string(path).map_err(|error| Stop::Unreadable(path.clone(), error))?
        }
        None => String::new(),
    };
    text += &results.markdown();
    match &arguments.output {
        Some(path) => fs::write(path, text).map_err(|error| {
            let path = path.clone();
            Stop::Unwritable(Unwritable { path, error })
        })?,
        None => anstream::stdout()
            .write_all(text.as_bytes())
            .map_err(Stop::Output)?,
    }
    Ok(Status::Passed)
}
