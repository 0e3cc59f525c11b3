//! The other end of a pipe, played by a test without a task.

use std::io::ErrorKind;

use super::pipe::{Pipe, lock};
use crate::{Frame, decode};

/// The other end of a connection.
#[derive(Debug)]
pub struct Peer(pub Pipe);

impl Peer {
    /// Sends bytes, regardless of the capacity of the pipe.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut stream = lock(&self.0.outgoing);
        stream.bytes.extend(bytes.as_ref());
        stream.wake_reader();
    }

    /// Sends masked frames in one piece.
    pub fn send_masked(&self, frames: &[Frame]) {
        let bytes: Vec<_> = frames
            .iter()
            .flat_map(|frame| frame.clone().masked([1, 2, 3, 4]).encode())
            .collect();
        self.send(bytes);
    }

    /// Shuts down its writing side.
    pub fn finish(&self) {
        let mut stream = lock(&self.0.outgoing);
        stream.ended = true;
        stream.wake_reader();
    }

    /// Makes the connection's reads fail once everything sent is read.
    pub fn fail_reads(&self, kind: ErrorKind) {
        let mut stream = lock(&self.0.outgoing);
        stream.read_error = Some(kind);
        stream.wake_reader();
    }

    /// Makes the connection's writes fail.
    pub fn fail_writes(&self, kind: ErrorKind) {
        let mut stream = lock(&self.0.incoming);
        stream.write_error = Some(kind);
        stream.wake_writer();
    }

    /// Takes up to `max` of the bytes that the connection has written.
    pub fn take_some(&self, max: usize) -> Vec<u8> {
        let mut stream = lock(&self.0.incoming);
        let len = max.min(stream.bytes.len());
        let bytes = stream.bytes.drain(..len).collect();
        stream.wake_writer();
        bytes
    }

    /// Takes the bytes that the connection has written.
    pub fn take(&self) -> Vec<u8> {
        self.take_some(usize::MAX)
    }

    /// Drops the bytes that the connection has written, and returns how many.
    pub fn skip(&self) -> usize {
        let mut stream = lock(&self.0.incoming);
        let len = stream.bytes.len();
        stream.bytes.clear();
        stream.wake_writer();
        len
    }

    /// Takes the frames that the connection has written.
    pub fn take_frames(&self) -> Vec<Frame> {
        decode(&self.take())
    }

    /// Bytes that the connection has not read yet.
    pub fn unread(&self) -> usize {
        lock(&self.0.outgoing).bytes.len()
    }

    /// Bytes that the connection has read.
    pub fn read(&self) -> usize {
        lock(&self.0.outgoing).given
    }

    /// Writes that the connection has made.
    pub fn writes(&self) -> usize {
        lock(&self.0.incoming).writes
    }

    /// True if the connection has shut down its writing side.
    pub fn is_finished(&self) -> bool {
        lock(&self.0.incoming).ended
    }
}
