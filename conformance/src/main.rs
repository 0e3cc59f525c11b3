//! The program `conformance`: runs the suite against servers, clients and our own drivers, and tells what came of it.

use std::process::ExitCode;

use clap::Parser;

mod command;

fn main() -> ExitCode {
    let arguments = command::arguments::Arguments::parse();
    match command::run(&arguments) {
        Ok(status) => status.into(),
        Err(stop) => {
            anstream::eprintln!("{stop}");
            command::Status::Unusable.into()
        }
    }
}
