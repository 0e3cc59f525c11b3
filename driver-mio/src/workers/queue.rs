//! The news of one connection on their way to workers: in order, or messages side by side.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How the news of one connection may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// While nothing else of the connection is.
    Alone,
    /// Beside others of this way.
    Beside,
}

/// A queue that says which of its items may be worked on.
#[derive(Debug)]
pub(crate) struct Strand<T>(Mutex<Queue<T>>);

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<(T, Way, usize)>,
    /// Bytes of what waits and of what is worked on.
    bytes: usize,
    working: Working,
    /// The sender has been told to stop.
    full: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Working {
    /// So many, each [`Way::Beside`] the others.
    Beside(usize),
    Alone,
}

/// An item that may be worked on now; it is to be [finished](Strand::finish).
#[derive(Debug)]
pub(crate) struct Work<T> {
    pub(crate) item: T,
    way: Way,
    bytes: usize,
}

/// What follows from something that was finished.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// There is room again where there was none.
    Drained,
    Same,
}

impl<T> Strand<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Queue {
            waiting: VecDeque::new(),
            bytes: 0,
            working: Working::Beside(0),
            full: false,
        }))
    }

    /// Appends. Tells whether more than `limit` bytes are in it now, and were not before.
    pub(crate) fn push(&self, item: T, way: Way, bytes: usize, limit: usize) -> bool {
        let mut queue = self.lock();
        queue.waiting.push_back((item, way, bytes));
        queue.bytes += bytes;
        let fills = queue.bytes > limit && !queue.full;
        queue.full |= fills;
        fills
    }

    /// What may be worked on now.
    pub(crate) fn next(&self) -> Option<Work<T>> {
        let mut queue = self.lock();
        let (_, way, _) = queue.waiting.front()?;
        queue.working = match (queue.working, way) {
            (Working::Beside(0), Way::Alone) => Working::Alone,
            (Working::Beside(count), Way::Beside) => Working::Beside(count + 1),
            (Working::Beside(_), Way::Alone) | (Working::Alone, _) => return None,
        };
        let (item, way, bytes) = queue.waiting.pop_front()?;
        Some(Work { item, way, bytes })
    }

    /// Work of that kind is done. `limit` is that of [`push`](Self::push).
    pub(crate) fn finish(&self, (way, bytes): (Way, usize), limit: usize) -> Level {
        let mut queue = self.lock();
        queue.working = match (way, queue.working) {
            (Way::Beside, Working::Beside(count)) => Working::Beside(count.saturating_sub(1)),
            (Way::Alone, _) | (Way::Beside, Working::Alone) => Working::Beside(0),
        };
        queue.bytes -= bytes;
        if queue.full && queue.bytes <= limit / 2 {
            queue.full = false;
            return Level::Drained;
        }
        Level::Same
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Work<T> {
    /// The item, and what [`finish`](Strand::finish) has to be told.
    pub(crate) fn into_parts(self) -> (T, (Way, usize)) {
        (self.item, (self.way, self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_alone_waits_for_everything_before_and_keeps_everything_behind_waiting() {
        let strand = Strand::new();
        for (item, way) in [
            ("open", Way::Alone),
            ("first", Way::Beside),
            ("second", Way::Beside),
            ("close", Way::Alone),
        ] {
            strand.push(item, way, 0, 0);
        }
        let (open, opened) = strand.next().unwrap().into_parts();
        assert_eq!(open, "open");
        assert!(strand.next().is_none(), "the rest waits for it");
        strand.finish(opened, 0);
        let (first, a) = strand.next().unwrap().into_parts();
        let (second, b) = strand.next().unwrap().into_parts();
        assert_eq!((first, second), ("first", "second"));
        assert!(strand.next().is_none());
        strand.finish(b, 0);
        assert!(strand.next().is_none(), "the first is still worked on");
        strand.finish(a, 0);
        assert_eq!(strand.next().unwrap().item, "close");
    }

    #[test]
    fn the_sender_is_stopped_once_and_told_to_go_on_once() {
        let strand = Strand::new();
        assert!(!strand.push(1, Way::Alone, 10, 10));
        assert!(strand.push(2, Way::Alone, 1, 10), "more than ten");
        assert!(!strand.push(3, Way::Alone, 1, 10), "said already");
        let mut levels = Vec::new();
        while let Some(work) = strand.next() {
            let (_, done) = work.into_parts();
            levels.push(strand.finish(done, 10));
        }
        assert_eq!(levels, [Level::Drained, Level::Same, Level::Same]);
    }
}
