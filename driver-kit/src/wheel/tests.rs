//! The wheel against a naive twin, and what a twin does not see: keys, memory, the edges of time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;

/// A wheel with a tick of `tick` nanoseconds whose time begins at `now`.
fn wheel<T>(now: u64, tick: u64) -> Wheel<T> {
    Wheel::with_tick(now, Duration::from_nanos(tick))
}

/// The values that expire at `now`, in ascending order.
fn expired<T: Ord>(wheel: &mut Wheel<T>, now: u64) -> Vec<T> {
    let mut values: Vec<T> = wheel.expire(now).map(|(_, value)| value).collect();
    values.sort();
    values
}

/// One thing that a user of a wheel does. Timers are chosen by a number modulo how many there are.
#[derive(Clone, Debug)]
enum Action {
    Arm(When),
    Rearm(usize, When),
    Cancel(usize),
    /// Lets time pass, without telling the wheel.
    Pass(u64),
    /// Takes all that is due.
    Expire,
    /// Takes at most so many.
    ExpireSome(usize),
    /// Sleeps as long as the wheel allows, then takes all that is due.
    Sleep,
}

#[derive(Clone, Debug)]
enum When {
    Ahead(u64),
    Ago(u64),
}

/// Nanoseconds of every magnitude up to 146 years.
fn span() -> impl Strategy<Value = u64> {
    (0..=62_u32).prop_flat_map(|bits| 0..=1_u64 << bits)
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        9 => span().prop_map(When::Ahead),
        1 => span().prop_map(When::Ago),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => when().prop_map(Action::Arm),
        3 => (any::<usize>(), when()).prop_map(|(nth, when)| Action::Rearm(nth, when)),
        2 => any::<usize>().prop_map(Action::Cancel),
        2 => span().prop_map(Action::Pass),
        2 => Just(Action::Expire),
        1 => (0..4_usize).prop_map(Action::ExpireSome),
        3 => Just(Action::Sleep),
    ]
}

/// What the twin knows of a timer.
#[derive(Clone, Copy, Debug)]
struct Promise {
    key: Key,
    deadline: u64,
    /// When it got this deadline.
    since: u64,
}

/// A wheel and a map of the same timers, at one time.
struct Twins {
    wheel: Wheel<u32>,
    map: BTreeMap<u32, Promise>,
    /// Keys of timers that are gone.
    stale: Vec<Key>,
    now: u64,
    named: u32,
}

impl Twins {
    fn new(now: u64, tick: u64) -> Self {
        Self {
            wheel: wheel(now, tick),
            map: BTreeMap::new(),
            stale: Vec::new(),
            now,
            named: 0,
        }
    }

    fn run(&mut self, action: Action) {
        match action {
            Action::Arm(when) => {
                let (deadline, since, name) = (self.at(when), self.now, self.named);
                let key = self.wheel.arm(deadline, name);
                self.named += 1;
                let promise = Promise {
                    key,
                    deadline,
                    since,
                };
                self.map.insert(name, promise);
            }
            Action::Rearm(nth, when) => {
                let (deadline, since) = (self.at(when), self.now);
                if let Some(name) = self.nth(nth) {
                    let promise = self.map.get_mut(&name).unwrap();
                    assert!(self.wheel.rearm(promise.key, deadline));
                    promise.deadline = deadline;
                    promise.since = since;
                }
            }
            Action::Cancel(nth) => {
                if let Some(name) = self.nth(nth) {
                    let key = self.map.remove(&name).unwrap().key;
                    assert_eq!(self.wheel.cancel(key), Some(name));
                    self.stale.push(key);
                }
            }
            Action::Pass(span) => self.now = self.now.saturating_add(span),
            Action::Expire => self.expire(),
            Action::ExpireSome(limit) => self.take(limit),
            Action::Sleep => {
                self.now = self.now.max(self.wheel.next().unwrap_or(0));
                self.expire();
            }
        }
        self.compare();
    }

    fn at(&self, when: When) -> u64 {
        match when {
            When::Ahead(span) => self.now.saturating_add(span),
            When::Ago(span) => self.now.saturating_sub(span),
        }
    }

    fn nth(&self, nth: usize) -> Option<u32> {
        let nth = nth.checked_rem(self.map.len())?;
        self.map.keys().nth(nth).copied()
    }

    /// Takes up to `limit` of what is due: all of it known, and nothing early.
    fn take(&mut self, limit: usize) {
        for (key, name) in self.wheel.expire(self.now).take(limit) {
            let promise = self.map.remove(&name).expect("fires once");
            assert_eq!(key, promise.key);
            assert!(promise.deadline <= self.now, "early: {promise:?}");
            self.stale.push(key);
        }
    }

    /// Takes all that is due: nothing that remains is a tick late.
    fn expire(&mut self) {
        self.take(usize::MAX);
        for promise in self.map.values() {
            if let Some(latest) = self.latest(promise) {
                assert!(self.now < latest, "late at {}: {promise:?}", self.now);
            }
        }
    }

