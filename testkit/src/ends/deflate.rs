//! The other end of compressed messages: offers, answers and messages that do not come from the core.

use std::sync::Arc;

use miniz_oxide::{
    DataFormat,
    deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output},
};
use wsproto::{Compression, Config, Env, Role};

use super::{Answer, End, env};
use crate::{Frame, Opcode, Random, config, handshake, opposite};

/// The default configuration with the default compression, both changed.
pub fn compressing(change: impl FnOnce(&mut Config, &mut Compression)) -> Arc<Config> {
    config(|config| {
        let mut compression = Compression::default();
        change(config, &mut compression);
        config.compression = Some(compression);
    })
}

/// JSON of `len` bytes, which compresses as the messages of applications do.
pub fn json(len: usize, seed: usize) -> String {
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
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    use wsproto::Entropy;
    let mut noise = vec![0; len];
    Random(seed).fill(&mut noise);
    noise
}

/// The request of a client that offers `extensions`.
pub fn request(extensions: &str) -> Vec<u8> {
    let offer = format!("Sec-WebSocket-Extensions: {extensions}\r\n");
    handshake::request("/", &offer).into_bytes()
}

/// The response of a server that accepts `request` and answers with `extensions`.
pub fn response(request: &[u8], extensions: &str) -> Vec<u8> {
    let mut server = End::accepting(config(|_| {}));
    server.read(request);
    let mut head = server.drain();
    head.truncate(head.len() - 2);
    head.extend(format!("Sec-WebSocket-Extensions: {extensions}\r\n\r\n").into_bytes());
    head
}

/// The value of `Sec-WebSocket-Extensions` in a head.
pub fn extensions(head: &[u8]) -> Option<String> {
    let head = str::from_utf8(head).expect("a head is text");
    let (head, _) = head.split_once("\r\n\r\n").expect("a head is whole");
    head.lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "))
        .map(str::to_owned)
}

/// An open end whose peer offered or answered with `extensions`.
pub fn opened(role: Role, env: Env, config: Arc<Config>, extensions: &str) -> End {
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

/// An open end that negotiated the whole window and context takeover in both directions.
pub fn opened_plainly(role: Role, env: Env, config: Arc<Config>) -> End {
    opened(role, env, config, "permessage-deflate")
}

/// An environment with the default codecs.
pub fn default_env() -> Env {
    env(4)
}

/// A deflater that is not the core's.
#[expect(missing_debug_implementations, reason = "the compressor has none")]
pub struct Foreign(Box<CompressorOxide>);

impl Foreign {
    /// Makes one that compresses at `level`.
    pub fn new(level: u8) -> Self {
        let mut oxide = Box::<CompressorOxide>::default();
        oxide.set_format_and_level(DataFormat::Raw, level);
        Self(oxide)
    }

    /// Compresses `data` into blocks that end at a byte boundary.
    fn blocks(&mut self, data: &[u8], flush: TDEFLFlush) -> Vec<u8> {
        let mut out = Vec::new();
        compress_to_output(&mut self.0, data, flush, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
        out
    }

    /// Compresses `data` with a sync flush: the empty stored block at the end is complete.
    pub fn flushed(&mut self, data: &[u8]) -> Vec<u8> {
        let flushed = self.blocks(data, TDEFLFlush::Sync);
        assert!(data.is_empty() || flushed.ends_with(&[0, 0, 0xff, 0xff]));
        flushed
    }

    /// Compresses a message: a sync flush without its last four bytes (RFC 7692 7.2.1).
    pub fn message(&mut self, data: &[u8]) -> Vec<u8> {
        if data.is_empty() {
            return vec![0];
        }
        let mut message = self.flushed(data);
        message.truncate(message.len() - 4);
        message
    }

    /// Compresses `data` into blocks of which the last has BFINAL (RFC 7692 7.2.3.4).
    pub fn finished(mut self, data: &[u8]) -> Vec<u8> {
        self.blocks(data, TDEFLFlush::Finish)
    }
}

/// Compresses a message without context takeover.
pub fn message(data: &[u8]) -> Vec<u8> {
    Foreign::new(6).message(data)
}

/// A stored block (RFC 1951 3.2.4) that begins at a byte boundary.
pub fn stored(data: &[u8], is_final: bool) -> Vec<u8> {
    let len = u16::try_from(data.len()).expect("a stored block is short");
    let mut block = vec![u8::from(is_final)];
    block.extend(len.to_le_bytes());
    block.extend((!len).to_le_bytes());
    block.extend_from_slice(data);
    block
}

/// Encodes a compressed message in one frame, as the peer of `to` sends it.
pub fn frame(to: Role, opcode: Opcode, message: &[u8]) -> Vec<u8> {
    Frame::new(opcode, message)
        .reserved(4)
        .sent_by(opposite(to))
        .encode()
}

/// Cuts a compressed message into frames of the given lengths, and one with the rest.
pub fn frames(opcode: Opcode, message: &[u8], lens: &[usize]) -> Vec<Frame> {
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
