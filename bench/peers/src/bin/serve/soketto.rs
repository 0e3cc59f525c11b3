//! soketto on smol, behind buffered readers and writers as its documentation advises.

use std::{
    io,
    net::{TcpListener, TcpStream},
};

use async_io::Async;
use futures_util::io::{BufReader, BufWriter};
use peers::serving;
use soketto::{
    Data, Mode,
    connection::{Builder, Error},
};

pub(crate) fn run(listener: TcpListener) -> io::Result<()> {
    serving::on_smol(listener, |stream| async {
        let _ = echo(stream).await;
    })
}

async fn echo(stream: Async<TcpStream>) -> Result<(), Error> {
    let stream = BufReader::new(BufWriter::new(stream));
    let (mut sender, mut receiver) = Builder::new(stream, Mode::Server).finish();
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive_data(&mut message).await? {
            Data::Text(_) => {
                let text = std::str::from_utf8(&message)?;
                sender.send_text(text).await?;
            }
            Data::Binary(_) => sender.send_binary(&message).await?,
        }
        sender.flush().await?;
    }
}
