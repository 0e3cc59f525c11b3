//! driver-smol as a subject.

use std::future::Future;

use super::{Asynchronous, Echoing, Promises};

/// driver-smol on the global executor of smol.
#[derive(Debug, Clone, Copy)]
pub struct Smol;

impl Asynchronous for Smol {
    type Runtime = driver_smol::Smol;

    const NAME: &'static str = "driver-smol";

    const PROMISES: Promises = Promises {
        idle: 1152,
        echoing: Echoing::Allocates(
            16,
            "the reactor collects whom it wakes in a new vector each time",
        ),
    };

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }
}
