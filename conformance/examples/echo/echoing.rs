//! What every echo program does with a connection, whichever driver it came from.

use std::error::Error;

use driver_async::{Clock, Transport, WebSocket};
use wsproto::{Compression, Config, Event, SendError};

/// The defaults, and compression wherever the peer knows it.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.compression = Some(Compression::default());
    config
}

/// Sends each message back with the type that it had, until the connection is over.
///
/// An error is a violation by the peer, which has been told.
pub(crate) async fn echo<S: Transport, C: Clock>(
    mut socket: WebSocket<S, C>,
) -> Result<(), Box<dyn Error>> {
    while let Some((event, mut outbox)) = socket.recv_ref().await? {
        let sent = match event {
            Event::Text(text) => outbox.feed(text),
            Event::Binary(octets) => outbox.feed(octets),
            // Pings are answered already, and the rest has no echo.
            _ => Ok(()),
        };
        match sent {
            // If it is closed, receiving tells why.
            Ok(()) | Err(SendError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
