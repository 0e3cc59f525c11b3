//! `bench`: drives WebSocket servers and measures them. `bench/README.md` has examples.

mod broadcast;
mod hold;
mod load;
mod matrix;
mod million;
mod neighbours;
mod options;
mod serve;

use std::{error::Error, process::ExitCode};

use clap::Parser;

/// Drives WebSocket servers and measures them
#[derive(Debug, Parser)]
#[command(version)]
enum Command {
    /// Drive an echo server with many connections and measure throughput and latency
    Load(load::Options),
    /// Keep many connections open, with an echo on each from time to time
    Hold(hold::Options),
    /// Measure how long a server that sends every message to everybody takes for it
    Broadcast(broadcast::Options),
    /// Measure whether misbehaving connections harm the others
    Neighbours(neighbours::Options),
    /// Compare servers in every cell and write the results
    Matrix(matrix::Options),
    /// Hold a million connections, over many processes and addresses, and write what they cost
    Million(million::Options),
    /// Run a server to measure with, or to be measured
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Load(options) => load::run(&options),
        Command::Hold(options) => hold::run(&options),
        Command::Broadcast(options) => broadcast::run(&options),
        Command::Neighbours(options) => neighbours::run(&options),
        Command::Matrix(options) => matrix::run(&options),
        Command::Million(options) => million::run(&options),
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
