//! What other threads have to say to a loop: a queue, and a wake-up for each batch of it.

use std::mem;

#[cfg(all(test, model))]
use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering, fence},
};
#[cfg(not(all(test, model)))]
use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering, fence},
};

/// Commands for which memory is kept when the queue is empty.
const KEPT: usize = 1024;

/// How a loop is woken that waits for its sockets.
pub(crate) trait Wake {
    /// Ends the present wait, or else the next one at once.
    fn wake(&self);
}

/// A queue from any thread to one loop, in order.
#[derive(Debug)]
pub(crate) struct Mailbox<T, W> {
    queue: Mutex<Queue<T>>,
    /// The loop waits, or is about to, and has seen an empty queue since it said so.
    asleep: AtomicBool,
    waker: W,
}

#[derive(Debug)]
struct Queue<T> {
    items: Vec<T>,
    closed: bool,
}

impl<T, W: Wake> Mailbox<T, W> {
    pub(crate) fn new(waker: W) -> Self {
        Self {
            queue: Mutex::new(Queue {
                items: Vec::new(),
                closed: false,
            }),
            asleep: AtomicBool::new(false),
            waker,
        }
    }

    /// What wakes the loop.
    pub(crate) const fn waker(&self) -> &W {
        &self.waker
    }

    /// How much is in it.
    pub(crate) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Appends, and wakes the loop if nobody has done so since it went to wait. Gives the item back if
    /// the loop has ended.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(item);
        }
        queue.items.push(item);
        drop(queue);
        // Either this sees that the loop sleeps, or the loop sees the item before it does.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.waker.wake();
        }
        Ok(())
    }

    /// The loop is about to wait. Returns `false` if there is something in the queue already: then it
    /// must not.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let empty = self.lock().items.is_empty();
        if !empty {
            self.wake_up();
        }
        empty
    }

    /// The loop does not wait any more: it will look into the queue before it does again.
    pub(crate) fn wake_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Takes everything out, in order, in exchange for empty memory.
    pub(crate) fn take(&self, items: &mut Vec<T>) {
        items.clear();
        items.shrink_to(KEPT);
        mem::swap(&mut self.lock().items, items);
    }

    /// The loop has ended: nothing gets in any more, and what is left is given back.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut queue = self.lock();
        queue.closed = true;
        mem::take(&mut queue.items)
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        // Nothing that panics happens under the lock.
        self.queue
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Every order in which two threads and a loop can come together:
/// `RUSTFLAGS='--cfg model' LOOM_MAX_PREEMPTIONS=3 cargo test -p driver-mio --lib mailbox`.
#[cfg(all(test, model))]
mod tests {
    use loom::{
        model,
        sync::{Arc, Notify},
        thread,
    };

    use super::*;

    /// Like an event of a poller, it is remembered until somebody waits.
    struct Poller(Arc<Notify>);

    impl Wake for Poller {
        fn wake(&self) {
            self.0.notify();
        }
    }

    fn mailbox() -> (Arc<Mailbox<u32, Poller>>, Arc<Notify>) {
        let poller = Arc::new(Notify::new());
        let mailbox = Mailbox::new(Poller(Arc::clone(&poller)));
        (Arc::new(mailbox), poller)
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
            // As an event loop does it. A wake-up that is lost would leave it waiting for ever, which the
            // model finds out.
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
    fn what_comes_too_late_is_given_back() {
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
