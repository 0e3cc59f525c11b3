//! Walks through the cases of an Autobahn fuzzing server, echoing, over smol:
//! `echo_client_smol URL --agent NAME`.

use std::error::Error;

use driver_smol::Smol;

#[path = "echo/client.rs"]
mod echo;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(echo::walk::<Smol>())
}
