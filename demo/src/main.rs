//! A chat room, an echo server and live figures on one port, with the page that shows them, over any of
//! the drivers: `cargo run --release -p demo`.

mod chat;
mod client;
mod encoder;
mod endpoint;
mod error;
mod mailbox;
mod mio;
mod options;
mod page;
mod service;
mod serving;
mod session;
mod smol;
mod stats;
mod tokio;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::Parser;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use options::{Driver, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    let served = match options.driver {
        Driver::Mio => mio::serve(&options),
        Driver::Smol => smol::serve(&options),
        Driver::Tokio => tokio::serve(&options),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
