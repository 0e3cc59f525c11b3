//! The outgoing queue: data in order, and control frames that overtake it at a frame boundary.
//!
//! ```text
//!              first                     more
//!   ┌─────────────────────────┐ ┌────────────────┐ ┌──────────────┐
//!   │ sent ┆ rest of │ frame  │ │ shared frame   │ │ frame, frame │ ◄── reserve, push_shared, push_payload
//!   └──────┴─────────┴────────┘ └────────────────┘ └──────────────┘
//!          ▲         ▲
//!      front_sent    └ front_sent + begun: a frame boundary. Control frames go out here:
//!                        ┌──────────────────────────┐
//!              control   │ sent ┆ ping │ pong, pong │ ◄── push_control, push_pong
//!                        └──────┴──────┴────────────┘
//!                               ▲        newest_pong ▲
//!                          control_sent
//! ```
//!
//! The order on the wire is: the rest of the frame that has begun, then `control`, then the other data.
//!
//! # Invariants
//!
//! They hold between calls. After [`reserve`](Queue::reserve) and before
//! [`push_payload`](Queue::push_payload), the caller must append the announced bytes before the next call.
//!
//! 1. Data is `first`, then `more` in order. Its front buffer is `first`, or `more[0]` if `first` is empty.
//! 2. No buffer of `more` is empty, and none is sent as a whole: `front_sent` is less than the length of the front
//!    buffer, and 0 if there is no data.
//! 3. `data_len` is the sum of all data lengths minus `front_sent`.
//! 4. A frame header lies in one buffer. A payload may be in the next one.
//! 5. `begun <= data_len`, and the offset `begun` into unsent data is a frame boundary (or the end of an HTTP
//!    head): the only place where control frames may overtake.
//! 6. `control` holds whole control frames, the first `control_sent` bytes of which are sent. Sent ones are
//!    dropped at the latest when all of them are sent. While one is sent in part, `begun` is 0.
//! 7. `newest_pong`, if there is one, is the offset of the newest pong in `control`; a pong of which a byte was
//!    sent is not replaced.
//!
//! Two more are the connection's: a Close frame is the last frame of the data, and a queue exists only while it has
//! something to send.

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use crate::{
    spare::Spare,
    wire::frame::{self, Encoded, FIN, Opcode},
};

/// Small frames share a buffer of about this many bytes, so that one write sends them.
const BUFFER: usize = 128 << 10;

/// Bytes waiting to be sent. A connection owns a queue only while it has some.
///
/// Data is one stream of frames, cut into buffers: `first`, then `more`. Frame boundaries are not recorded:
/// the frames are our own, so their headers are parsed again whenever a write ends between or inside frames.
#[derive(Default)]
pub(crate) struct Queue {
    first: Vec<u8>,
    more: VecDeque<Buffer>,
    /// Bytes of the front buffer that are sent. The front buffer is `first`, unless `first` is empty.
    front_sent: usize,
    /// Bytes of data that are not sent yet.
    data_len: usize,
    /// The number of those that belong to a frame (or an HTTP head) whose first bytes are sent.
    begun: usize,
    /// Control frames, to be sent after the bytes in `begun`.
    control: Vec<u8>,
    control_sent: usize,
    /// Offset of the newest pong in `control`.
    newest_pong: Option<usize>,
}

impl core::fmt::Debug for Queue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

enum Buffer {
    Owned(Vec<u8>),
    /// Frames encoded once for many connections.
    Shared(Arc<[u8]>),
}

impl Buffer {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Queue {
    /// Returns the number of bytes that are not sent yet.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.data_len + self.control.len() - self.control_sent
    }

    /// Returns true if data, or a part of a data frame, is not sent yet.
    pub(crate) const fn has_data(&self) -> bool {
        self.data_len > 0
    }

    /// Returns true if control frames, or a part of one, are not sent yet.
    pub(crate) fn has_control(&self) -> bool {
        self.control.len() > self.control_sent
    }

    /// Returns true if the data has a frame of which nothing has been sent.
    pub(crate) fn has_whole_frame(&self) -> bool {
        self.data_len > self.begun
    }

