//! An echo server for foreign clients and test suites, over tokio: `echo_server_tokio ADDRESS`.

use std::error::Error;

use driver_tokio::{Server, Tokio};

#[path = "echo/server.rs"]
mod echo;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::bind(&echo::address()?).await?;
    println!("listening on ws://{}", server.local_addr()?);
    echo::serve(server, Tokio).await;
    Ok(())
}
