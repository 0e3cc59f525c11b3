//! An echo server for foreign clients and test suites: `echo_server_tokio ADDRESS`.
//!
//! README.md says what is expected of it. The default limits take the largest that those suites send.

use std::{env, error::Error};

use driver_tokio::{Accept, Server};

mod echo;

const SUBPROTOCOL: &str = "echo.v1";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(1)
        .ok_or("usage: echo_server_tokio ADDRESS")?;
    let server = Server::bind(&address).await?.config(echo::config());
    println!("listening on ws://{}", server.local_addr()?);
    server
        .serve(|upgrade| async move {
            let offered = upgrade
                .request()
                .subprotocols()
                .any(|name| name == SUBPROTOCOL);
            let accept = Accept::new().subprotocol(offered.then_some(SUBPROTOCOL));
            let Ok(socket) = upgrade.accept(&accept).await else {
                return;
            };
            if let Err(error) = echo::echo(socket).await {
                eprintln!("{error}");
            }
        })
        .await;
    Ok(())
}
