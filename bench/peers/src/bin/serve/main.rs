//! Echo servers over other libraries, one thread each, for `bench load` and `bench matrix`. Each is
//! written as in its documentation, with the default limits. Checks that our drivers make by default
//! are turned on if they are off by default.

mod fastwebsockets;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod yawc;

use std::{error::Error, net::SocketAddr};

use bench::{
    process::{pin, raise_file_limit},
    serve::listen,
};
use clap::{Parser, ValueEnum};

/// Echo servers over other libraries
#[derive(Debug, Parser)]
struct Options {
    /// Library to use
    library: Library,
    /// Address to listen on; port 0 chooses a free one
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// Processor to run on
    #[arg(long)]
    cpu: Option<usize>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Library {
    /// Flush after each message
    TokioTungstenite,
    /// Feed while messages are available, then flush: manual batching
    TokioTungsteniteBatched,
    /// On smol
    AsyncTungstenite,
    /// Frames collected into messages
    Fastwebsockets,
    /// With its default buffers
    TokioWebsockets,
    /// With UTF-8 checks
    Yawc,
    /// With UTF-8 checks and permessage-deflate at level 1
    YawcDeflate,
    /// On smol, behind buffered readers and writers
    Soketto,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    raise_file_limit();
    if let Some(processor) = options.cpu {
        pin(processor)?;
    }
    let listener = listen(options.listen)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    match options.library {
        Library::TokioTungstenite => tungstenite::plain(listener)?,
        Library::TokioTungsteniteBatched => tungstenite::batched(listener)?,
        Library::AsyncTungstenite => tungstenite::on_smol(listener)?,
        Library::Fastwebsockets => fastwebsockets::run(listener)?,
        Library::TokioWebsockets => tokio_websockets::run(listener)?,
        Library::Yawc => yawc::run(listener, yawc::Compression::Off)?,
        Library::YawcDeflate => yawc::run(listener, yawc::Compression::On)?,
        Library::Soketto => soketto::run(listener)?,
    }
    Ok(())
}