    /// Returns a buffer to which the caller must append `len` bytes of whole frames at once.
    #[inline]
    pub(crate) fn reserve(&mut self, len: usize, spare: &mut Spare) -> &mut Vec<u8> {
        self.data_len += len;
        let needed = self.first.len() + len.max(Encoded::ROOM);
        if self.more.is_empty() && needed <= self.first.capacity().min(BUFFER) {
            &mut self.first
        } else {
            self.reserve_more(len, spare)
        }
    }

    #[cold]
    fn reserve_more(&mut self, len: usize, spare: &mut Spare) -> &mut Vec<u8> {
        if self.more.is_empty() && self.first.is_empty() {
            // A large frame gets a buffer of its own size instead of growing a small one.
            if len > BUFFER || self.first.capacity() == 0 {
                let small = core::mem::replace(&mut self.first, spare.take(len));
                spare.put(small);
            }
            return make_room(&mut self.first, len);
        }
        if self.more.is_empty() && fits(&self.first, len) {
            return make_room(&mut self.first, len);
        }
        if !matches!(self.more.back(), Some(Buffer::Owned(last)) if fits(last, len)) {
            self.more.push_back(Buffer::Owned(spare.take(len)));
        }
        match self.more.back_mut() {
            Some(Buffer::Owned(last)) => make_room(last, len),
            Some(Buffer::Shared(_)) | None => unreachable!("an owned buffer was just pushed"),
        }
    }

    /// Appends whole frames that are shared with other connections.
    pub(crate) fn push_shared(&mut self, frames: Arc<[u8]>) {
        self.data_len += frames.len();
        self.more.push_back(Buffer::Shared(frames));
    }

    /// Appends a payload without copying it. Its header must have been appended just before.
    pub(crate) fn push_payload(&mut self, payload: Vec<u8>) {
        self.data_len += payload.len();
        self.more.push_back(Buffer::Owned(payload));
    }

    /// Marks everything queued so far as begun, so that no control frame overtakes it: an HTTP head, or the
    /// rest of a frame whose first bytes are sent.
    pub(crate) fn begin_all(&mut self) {
        self.begun = self.data_len;
    }

    /// Appends a control frame.
    pub(crate) fn push_control(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.forget_sent_control();
        write(&mut self.control);
    }

    /// Appends a pong. Once the unsent control frames reach `max` bytes, it replaces the newest pong, if that
    /// is unsent and the last control frame.
    pub(crate) fn push_pong(&mut self, max: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.forget_sent_control();
        if self.control.len() - self.control_sent >= max
            && let Some(newest) = self.newest_pong
            && newest >= self.control_sent
            && newest + frame::own_len(&self.control[newest..]) == self.control.len()
        {
            self.control.truncate(newest);
        }
        self.newest_pong = Some(self.control.len());
        write(&mut self.control);
    }

    /// Drops the sent control frames once they take more than half of `control`. Otherwise a peer that reads
    /// a little between its pings would make every pong stay in memory.
    fn forget_sent_control(&mut self) {
        let sent = self.control_sent;
        if sent > self.control.len() / 2 {
            self.control.drain(..sent);
            self.control_sent = 0;
            self.newest_pong = self.newest_pong.and_then(|newest| newest.checked_sub(sent));
        }
    }

