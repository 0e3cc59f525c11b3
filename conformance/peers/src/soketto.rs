//! `soketto`, with its compression.

use soketto::{
    Data, Mode,
    connection::{Error, Receiver, Sender},
    extension::deflate::Deflate,
    handshake::{Client, Server, ServerResponse, server::Response},
};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::{Failure, parts};

pub async fn accept(stream: TcpStream) -> Result<(), Failure> {
    let mut server = Server::new(stream.compat());
    server.add_extension(Box::new(Deflate::new(Mode::Server)));
    let key = server.receive_request().await?.key();
    let accept = Response::Accept {
        key,
        protocol: None,
    };
    server.send_response(&accept).await?;
    let (sender, receiver) = server.into_builder().finish();
    echo(sender, receiver).await
}

pub async fn dial(url: &str) -> Result<(), Failure> {
    let (host, resource) = parts(url)?;
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let mut client = Client::new(stream.compat(), host, resource);
    client.add_extension(Box::new(Deflate::new(Mode::Client)));
    match client.handshake().await? {
        ServerResponse::Accepted { .. } => {}
        ServerResponse::Rejected { .. } | ServerResponse::Redirect { .. } => return Ok(()),
    }
    let (sender, receiver) = client.into_builder().finish();
    echo(sender, receiver).await
}

async fn echo(
    mut sender: Sender<Compat<TcpStream>>,
    mut receiver: Receiver<Compat<TcpStream>>,
) -> Result<(), Failure> {
    let mut message = Vec::new();
    loop {
        message.clear();
        match receiver.receive_data(&mut message).await {
            Ok(Data::Binary(_)) => sender.send_binary_mut(&mut message).await?,
            Ok(Data::Text(_)) => sender.send_text(str::from_utf8(&message)?).await?,
            Err(Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        sender.flush().await?;
    }
}
