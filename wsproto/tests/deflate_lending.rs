//! A compressor that a thread lends to its connections in turn: it knows what it must know of each, is not
//! told what it knows, and never refers to what was another's.
#![cfg(feature = "deflate")]

mod support;

use std::sync::{Arc, Mutex};

use proptest::{collection::vec as several, prelude::*};
use support::{
    End, Predictable, Seen, cases,
    deflate::{BACKENDS, compressing, noise, opened_plainly},
    sends::{Send, judged, sends},
};
use wsproto::{Codecs, Compress, Compressor, Config, Env, Inflater, Miniz, Role};

/// Codecs that tell how many octets of history their compressors were told, one number each time.
struct Telling(Arc<Mutex<Vec<usize>>>);

impl Codecs for Telling {
    fn compressor(&mut self, level: u8, window_bits: u8) -> Box<dyn Compressor> {
        Box::new(Told {
            compressor: Miniz.compressor(level, window_bits),
            told: self.0.clone(),
        })
    }

    fn inflater(&mut self) -> Box<dyn Inflater> {
        Miniz.inflater()
    }
}

struct Told {
    compressor: Box<dyn Compressor>,
    told: Arc<Mutex<Vec<usize>>>,
}

impl Compressor for Told {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.compressor.compress(input, out);
    }

    fn reset(&mut self) {
        self.compressor.reset();
    }

    fn prime(&mut self, history: [&[u8]; 2]) {
        let len = history.map(<[u8]>::len).iter().sum();
        self.told.lock().unwrap().push(len);
        self.compressor.prime(history);
    }
}

/// Connections of one thread: what they have in common is lent to each for what it sends.
struct Thread {
    env: Env,
    ends: Vec<End>,
    sent: Vec<Vec<Seen>>,
}

impl Thread {
    fn new(env: Env, configs: &[Arc<Config>]) -> Self {
        let ends = configs.iter().map(|config| {
            // Its own environment is never used.
            opened_plainly(Role::Server, support::env(1), config.clone())
        });
        Self {
            env,
            ends: ends.collect(),
            sent: vec![Vec::new(); configs.len()],
        }
    }

    fn send(&mut self, by: usize, send: Send) {
        let end = &mut self.ends[by];
        std::mem::swap(&mut self.env, &mut end.env);
        self.sent[by].extend(send.by(end));
        std::mem::swap(&mut self.env, &mut end.env);
    }

    /// What each has sent, as a judge reads it who keeps to `agreed`, beside what it was to send.
    fn judged(mut self, agreed: &str) -> Vec<(Vec<Seen>, Vec<Seen>)> {
        let ends = self.ends.iter_mut();
        let read = ends.map(|end| judged(&end.drain_frames(), Role::Server, agreed));
        read.zip(self.sent).collect()
    }
}

fn whole(len: usize, seed: usize) -> Send {
    Send::Whole(Compress::Always, len, seed)
}

#[test]
fn a_connection_that_goes_on_is_told_nothing_again() {
    let told = Arc::new(Mutex::new(Vec::new()));
    for level in [1, 6] {
        let config = compressing(|_, compression| compression.level = level);
        let env = Env::with_codecs(Predictable(1), Telling(told.clone()));
        let mut thread = Thread::new(env, &[config]);
        for (send, expected) in [
            // There is nothing yet to tell of.
            (whole(300, 1), &[0][..]),
            (whole(300, 2), &[]),
            (Send::Ping, &[]),
            (Send::Whole(Compress::Never, 300, 3), &[]),
            (whole(0, 0), &[]),
            (whole(5000, 4), &[]),
            (
                Send::Streamed(Compress::Always, vec![(300, 5), (301, 6)]),
                &[],
            ),
            (whole(300, 7), &[]),
            // Compressed, and sent as it is, since it became no shorter.
            (Send::Noise(Compress::Auto, noise(200, 1)), &[]),
            (whole(300, 8), &[1024]),
            (whole(300, 9), &[]),
            // Compressed for everybody, so without the history.
            (Send::Prepared(300, 10, Some(8)), &[]),
            (whole(300, 11), &[1024]),
        ] {
            thread.send(0, send.clone());
            let expected: Vec<_> = expected.iter().map(|len| all_at(level, *len)).collect();
            let told = std::mem::take(&mut *told.lock().unwrap());
            assert_eq!(told, expected, "level {level}: {send:?}");
        }
        for (read, sent) in thread.judged("server_max_window_bits=12") {
            assert!(read == sent);
        }
    }
}

#[test]
fn connections_that_take_turns_are_told_what_is_worth_it() {
    let told = Arc::new(Mutex::new(Vec::new()));
    for level in [1, 6] {
        let config = compressing(|_, compression| compression.level = level);
        let env = Env::with_codecs(Predictable(1), Telling(told.clone()));
        let mut thread = Thread::new(env, &[config.clone(), config]);
        for by in [0, 1] {
            thread.send(by, whole(100, by));
        }
        thread.send(0, whole(5000, 2));
        thread.send(1, whole(5000, 3));
        // All that there was, however little.
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), [0, 0, 100, 100]);
        for (len, expected) in [(10, 1024), (512, 1024), (1000, 2000), (3000, 4096)] {
            for by in [0, 1] {
                thread.send(by, whole(len, len + by));
                let told = std::mem::take(&mut *told.lock().unwrap());
                assert_eq!(told, [all_at(level, expected)], "level {level}: {len}");
            }
        }
        // How much there will be is not known.
        thread.send(0, Send::Streamed(Compress::Always, vec![(9, 8)]));
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), [4096]);
        // Who has sent the same need not be told either.
        for by in [0, 1] {
            thread.send(by, whole(5000, 9));
        }
        told.lock().unwrap().clear();
        thread.send(0, whole(300, 10));
        assert_eq!(*told.lock().unwrap(), []);
        for (read, sent) in thread.judged("server_max_window_bits=12") {
            assert!(read == sent);
        }
    }
}

/// Above level 1, where telling is little beside compressing, everything is told.
fn all_at(level: u8, len: usize) -> usize {
    if level == 1 || len == 0 { len } else { 4096 }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn nobody_is_referred_to_what_another_sent(
        (_, env) in proptest::sample::select(BACKENDS),
        level in prop_oneof![3 => Just(1_u8), 1 => 0_u8..=9],
        bits in prop_oneof![2 => 8_u8..=11, 1 => 12_u8..=15],
        takeovers in several(prop::bool::weighted(0.9), 3),
        steps in several((0_usize..3, sends()), 1..16),
    ) {
        let configs: Vec<_> = takeovers
            .iter()
            .map(|takeover| compressing(|config, compression| {
                compression.level = level;
                compression.send_window_bits = bits;
                compression.send_takeover = *takeover;
                config.queue_limit = usize::MAX;
            }))
            .collect();
        let mut thread = Thread::new(env(1), &configs);
        for (by, send) in steps {
            thread.send(by, send);
        }
        let agreed = format!("server_max_window_bits={bits}");
        for (read, sent) in thread.judged(&agreed) {
            prop_assert!(read == sent);
        }
    }
}