    /// Returns the bytes to send, oldest first.
    pub(crate) fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            queue: Some(self),
            begun: self.begun,
            control: self.has_control(),
            index: 0,
            given: 0,
        }
    }

    /// Records that the transport took `n` bytes, which is at most [`len`](Self::len).
    #[inline]
    pub(crate) fn sent(&mut self, n: usize, spare: &mut Spare) {
        if n >= self.len() {
            self.clear(spare);
        } else {
            self.sent_some(n, spare);
        }
    }

    fn sent_some(&mut self, mut n: usize, spare: &mut Spare) {
        let begun = n.min(self.begun);
        self.begun -= begun;
        self.advance(begun, spare);
        n -= begun;
        let control = n.min(self.control.len() - self.control_sent);
        self.control_sent += control;
        n -= control;
        if self.control_sent == self.control.len() {
            self.control.clear();
            self.control_sent = 0;
            self.newest_pong = None;
        }
        while n > 0 {
            let frame = frame::own_len(&self.front());
            let part = n.min(frame);
            self.advance(part, spare);
            self.begun = frame - part;
            n -= part;
        }
    }

    /// Returns the first bytes of unsent data, enough for a header. A header never spans two buffers.
    fn front(&self) -> [u8; frame::MAX_HEADER] {
        self.header_at(0)
    }

    /// Removes `n` sent bytes from the front of the data.
    fn advance(&mut self, mut n: usize, spare: &mut Spare) {
        self.data_len -= n;
        loop {
            let front = if self.first.is_empty() {
                self.more.front()
            } else {
                None
            };
            let unsent = front.map_or(&*self.first, Buffer::as_slice).len() - self.front_sent;
            if n < unsent {
                self.front_sent += n;
                return;
            }
            n -= unsent;
            self.front_sent = 0;
            if !self.first.is_empty() {
                self.first.clear();
            } else if let Some(Buffer::Owned(bytes)) = self.more.pop_front() {
                spare.put(bytes);
            }
            // An owned buffer at the front becomes `first`, so that frames can be appended to it.
            if let Some(Buffer::Owned(next)) = self.more.front_mut() {
                let next = core::mem::take(next);
                self.more.pop_front();
                spare.put(core::mem::replace(&mut self.first, next));
            } else if self.more.is_empty() {
                return;
            }
        }
    }

    /// Drops everything, and returns large buffers to the pool.
    pub(crate) fn clear(&mut self, spare: &mut Spare) {
        for buffer in self.more.drain(..) {
            if let Buffer::Owned(bytes) = buffer {
                spare.put(bytes);
            }
        }
        if self.first.capacity() > BUFFER {
            spare.put(core::mem::take(&mut self.first));
        }
        self.first.clear();
        self.control.clear();
        self.front_sent = 0;
        self.data_len = 0;
        self.begun = 0;
        self.control_sent = 0;
        self.newest_pong = None;
    }

    /// Drops whole unsent messages, oldest first, until `bytes` bytes are freed. Drops none, and returns
    /// `false`, if dropping all of them would not be enough.
    ///
    /// Compressed messages are dropped only if `compressed_too` is set: with context takeover the peer needs
    /// each.
    pub(crate) fn drop_oldest(&mut self, bytes: usize, compressed_too: bool) -> bool {
        let mut gain = 0;
        // A message of which bytes are sent is not dropped: its further fragments are skipped.
        let mut at = self.begun;
        while gain < bytes {
            let Some((start, end)) = self.next_droppable(at, compressed_too) else {
                return false;
            };
            gain += end - start;
            at = end;
        }
        at = self.begun;
        while gain > 0
            && let Some((start, end)) = self.next_droppable(at, compressed_too)
        {
            self.remove(start, end);
            gain -= end - start;
            at = start;
        }
        true
    }

    /// Returns the first whole message at or after the frame boundary `at` that may be dropped.
    fn next_droppable(&self, mut at: usize, compressed_too: bool) -> Option<(usize, usize)> {
        loop {
            let (start, end) = self.next_whole_message(at)?;
            if compressed_too || self.header_at(start)[0] & frame::RSV1 == 0 {
                return Some((start, end));
            }
            at = end;
        }
    }

    /// Returns the first whole message at or after the frame boundary `at`, as offsets into unsent data.
    fn next_whole_message(&self, mut at: usize) -> Option<(usize, usize)> {
        let mut start = None;
        while at < self.data_len {
            let header = self.header_at(at);
            let end = at + frame::own_len(&header);
            let opcode = header[0] & 0x0f;
            if opcode == Opcode::Text as u8 || opcode == Opcode::Binary as u8 {
                start = Some(at);
            } else if opcode == Opcode::Close as u8 {
                return None;
            }
            if let Some(start) = start
                && header[0] & FIN != 0
            {
                return Some((start, end));
            }
            at = end;
        }
        None
    }

    /// Returns the header at the frame boundary `at`, an offset into unsent data.
    fn header_at(&self, mut at: usize) -> [u8; frame::MAX_HEADER] {
        let mut header = [0; frame::MAX_HEADER];
        let mut index = 0;
        while let Some(bytes) = self.unsent(index) {
            if at < bytes.len() {
                let len = (bytes.len() - at).min(header.len());
                header[..len].copy_from_slice(&bytes[at..at + len]);
                break;
            }
            at -= bytes.len();
            index += 1;
        }
        header
    }

    /// Removes the bytes from `start` to `end` of unsent data.
    fn remove(&mut self, start: usize, end: usize) {
        self.data_len -= end - start;
        let mut offset = 0;
        // The range of bytes to remove from a buffer of `len` bytes, of which the first `sent` are sent.
        let mut part = |len: usize, sent: usize| {
            let (from, to) = (offset, offset + len - sent);
            offset = to;
            start.clamp(from, to) - from + sent..end.clamp(from, to) - from + sent
        };
        let mut sent = self.front_sent;
        if !self.first.is_empty() {
            self.first.drain(part(self.first.len(), sent));
            sent = 0;
            if self.first.len() == self.front_sent {
                self.first.clear();
                self.front_sent = 0;
            }
        }
        for buffer in &mut self.more {
            let part = part(buffer.as_slice().len(), sent);
            sent = 0;
            match buffer {
                _ if part.is_empty() => {}
                Buffer::Owned(bytes) => drop(bytes.drain(part)),
                Buffer::Shared(bytes) => {
                    let mut rest = bytes[..part.start].to_vec();
                    rest.extend_from_slice(&bytes[part.end..]);
                    *buffer = Buffer::Owned(rest);
                }
            }
        }
        self.more.retain(|buffer| !buffer.as_slice().is_empty());
    }

    /// Returns the unsent bytes of the buffer at `index`: 0 is `first`, the others are `more`.
    fn unsent(&self, index: usize) -> Option<&[u8]> {
        let front = usize::from(self.first.is_empty());
        let bytes = match index.checked_sub(1) {
            None => &*self.first,
            Some(index) => self.more.get(index)?.as_slice(),
        };
        let sent = if index == front { self.front_sent } else { 0 };
        Some(&bytes[sent..])
    }
}

