//! A timer wheel: the coarse deadlines of very many connections, at a few bytes and instructions each, with a
//! single moment to wake up at.

mod slots;

use std::fmt;
use std::iter;
use std::mem;
use std::time::Duration;

use slots::{NONE, Place, Slots};

pub use slots::Key;

/// The tick of a wheel unless another is chosen: 16 ms.
///
/// The deadlines of a WebSocket are seconds, and the scheduler is not exact to some milliseconds
/// either. In return a thread wakes at most 62 times a second for its timers, however many there
/// are, and serves together what is due together.
pub const TICK: Duration = Duration::from_millis(16);

/// Every level has 64 buckets: one word says which of them hold something.
const BUCKETS: u64 = 64;
/// The buckets of each level are 2^6 times as wide as those of the level below.
const LEVEL_BITS: u32 = 6;
/// Six levels hold 2^36 ticks, the least that is enough for [`HORIZON`].
const LEVELS: usize = 6;
/// Timers that are due less than this many ticks ahead are in the buckets: their slots keep the
/// lower half of the tick only.
const HORIZON: u64 = 1 << 32;

/// Timers of type `T`, each with a deadline.
///
/// Deadlines are nanoseconds since a moment that the user picks. The wheel counts in ticks: a
/// timer fires at the first tick that is not before its deadline, so **never early, and at most
/// one tick late** (if [`expire`](Self::expire) is called in time, and counted from the call that
/// arms it when the deadline has passed by then). The order among timers of one tick is not
/// specified.
///
/// # Cost
///
/// To arm, rearm or cancel takes constant time. A timer moves to a finer bucket a few times before
/// it fires (30 seconds ahead: once, 30 minutes: twice), always in company of its neighbours. A
/// jump of the time costs as much as the timers that it passes, not as the ticks.
///
/// A timer takes 16 bytes besides its value, so 24 with a `u64` and 32 with a
/// [`Waker`](std::task::Waker); 16 more while it is due 2^32 ticks ahead or later (two years at
/// 16 ms), because that is where the buckets end. The wheel itself takes 2 KiB. Places of former
/// timers are used again: memory grows with the largest number of timers at a time, and nothing is
/// allocated below it.
///
/// # Examples
///
/// ```
/// use driver_kit::wheel::Wheel;
///
/// const SECOND: u64 = 1_000_000_000;
///
/// let mut wheel = Wheel::new(0);
/// let ping = wheel.arm(20 * SECOND, "ping");
/// let idle = wheel.arm(60 * SECOND, "idle");
///
/// // Something arrived: be idle later.
/// assert!(wheel.rearm(idle, 65 * SECOND));
///
/// // Sleep until `next`, and see what has expired.
/// assert!(wheel.next().unwrap() <= 20 * SECOND);
/// assert_eq!(wheel.expire(19 * SECOND).count(), 0);
/// assert_eq!(wheel.expire(21 * SECOND).next(), Some((ping, "ping")));
///
/// // A key is of no use once its timer has fired.
/// assert!(!wheel.rearm(ping, 30 * SECOND));
/// assert_eq!(wheel.cancel(idle), Some("idle"));
/// assert_eq!(wheel.next(), None);
/// ```
///
/// Behind a lock, take what has expired out in batches, and use it when the lock is released:
///
/// ```
/// use driver_kit::wheel::Wheel;
/// use std::sync::Mutex;
/// use std::task::Waker;
///
/// fn wake_expired(wheel: &Mutex<Wheel<Waker>>, now: u64, batch: &mut Vec<Waker>) {
///     loop {
///         let mut wheel = wheel.lock().unwrap();
///         batch.extend(wheel.expire(now).take(64).map(|(_, waker)| waker));
///         drop(wheel);
///         if batch.is_empty() {
///             return;
///         }
///         batch.drain(..).for_each(Waker::wake);
///     }
/// }
/// # let wheel = Mutex::new(Wheel::new(0));
/// # (0..100).for_each(|at| drop(wheel.lock().unwrap().arm(at, Waker::noop().clone())));
/// # wake_expired(&wheel, 1 << 40, &mut Vec::new());
/// # assert!(wheel.lock().unwrap().is_empty());
/// ```
pub struct Wheel<T> {
    /// Nanoseconds.
    tick: u64,
    /// The tick to be worked off next; nothing is due at an earlier one.
    position: u64,
    timers: Slots<T>,
    /// The first timer of each bucket, or [`NONE`], level after level.
    ///
    /// A timer whose distance has `LEVEL_BITS * level + 1` bits or more belongs on that level, in
    /// the bucket that the bits of its tick from `LEVEL_BITS * level` on name. The position
    /// getting nearer does not move it. The position reaching the first tick of its bucket does,
    /// see [`descend`](Self::descend).
    heads: Box<[u32; BUCKETS as usize * LEVELS]>,
    /// Which buckets of each level have a timer, one bit each.
    occupied: [u64; LEVELS],
    /// The timers beyond [`HORIZON`], in no order.
    far: Vec<Far>,
    /// No far timer comes within half of [`HORIZON`] before this tick.
    far_check: u64,
}

