//! Messages that were on their way when the transport was lost.

use std::io::{self, ErrorKind, Read, Write};

use crate::handlers::{Recorder, opened};
use driver_mio::{
    Adopt, Registration, Role, SendError, Server, Stream, Transport, wsproto::Agreed,
};

/// A transport that cannot be written to any more, and whose peer has not ended its side.
struct WriteLost;

impl Read for WriteLost {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Write for WriteLost {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for WriteLost {
    fn register(&mut self, _: Registration<'_>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_message_that_is_dropped_with_a_lost_transport_was_not_sent() {
    let (recorder, news) = Recorder::new();
    let loops = Server::new().loops(1).start(recorder).unwrap();
    let adopt = Adopt::upgraded(Role::Server, Agreed::default());
    loops
        .adopt_with(Stream::transport(WriteLost), adopt, 0)
        .unwrap();
    let handle = opened(&news);
    assert_eq!(handle.send_async("lost").wait(), Err(SendError::Closed));
}
