//! tokio-websockets, with its defaults.

use std::{io, net::TcpListener};

use futures_util::{SinkExt, StreamExt};
use peers::serving;
use tokio_websockets::ServerBuilder;

pub(crate) fn run(listener: TcpListener) -> io::Result<()> {
    serving::on_tokio(listener, None, |stream| async {
        let mut socket = ServerBuilder::new().serve(stream);
        while let Some(Ok(message)) = socket.next().await {
            let is_data = message.is_text() || message.is_binary();
            if is_data && socket.send(message).await.is_err() {
                return;
            }
        }
    })
}
