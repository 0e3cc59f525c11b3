//! The demo over tokio: its runtime and its signals.

mod signals;

use std::{io, net::SocketAddr};

use driver_tokio::{Io, Tokio};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
};

use crate::{error::ServeError, options::Options, serving, session::Peer};
use signals::Signals;

/// Serves until the process is told to stop.
///
/// # Errors
/// If serving cannot start.
pub(crate) fn serve(options: &Options) -> Result<(), ServeError> {
    runtime(options)
        .map_err(ServeError::Driver)?
        .block_on(async {
            let signals = Signals::new().map_err(ServeError::Driver)?;
            serving::serve::<TcpListener, Tokio>(options, Tokio, signals).await
        })
}

fn runtime(options: &Options) -> io::Result<Runtime> {
    let mut builder = match options.threads.map(|threads| threads.get()) {
        None => runtime::Builder::new_multi_thread(),
        Some(1) => runtime::Builder::new_current_thread(),
        Some(threads) => {
            let mut builder = runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder.enable_all().build()
}

impl Peer for Io<TcpStream> {
    fn address(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}
