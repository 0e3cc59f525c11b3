//! The other end of compressed messages: what offers, answers and messages of a foreign hand look like,
//! and every backend to meet them with.

use std::sync::Arc;

use miniz_oxide::{
    DataFormat,
    deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output},
};
use wsproto::{Compression, Config, Env, Role};

use super::{Answer, End, Frame, Opcode, Predictable, config, env, opposite};

/// A backend: its name, and what makes an environment that uses it.
pub(crate) type Backend = (&'static str, fn(u64) -> Env);

/// Every backend that there is.
pub(crate) const BACKENDS: &[Backend] = &[
    #[cfg(feature = "deflate")]
    ("miniz_oxide", |seed| {
        Env::with_codecs(Predictable(seed), wsproto::Miniz)
    }),
    #[cfg(feature = "zlib-rs")]
    ("zlib-rs", |seed| {
        Env::with_codecs(Predictable(seed), wsproto::ZlibRs::default())
    }),
];

/// The default configuration with the default compression, both changed.
pub(crate) fn compressing(change: impl FnOnce(&mut Config, &mut Compression)) -> Arc<Config> {
    config(|config| {
        let mut compression = Compression::default();
        change(config, &mut compression);
        config.compression = Some(compression);
    })
}

/// Text of `len` bytes that compresses as the texts of applications do.
pub(crate) fn json(len: usize, seed: usize) -> String {
    let mut text = String::new();
    let mut i = seed;
    while text.len() < len {
        i = i.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
        text += &format!(
            "{{\"id\":{},\"name\":\"user-{}\",\"ok\":{}}},",
            i % 1000,
            i % 77,
            i.is_multiple_of(2)
        );
    }
    text.truncate(len);
    text
}

/// Bytes that do not compress.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    use wsproto::Entropy;
    let mut noise = vec![0; len];
    Predictable(seed).fill(&mut noise);
    noise
}

/// The head with which a client offers `extensions`.
pub(crate) fn request(extensions: &str) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: {extensions}\r\n\r\n"
    )
    .into_bytes()
}

/// The head with which a server accepts `request` and answers `extensions`.
pub(crate) fn response(request: &[u8], extensions: &str) -> Vec<u8> {
    let mut server = End::accepting(config(|_| {}));
    server.read(request);
    let mut head = server.drain();
    head.truncate(head.len() - 2);
    head.extend(format!("Sec-WebSocket-Extensions: {extensions}\r\n\r\n").into_bytes());
    head
}

/// The value of `Sec-WebSocket-Extensions` in a head.
pub(crate) fn extensions(head: &[u8]) -> Option<String> {
    let head = str::from_utf8(head).expect("a head is text");
    let (head, _) = head.split_once("\r\n\r\n").expect("a head is whole");
    head.lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "))
        .map(str::to_owned)
}

/// An end that is open and compresses, if its peer's half of the negotiation was `extensions`.
pub(crate) fn opened(role: Role, env: Env, config: Arc<Config>, extensions: &str) -> End {
    let mut end = match role {
        Role::Server => End::accepting_in(env, config).with_answer(Answer::Accept),
        Role::Client => End::connecting_in(env, config),
    };
    let head = match role {
        Role::Server => request(extensions),
        Role::Client => response(&end.drain(), extensions),
    };
    end.read(&head);
    assert!(end.connection.is_open(), "{:?}", end.seen);
    end.drain();
    end.seen.clear();
    end
}

/// An end whose peer may use the whole window, under takeover, in both directions.
pub(crate) fn opened_plainly(role: Role, env: Env, config: Arc<Config>) -> End {
    opened(role, env, config, "permessage-deflate")
}

/// An environment with the codecs that are the default.
pub(crate) fn default_env() -> Env {
    env(4)
}

/// A deflater of other people's making.
pub(crate) struct Foreign(Box<CompressorOxide>);

impl Foreign {
    pub(crate) fn new(level: u8) -> Self {
        let mut oxide = Box::<CompressorOxide>::default();
        oxide.set_format_and_level(DataFormat::Raw, level);
        Self(oxide)
    }

    /// Some blocks that stand for `data` and end at a byte boundary.
    fn blocks(&mut self, data: &[u8], flush: TDEFLFlush) -> Vec<u8> {
        let mut out = Vec::new();
        compress_to_output(&mut self.0, data, flush, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
        out
    }

    /// What a sync flush ends: blocks with the empty stored one in full behind them.
    pub(crate) fn flushed(&mut self, data: &[u8]) -> Vec<u8> {
        let flushed = self.blocks(data, TDEFLFlush::Sync);
        assert!(data.is_empty() || flushed.ends_with(&[0, 0, 0xff, 0xff]));
        flushed
    }

    /// A message: what was flushed without its last four bytes (RFC 7692 7.2.1).
    pub(crate) fn message(&mut self, data: &[u8]) -> Vec<u8> {
        if data.is_empty() {
            return vec![0];
        }
        let mut message = self.flushed(data);
        message.truncate(message.len() - 4);
        message
    }

    /// Blocks of which the last is final (7.2.3.4).
    pub(crate) fn finished(mut self, data: &[u8]) -> Vec<u8> {
        self.blocks(data, TDEFLFlush::Finish)
    }
}

/// A message by somebody who knows of nothing before it.
pub(crate) fn message(data: &[u8]) -> Vec<u8> {
    Foreign::new(6).message(data)
}

/// A stored block (RFC 1951 3.2.4) that begins at a byte boundary.
pub(crate) fn stored(data: &[u8], is_final: bool) -> Vec<u8> {
    let len = u16::try_from(data.len()).expect("a stored block is short");
    let mut block = vec![u8::from(is_final)];
    block.extend(len.to_le_bytes());
    block.extend((!len).to_le_bytes());
    block.extend_from_slice(data);
    block
}

/// A compressed message in one frame, as `to`'s peer sends it.
pub(crate) fn frame(to: Role, opcode: Opcode, message: &[u8]) -> Vec<u8> {
    Frame::new(opcode, message)
        .reserved(4)
        .sent_by(opposite(to))
        .encode()
}

/// A compressed message in frames of the given lengths, the rest in a last one.
pub(crate) fn frames(opcode: Opcode, message: &[u8], lens: &[usize]) -> Vec<Frame> {
    let mut rest = message;
    let mut frames = Vec::new();
    for len in lens {
        let (part, later) = rest.split_at((*len).min(rest.len()));
        frames.push(Frame::continuation(part).unfinished());
        rest = later;
    }
    frames.push(Frame::continuation(rest));
    frames[0].opcode = opcode as u8;
    frames[0].reserved = 4;
    frames
}
