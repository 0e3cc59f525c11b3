//! Checks a foreign echo server, over smol: `interop_client_smol URL`. README.md lists the checks.

use std::process::ExitCode;

use driver_smol::Smol;

mod checks;

fn main() -> ExitCode {
    smol::block_on(checks::check::<Smol>())
}
