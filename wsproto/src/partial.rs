//! The memory of a connection between reads: messages and control frames of which a part has been received.

use alloc::{boxed::Box, string::String, vec::Vec};

use crate::{
    deflate::{inflating::Inflating, pool::Pool},
    input::{Announced, Aside},
    spare::Spare,
};

/// Memory that a connection owns between reads if it stopped inside a message, or set input aside. Recycled.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    /// The message under way, unmasked and inflated.
    pub(crate) message: Assembly,
    /// The payload of a control frame under way, unmasked; at most 125 bytes.
    pub(crate) control: Vec<u8>,
    /// The compressed message under way, as far as it is not inflated into `message`.
    pub(crate) inflating: Inflating,
    /// Input that was set aside.
    pub(crate) aside: Aside,
    /// An event that was announced before `aside` was set aside. It comes before those bytes.
    pub(crate) announced: Option<Box<Announced>>,
}

impl Partial {
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.message, Assembly::None)
            && self.control.is_empty()
            && self.inflating.is_empty()
            && self.aside.is_empty()
            && self.announced.is_none()
    }

    /// Returns all memory to the pools.
    pub(crate) fn clear(&mut self, spare: &mut Spare, pool: &mut Pool) {
        self.message.take().recycle(spare);
        spare.put(core::mem::take(&mut self.control));
        self.inflating.clear(spare, pool);
        self.aside.recycle(spare);
        if let Some(announced) = self.announced.take() {
            announced.recycle(spare);
        }
    }
}

/// The received part of a message. Text is kept as a `String`, so that no byte is checked twice.
#[derive(Debug, Default)]
pub(crate) enum Assembly {
    #[default]
    None,
    Text(String),
    Bytes(Vec<u8>),
}

impl Assembly {
    pub(crate) fn take(&mut self) -> Self {
        core::mem::take(self)
    }

    pub(crate) fn recycle(self, spare: &mut Spare) {
        match self {
            Self::None => {}
            Self::Text(text) => spare.put(text.into_bytes()),
            Self::Bytes(bytes) => spare.put(bytes),
        }
    }
}
