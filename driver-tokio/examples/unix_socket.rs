//! Server and client over a Unix socket: `cargo run -p driver-tokio --example unix_socket`.

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use driver_tokio::{Accept, ClientRequest, CloseCode, Config, Server, connect_over};
    use tokio::net::UnixStream;

    let path = std::env::temp_dir().join(format!("unix_socket-{}", std::process::id()));
    let server = Server::bind_unix(&path)?;
    tokio::spawn(server.serve(|upgrade| async move {
        let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
            return;
        };
        while let Ok(Some(message)) = socket.recv().await {
            let _ = socket.feed(message).await;
        }
    }));

    let stream = UnixStream::connect(&path).await?;
    let request = ClientRequest::new("localhost", "/");
    let (mut socket, _) = connect_over(stream, Config::default().into(), &request).await?;
    socket.send("no port needed").await?;
    println!("{:?}", socket.recv().await?);
    socket.close(CloseCode::NORMAL, "").await?;
    std::fs::remove_file(&path)?;
    Ok(())
}

#[cfg(not(unix))]
fn main() {
    println!("there are no Unix sockets here");
}
