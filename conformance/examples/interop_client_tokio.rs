//! Checks a foreign echo server: `interop_client_tokio URL`. README.md lists the checks.

use std::{env, error::Error, process::ExitCode, time::Duration};

use driver_tokio::{Compression, Config, Connect, Io, ResponseHead, Timer, WebSocket};
use tokio::{net::TcpStream, time::timeout};

mod checks;

/// Connections to the server at this URL.
struct Tokio {
    url: String,
}

impl checks::Driver for Tokio {
    type Transport = Io<TcpStream>;
    type Clock = Timer;

    async fn connect(
        &self,
        path: &str,
        subprotocols: &[&str],
        compression: Option<Compression>,
    ) -> Result<(WebSocket, ResponseHead), Box<dyn Error>> {
        let mut config = Config::default();
        config.compression = compression;
        let connect = Connect::new(format!("{}{path}", self.url)).config(config);
        let connect = subprotocols
            .iter()
            .fold(connect, |connect, name| connect.subprotocol(*name));
        Ok(connect.connect().await?)
    }

    async fn within(
        &self,
        patience: Duration,
        check: impl Future<Output = Result<(), Box<dyn Error>>>,
    ) -> Result<(), Box<dyn Error>> {
        timeout(patience, check)
            .await
            .unwrap_or_else(|_| Err("no answer".into()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(url) = env::args().nth(1) else {
        eprintln!("usage: interop_client_tokio URL");
        return ExitCode::from(2);
    };
    if checks::run(&Tokio { url }).await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
