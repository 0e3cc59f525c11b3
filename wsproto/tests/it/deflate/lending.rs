//! A compressor that a thread lends to its connections in turn: it has the history of each, is not told what it knows
//! already, and never refers to the data of another connection.
use std::sync::{Arc, Mutex};

use crate::deflate::BACKENDS;
use proptest::{collection::vec as several, prelude::*};
use testkit::{
    Random,
    ends::{
        End, Seen, cases,
        deflate::{compressing, json, noise, opened_plainly},
        sends::{Send, judged, sends},
    },
};
use wsproto::{
    Codecs, Compress, Compression, Compressor, Config, Env, Inflater, Kind, Memory, Miniz, Role,
};

/// Codecs that tell how many bytes of history their compressors were told, one number each time.
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

/// Connections and environments: what an environment has is lent to each connection for what it sends.
struct Threads {
    envs: Vec<Env>,
    ends: Vec<End>,
    sent: Vec<Vec<Seen>>,
    /// The part of the current streamed message that has been sent.
    under_way: Vec<Option<String>>,
}

impl Threads {
    fn new(envs: Vec<Env>, configs: &[Arc<Config>]) -> Self {
        let ends = configs.iter().map(|config| {
            // Its own environment is never used.
            opened_plainly(Role::Server, testkit::ends::env(1), config.clone())
        });
        Self {
            envs,
            ends: ends.collect(),
            sent: vec![Vec::new(); configs.len()],
            under_way: vec![None; configs.len()],
        }
    }

    /// A connection sends something, on the first thread.
    fn send(&mut self, by: usize, send: Send) {
        self.act(0, by, Act::Send(send));
    }

    fn act(&mut self, on: usize, by: usize, act: Act) {
        let end = &mut self.ends[by];
        std::mem::swap(&mut self.envs[on], &mut end.env);
        let End {
            connection, env, ..
        } = end;
        match (act, self.under_way[by].take()) {
            // A message in parts is not interrupted, so it ends first.
            (Act::Send(send), under_way) => {
                if let Some(text) = under_way {
                    assert_eq!(connection.finish(env, &[]), Ok(()));
                    self.sent[by].push(Seen::text(&text));
                }
                self.sent[by].extend(send.by(end));
            }
            (Act::Part(part), None) => {
                let started = connection.start_compressed(env, Kind::Text, Compress::Always);
                assert_eq!(started, Ok(()));
                assert_eq!(connection.write(env, part.as_bytes()), Ok(()));
                self.under_way[by] = Some(part);
            }
            (Act::Part(part), Some(text)) => {
                assert_eq!(connection.write(env, part.as_bytes()), Ok(()));
                self.under_way[by] = Some(text + &part);
            }
        }
        let end = &mut self.ends[by];
        std::mem::swap(&mut self.envs[on], &mut end.env);
    }

    /// The messages of each, as a judge reads them by `agreed`, beside those that it was to send.
    fn judged(mut self, agreed: &[String]) -> Vec<(Vec<Seen>, Vec<Seen>)> {
        for by in 0..self.ends.len() {
            // Whatever else it sends, a message in parts ends first.
            self.send(by, Send::Ping);
        }
        let ends = self.ends.iter_mut().zip(agreed);
        let read = ends.map(|(end, agreed)| judged(&end.drain_frames(), Role::Server, agreed));
        read.zip(self.sent).collect()
    }
}

/// An action of a connection.
#[derive(Debug, Clone)]
enum Act {
    /// It sends something.
    Send(Send),
    /// It sends a part of a message, which is the first if none is under way.
    Part(String),
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => sends().prop_map(Act::Send),
        2 => (0_usize..2000, 0_usize..9).prop_map(|(len, seed)| Act::Part(json(len, seed))),
    ]
}

fn whole(len: usize, seed: usize) -> Send {
    Send::Whole(Compress::Always, len, seed)
}

#[test]
fn a_connection_that_goes_on_is_told_nothing_again() {
    for level in [1, 6] {
        let (told, mut thread) = telling_two(level);
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
        for (read, sent) in thread.judged(&by_default()) {
            assert!(read == sent);
        }
    }
}

