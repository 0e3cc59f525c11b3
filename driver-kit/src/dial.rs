//! Happy eyeballs (RFC 8305): in which order, and when, to try the addresses of a name. A plan
//! without sockets and without a clock, so that every runtime can carry it out.

use std::collections::{HashSet, VecDeque};
use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The time for which an attempt runs alone before the next one joins it: 250 ms (RFC 8305 section 8).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// RFC 8305 section 8: a delay under 10 ms MUST NOT be used, or every dial is a burst of attempts.
const LEAST_ATTEMPT_DELAY: Duration = Duration::from_millis(10);

/// One dial: decides which address to try when, until one answers or all have failed.
///
/// The addresses are tried in the resolver's order, except that the families alternate, beginning
/// with the family of the first address (RFC 8305 section 4): a broken IPv6 route costs a delay,
/// not a timeout. Attempts overlap: the next one starts when the latest has run for the attempt
/// delay, or as soon as any attempt fails. Every address gets its turn.
///
/// The driver asks for the next [`step`](Self::step), does it, and reports the attempts that
/// [failed](Self::failed). The first that succeeds is the connection: the driver keeps it and
/// drops the others and the plan.
///
/// Time is an argument. An [`Instant`] is what timers of every runtime take or can be converted
/// from, virtual clocks included; any clock will do as long as it is always the same.
///
/// # Examples
///
/// ```
/// use driver_kit::dial::{ATTEMPT_DELAY, Dial, Step};
/// use std::io::ErrorKind;
/// use std::time::Instant;
///
/// let addresses = ["[::1]:80", "[::2]:80", "127.0.0.1:80"].map(|a| a.parse().unwrap());
/// let mut dial = Dial::new(addresses, ATTEMPT_DELAY);
///
/// let now = Instant::now();
/// assert_eq!(dial.step(now), Step::Start(addresses[0]));
/// assert_eq!(dial.step(now), Step::WaitUntil(now + ATTEMPT_DELAY));
///
/// // No answer: the other family joins in. It is refused, so the third is tried at once.
/// let now = now + ATTEMPT_DELAY;
/// assert_eq!(dial.step(now), Step::Start(addresses[2]));
/// dial.failed(addresses[2], ErrorKind::ConnectionRefused.into());
/// assert_eq!(dial.step(now), Step::Start(addresses[1]));
///
/// // Now it is for the two attempts that run to end, one way or the other.
/// assert_eq!(dial.step(now), Step::Wait);
/// dial.failed(addresses[0], ErrorKind::TimedOut.into());
/// dial.failed(addresses[1], ErrorKind::TimedOut.into());
/// assert_eq!(dial.step(now), Step::GiveUp);
/// assert_eq!(
///     dial.into_error().to_string(),
///     "every address failed: 127.0.0.1:80: connection refused; \
///      [::1]:80: timed out; [::2]:80: timed out",
/// );
/// ```
#[derive(Debug)]
pub struct Dial {
    /// Not tried yet, in the order of trying.
    waiting: VecDeque<SocketAddr>,
    /// Started and not reported as failed.
    running: Vec<SocketAddr>,
    /// In the order of failing.
    failures: Vec<(SocketAddr, io::Error)>,
    attempt_delay: Duration,
    /// The due time of the next attempt; `None`: at once.
    next_start: Option<Instant>,
}

/// The next thing that a driver has to do for a [`Dial`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start an attempt to connect to this address, then ask again.
    Start(SocketAddr),
    /// Wait until this moment or until an attempt ends, whichever comes first, then ask again.
    WaitUntil(Instant),
    /// Wait until an attempt ends, then ask again: all have been started.
    Wait,
    /// Give up: no attempt is running and no address is left. [`Dial::into_error`] says why.
    GiveUp,
}

