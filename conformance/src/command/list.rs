//! `conformance list`: the cases and what they are about.

use anstream::println;
use anstyle::Style;
use conformance::{Role, cases::GROUPS};

use super::{Status, Stop, arguments::ListArguments};

pub(crate) fn run(arguments: &ListArguments) -> Result<Status, Stop> {
    let bold = Style::new().bold();
    let cases = arguments.selection.cases()?;
    for group in GROUPS {
        let of_group = || cases.iter().filter(|case| case.id.group() == group.number);
        if of_group().next().is_none() {
            continue;
        }
        println!("{bold}{} {}{bold:#} ({})", group.number, group.title, of_group().count());
        for case in of_group() {
            let role = match case.role {
                Some(Role::Client) => " (clients)",
                Some(Role::Server) => " (servers)",
                None => "",
            };
            println!("  {:8} {}{role}", case.id, case.description);
            if arguments.long {
                println!("  {:8} {}", "", case.expectation);
            }
        }
    }
    Ok(Status::Passed)
}