/// Returns true if `len` further bytes may share the buffer.
fn fits(buffer: &[u8], len: usize) -> bool {
    buffer.len() + len.max(Encoded::ROOM) <= BUFFER
}

/// Makes room for `len` bytes. The capacity doubles, but not beyond the size of a shared buffer: otherwise
/// the returned buffers would count as large, and small frames would find none in the pool.
fn make_room(buffer: &mut Vec<u8>, len: usize) -> &mut Vec<u8> {
    let needed = buffer.len() + len.max(Encoded::ROOM);
    if needed > buffer.capacity() {
        let capacity = (2 * buffer.capacity()).min(BUFFER).max(needed);
        buffer.reserve_exact(capacity - buffer.len());
    }
    buffer
}

/// The bytes to send, as non-empty slices, oldest first. Returned by
/// [`Connection::outgoing`](crate::Connection::outgoing).
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    queue: Option<&'a Queue>,
    /// Bytes of the begun frame that were not yielded yet.
    begun: usize,
    /// True if the control frames were not yielded yet.
    control: bool,
    /// Index of the next buffer, and the number of its bytes that were yielded.
    index: usize,
    given: usize,
}

impl Outgoing<'_> {
    /// Creates an empty iterator.
    pub(crate) const fn none() -> Self {
        Self {
            queue: None,
            begun: 0,
            control: false,
            index: 0,
            given: 0,
        }
    }
}

