//! The echo server, whichever driver it runs on: README.md says what is expected of it. The default limits
//! take the largest that the suites send.

use std::{env, error::Error};

use conformance::subject::ours;
use driver_futures::{AcceptFrom, Server, Spawn};
use wsproto::Accept;

const SUBPROTOCOL: &str = "echo.v1";

/// The address to listen on, which is the only argument.
pub(crate) fn address() -> Result<String, Box<dyn Error>> {
    Ok(env::args()
        .nth(1)
        .ok_or("usage: echo_server_DRIVER ADDRESS")?)
}

/// Echoes without an end.
pub(crate) async fn serve<L: Send, R: AcceptFrom<L>>(server: Server<L, R>, executor: impl Spawn) {
    server
        .config(ours::config(None))
        .serve_on(executor, |upgrade| async move {
            let offered = upgrade
                .request()
                .subprotocols()
                .any(|name| name == SUBPROTOCOL);
            let accept = Accept::new().subprotocol(offered.then_some(SUBPROTOCOL));
            let Ok(mut socket) = upgrade.accept(&accept).await else {
                return;
            };
            if let Err(error) = ours::echo(&mut socket).await {
                eprintln!("{error}");
            }
        })
        .await;
}