/// A timer beyond [`HORIZON`].
#[derive(Clone, Copy, Debug)]
struct Far {
    due: u64,
    /// Its slot.
    index: u32,
}

impl<T> Wheel<T> {
    /// Makes a wheel whose time begins at `now` (nanoseconds), with a [tick](TICK) of 16 ms.
    pub fn new(now: u64) -> Self {
        Self::with_tick(now, TICK)
    }

    /// Makes a wheel with a tick of another length, at least one nanosecond.
    ///
    /// A finer tick makes timers more exact and wakes the thread more often.
    pub fn with_tick(now: u64, tick: Duration) -> Self {
        let tick = u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self {
            tick,
            position: now / tick,
            timers: Slots::new(),
            heads: Box::new([NONE; _]),
            occupied: [0; LEVELS],
            far: Vec::new(),
            far_check: u64::MAX,
        }
    }

    /// The number of armed timers.
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Returns true if no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arms a timer for `deadline` (nanoseconds). One that has passed is due at the next tick.
    ///
    /// # Panics
    ///
    /// If there are 2^31 timers already.
    pub fn arm(&mut self, deadline: u64, value: T) -> Key {
        let due = self.due_tick(deadline);
        let (index, key) = self.timers.insert(value);
        self.link(index, due);
        key
    }

    /// Gives a timer another deadline (nanoseconds), earlier or later.
    ///
    /// Returns true if it was still armed; otherwise nothing happens.
    pub fn rearm(&mut self, key: Key, deadline: u64) -> bool {
        let Some(index) = self.timers.find(key) else {
            return false;
        };
        let due = self.due_tick(deadline);
        // Many events of one tick postpone a timer to one tick.
        if self.due(index) != due {
            self.unlink(index);
            self.link(index, due);
        }
        true
    }

