//! `bench`: drives WebSocket servers and measures them. `bench/README.md` has examples.

mod load;
mod serve;

use std::{error::Error, process::ExitCode};

use clap::Parser;

/// Drives WebSocket servers and measures them
#[derive(Debug, Parser)]
#[command(version)]
#[expect(clippy::large_enum_variant, reason = "there is one of them in a run")]
enum Command {
    /// Drive a server with many connections and measure throughput and latency
    Load(load::Options),
    /// Run a server to measure with, or to be measured
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Load(options) => load::run(&options),
        Command::Serve(options) => serve::run(&options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<ExitCode, Box<dyn Error>>;
