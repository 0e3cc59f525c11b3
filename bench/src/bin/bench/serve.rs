//! `bench serve`: runs one of the servers of this package.

use std::{net::SocketAddr, process::ExitCode};

use bench::{
    process::{pin, raise_file_limit},
    serve::{Compressing, Server, Service, listen},
};

use crate::Done;

/// Options of `bench serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Server to run
    server: Server,
    /// Address to listen on; port 0 chooses a free one
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// Send each message to every connection instead of echoing it
    #[arg(long)]
    broadcast: bool,
    /// Agree to compression (drivers only)
    #[arg(long, value_enum)]
    compression: Option<Compressing>,
    /// Processor to run on
    #[arg(long)]
    cpu: Option<usize>,
}

/// Prints the URL, then serves until the process is ended.
pub(crate) fn run(options: &Options) -> Done {
    raise_file_limit();
    if let Some(processor) = options.cpu {
        pin(processor)?;
    }
    let listener = listen(options.listen)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let service = if options.broadcast {
        Service::Broadcast
    } else {
        Service::Echo
    };
    options.server.run(listener, service, options.compression)?;
    Ok(ExitCode::SUCCESS)
}
