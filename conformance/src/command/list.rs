//! `conformance list`: the cases and what they are about.

use std::io::{self, Write};

use anstyle::Style;
use conformance::{Case, Role, cases::GROUPS};

use super::{Status, Stop, arguments::ListArguments};

pub(crate) fn run(arguments: &ListArguments) -> Result<Status, Stop> {
    let cases = arguments.selection.cases()?;
    let mut out = anstream::stdout().lock();
    write(&mut out, &cases, arguments.long).map_err(Stop::Output)?;
    Ok(Status::Passed)
}

fn write(out: &mut impl Write, cases: &[Case], long: bool) -> io::Result<()> {
    let bold = Style::new().bold();
    for group in GROUPS {
        let of_group = || cases.iter().filter(|case| case.id.group() == group.number);
        if of_group().next().is_none() {
            continue;
        }
        let count = of_group().count();
        writeln!(
            out,
            "{bold}{} {}{bold:#} ({count})",
            group.number, group.title
        )?;
        for case in of_group() {
            let role = match case.role {
                Some(Role::Client) => " (clients)",
                Some(Role::Server) => " (servers)",
                None => "",
            };
            writeln!(out, "  {:8} {}{role}", case.id, case.description)?;
            if long {
                writeln!(out, "  {:8} {}", "", case.expectation)?;
            }
        }
    }
    Ok(())
}
