//! Walks through the cases of an Autobahn fuzzing server, echoing, over tokio:
//! `echo_client_tokio URL --agent NAME`.

use std::error::Error;

use driver_tokio::Tokio;

#[path = "echo/client.rs"]
mod echo;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    echo::walk::<Tokio>().await
}
