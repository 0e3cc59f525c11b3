//! The demo over smol: its threads and its signals.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    num::NonZeroUsize,
    thread,
};

use async_signal::Signal;
use driver_smol::{Io, OnExecutor, Smol};
use futures_lite::StreamExt;
use smol::{Async, Executor, channel};

use crate::{error::ServeError, options::Options, serving, session::Peer};

/// Serves until the process is told to stop.
///
/// # Errors
/// If serving cannot start.
pub(crate) fn serve(options: &Options) -> Result<(), ServeError> {
    static EXECUTOR: Executor<'static> = Executor::new();

    let signals = Signals::new().map_err(ServeError::Driver)?;
    let threads = match options.threads {
        Some(threads) => threads.get(),
        None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    // This channel closes when the thread that serves has finished.
    let (running, stopped) = channel::bounded::<()>(1);
    for _ in 1..threads {
        let stopped = stopped.clone();
        thread::spawn(move || smol::block_on(EXECUTOR.run(stopped.recv())));
    }
    let executor = OnExecutor(&EXECUTOR);
    let serve = serving::serve::<Async<TcpListener>, Smol>(options, executor, signals);
    let served = smol::block_on(EXECUTOR.run(serve));
    drop(running);
    served
}

/// Ctrl-C, and SIGTERM on Unix. While this exists, the signals have no other effect.
pub(crate) struct Signals(async_signal::Signals);

impl Signals {
    /// Takes over the signals.
    ///
    /// # Errors
    /// Errors of the system.
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        let signals = [Signal::Int, Signal::Term];
        #[cfg(not(unix))]
        let signals = [Signal::Int];
        async_signal::Signals::new(signals).map(Self)
    }
}

impl serving::Signals for Signals {
    async fn next(&mut self) {
        // This stream never ends, and its errors need no handling: they count as a signal.
        let _ = self.0.next().await;
    }
}

impl Peer for Io<Async<TcpStream>> {
    fn address(&self) -> io::Result<SocketAddr> {
        self.get_ref().get_ref().peer_addr()
    }
}
