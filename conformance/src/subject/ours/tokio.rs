//! driver-tokio as a subject.

use std::{future::Future, io, sync::Arc};

use tokio::runtime::{Builder, Runtime};

use super::{Asynchronous, Echoing, Promises};

/// driver-tokio on a runtime of its own.
#[derive(Debug, Clone)]
pub struct Tokio(Arc<Runtime>);

impl Tokio {
    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        Ok(Self(runtime.into()))
    }
}

impl Asynchronous for Tokio {
    type Runtime = driver_tokio::Tokio;

    const NAME: &'static str = "driver-tokio";

    const PROMISES: Promises = Promises {
        idle: 1240,
        echoing: Echoing::AllocatesNothing,
    };

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }
}