    /// Disarms a timer and gives back its value, if it was still armed.
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let index = self.timers.find(key)?;
        self.unlink(index);
        let (_, value) = self.timers.remove(index);
        Some(value)
    }

    /// The value of a timer, if it is still armed: to replace a waker, say.
    pub fn value_mut(&mut self, key: Key) -> Option<&mut T> {
        let index = self.timers.find(key)?;
        Some(&mut self.timers.timer_mut(index).value)
    }

    /// The values of all armed timers, in no order: to wake everybody before it is time, for example.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.timers.values()
    }

    /// When to call [`expire`](Self::expire) next (nanoseconds), if any timer is armed.
    ///
    /// That is the tick at which the first timer is due, or earlier if timers have to move to
    /// finer buckets before (no more than once in 64 ticks). Looks at six words.
    pub fn next(&self) -> Option<u64> {
        // A timer that is due after the end of all times is never due.
        self.next_tick()?.checked_mul(self.tick)
    }

    /// Takes the timers out that are due at `now` (nanoseconds), one by one.
    ///
    /// Timers that are not taken from the iterator stay armed and due. A time before that of an
    /// earlier call counts as the earlier one.
    pub fn expire(&mut self, now: u64) -> impl Iterator<Item = (Key, T)> {
        let last = now / self.tick;
        iter::from_fn(move || self.pop(last))
    }

    /// Takes one timer out that is due at the tick `last` or before.
    fn pop(&mut self, last: u64) -> Option<(Key, T)> {
        loop {
            let head = self.heads[(self.position % BUCKETS) as usize];
            if head != NONE && self.position <= last {
                self.unlink(head);
                return Some(self.timers.remove(head));
            }
            match self.next_tick() {
                Some(next) if next <= last => {
                    self.position = next;
                    self.descend();
                }
                Some(_) | None => {
                    self.position = self.position.max(last.saturating_add(1));
                    return None;
                }
            }
        }
    }

    /// The next tick at which a timer fires or has to move, from the position on.
    fn next_tick(&self) -> Option<u64> {
        let far = (!self.far.is_empty()).then_some(self.far_check);
        (0..)
            .step_by(LEVEL_BITS as usize)
            .zip(self.occupied)
            .filter(|(_, occupied)| *occupied != 0)
            .map(|(shift, occupied)| {
                // The bucket that the position is inside of, if not at its first tick, is empty
                // or one lap ahead: it comes last.
                let first = self.position.div_ceil(1 << shift);
                let ahead = occupied.rotate_right((first % BUCKETS) as u32);
                (first + u64::from(ahead.trailing_zeros())) << shift
            })
            .chain(far)
            .min()
    }

    /// Moves the timers of the buckets that begin at the position to finer buckets.
    fn descend(&mut self) {
        for level in 1..LEVELS {
            let shift = LEVEL_BITS * level as u32;
            if !self.position.is_multiple_of(1 << shift) {
                break;
            }
            let bucket = (self.position >> shift) % BUCKETS;
            self.occupied[level] &= !(1 << bucket);
            let head = &mut self.heads[level * BUCKETS as usize + bucket as usize];
            let mut index = mem::replace(head, NONE);
            while index != NONE {
                let next = self.timers.timer(index).next;
                self.link(index, self.due(index));
                index = next;
            }
        }
        if !self.far.is_empty() && self.far_check <= self.position {
            self.fetch_far();
        }
    }

    /// The first tick that is neither before `deadline` nor worked off already.
    fn due_tick(&self, deadline: u64) -> u64 {
        deadline.div_ceil(self.tick).max(self.position)
    }

    /// The tick at which a linked timer is due.
    fn due(&self, index: u32) -> u64 {
        let timer = self.timers.timer(index);
        match timer.previous.place() {
            Place::Far => self.far[timer.due as usize].due,
            Place::After(_) | Place::FirstOf(_) => {
                // The difference of the lower halves is the whole difference, being less than
                // `HORIZON` and not negative.
                self.position + u64::from(timer.due.wrapping_sub(self.position as u32))
            }
        }
    }

    /// Puts a timer that is in no list where its tick belongs.
    fn link(&mut self, index: u32, due: u64) {
        let distance = due - self.position;
        if distance >= HORIZON {
            self.put_far(Far { due, index });
            return;
        }
        let level = (distance | 1).ilog2() / LEVEL_BITS;
        let bucket = (due >> (LEVEL_BITS * level)) % BUCKETS;
        self.occupied[level as usize] |= 1 << bucket;
        let bucket = level as usize * BUCKETS as usize + bucket as usize;
        let next = mem::replace(&mut self.heads[bucket], index);
        if next != NONE {
            self.timers.timer_mut(next).previous = Place::After(index).into();
        }
        let timer = self.timers.timer_mut(index);
        timer.due = due as u32;
        timer.previous = Place::FirstOf(bucket).into();
        timer.next = next;
    }

    /// Takes a timer out of the list that it is in.
    fn unlink(&mut self, index: u32) {
        let timer = self.timers.timer(index);
        let (previous, next, due) = (timer.previous, timer.next, timer.due);
        match previous.place() {
            Place::Far => self.remove_far(due as usize),
            Place::After(before) => self.timers.timer_mut(before).next = next,
            Place::FirstOf(bucket) => {
                self.heads[bucket] = next;
                if next == NONE {
                    let (level, bucket) = (bucket as u64 / BUCKETS, bucket as u64 % BUCKETS);
                    self.occupied[level as usize] &= !(1 << bucket);
                }
            }
        }
        if next != NONE {
            self.timers.timer_mut(next).previous = previous;
        }
    }

    fn put_far(&mut self, far: Far) {
        let nears = far.due - HORIZON / 2;
        self.far_check = if self.far.is_empty() {
            nears
        } else {
            self.far_check.min(nears)
        };
        let timer = self.timers.timer_mut(far.index);
        timer.due = self.far.len() as u32;
        timer.previous = Place::Far.into();
        timer.next = NONE;
        self.far.push(far);
    }

    fn remove_far(&mut self, at: usize) {
        self.far.swap_remove(at);
        if let Some(moved) = self.far.get(at) {
            self.timers.timer_mut(moved.index).due = at as u32;
        }
    }

    /// Moves the far timers that have come within [`HORIZON`] to the buckets.
    ///
    /// Those that stay are half of it away from the next call: at most one call in 2^31 ticks.
    fn fetch_far(&mut self) {
        let mut at = 0;
        self.far_check = u64::MAX;
        while let Some(&Far { due, index }) = self.far.get(at) {
            if due - self.position < HORIZON {
                self.remove_far(at);
                self.link(index, due);
            } else {
                self.far_check = self.far_check.min(due - HORIZON / 2);
                at += 1;
            }
        }
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("tick", &self.tick)
            .field("len", &self.len())
            .field("next", &self.next())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
