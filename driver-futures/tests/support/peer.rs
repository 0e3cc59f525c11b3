//! The other end of a pipe, in the hands of a test: byte by byte, without a task.

use std::io::ErrorKind;

use super::{
    frames::{Frame, decode},
    pipe::{Pipe, lock},
};

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer(pub(crate) Pipe);

impl Peer {
    /// Sends bytes, however many the pipe can carry.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut stream = lock(&self.0.outgoing);
        stream.bytes.extend(bytes.as_ref());
        stream.wake_reader();
    }

    /// Sends frames, masked as a client's are, in one go.
    pub(crate) fn send_masked(&self, frames: &[Frame]) {
        let bytes: Vec<_> = frames
            .iter()
            .flat_map(|frame| frame.clone().masked([1, 2, 3, 4]).encode())
            .collect();
        self.send(bytes);
    }

    /// Ends its writing side.
    pub(crate) fn finish(&self) {
        let mut stream = lock(&self.0.outgoing);
        stream.ended = true;
        stream.wake_reader();
    }

    /// Lets the connection's reads fail once everything sent is read.
    pub(crate) fn fail_reads(&self, kind: ErrorKind) {
        let mut stream = lock(&self.0.outgoing);
        stream.read_error = Some(kind);
        stream.wake_reader();
    }

    /// Lets the connection's writes fail.
    pub(crate) fn fail_writes(&self, kind: ErrorKind) {
        let mut stream = lock(&self.0.incoming);
        stream.write_error = Some(kind);
        stream.wake_writer();
    }

    /// Takes up to `max` bytes of what the connection has written.
    pub(crate) fn take_some(&self, max: usize) -> Vec<u8> {
        let mut stream = lock(&self.0.incoming);
        let len = max.min(stream.bytes.len());
        let bytes = stream.bytes.drain(..len).collect();
        stream.wake_writer();
        bytes
    }

    /// Takes what the connection has written.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.take_some(usize::MAX)
    }

    /// Drops what the connection has written; tells how much it was.
    pub(crate) fn skip(&self) -> usize {
        let mut stream = lock(&self.0.incoming);
        let len = stream.bytes.len();
        stream.bytes.clear();
        stream.wake_writer();
        len
    }

    /// Takes the frames that the connection has written.
    pub(crate) fn take_frames(&self) -> Vec<Frame> {
        decode(&self.take())
    }

    /// Bytes that the connection has not read yet.
    pub(crate) fn unread(&self) -> usize {
        lock(&self.0.outgoing).bytes.len()
    }

    /// Bytes that the connection has read so far.
    pub(crate) fn read(&self) -> usize {
        lock(&self.0.outgoing).given
    }

    /// Writes that the connection has made so far.
    pub(crate) fn writes(&self) -> usize {
        lock(&self.0.incoming).writes
    }

    /// Whether the connection has ended its writing side.
    pub(crate) fn is_finished(&self) -> bool {
        lock(&self.0.incoming).ended
    }
}
