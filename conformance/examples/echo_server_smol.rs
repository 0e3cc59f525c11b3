//! An echo server for foreign clients and test suites, over smol: `echo_server_smol ADDRESS`.

use std::error::Error;

use driver_smol::{Inside, Server};

#[path = "echo/server.rs"]
mod echo;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let server = Server::bind(&echo::address()?).await?;
        println!("listening on ws://{}", server.local_addr()?);
        echo::serve(server, Inside::default()).await;
        Ok(())
    })
}