    /// When a timer has to have fired, unless that is after the end of all times.
    fn latest(&self, promise: &Promise) -> Option<u64> {
        let due = promise.deadline.max(promise.since);
        due.checked_add(self.wheel.tick)
    }

    fn compare(&mut self) {
        assert_eq!(self.wheel.len(), self.map.len());
        for (name, promise) in &self.map {
            assert_eq!(self.wheel.value_mut(promise.key).as_deref(), Some(name));
        }
        for &key in &self.stale {
            assert_eq!(self.wheel.value_mut(key), None);
        }
        match self.map.values().filter_map(|one| self.latest(one)).min() {
            Some(latest) => assert!(self.wheel.next().unwrap() <= latest),
            None if self.map.is_empty() => assert_eq!(self.wheel.next(), None),
            None => {}
        }
    }
}

proptest! {
    #[test]
    fn a_wheel_fires_what_its_naive_twin_fires(
        begin in span(),
        tick in prop::sample::select(vec![1, 7, 1000, 1 << 20, 16_000_000, 60 * SECOND]),
        actions in prop::collection::vec(action(), 1..120),
    ) {
        let mut twins = Twins::new(begin, tick);
        for action in actions {
            twins.run(action);
        }
        // Whoever sleeps as long as allowed sees all of them fire, in few steps: each timer has a
        // bucket on every level and a place among the far ones at most.
        let steps = (LEVELS + 2) * twins.map.len();
        for _ in 0..steps {
            twins.run(Action::Sleep);
        }
        prop_assert!(twins.map.values().all(|one| twins.latest(one).is_none()));
    }
}

#[test]
fn a_timer_fires_at_the_first_tick_that_is_not_before_its_deadline() {
    const TICK: u64 = 10;
    // The edges of every level, and of where the far ones begin.
    let edges = (0..=6).map(|level| 64_u64.pow(level)).chain([1 << 32]);
    let ticks = edges.flat_map(|edge| [edge - 1, edge, edge + 1]);
    for due in ticks.filter(|&due| due > 0) {
        for deadline in [due * TICK - TICK + 1, due * TICK] {
            let mut wheel = wheel(0, TICK);
            wheel.arm(deadline, ());
            assert_eq!(wheel.expire(due * TICK - 1).count(), 0, "{deadline}");
            assert_eq!(wheel.next(), Some(due * TICK), "{deadline}");
            assert_eq!(wheel.expire(due * TICK).count(), 1, "{deadline}");
            assert_eq!(wheel.next(), None);
        }
    }
}

#[test]
fn a_deadline_that_has_passed_is_due_at_the_next_tick() {
    let mut wheel = wheel(5005, 10);
    wheel.arm(0, "before any tick was worked off");
    assert_eq!(wheel.expire(5005).count(), 1);
    wheel.arm(0, "after this one was");
    assert_eq!(wheel.next(), Some(5010));
    assert_eq!(wheel.expire(5010).count(), 1);
}

#[test]
fn everybody_can_be_told_something_before_it_is_time() {
    let mut wheel = Wheel::new(0);
    let keys = [SECOND, 2 * SECOND, u64::MAX, 3 * SECOND].map(|at| wheel.arm(at, at));
    wheel.cancel(keys[1]);
    let mut values: Vec<_> = wheel.values().copied().collect();
    values.sort_unstable();
    assert_eq!(values, [SECOND, 3 * SECOND, u64::MAX]);
    assert_eq!(wheel.len(), 3, "they stay armed");
}

#[test]
fn a_timer_leaves_its_bucket_from_any_place() {
    for gone in 0..4 {
        for later in [None, Some(2 * SECOND)] {
            let mut wheel = Wheel::new(0);
            let keys: Vec<Key> = (0..4).map(|n| wheel.arm(SECOND, n)).collect();
            match later {
                None => assert_eq!(wheel.cancel(keys[gone]), Some(gone)),
                Some(later) => assert!(wheel.rearm(keys[gone], later)),
            }
            let others: Vec<usize> = (0..4).filter(|&n| n != gone).collect();
            assert_eq!(expired(&mut wheel, SECOND + SECOND / 2), others);
            assert_eq!(wheel.len(), usize::from(later.is_some()));
        }
    }
}

#[test]
fn a_stale_key_does_not_touch_the_timer_that_took_the_place() {
    let mut wheel = Wheel::new(0);
    let cancelled = wheel.arm(SECOND, "cancelled");
    wheel.cancel(cancelled);
    let fired = wheel.arm(SECOND, "fired");
    assert_eq!(wheel.expire(2 * SECOND).next(), Some((fired, "fired")));

    let present = wheel.arm(3 * SECOND, "present");
    for stale in [cancelled, fired] {
        assert_ne!(stale, present);
        assert_eq!(wheel.cancel(stale), None);
        assert_eq!(wheel.value_mut(stale), None);
        assert!(!wheel.rearm(stale, 0));
    }
    assert_eq!(expired(&mut wheel, 4 * SECOND), ["present"]);
}

