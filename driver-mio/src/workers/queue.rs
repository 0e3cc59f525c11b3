//! The events of one connection on their way to workers: one after the other, or messages at the same time.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The items of a queue that an item may be worked on beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concurrency {
    /// None.
    Exclusive,
    /// Others that are shared.
    Shared,
}

/// A queue that says which of its items may be worked on now.
#[derive(Debug)]
pub(crate) struct SerialQueue<T>(Mutex<Queue<T>>);

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<(T, Concurrency, usize)>,
    /// Bytes of the items that wait and of those that are worked on.
    bytes: usize,
    running: Running,
    /// The producer was told to stop.
    full: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    /// The number of shared items that are worked on.
    Shared(usize),
    Exclusive,
}

/// An item that may be worked on now, and must be [finished](SerialQueue::finish).
#[derive(Debug)]
pub(crate) struct Work<T> {
    pub(crate) item: T,
    concurrency: Concurrency,
    bytes: usize,
}

/// The fill level of a queue after an item was finished.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The queue was full and has room again.
    Drained,
    Unchanged,
}

impl<T> SerialQueue<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Queue {
            waiting: VecDeque::new(),
            bytes: 0,
            running: Running::Shared(0),
            full: false,
        }))
    }

    /// Appends an item. Returns true if the queue is full now, with more than `limit` bytes, and was not before.
    pub(crate) fn push(
        &self,
        item: T,
        concurrency: Concurrency,
        bytes: usize,
        limit: usize,
    ) -> bool {
        let mut queue = self.lock();
        queue.waiting.push_back((item, concurrency, bytes));
        queue.bytes += bytes;
        let fills = queue.bytes > limit && !queue.full;
        queue.full |= fills;
        fills
    }

    /// Takes the next item, if it may be worked on now.
    pub(crate) fn next(&self) -> Option<Work<T>> {
        let mut queue = self.lock();
        let (_, concurrency, _) = queue.waiting.front()?;
        queue.running = match (queue.running, concurrency) {
            (Running::Shared(0), Concurrency::Exclusive) => Running::Exclusive,
            (Running::Shared(count), Concurrency::Shared) => Running::Shared(count + 1),
            (Running::Shared(_), Concurrency::Exclusive) | (Running::Exclusive, _) => return None,
        };
        let (item, concurrency, bytes) = queue.waiting.pop_front()?;
        Some(Work {
            item,
            concurrency,
            bytes,
        })
    }

    /// Notes that an item is done. `limit` is that of [`push`](Self::push).
    pub(crate) fn finish(&self, (concurrency, bytes): (Concurrency, usize), limit: usize) -> Level {
        let mut queue = self.lock();
        queue.running = match (concurrency, queue.running) {
            (Concurrency::Shared, Running::Shared(count)) => {
                Running::Shared(count.saturating_sub(1))
            }
            (Concurrency::Exclusive, _) | (Concurrency::Shared, Running::Exclusive) => {
                Running::Shared(0)
            }
        };
        queue.bytes -= bytes;
        if queue.full && queue.bytes <= limit / 2 {
            queue.full = false;
            return Level::Drained;
        }
        Level::Unchanged
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Work<T> {
    /// Returns the item, and the argument for [`finish`](SerialQueue::finish).
    pub(crate) fn into_parts(self) -> (T, (Concurrency, usize)) {
        (self.item, (self.concurrency, self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusive_item_waits_for_all_before_it_and_holds_up_all_behind_it() {
        let queue = SerialQueue::new();
        for (item, concurrency) in [
            ("open", Concurrency::Exclusive),
            ("first", Concurrency::Shared),
            ("second", Concurrency::Shared),
            ("close", Concurrency::Exclusive),
        ] {
            queue.push(item, concurrency, 0, 0);
        }
        let (open, opened) = queue.next().unwrap().into_parts();
        assert_eq!(open, "open");
        assert!(queue.next().is_none(), "the rest waits for it");
        queue.finish(opened, 0);
        let (first, a) = queue.next().unwrap().into_parts();
        let (second, b) = queue.next().unwrap().into_parts();
        assert_eq!((first, second), ("first", "second"));
        assert!(queue.next().is_none());
        queue.finish(b, 0);
        assert!(queue.next().is_none(), "the first is still worked on");
        queue.finish(a, 0);
        assert_eq!(queue.next().unwrap().item, "close");
    }

    #[test]
    fn the_producer_is_told_once_to_stop_and_once_to_go_on() {
        let queue = SerialQueue::new();
        assert!(!queue.push(1, Concurrency::Exclusive, 10, 10));
        assert!(
            queue.push(2, Concurrency::Exclusive, 1, 10),
            "more than ten"
        );
        assert!(
            !queue.push(3, Concurrency::Exclusive, 1, 10),
            "said already"
        );
        let mut levels = Vec::new();
        while let Some(work) = queue.next() {
            let (_, done) = work.into_parts();
            levels.push(queue.finish(done, 10));
        }
        assert_eq!(levels, [Level::Drained, Level::Unchanged, Level::Unchanged]);
    }
}
