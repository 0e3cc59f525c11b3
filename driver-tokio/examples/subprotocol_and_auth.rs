//! Checks the request before accepting it: verifies a token elsewhere, chooses a subprotocol, or refuses with a
//! status: `cargo run -p driver-tokio --example subprotocol_and_auth`.

use std::time::Duration;

use driver_tokio::{Accept, Connect, Reject, Server, Upgrade};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/chat", server.local_addr()?);
    tokio::spawn(server.serve(chat));

    for token in ["guess", "secret"] {
        let connected = Connect::new(&url)
            .header("Authorization", format!("Bearer {token}"))
            .subprotocol("chat.v2")
            .subprotocol("chat.v1")
            .connect()
            .await;
        match connected {
            Ok((_, response)) => println!("{token}: {:?}", response.view().subprotocol()),
            Err(error) => println!("{token}: {error}"),
        }
    }
    Ok(())
}

async fn chat(upgrade: Upgrade) {
    let request = upgrade.request();
    if request.path() != "/chat" {
        let _ = upgrade.reject(&Reject::new(404)).await;
        return;
    }
    let token = request.header_str("Authorization").unwrap_or_default();
    if !is_good(token).await {
        let refusal = Reject::new(401).headers(&[("WWW-Authenticate", "Bearer")]);
        let _ = upgrade.reject(&refusal).await;
        return;
    }
    let head = upgrade.head();
    let chosen = head.view().subprotocols().find(|name| *name == "chat.v1");
    let Ok(mut socket) = upgrade.accept(&Accept::new().subprotocol(chosen)).await else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        println!("{message:?}");
    }
}

/// Stands for a remote database. Other connections do not wait for it.
async fn is_good(token: &str) -> bool {
    tokio::time::sleep(Duration::from_millis(20)).await;
    token == "Bearer secret"
}