#[test]
fn a_value_can_be_replaced_while_its_timer_runs() {
    let mut wheel = Wheel::new(0);
    let key = wheel.arm(SECOND, "old");
    *wheel.value_mut(key).unwrap() = "new";
    assert_eq!(wheel.expire(2 * SECOND).next(), Some((key, "new")));
}

#[test]
fn what_a_batch_leaves_stays_due() {
    let now = 10 * SECOND;
    let mut wheel = Wheel::new(0);
    for n in 0..10 {
        wheel.arm(SECOND + n % 2 * SECOND, n);
    }
    for left in [7, 4, 1] {
        assert_eq!(wheel.expire(now).take(3).count(), 3);
        assert_eq!(wheel.len(), left);
        assert!(wheel.next().unwrap() <= now);
    }
    assert_eq!(wheel.expire(now).take(3).count(), 1);
    assert_eq!(wheel.next(), None);
}

#[test]
fn time_does_not_go_back() {
    let mut wheel = Wheel::new(0);
    assert_eq!(wheel.expire(10 * SECOND).count(), 0);
    wheel.arm(10 * SECOND + SECOND / 2, ());
    assert_eq!(wheel.expire(SECOND).count(), 0);
    assert_eq!(wheel.expire(10 * SECOND).count(), 0);
    assert_eq!(wheel.expire(11 * SECOND).count(), 1);
}

#[test]
fn a_timer_moves_between_the_far_ones_and_the_buckets() {
    // Half of these ticks have the same lower half, which is what the buckets keep.
    let ticks = [5, 5 + HORIZON, 7, HORIZON, 5 + 3 * HORIZON, 5];
    let mut wheel = wheel(0, 1);
    let key = wheel.arm(5, ());
    wheel.arm(9 * HORIZON, ());
    for due in ticks {
        assert!(wheel.rearm(key, due));
        let is_far = due >= HORIZON;
        assert_eq!(wheel.far.len(), 1 + usize::from(is_far), "{due}");
    }
    assert_eq!(wheel.expire(4).count(), 0);
    assert_eq!(wheel.expire(5).count(), 1);
    assert_eq!(wheel.expire(9 * HORIZON - 1).count(), 0);
    assert_eq!(wheel.expire(9 * HORIZON).count(), 1);
}

#[test]
fn timers_of_one_moment_cost_few_wakes_however_many_they_are() {
    // Seconds ahead, and how often one wakes: to move down the levels, and to fire.
    for (ahead, most) in [(1, 1), (30, 2), (30 * 60, 3), (24 * 60 * 60, 4)] {
        let mut wheel = Wheel::new(0);
        for n in 0..1000 {
            wheel.arm(ahead * SECOND, n);
        }
        let mut wakes = 0;
        while let Some(next) = wheel.next() {
            wheel.expire(next).for_each(drop);
            wakes += 1;
        }
        assert!(wakes <= most, "{wakes} for {ahead} s");
    }
}

#[test]
fn keeping_timers_alive_takes_no_memory() {
    const DAY: u64 = 24 * 60 * 60 * SECOND;
    let mut wheel = Wheel::new(0);
    let near = wheel.arm(SECOND, 0);
    let far = wheel.arm(10_000 * DAY, 0);
    for n in 1..10_000 {
        assert!(wheel.rearm(near, n * SECOND));
        assert!(wheel.rearm(far, (10_000 + n) * DAY));
        let other = wheel.arm(10_000 * DAY, n);
        assert_eq!(wheel.expire(n * SECOND - 1).count(), 0);
        assert_eq!(wheel.cancel(other), Some(n));
    }
    assert_eq!(wheel.len(), 2);
    assert_eq!(wheel.far.len(), 1);
    assert!(wheel.far.capacity() <= 4);
}

#[test]
fn an_epoch_long_ago_makes_no_timer_a_far_one() {
    let unix_time = 1_800_000_000 * SECOND;
    let mut wheel = Wheel::new(unix_time);
    wheel.arm(unix_time + 30 * SECOND, ());
    assert!(wheel.far.is_empty());
    assert_eq!(wheel.expire(unix_time + 31 * SECOND).count(), 1);
}

#[test]
fn the_last_nanosecond_of_all_times_can_be_waited_for() {
    let mut exact = wheel(0, 1);
    exact.arm(u64::MAX, ());
    assert_eq!(exact.expire(u64::MAX - 1).count(), 0);
    assert_eq!(exact.next(), Some(u64::MAX));
    assert_eq!(exact.expire(u64::MAX).count(), 1);

    // Here no tick comes after the deadline: it is never due, rather than early.
    let mut coarse = Wheel::new(0);
    coarse.arm(u64::MAX, ());
    assert_eq!(coarse.expire(u64::MAX).count(), 0);
    assert_eq!(coarse.next(), None);
    assert_eq!(coarse.len(), 1);
}

#[test]
fn every_tick_is_at_least_a_nanosecond() {
    let mut wheel = Wheel::with_tick(0, Duration::ZERO);
    wheel.arm(3, ());
    assert_eq!(wheel.next(), Some(3));
    assert_eq!(wheel.expire(3).count(), 1);
}