impl Dial {
    /// Plans to try `addresses`, given in the order of the resolver.
    ///
    /// Use [`ATTEMPT_DELAY`] unless there is reason not to; less than 10 ms counts as 10 ms
    /// (RFC 8305 section 8). An address that occurs twice is tried once: some resolvers repeat an address that
    /// a hosts file lists under two names. Without any address the first step is to give up.
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>, attempt_delay: Duration) -> Self {
        Self {
            waiting: interleave(addresses),
            running: Vec::new(),
            failures: Vec::new(),
            attempt_delay: attempt_delay.max(LEAST_ATTEMPT_DELAY),
            next_start: None,
        }
    }

    /// Says what to do next.
    ///
    /// A [`Step::Start`] is handed out once; from then on the attempt counts as running, until it
    /// is reported as [failed](Self::failed).
    pub fn step(&mut self, now: Instant) -> Step {
        if self.waiting.is_empty() && self.running.is_empty() {
            return Step::GiveUp;
        }
        if let Some(next_start) = self.next_start
            && now < next_start
            && !self.waiting.is_empty()
        {
            return Step::WaitUntil(next_start);
        }
        let Some(address) = self.waiting.pop_front() else {
            return Step::Wait;
        };
        self.running.push(address);
        self.next_start = Some(now + self.attempt_delay);
        Step::Start(address)
    }

    /// Records that the attempt to connect to `address` failed, so that the next address is due at once.
    ///
    /// An attempt that fails at its start (no socket of that family, say) is reported all the
    /// same. News about an address that is not being tried are ignored.
    pub fn failed(&mut self, address: SocketAddr, error: io::Error) {
        let Some(at) = self.running.iter().position(|&running| running == address) else {
            return;
        };
        self.running.swap_remove(at);
        self.failures.push((address, error));
        self.next_start = None;
    }

    /// Ends the dial with an error that lists every failure so far.
    pub fn into_error(self) -> DialError {
        if self.failures.is_empty() && self.waiting.is_empty() && self.running.is_empty() {
            DialError::NoAddress
        } else {
            DialError::Failed(self.failures)
        }
    }
}

/// Drops repeated addresses and makes the families alternate, the first one's first.
fn interleave(addresses: impl IntoIterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let mut seen = HashSet::new();
    let unique: Vec<_> = addresses
        .into_iter()
        .filter(|&address| seen.insert(address))
        .collect();
    let Some(&first) = unique.first() else {
        return VecDeque::new();
    };

    let (mut same, mut other): (VecDeque<_>, VecDeque<_>) = unique
        .into_iter()
        .partition(|address| address.is_ipv6() == first.is_ipv6());
    let mut order = VecDeque::with_capacity(same.len() + other.len());
    while !(same.is_empty() && other.is_empty()) {
        order.extend(same.pop_front());
        order.extend(other.pop_front());
    }
    order
}

/// The errors for which a [`Dial`] gave up.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// The name has no address at all.
    NoAddress,
    /// Every address failed: each with its error, in the order of failing.
    Failed(Vec<(SocketAddr, io::Error)>),
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress => f.write_str("the name has no address"),
            Self::Failed(failures) => {
                f.write_str("every address failed")?;
                let mut separator = ": ";
                for (address, error) in failures {
                    write!(f, "{separator}{address}: {error}")?;
                    separator = "; ";
                }
                Ok(())
            }
        }
    }
}

impl Error for DialError {}

