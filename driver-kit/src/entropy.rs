//! The randomness that the core asks for: a ChaCha generator with a seed of the operating system.
//! The core masks frames (RFC 6455 section 5.3) and makes handshake keys (section 4.1) with it.

use std::error::Error;
use std::fmt;
use std::io;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wsproto::Entropy;

/// A seed for all the key bits that ChaCha has.
type Seed = [u8; 32];

/// Bytes that are generated from one seed: the masks of 262,144 frames.
///
/// The cipher would allow far more. The point is that what a snapshot of the memory reveals is
/// limited to the masks around it, at a price (one system call in a million bytes) that no
/// profile shows.
const BYTES_PER_SEED: usize = 1 << 20;

/// A cryptographically secure generator, seeded by the operating system.
///
/// RFC 6455 section 10.3: a mask must not be predictable by whoever chooses the payload, or a
/// script could write bytes of its choice onto the wire and poison the cache of an intermediary.
/// The system's own generator would do, but costs a system call per frame; this one makes 256
/// bytes (64 masks) at a time.
///
/// It runs ChaCha with 12 rounds. The best published attacks reach 7 of them, and what is at stake
/// is a mask that the receiver of the very frame reads in clear: 20 rounds would add cost, not
/// safety. After every mebibyte it mixes a fresh seed of the system into its state. If the system
/// cannot give one then, it goes on with the old state, which is still as unpredictable as it was.
///
/// Have one per thread. It is not `Clone`, since two generators with one state make the same masks:
///
/// ```compile_fail
/// # use driver_kit::entropy::SystemEntropy;
/// let twin = SystemEntropy::new().unwrap().clone();
/// ```
///
/// For the same reason a process that forks without `exec` must make new generators in the child:
/// both processes hold the same state up to the next fresh seed.
///
/// # Examples
///
/// ```
/// use driver_kit::entropy::SystemEntropy;
/// use wsproto::Entropy;
///
/// let mut entropy = SystemEntropy::new()?;
/// let mut mask = [0; 4];
/// entropy.fill(&mut mask);
/// # Ok::<(), driver_kit::entropy::NoEntropy>(())
/// ```
pub struct SystemEntropy {
    generator: ChaCha12Rng,
    /// Bytes that may still be made with the present seed.
    left: usize,
}

impl SystemEntropy {
    /// Makes a generator with a seed of the operating system.
    ///
    /// # Errors
    ///
    /// [`NoEntropy`] if the system has no randomness to give: a sandbox that forbids the system
    /// call, a container without the device, a machine in the first moments after its start.
    pub fn new() -> Result<Self, NoEntropy> {
        Ok(Self::from_seed(system_seed()?))
    }

    fn from_seed(seed: Seed) -> Self {
        Self {
            generator: ChaCha12Rng::from_seed(seed),
            left: BYTES_PER_SEED,
        }
    }

    /// Mixes the `fresh` seed, if there is one, into the state.
    fn reseed(&mut self, fresh: Result<Seed, NoEntropy>) {
        self.left = BYTES_PER_SEED;
        let Ok(mut seed) = fresh else { return };
        // The old state goes in as well, so that a weak seed cannot make things worse.
        let mut old = Seed::default();
        self.generator.fill_bytes(&mut old);
        for (byte, old) in seed.iter_mut().zip(old) {
            *byte ^= old;
        }
        self.generator = ChaCha12Rng::from_seed(seed);
    }
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        if self.left < buf.len() {
            self.reseed(system_seed());
        }
        self.left = self.left.saturating_sub(buf.len());
        self.generator.fill_bytes(buf);
    }
}

impl fmt::Debug for SystemEntropy {
    /// Shows nothing of the state: whoever reads a log must not be able to predict the masks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemEntropy").finish_non_exhaustive()
    }
}

fn system_seed() -> Result<Seed, NoEntropy> {
    let mut seed = Seed::default();
    getrandom::fill(&mut seed).map_err(|source| NoEntropy { source })?;
    Ok(seed)
}

/// The operating system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy {
    source: getrandom::Error,
}

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system has no randomness to give")
    }
}

impl Error for NoEntropy {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl From<NoEntropy> for io::Error {
    fn from(error: NoEntropy) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(entropy: &mut SystemEntropy, n: usize) -> Vec<u8> {
        let mut buf = vec![0; n];
        entropy.fill(&mut buf);
        buf
    }

    #[test]
    fn two_generators_differ() {
        let mut first = SystemEntropy::new().unwrap();
        let mut second = SystemEntropy::new().unwrap();
        assert_ne!(bytes(&mut first, 32), bytes(&mut second, 32));
    }

    #[test]
    fn every_byte_of_any_length_is_filled() {
        let mut entropy = SystemEntropy::from_seed([7; 32]);
        for n in [0, 1, 3, 4, 5, 255, 256, 257, 1000] {
            // A byte that is skipped stays 0 in all 64 runs; a filled one does so by a chance
            // of 2^-512.
            let mut seen = vec![0; n];
            for _ in 0..64 {
                for (seen, byte) in seen.iter_mut().zip(bytes(&mut entropy, n)) {
                    *seen |= byte;
                }
            }
            assert!(seen.iter().all(|&seen| seen != 0), "length {n}");
        }
    }

    #[test]
    fn masks_are_the_key_stream_in_order_and_none_twice() {
        let mut by_mask = SystemEntropy::from_seed([1; 32]);
        let mut at_once = SystemEntropy::from_seed([1; 32]);
        let masks: Vec<u8> = (0..200).flat_map(|_| bytes(&mut by_mask, 4)).collect();
        assert_eq!(masks, bytes(&mut at_once, 800));
    }

    #[test]
    fn a_seed_serves_one_mebibyte_and_no_more() {
        let mut entropy = SystemEntropy::from_seed([2; 32]);
        let mut one_seed = ChaCha12Rng::from_seed([2; 32]);
        let mut expected = vec![0; BYTES_PER_SEED];

        one_seed.fill_bytes(&mut expected);
        assert_eq!(bytes(&mut entropy, BYTES_PER_SEED), expected);

        one_seed.fill_bytes(&mut expected[..32]);
        assert_ne!(bytes(&mut entropy, 32), expected[..32]);
    }

    #[test]
    fn a_fresh_seed_is_mixed_with_the_old_state() {
        let mut first = SystemEntropy::from_seed([3; 32]);
        let mut second = SystemEntropy::from_seed([4; 32]);
        first.reseed(Ok([0; 32]));
        second.reseed(Ok([0; 32]));
        let after_first = bytes(&mut first, 32);
        assert_ne!(after_first, bytes(&mut second, 32));
        assert_ne!(
            after_first,
            bytes(&mut SystemEntropy::from_seed([0; 32]), 32)
        );
    }

    #[test]
    fn without_a_fresh_seed_the_old_key_stream_goes_on() {
        let source = getrandom::Error::UNSUPPORTED;
        let mut entropy = SystemEntropy::from_seed([5; 32]);
        let mut one_seed = SystemEntropy::from_seed([5; 32]);
        let whole = bytes(&mut one_seed, 64);
        assert_eq!(bytes(&mut entropy, 32), whole[..32]);
        entropy.reseed(Err(NoEntropy { source }));
        assert_eq!(bytes(&mut entropy, 32), whole[32..]);
    }

    #[test]
    fn nothing_of_the_state_is_printed() {
        let entropy = SystemEntropy::from_seed([6; 32]);
        assert_eq!(format!("{entropy:?}"), "SystemEntropy { .. }");
    }
}
