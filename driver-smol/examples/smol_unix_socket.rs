//! Server and client over a Unix socket, with the streams of `async-io`: `cargo run -p driver-smol --example smol_unix_socket`.

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::os::unix::net::UnixStream;

    use driver_smol::{Accept, ClientRequest, CloseCode, Config, Server, connect_over};
    use smol::Async;

    let path = std::env::temp_dir().join(format!("unix_socket-smol-{}", std::process::id()));
    smol::block_on(async {
        let server = Server::bind_unix(&path)?;
        let echo = server.serve(|upgrade| async move {
            let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
                return;
            };
            while let Ok(Some(message)) = socket.recv().await {
                let _ = socket.feed(message).await;
            }
        });
        smol::spawn(echo).detach();

        let stream = Async::<UnixStream>::connect(&path).await?;
        let request = ClientRequest::new("localhost", "/");
        let (mut socket, _) = connect_over(stream, Config::default().into(), &request).await?;
        socket.send("no port needed").await?;
        println!("{:?}", socket.recv().await?);
        socket.close(CloseCode::NORMAL, "").await?;
        std::fs::remove_file(&path)?;
        Ok(())
    })
}

#[cfg(not(unix))]
fn main() {
    println!("there are no Unix sockets here");
}