impl From<DialError> for io::Error {
    /// Keeps the kind of the errors if they all have the same one, so that a caller can still tell
    /// a refusal from an unreachable network.
    fn from(error: DialError) -> Self {
        let kind = match &error {
            DialError::NoAddress => io::ErrorKind::NotFound,
            DialError::Failed(failures) => {
                let mut kinds = failures.iter().map(|(_, error)| error.kind());
                let first = kinds.next().unwrap_or(io::ErrorKind::Other);
                if kinds.all(|kind| kind == first) {
                    first
                } else {
                    io::ErrorKind::Other
                }
            }
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2001:db8::`n`, port 80.
    fn v6(n: u8) -> SocketAddr {
        format!("[2001:db8::{n}]:80").parse().unwrap()
    }

    /// 192.0.2.`n`, port 80.
    fn v4(n: u8) -> SocketAddr {
        format!("192.0.2.{n}:80").parse().unwrap()
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    /// The addresses in the order in which they are started when each attempt fails at once.
    fn order(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
        let mut dial = Dial::new(addresses.iter().copied(), ATTEMPT_DELAY);
        let now = Instant::now();
        let mut order = Vec::new();
        while let Step::Start(address) = dial.step(now) {
            order.push(address);
            dial.failed(address, refused());
        }
        assert_eq!(dial.step(now), Step::GiveUp);
        order
    }

    #[test]
    fn families_alternate_beginning_with_the_resolvers_first() {
        let cases: [(&[SocketAddr], &[SocketAddr]); 6] = [
            (&[], &[]),
            (&[v4(1)], &[v4(1)]),
            (&[v4(1), v4(2)], &[v4(1), v4(2)]),
            (&[v6(1), v6(2), v4(1), v4(2)], &[v6(1), v4(1), v6(2), v4(2)]),
            (&[v4(1), v6(1), v6(2), v6(3)], &[v4(1), v6(1), v6(2), v6(3)]),
            (&[v6(1), v6(2), v6(3), v4(1)], &[v6(1), v4(1), v6(2), v6(3)]),
        ];
        for (answer, expected) in cases {
            assert_eq!(order(answer), expected, "resolver said {answer:?}");
        }
    }

    #[test]
    fn a_repeated_address_is_tried_once() {
        assert_eq!(order(&[v4(1), v4(1), v6(1), v4(1)]), [v4(1), v6(1)]);
    }

    #[test]
    fn the_same_host_on_two_ports_is_two_addresses() {
        let other_port = "192.0.2.1:81".parse().unwrap();
        assert_eq!(order(&[v4(1), other_port]), [v4(1), other_port]);
    }

    #[test]
    fn each_silent_attempt_gets_the_delay_before_the_next_joins() {
        let start = Instant::now();
        let mut dial = Dial::new([v6(1), v4(1), v6(2)], ATTEMPT_DELAY);
        assert_eq!(dial.step(start), Step::Start(v6(1)));

        let second = start + ATTEMPT_DELAY;
        let just_before = second - Duration::from_nanos(1);
        assert_eq!(dial.step(start), Step::WaitUntil(second));
        assert_eq!(dial.step(just_before), Step::WaitUntil(second));
        assert_eq!(dial.step(second), Step::Start(v4(1)));

        // A driver that woke late does not start two attempts together for it.
        let late = second + 10 * ATTEMPT_DELAY;
        assert_eq!(dial.step(late), Step::Start(v6(2)));
        assert_eq!(dial.step(late), Step::Wait);
    }

    #[test]
    fn a_failure_starts_the_next_attempt_at_once_and_the_delay_anew() {
        let start = Instant::now();
        let mut dial = Dial::new([v6(1), v4(1), v6(2)], ATTEMPT_DELAY);
        assert_eq!(dial.step(start), Step::Start(v6(1)));

        let failure = start + Duration::from_millis(100);
        dial.failed(v6(1), refused());
        assert_eq!(dial.step(failure), Step::Start(v4(1)));
        assert_eq!(dial.step(failure), Step::WaitUntil(failure + ATTEMPT_DELAY));
    }

    #[test]
    fn the_last_attempts_are_waited_for_without_a_moment() {
        let now = Instant::now();
        let mut dial = Dial::new([v4(1)], ATTEMPT_DELAY);
        assert_eq!(dial.step(now), Step::Start(v4(1)));
        assert_eq!(dial.step(now), Step::Wait);
        assert_eq!(dial.step(now + 100 * ATTEMPT_DELAY), Step::Wait);
        dial.failed(v4(1), refused());
        assert_eq!(dial.step(now), Step::GiveUp);
        assert_eq!(dial.step(now), Step::GiveUp);
    }

    #[test]
    fn news_about_an_address_that_is_not_tried_change_nothing() {
        let now = Instant::now();
        let mut dial = Dial::new([v4(1), v4(2)], ATTEMPT_DELAY);
        assert_eq!(dial.step(now), Step::Start(v4(1)));
        dial.failed(v4(2), refused());
        dial.failed(v4(9), refused());
        assert_eq!(dial.step(now), Step::WaitUntil(now + ATTEMPT_DELAY));
        dial.failed(v4(1), refused());
        dial.failed(v4(1), refused());
        assert_eq!(dial.step(now), Step::Start(v4(2)));
        let DialError::Failed(failures) = dial.into_error() else {
            panic!("an address was tried");
        };
        assert_eq!(failures.len(), 1);
    }

    #[test]
    fn no_delay_is_shorter_than_ten_milliseconds() {
        let now = Instant::now();
        let mut dial = Dial::new([v4(1), v4(2)], Duration::ZERO);
        assert_eq!(dial.step(now), Step::Start(v4(1)));
        let least = Duration::from_millis(10);
        assert_eq!(dial.step(now), Step::WaitUntil(now + least));
    }

    #[test]
    fn no_address_is_an_error_of_its_own() {
        let mut dial = Dial::new([], ATTEMPT_DELAY);
        assert_eq!(dial.step(Instant::now()), Step::GiveUp);
        let error = dial.into_error();
        assert_eq!(error.to_string(), "the name has no address");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_error_names_every_address_and_keeps_a_kind_that_all_share() {
        let unreachable = || io::Error::from(io::ErrorKind::NetworkUnreachable);
        let cases = [
            (refused(), refused(), io::ErrorKind::ConnectionRefused),
            (unreachable(), refused(), io::ErrorKind::Other),
        ];
        for (first, second, kind) in cases {
            let printed = format!(
                "every address failed: {}: {first}; {}: {second}",
                v6(1),
                v4(1)
            );
            let error = DialError::Failed(vec![(v6(1), first), (v4(1), second)]);
            assert_eq!(error.to_string(), printed);
            assert_eq!(io::Error::from(error).kind(), kind);
        }
    }
}
