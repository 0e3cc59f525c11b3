//! Half a payload: what has come of a message or control frame that is not whole yet.

use alloc::{boxed::Box, string::String, vec::Vec};

use crate::{
    deflate::{inflating::Inflating, pool::Pool},
    input::{Announced, Aside},
    spare::Spare,
};

/// What a connection owns between reads, if it stopped in the middle of something. Recycled.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    /// The message under way, unmasked.
    pub(crate) message: Assembly,
    /// The payload of a control frame under way, unmasked; at most 125 bytes.
    pub(crate) control: Vec<u8>,
    /// The compressed message under way, as far as it is not in `message`.
    pub(crate) inflating: Inflating,
    /// Input that was set aside.
    pub(crate) aside: Aside,
    /// An event that was announced before `aside` was set aside, and comes before it.
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

    /// Gives all memory back.
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

/// A message as far as it has come. Text is kept as text, so that no byte is checked twice.
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
