//! Checks a foreign echo server, over tokio: `interop_client_tokio URL`. README.md lists the checks.

use std::process::ExitCode;

use driver_tokio::Tokio;

mod checks;

#[tokio::main]
async fn main() -> ExitCode {
    checks::check::<Tokio>().await
}
