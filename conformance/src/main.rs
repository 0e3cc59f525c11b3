//! The program `conformance`: runs the suite against servers, clients and our own drivers, and tells what came of it.

use std::{io::ErrorKind, process::ExitCode};

use clap::Parser;

use command::{Status, Stop};

mod command;

fn main() -> ExitCode {
    let arguments = command::arguments::Arguments::parse();
    match command::run(&arguments) {
        Ok(status) => status.into(),
        // A reader that ends early, such as `head`, is no error.
        Err(Stop::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Status::Passed.into(),
        Err(stop) => {
            anstream::eprintln!("{stop}");
            Status::Unusable.into()
        }
    }
}