impl<'a> Iterator for Outgoing<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let queue = self.queue?;
        if self.begun == 0 && core::mem::take(&mut self.control) {
            return Some(&queue.control[queue.control_sent..]);
        }
        loop {
            let bytes = queue.unsent(self.index)?;
            let mut bytes = &bytes[self.given..];
            if bytes.is_empty() {
                self.index += 1;
                self.given = 0;
                continue;
            }
            if self.begun > 0 {
                bytes = &bytes[..bytes.len().min(self.begun)];
                self.begun -= bytes.len();
            }
            self.given += bytes.len();
            return Some(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let header = Encoded::new(first, payload.len(), None);
        [header.as_slice(), payload].concat()
    }

    /// Checks the invariants of the module's documentation, as far as bytes can show them.
    fn check(queue: &Queue) {
        let buffers = || {
            let first = (!queue.first.is_empty()).then_some(&*queue.first);
            first
                .into_iter()
                .chain(queue.more.iter().map(Buffer::as_slice))
        };
        let front_len = buffers().next().map_or(0, <[u8]>::len);
        assert!(buffers().all(|buffer| !buffer.is_empty()));
        assert!(queue.front_sent < front_len || (queue.front_sent, front_len) == (0, 0));
        let len: usize = buffers().map(<[u8]>::len).sum();
        assert_eq!(queue.data_len, len - queue.front_sent);
        assert!(queue.begun <= queue.data_len);
        // Frames begin at `begun`, and each has its header in one buffer.
        let data = buffers().collect::<Vec<_>>().concat();
        let mut ends = Vec::new();
        for buffer in buffers() {
            ends.push(ends.last().unwrap_or(&0) + buffer.len());
        }
        let mut at = queue.front_sent + queue.begun;
        while at < data.len() {
            let masked = usize::from(data[at + 1] >> 7) * 4;
            let header_len = masked
                + match data[at + 1] & 0x7f {
                    126 => 4,
                    127 => 10,
                    _ => 2,
                };
            assert!(ends.iter().all(|end| *end <= at || *end >= at + header_len));
            at += frame::own_len(&data[at..]);
        }
        assert_eq!(at, data.len());
        let (control, sent) = (queue.control.len(), queue.control_sent);
        assert!(sent < control || (sent, control) == (0, 0));
        let mut at = 0;
        let mut boundaries = Vec::new();
        while at < control {
            boundaries.push(at);
            at += frame::own_len(&queue.control[at..]);
        }
        assert_eq!(at, control);
        assert!(sent == 0 || boundaries.contains(&sent) || queue.begun == 0);
        let is_boundary = |newest: usize| boundaries.contains(&newest);
        assert!(queue.newest_pong.is_none_or(is_boundary));
    }

    fn unsent(queue: &Queue) -> Vec<u8> {
        queue.outgoing().collect::<Vec<_>>().concat()
    }

    fn push(queue: &mut Queue, spare: &mut Spare, bytes: &[u8]) {
        queue.reserve(bytes.len(), spare).extend_from_slice(bytes);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Frame(usize),
        Shared(usize),
        Split(usize),
        Control,
        Sent(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let len = || prop_oneof![4 => 0_usize..300, 1 => 60_000_usize..140_000];
        let step = prop_oneof![
            4 => len().prop_map(Step::Frame),
            1 => len().prop_map(Step::Shared),
            1 => len().prop_map(|len| Step::Split(len + 1)),
            1 => Just(Step::Control),
            4 => len().prop_map(Step::Sent),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        /// Compares the queue with a list of frames: each is sent in one piece, data in order, and control
        /// frames before every data frame that has not begun.
        #[test]
        fn frames_leave_whole_and_in_order(steps in steps()) {
            let (mut queue, mut spare) = (Queue::default(), Spare::default());
            let mut twin: VecDeque<Vec<u8>> = VecDeque::new();
            let mut begun = false;
            for (i, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Frame(len) => {
                        twin.push_back(frame(0x82, &[i as u8].repeat(len)));
                        push(&mut queue, &mut spare, &twin[twin.len() - 1]);
                    }
                    Step::Shared(len) => {
                        twin.push_back(frame(0x82, &[i as u8].repeat(len)));
                        queue.push_shared(twin[twin.len() - 1].as_slice().into());
                    }
                    Step::Split(len) => {
                        let header = Encoded::new(0x82, len, None);
                        let header = header.as_slice();
                        let payload = [i as u8].repeat(len);
                        push(&mut queue, &mut spare, header);
                        queue.push_payload(payload.clone());
                        twin.push_back([header, &payload].concat());
                    }
                    Step::Control => {
                        let ping = frame(0x89, &[i as u8]);
                        queue.push_control(|out| out.extend_from_slice(&ping));
                        let controls = twin.iter().skip(usize::from(begun)).take_while(|f| f[0] == 0x89).count();
                        // A control frame of which a part is sent stays in front of the new one.
                        let part = usize::from(begun);
                        twin.insert(part + controls, ping);
                    }
                    Step::Sent(n) => {
                        let mut n = n.min(queue.len());
                        queue.sent(n, &mut spare);
                        while n > 0 {
                            let front = &mut twin[0];
                            let part = n.min(front.len());
                            front.drain(..part);
                            begun = !front.is_empty();
                            if !begun {
                                twin.pop_front();
                            }
                            n -= part;
                        }
                    }
                }
                let expected = twin.iter().flatten().copied().collect::<Vec<_>>();
                prop_assert_eq!(queue.len(), expected.len());
                prop_assert!(unsent(&queue) == expected);
                check(&queue);
            }
        }
    }

    #[test]
    fn pongs_beyond_the_bound_replace_the_newest() {
        let mut queue = Queue::default();
        for i in 0..100 {
            queue.push_pong(20, |out| out.extend_from_slice(&frame(0x8a, &[i])));
        }
        let mut expected: Vec<u8> = (0..6).flat_map(|i| frame(0x8a, &[i])).collect();
        expected.extend(frame(0x8a, &[99]));
        assert_eq!(unsent(&queue), expected);
    }

    #[test]
    fn pongs_that_are_sent_are_forgotten_although_some_are_never_sent() {
        let (mut queue, mut spare) = (Queue::default(), Spare::default());
        let pong = frame(0x8a, &[7; 125]);
        queue.push_pong(4096, |out| out.extend_from_slice(&pong));
        for _ in 0..10_000 {
            queue.push_pong(4096, |out| out.extend_from_slice(&pong));
            queue.sent(pong.len(), &mut spare);
        }
        assert_eq!(unsent(&queue), pong);
        assert!(
            queue.control.capacity() < 4 * 4096,
            "{}",
            queue.control.capacity()
        );
    }

    #[test]
    fn a_pong_of_which_a_part_is_sent_is_not_replaced() {
        let (mut queue, mut spare) = (Queue::default(), Spare::default());
        queue.push_pong(1, |out| out.extend_from_slice(&frame(0x8a, b"a")));
        queue.sent(2, &mut spare);
        queue.push_pong(1, |out| out.extend_from_slice(&frame(0x8a, b"b")));
        queue.push_pong(1, |out| out.extend_from_slice(&frame(0x8a, b"c")));
        assert_eq!(unsent(&queue), b"a\x8a\x01c");
    }

    #[test]
    fn only_whole_unsent_uncompressed_messages_are_dropped() {
        let (mut queue, mut spare) = (Queue::default(), Spare::default());
        let frames = [
            frame(0x82, b"begun"),
            frame(0x82, b"old"),
            frame(0x01, b"in "),
            frame(0x00, b"two "),
            frame(0x80, b"parts"),
            frame(0xc1, b"compressed"),
            frame(0x81, b"newer"),
            frame(0x01, b"unfinished"),
        ];
        for frame in &frames[..4] {
            push(&mut queue, &mut spare, frame);
        }
        queue.push_shared(frames[4].as_slice().into());
        for frame in &frames[5..] {
            push(&mut queue, &mut spare, frame);
        }
        queue.sent(1, &mut spare);
        let begun = &frames[0][1..];
        let all = [begun, &frames[1..].concat()].concat();
        assert!(
            !queue.drop_oldest(100, false),
            "all that may go is not enough"
        );
        assert!(unsent(&queue) == all, "so nothing goes");
        assert!(queue.drop_oldest(1, false), "the oldest whole one");
        assert!(unsent(&queue) == [begun, &frames[2..].concat()].concat());
        assert!(queue.drop_oldest(6, false), "all fragments of a message");
        assert!(unsent(&queue) == [begun, &frames[5..].concat()].concat());
        assert!(
            queue.drop_oldest(7, false),
            "not the compressed one before it"
        );
        assert!(!queue.drop_oldest(1, false));
        assert!(unsent(&queue) == [begun, &frames[5], &frames[7]].concat());
        assert!(
            queue.drop_oldest(1, true),
            "the compressed one, if nothing refers to it"
        );
        assert!(unsent(&queue) == [begun, &frames[7]].concat());
        check(&queue);
        let len = queue.len();
        queue.sent(len - 1, &mut spare);
        assert_eq!(unsent(&queue), b"d");
    }

    #[test]
    fn a_shared_buffer_is_never_copied() {
        let (mut queue, mut spare) = (Queue::default(), Spare::default());
        let shared: Arc<[u8]> = frame(0x82, &[7; 100_000]).into();
        queue.push_shared(Arc::clone(&shared));
        queue.sent(50_000, &mut spare);
        assert_eq!(
            queue.outgoing().next().map(<[u8]>::as_ptr),
            Some(shared[50_000..].as_ptr())
        );
        queue.sent(shared.len() - 50_000, &mut spare);
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}
