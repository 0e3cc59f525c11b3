//! Read buffers and environments that are leased for a turn: an idle connection holds none.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
    sync::atomic::{AtomicUsize, Ordering},
};

use wsproto::{Env, Input};

use crate::entropy::SystemEntropy;

/// Bytes of a read buffer. Everything that a socket has received fits one read, so that it is answered by one
/// write.
pub const BUFFER: usize = 256 << 10;

/// Leases that a thread keeps for the next turn. One is enough unless turns nest.
const KEPT: usize = 4;

/// Buffers that may be [held](Leased::hold) at a time, in the whole process.
const MAX_HELD: usize = 64;

static HELD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    #[expect(clippy::vec_box, reason = "a lease is such a box, taken out and put back")]
    static SPARE: RefCell<Vec<Box<Leased>>> = const { RefCell::new(Vec::new()) };
}

/// An environment and a read buffer of this thread, until dropped.
///
/// ```
/// use driver_kit::lease::Lease;
///
/// let mut lease = Lease::take();
/// assert!(lease.input.is_empty());
/// lease.env.set_now(wsproto::Time::from_nanos(5));
/// ```
#[derive(Debug)]
pub struct Lease {
    /// Some until the lease is dropped.
    parts: Option<Box<Leased>>,
}

/// The contents of a [`Lease`].
#[derive(Debug)]
pub struct Leased {
    /// The environment. Its time is that of its last use.
    pub env: Env,
    /// The read buffer, empty at first.
    pub input: Input<Box<[u8]>>,
    held: bool,
}

impl Lease {
    /// Takes one of the leases that the thread keeps, or makes a new one.
    ///
    /// # Panics
    /// If the system has no randomness to seed a generator with.
    #[must_use]
    pub fn take() -> Self {
        // While the thread ends, its pool is gone, but there may be connections left to drop.
        let spare = SPARE
            .try_with(|spare| spare.borrow_mut().pop())
            .ok()
            .flatten();
        Self {
            parts: Some(spare.unwrap_or_else(Leased::new)),
        }
    }
}

/// A place for a [`Lease`] that is as small as a pointer, for the many tasks that have none most of the time.
///
/// ```
/// use driver_kit::lease::{Lease, Slot};
///
/// let mut slot = Slot::default();
/// assert!(slot.get_mut().is_none());
/// slot.put(Lease::take());
/// assert!(slot.get_mut().is_some_and(|parts| parts.input.is_empty()));
/// assert!(slot.take().is_some());
/// ```
#[derive(Debug, Default)]
pub struct Slot(Option<Box<Leased>>);

impl Slot {
    /// Keeps a lease, in place of the one before, which is dropped.
    #[inline]
    pub fn put(&mut self, mut lease: Lease) {
        self.clear();
        self.0 = lease.parts.take();
    }

    /// Takes the lease out.
    #[inline]
    pub fn take(&mut self) -> Option<Lease> {
        let parts = self.0.take()?;
        Some(Lease { parts: Some(parts) })
    }

    /// Drops the lease, if there is one.
    #[inline]
    pub fn clear(&mut self) {
        drop(self.take());
    }

    /// The contents of the lease, if there is one.
    #[must_use]
    #[inline]
    pub fn get(&self) -> Option<&Leased> {
        self.0.as_deref()
    }

    /// The contents of the lease, if there is one.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut Leased> {
        self.0.as_deref_mut()
    }

    /// The contents of the lease. If there is none, one is [taken](Lease::take).
    ///
    /// # Panics
    /// As [`Lease::take`].
    #[inline]
    pub fn get_or_take(&mut self) -> &mut Leased {
        if self.0.is_none() {
            self.put(Lease::take());
        }
        self.0.as_mut().expect("it was just put there")
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Leased {
    /// Asks to keep the lease between turns because its input is not used up. Returns false if tasks that have
    /// stopped in the middle of their input hold too many already: then set the rest
    /// [aside](wsproto::Connection::set_aside) and drop the lease.
    #[must_use]
    #[inline]
    pub fn hold(&mut self) -> bool {
        if !self.held {
            if HELD.fetch_add(1, Ordering::Relaxed) >= MAX_HELD {
                HELD.fetch_sub(1, Ordering::Relaxed);
                return false;
            }
            self.held = true;
        }
        true
    }

    fn new() -> Box<Self> {
        let entropy = SystemEntropy::new().expect("a system without randomness cannot mask frames");
        let input = Input::new(vec![0; BUFFER].into_boxed_slice());
        Box::new(Self {
            env: Env::new(entropy),
            input,
            held: false,
        })
    }
}

impl Deref for Lease {
    type Target = Leased;

    #[inline]
    fn deref(&self) -> &Leased {
        self.parts.as_ref().expect("there until dropped")
    }
}

impl DerefMut for Lease {
    #[inline]
    fn deref_mut(&mut self) -> &mut Leased {
        self.parts.as_mut().expect("there until dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else {
            return;
        };
        if std::mem::take(&mut parts.held) {
            HELD.fetch_sub(1, Ordering::Relaxed);
        }
        // Input that is left belongs to a connection that is gone.
        parts.input.clear();
        // While the thread ends, the memory is freed instead.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < KEPT {
                spare.push(parts);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_comes_back_empty() {
        let mut lease = Lease::take();
        lease.input.spare()[..3].copy_from_slice(b"abc");
        lease.input.filled(3);
        let memory = lease.input.spare().as_ptr() as usize - 3;
        drop(lease);
        let mut again = Lease::take();
        assert_eq!(
            again.input.spare().as_ptr() as usize,
            memory,
            "the same memory"
        );
        assert!(again.input.is_empty());
    }

    #[test]
    fn a_slot_gives_back_what_it_holds() {
        assert_eq!(size_of::<Slot>(), size_of::<usize>());
        let mut slot = Slot::default();
        let spare = slot.get_or_take().input.spare();
        // A buffer that was freed and made anew may be at the same address, but is all zeros.
        spare[0] = 7;
        let first = spare.as_ptr() as usize;
        drop(slot);
        let mut slot = Slot::default();
        slot.put(Lease::take());
        let spare = slot.get_mut().expect("just put").input.spare();
        assert_eq!(
            (spare.as_ptr() as usize, spare[0]),
            (first, 7),
            "it went back to the thread's own"
        );
        let other = Lease::take();
        slot.put(other);
        let mut back = Lease::take();
        assert_eq!(
            back.input.spare().as_ptr() as usize,
            first,
            "it was replaced"
        );
    }

    #[test]
    fn nested_leases_do_not_share() {
        let (mut a, mut b) = (Lease::take(), Lease::take());
        assert_ne!(a.input.spare().as_ptr(), b.input.spare().as_ptr());
    }

    #[test]
    fn only_so_many_are_held() {
        let mut leases: Vec<_> = (0..MAX_HELD + 1).map(|_| Lease::take()).collect();
        assert!(leases[..MAX_HELD].iter_mut().all(|lease| lease.hold()));
        assert!(!leases[MAX_HELD].hold());
        leases.swap_remove(0);
        assert!(leases.iter_mut().all(|lease| lease.hold()));
    }
}
