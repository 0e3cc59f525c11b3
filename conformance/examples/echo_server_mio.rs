//! An echo server on event loops for foreign clients and test suites: `echo_server_mio ADDRESS`.
//!
//! README.md says what is expected of it. The default limits take the largest that those suites send.

use std::{env, error::Error};

use driver_mio::{
    Accept, Compression, Config, Context, Handler, MessageRef, Request, Server, Upgrade,
};

const SUBPROTOCOL: &str = "echo.v1";

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, _: &mut ()) {
        let offered = request.subprotocols().any(|name| name == SUBPROTOCOL);
        let accept = Accept::new().subprotocol(offered.then_some(SUBPROTOCOL));
        if let Err(error) = upgrade.accept(&accept) {
            eprintln!("{error}");
        }
    }

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        // If it is closing, the peer expects no echo any more.
        let _ = connection.send(message);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("usage: echo_server_mio ADDRESS")?;
    let mut config = Config::default();
    config.compression = Some(Compression::default());
    config.pause_when_high = true;
    let server = Server::bind(address)?.config(config);
    println!("listening on ws://{}", server.local_addr()?);
    Ok(server.serve(Echo)?)
}
