//! The slots that hold the timers of a wheel: a free list, and keys that do not outlive their timer.

use std::num::NonZeroU32;

/// Ends a list of slots.
pub(super) const NONE: u32 = u32::MAX;

/// Slots are numbered below this, so that [`Previous`] has numbers left for something else.
const MAX_SLOTS: u32 = 1 << 31;

/// Names a timer as long as it is armed.
///
/// Once the timer has fired or was cancelled, its key names nothing, even when the place is taken
/// by another timer (until that happened 2^32 times).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    index: u32,
    generation: NonZeroU32,
}

/// A timer and its links to the others of its bucket.
#[derive(Debug)]
pub(super) struct Timer<T> {
    pub(super) value: T,
    generation: NonZeroU32,
    /// In a bucket: the tick at which it is due, the lower half. Among the far ones: its position.
    pub(super) due: u32,
    pub(super) previous: Previous,
    /// The slot of the next timer of the bucket, or [`NONE`].
    pub(super) next: u32,
}

/// A [`Place`] in 32 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Previous(u32);

/// The position of a timer in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The timer in this slot.
    After(u32),
    /// Nothing: it is the first one of this bucket.
    FirstOf(usize),
    /// Nothing: it is in no bucket, but among the far ones.
    Far,
}

impl From<Place> for Previous {
    fn from(place: Place) -> Self {
        Self(match place {
            Place::After(index) => index,
            Place::FirstOf(bucket) => MAX_SLOTS + bucket as u32,
            Place::Far => u32::MAX,
        })
    }
}

impl Previous {
    pub(super) fn place(self) -> Place {
        match self.0 {
            index if index < MAX_SLOTS => Place::After(index),
            u32::MAX => Place::Far,
            bucket => Place::FirstOf((bucket - MAX_SLOTS) as usize),
        }
    }
}

/// One place for a timer. The compiler keeps the variant in the generation, which is never 0.
#[derive(Debug)]
enum Slot<T> {
    Armed(Timer<T>),
    Free {
        /// The generation of the next timer here.
        generation: NonZeroU32,
        /// The next free slot, or [`NONE`].
        next: u32,
    },
}

/// All timers of a wheel, by slot and by key.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    /// The first free slot, or [`NONE`].
    free: u32,
    armed: usize,
}

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            armed: 0,
        }
    }

    /// The number of timers.
    pub(super) fn len(&self) -> usize {
        self.armed
    }

    /// Takes a timer in, which the caller has to link. A slot that was freed last is used first,
    /// as it is likely to be in the cache.
    pub(super) fn insert(&mut self, value: T) -> (u32, Key) {
        let timer = |generation| {
            Slot::Armed(Timer {
                value,
                generation,
                due: 0,
                previous: Place::Far.into(),
                next: NONE,
            })
        };
        self.armed += 1;
        let index = self.free;
        if index == NONE {
            let index = u32::try_from(self.slots.len()).unwrap_or(MAX_SLOTS);
            assert!(index < MAX_SLOTS, "more than 2^31 timers");
            let generation = NonZeroU32::MIN;
            self.slots.push(timer(generation));
            return (index, Key { index, generation });
        }
        let slot = &mut self.slots[index as usize];
        let Slot::Free { generation, next } = *slot else {
            unreachable!("the free list holds free slots only");
        };
        *slot = timer(generation);
        self.free = next;
        (index, Key { index, generation })
    }

    /// Frees the slot of a timer that the caller has unlinked.
    pub(super) fn remove(&mut self, index: u32) -> (Key, T) {
        let slot = &mut self.slots[index as usize];
        let generation = match slot {
            Slot::Armed(timer) => timer.generation,
            Slot::Free { .. } => unreachable!("only an armed timer is removed"),
        };
        let free = Slot::Free {
            generation: generation.checked_add(1).unwrap_or(NonZeroU32::MIN),
            next: self.free,
        };
        let Slot::Armed(timer) = std::mem::replace(slot, free) else {
            unreachable!("it was armed two lines ago");
        };
        self.free = index;
        self.armed -= 1;
        (Key { index, generation }, timer.value)
    }

    /// The slot of a timer, if it is still armed.
    pub(super) fn find(&self, key: Key) -> Option<u32> {
        match self.slots.get(key.index as usize)? {
            Slot::Armed(timer) if timer.generation == key.generation => Some(key.index),
            Slot::Armed(_) | Slot::Free { .. } => None,
        }
    }

    /// The timer in a slot that a list or [`find`](Self::find) has named.
    pub(super) fn timer(&self, index: u32) -> &Timer<T> {
        match &self.slots[index as usize] {
            Slot::Armed(timer) => timer,
            Slot::Free { .. } => unreachable!("lists hold armed timers only"),
        }
    }

    /// The values of all timers, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Armed(timer) => Some(&timer.value),
            Slot::Free { .. } => None,
        })
    }

    /// The timer in a slot, to be changed.
    pub(super) fn timer_mut(&mut self, index: u32) -> &mut Timer<T> {
        match &mut self.slots[index as usize] {
            Slot::Armed(timer) => timer,
            Slot::Free { .. } => unreachable!("lists hold armed timers only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn a_timer_takes_thirty_two_bytes_with_a_value_of_up_to_sixteen() {
        assert_eq!(size_of::<Slot<Waker>>(), 32);
        assert_eq!(size_of::<Slot<(u64, u64)>>(), 32);
        assert_eq!(size_of::<Slot<(u64, u32)>>(), 32);
        assert_eq!(size_of::<Slot<u64>>(), 24);
        assert_eq!(size_of::<Slot<()>>(), 16);
    }

    #[test]
    fn a_key_is_as_small_as_an_optional_one() {
        assert_eq!(size_of::<Key>(), 8);
        assert_eq!(size_of::<Option<Key>>(), 8);
    }

    #[test]
    fn every_place_survives_its_encoding() {
        let last_slot = Place::After(MAX_SLOTS - 1);
        for place in [
            Place::After(0),
            last_slot,
            Place::FirstOf(0),
            Place::FirstOf(383),
            Place::Far,
        ] {
            assert_eq!(Previous::from(place).place(), place);
        }
    }

    #[test]
    fn there_are_never_more_slots_than_timers_at_the_peak() {
        let mut slots = Slots::new();
        for round in 0..100 {
            let indices: Vec<u32> = (0..10).map(|_| slots.insert(round).0).collect();
            for index in indices {
                slots.remove(index);
            }
        }
        assert_eq!(slots.slots.len(), 10);
        assert_eq!(slots.len(), 0);
    }

    #[test]
    fn a_generation_that_overflows_begins_again_at_one() {
        let mut slots = Slots::new();
        let (index, first) = slots.insert(());
        slots.timer_mut(index).generation = NonZeroU32::MAX;
        slots.remove(index);
        assert_eq!(slots.insert(()), (index, first));
    }
}