#[test]
fn connections_that_take_turns_are_told_what_is_worth_it() {
    for level in [1, 6] {
        let (told, mut thread) = telling_two(level);
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
        // The length of the whole is not known.
        thread.send(0, Send::Streamed(Compress::Always, vec![(9, 8)]));
        assert_eq!(std::mem::take(&mut *told.lock().unwrap()), [4096]);
        // One that has sent the same need not be told either.
        for by in [0, 1] {
            thread.send(by, whole(5000, 9));
        }
        told.lock().unwrap().clear();
        thread.send(0, whole(300, 10));
        assert_eq!(*told.lock().unwrap(), []);
        for (read, sent) in thread.judged(&by_default()) {
            assert!(read == sent);
        }
    }
}

/// Above level 1, where telling is little beside compressing, everything is told.
fn all_at(level: u8, len: usize) -> usize {
    if level == 1 || len == 0 { len } else { 4096 }
}

#[test]
fn what_has_been_told_too_little_is_told_again() {
    let (told, mut thread) = telling_two(1);
    for (by, send, expected) in [
        (0, whole(5000, 1), &[0][..]),
        (1, whole(5000, 2), &[0]),
        // They take turns, so this one is told as much as it is worth.
        (0, whole(10, 3), &[1024]),
        (0, whole(10, 4), &[]),
        // For a longer message that is not enough.
        (0, whole(3000, 5), &[4096]),
    ] {
        thread.send(by, send.clone());
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told, expected, "{by}: {send:?}");
    }
}

#[test]
fn a_message_in_parts_that_others_send_between_leaves_each_to_go_on_with_its_own() {
    let (told, mut thread) = telling_two(1);
    thread.act(0, 0, Act::Part(json(300, 1)));
    // There are two compressors from now on.
    thread.send(1, whole(5000, 2));
    thread.act(0, 0, Act::Part(json(300, 3)));
    thread.send(0, whole(5000, 4));
    told.lock().unwrap().clear();
    for seed in 5..15 {
        for by in [0, 1] {
            thread.send(by, whole(300, seed + 10 * by));
        }
    }
    assert_eq!(*told.lock().unwrap(), []);
}

/// Two connections of one thread that compress at that level, and what their compressors are told.
fn telling_two(level: u8) -> (Arc<Mutex<Vec<usize>>>, Threads) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let config = compressing(|_, compression| compression.level = level);
    let env = Env::with_codecs(Random(1), Telling(told.clone()));
    (told, Threads::new(vec![env], &[config.clone(), config]))
}

/// The server's answers of two connections with the default compression, but for its level.
fn by_default() -> [String; 2] {
    [(); 2].map(|()| agreed(&Compression::default()))
}

/// The answers of a server.
fn agreed(policy: &Compression) -> String {
    let bits = policy.send_window_bits;
    let takeover = if policy.send_takeover {
        ""
    } else {
        "; server_no_context_takeover"
    };
    format!("server_max_window_bits={bits}{takeover}")
}

/// A policy that another is likely to have in common, so that they are lent the same.
fn policies() -> impl Strategy<Value = Compression> {
    let level = prop_oneof![6 => Just(1_u8), 2 => Just(6), 1 => 0_u8..=9];
    let bits = prop_oneof![4 => Just(9_u8), 2 => Just(12), 1 => 8_u8..=15];
    let memory = prop_oneof![5 => Just(Memory::Pooled), 1 => Just(Memory::Dedicated)];
    let takeover = prop::bool::weighted(0.9);
    (level, bits, memory, takeover).prop_map(|(level, bits, memory, takeover)| {
        let mut policy = Compression::default();
        policy.level = level;
        policy.send_window_bits = bits;
        policy.memory = memory;
        policy.send_takeover = takeover;
        policy
    })
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn nobody_is_referred_to_what_another_sent(
        (_, env) in proptest::sample::select(BACKENDS),
        policies in [policies(), policies(), policies()],
        acts in several((0_usize..2, 0_usize..3, acts()), 1..24),
    ) {
        let configs = policies.map(|policy| compressing(|config, compression| {
            *compression = policy;
            config.queue_limit = usize::MAX;
        }));
        let mut threads = Threads::new(vec![env(1), env(2)], &configs);
        for (on, by, act) in acts {
            threads.act(on, by, act);
        }
        for (read, sent) in threads.judged(&policies.map(|policy| agreed(&policy))) {
            prop_assert!(read == sent);
        }
    }
}
