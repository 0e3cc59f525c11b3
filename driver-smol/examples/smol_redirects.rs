//! Follows a server that has moved, on request: `cargo run -p driver-smol --example smol_redirects`.

use driver_smol::{Accept, Connect, Reject, Server, Upgrade};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}/old", server.local_addr()?);
        smol::spawn(server.serve(moved)).detach();

        // As in browsers, none are followed unless asked for.
        for limit in [0, 1] {
            match Connect::new(&url).redirects(limit).connect().await {
                Ok((mut socket, _)) => println!("{limit}: {:?}", socket.recv().await?),
                Err(error) => println!("{limit}: {error}"),
            }
        }
        Ok(())
    })
}

async fn moved(upgrade: Upgrade) {
    if upgrade.request().path() == "/old" {
        let elsewhere = Reject::new(307).headers(&[("Location", "/new")]);
        let _ = upgrade.reject(&elsewhere).await;
        return;
    }
    let Ok(mut socket) = upgrade.accept(&Accept::new()).await else {
        return;
    };
    let _ = socket.send("here I am").await;
}
