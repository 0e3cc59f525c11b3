//! The bare backends in their fastest use: one stream for a single connection, output into preallocated
//! memory, no frames, no checks, no limits.

use std::hint::black_box;

use bench::{in_memory::Subject, json::Corpus};
use miniz_oxide::{
    DataFormat, MZFlush,
    deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output},
    inflate::stream::{InflateState, inflate},
};
use zlib_rs::{DeflateFlush, InflateFlush};

/// The bytes removed from the end of a message (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// A compression stream.
pub trait Compress {
    /// Compresses and flushes into `out`, which is empty and has room.
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>);
    /// Starts a new stream.
    fn reset(&mut self);
}

impl Compress for CompressorOxide {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // With a slice as output, it would use the same internal buffer and copy in several pieces.
        compress_to_output(self, input, TDEFLFlush::Sync, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
    }

    fn reset(&mut self) {
        self.reset();
    }
}

impl Compress for zlib_rs::Deflate {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let before = self.total_out();
        // Cleared memory, as safe code requires, of the minimum sufficient length.
        out.resize(input.len() / 2 + 128, 0);
        self.compress(input, out, DeflateFlush::SyncFlush)
            .expect("there is room");
        out.truncate((self.total_out() - before) as usize);
    }

    fn reset(&mut self) {
        self.reset();
    }
}

/// A stream that is recreated instead of reset.
pub struct Fresh<C, F> {
    make: F,
    stream: C,
}

impl<C, F: Fn() -> C> Fresh<C, F> {
    pub fn new(make: F) -> Self {
        let stream = make();
        Self { make, stream }
    }
}

impl<C: Compress, F: Fn() -> C> Compress for Fresh<C, F> {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.stream.compress(input, out);
    }

    fn reset(&mut self) {
        self.stream = (self.make)();
    }
}

/// A backend as the core calls it.
pub struct Codec(pub Box<dyn wsproto::Compressor>);

impl Compress for Codec {
    fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.0.compress(input, out);
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// A stream of miniz_oxide in its usual configuration.
pub fn miniz(level: u8) -> CompressorOxide {
    let mut oxide = CompressorOxide::default();
    oxide.set_format_and_level(DataFormat::Raw, level);
    oxide
}

/// A stream of miniz_oxide with static blocks only.
pub fn miniz_static(level: u8) -> CompressorOxide {
    CompressorOxide::with_params(DataFormat::Raw, level, CompressionStrategy::Fixed, 15)
}

/// A stream of zlib-rs with its default memory level.
pub fn zlib_rs(level: u8, window_bits: u8) -> zlib_rs::Deflate {
    zlib_rs::Deflate::new(level.into(), false, window_bits)
}

/// Compresses the whole corpus in each turn.
pub struct Compressing<C> {
    stream: C,
    takeover: bool,
    corpus: Corpus,
    out: Vec<u8>,
    written: usize,
}

impl<C: Compress> Compressing<C> {
    pub fn new(stream: C, takeover: bool, corpus: &Corpus) -> Self {
        let len = corpus.messages()[0].len();
        Self {
            stream,
            takeover,
            corpus: corpus.clone(),
            out: Vec::with_capacity(len + 256),
            written: 0,
        }
    }
}

impl<C: Compress> Subject for Compressing<C> {
    fn turn(&mut self) -> usize {
        let mut bytes = 0;
        for message in self.corpus.messages() {
            if !self.takeover {
                self.stream.reset();
            }
            let message = black_box(message).as_bytes();
            self.out.clear();
            self.stream.compress(message, &mut self.out);
            assert!(black_box(&self.out).ends_with(&TAIL));
            self.written += self.out.len() - TAIL.len();
            bytes += message.len();
        }
        bytes
    }

    fn compressed_to(&self) -> Option<usize> {
        Some(self.written)
    }
}

/// A decompression stream.
pub trait Inflate {
    /// Inflates a message with its [`TAIL`]; returns the length of the output.
    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> usize;
    /// Starts a new stream.
    fn reset(&mut self);
}

impl Inflate for Box<InflateState> {
    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> usize {
        inflate(self, input, out, MZFlush::None).bytes_written
    }

    fn reset(&mut self) {
        (**self).reset(DataFormat::Raw);
    }
}

impl Inflate for zlib_rs::Inflate {
    fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> usize {
        let before = self.total_out();
        self.decompress(input, out, InflateFlush::SyncFlush)
            .expect("a legal stream");
        (self.total_out() - before) as usize
    }

    fn reset(&mut self) {
        self.reset(false);
    }
}

/// A decompression stream of miniz_oxide.
pub fn miniz_inflate() -> Box<InflateState> {
    InflateState::new_boxed(DataFormat::Raw)
}

/// Inflates the whole corpus in each turn.
pub struct Inflating<I> {
    stream: I,
    takeover: bool,
    messages: Vec<Vec<u8>>,
    out: Vec<u8>,
}

impl<I: Inflate> Inflating<I> {
    /// Inflates the corpus as compressed by `compressor`.
    pub fn new(
        stream: I,
        compressor: &mut dyn wsproto::Compressor,
        takeover: bool,
        corpus: &Corpus,
    ) -> Self {
        let messages = corpus.messages().iter().map(|message| {
            if !takeover {
                compressor.reset();
            }
            let mut out = Vec::new();
            compressor.compress(message.as_bytes(), &mut out);
            out
        });
        Self {
            stream,
            takeover,
            messages: messages.collect(),
            out: vec![0; corpus.messages()[0].len() + 16],
        }
    }
}

impl<I: Inflate> Subject for Inflating<I> {
    fn turn(&mut self) -> usize {
        let mut bytes = 0;
        for message in &self.messages {
            if !self.takeover {
                self.stream.reset();
            }
            let written = self.stream.inflate(black_box(message), &mut self.out);
            bytes += black_box(&self.out[..written]).len();
        }
        bytes
    }
}
