//! Looks at the request before it is accepted: asks somewhere else whether the token is good, chooses a
//! subprotocol, or refuses with a status: `cargo run -p driver-smol --example smol_subprotocol_and_auth`.

use std::time::Duration;

use driver_smol::{Accept, Connect, Reject, Server, Upgrade};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}/chat", server.local_addr()?);
        smol::spawn(server.serve(chat)).detach();

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
    })
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

/// Stands for a database far away: nobody else waits for it.
async fn is_good(token: &str) -> bool {
    smol::Timer::after(Duration::from_millis(20)).await;
    token == "Bearer secret"
}
