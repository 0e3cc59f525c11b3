//! The queue from other threads to a loop, with one wake-up for each batch.

use std::mem;

#[cfg(all(test, model))]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(all(test, model)))]
use std::sync::{Mutex, MutexGuard};

/// Items for which memory is kept when the queue is empty.
const KEPT: usize = 1024;

/// Wakes a loop that waits for its sockets.
pub(crate) trait Wake {
    /// Ends the present wait. If the loop does not wait, the next wait ends at once.
    fn wake(&self);
}

/// A queue from any thread to one loop, in order.
#[derive(Debug)]
pub(crate) struct Mailbox<T, W> {
    queue: Mutex<Queue<T>>,
    waker: W,
}

#[derive(Debug)]
struct Queue<T> {
    items: Vec<T>,
    /// The loop waits or is about to wait, and nothing was pushed since it said so.
    asleep: bool,
    closed: bool,
}

impl<T, W: Wake> Mailbox<T, W> {
    pub(crate) fn new(waker: W) -> Self {
        Self {
            queue: Mutex::new(Queue {
                items: Vec::new(),
                asleep: false,
                closed: false,
            }),
            waker,
        }
    }

    /// Returns the loop's waker.
    pub(crate) const fn waker(&self) -> &W {
        &self.waker
    }

    /// Returns the number of items in the queue.
    pub(crate) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Appends an item, and wakes the loop if nobody has done so since it went to wait. Gives the item back if
    /// the loop has ended.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(item);
        }
        queue.items.push(item);
        let asleep = mem::take(&mut queue.asleep);
        drop(queue);
        if asleep {
            self.waker.wake();
        }
        Ok(())
    }

    /// The loop is about to wait. Returns false if the queue is not empty: then the loop must not wait.
    pub(crate) fn fall_asleep(&self) -> bool {
        let mut queue = self.lock();
        queue.asleep = queue.items.is_empty();
        queue.asleep
    }

    /// The loop has stopped waiting, and will take the queue's items before it waits again.
    pub(crate) fn wake_up(&self) {
        self.lock().asleep = false;
    }

    /// Replaces `items` by those of the queue, in order. The queue goes on with the memory of `items`.
    pub(crate) fn take(&self, items: &mut Vec<T>) {
        items.clear();
        items.shrink_to(KEPT);
        mem::swap(&mut self.lock().items, items);
    }

    /// Closes the queue, since the loop has ended, and returns the items that are left. Nothing can be pushed any more.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut queue = self.lock();
        queue.closed = true;
        mem::take(&mut queue.items)
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        // Nothing under the lock panics.
        self.queue
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Checks every order in which two threads and a loop can meet:
/// `RUSTFLAGS='--cfg model' LOOM_MAX_PREEMPTIONS=3 cargo test -p driver-mio --lib mailbox`.
#[cfg(all(test, model))]
mod tests {
    use loom::{
        model,
        sync::{Arc, Condvar, Mutex},
        thread,
    };

    use super::*;

    /// Like an event of a poller, a wake-up is remembered until somebody waits.
    #[derive(Clone)]
    struct Poller(Arc<(Mutex<bool>, Condvar)>);

    impl Wake for Poller {
        fn wake(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_one();
        }
    }

    impl Poller {
        fn wait(&self) {
            let mut woken = self.0.0.lock().unwrap();
            while !*woken {
                woken = self.0.1.wait(woken).unwrap();
            }
            *woken = false;
        }
    }

    fn mailbox() -> (Arc<Mailbox<u32, Poller>>, Poller) {
        let poller = Poller(Arc::new((Mutex::new(false), Condvar::new())));
        (Arc::new(Mailbox::new(poller.clone())), poller)
    }

    #[test]
    fn a_loop_that_waits_is_woken_for_everything() {
        model(|| {
            let (mailbox, poller) = mailbox();
            for sender in 0..2 {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || {
                    for n in 0..2 {
                        mailbox.push(10 * sender + n).unwrap();
                    }
                });
            }
            // As an event loop does it. A lost wake-up would leave it waiting for ever, which the model detects.
            let (mut items, mut seen) = (Vec::new(), Vec::new());
            while seen.len() < 4 {
                if mailbox.fall_asleep() {
                    poller.wait();
                }
                mailbox.wake_up();
                mailbox.take(&mut items);
                seen.append(&mut items);
            }
            for sender in 0..2 {
                let own = seen.iter().filter(|item| **item / 10 == sender);
                assert!(own.copied().eq([10 * sender, 10 * sender + 1]), "{seen:?}");
            }
        });
    }

    #[test]
    fn an_item_that_comes_too_late_is_given_back() {
        model(|| {
            let (mailbox, _poller) = mailbox();
            let sender = {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || mailbox.push(1))
            };
            let left = mailbox.close();
            let pushed = sender.join().unwrap();
            assert_eq!(left.is_empty(), pushed.is_err());
        });
    }
}
