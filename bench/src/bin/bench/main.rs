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
    /// Keep many connections open, with an occasional echo on each
    Hold(hold::Options),
    /// Measure how long a server takes to send a message to every connection
    Broadcast(broadcast::Options),
    /// Measure the harm that misbehaving connections do to others
    Neighbours(neighbours::Options),
    /// Compare servers in every cell and write the results
    Matrix(matrix::Options),
    /// Hold a million connections, over many processes and addresses, and write their cost
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
