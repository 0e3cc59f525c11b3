//! Follows redirects: `cargo run -p driver-tokio --example redirects`.

use driver_tokio::{Accept, Connect, Reject, Server, Upgrade};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/old", server.local_addr()?);
    tokio::spawn(server.serve(moved));

    // By default none are followed, as in browsers.
    for limit in [0, 1] {
        match Connect::new(&url).redirects(limit).connect().await {
            Ok((mut socket, _)) => println!("{limit}: {:?}", socket.recv().await?),
            Err(error) => println!("{limit}: {error}"),
        }
    }
    Ok(())
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
