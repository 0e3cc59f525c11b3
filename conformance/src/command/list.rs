//! `conformance list`: the cases.

use std::io::{self, Write};

use anstyle::Style;
use conformance::{
    Case, Role,
    cases::{GROUPS, Group},
};

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
        let of_group: Vec<_> = cases
            .iter()
            .filter(|case| case.id.group() == group.name)
            .collect();
        let Some(width) = of_group.iter().map(|case| case.id.to_string().len()).max() else {
            continue;
        };
        let Group { name, title, .. } = group;
        writeln!(out, "{bold}{name} {title}{bold:#} ({})", of_group.len())?;
        for case in of_group {
            let role = match case.role {
                Some(Role::Client) => " (clients)",
                Some(Role::Server) => " (servers)",
                None => "",
            };
            writeln!(out, "  {:width$} {}{role}", case.id, case.description)?;
            if long {
                writeln!(out, "  {:width$} {}", "", case.expectation)?;
            }
        }
    }
    Ok(())
}
