//! Echo programs on libraries of others: `conformance-peers LIBRARY server HOST:PORT`, or
//! `conformance-peers LIBRARY client URL --agent NAME` for a fuzzing server.
//!
//! Each library keeps its defaults, and compresses if it can.

use std::{
    env,
    error::Error,
    future::Future,
    panic::{self, AssertUnwindSafe},
};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

mod fastwebsockets;
mod soketto;
mod tokio_websockets;
mod tungstenite;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = Runtime::new()?;
    match arguments[..] {
        ["tungstenite", "server", address] => tungstenite::serve(address),
        ["tungstenite", "client", url, "--agent", agent] => walk(url, agent, tungstenite::dial),
        ["fastwebsockets", "server", address] => {
            runtime.block_on(serve(address, fastwebsockets::accept))
        }
        ["fastwebsockets", "client", url, "--agent", agent] => walk(url, agent, |url| {
            runtime.block_on(fastwebsockets::dial(url))
        }),
        ["soketto", "server", address] => runtime.block_on(serve(address, soketto::accept)),
        ["soketto", "client", url, "--agent", agent] => {
            walk(url, agent, |url| runtime.block_on(soketto::dial(url)))
        }
        ["tokio-websockets", "server", address] => {
            runtime.block_on(serve(address, tokio_websockets::accept))
        }
        ["tokio-websockets", "client", url, "--agent", agent] => walk(url, agent, |url| {
            runtime.block_on(tokio_websockets::dial(url))
        }),
        _ => Err("usage: LIBRARY server HOST:PORT | LIBRARY client URL --agent NAME".into()),
    }
}

/// Lets a library echo on every connection that comes.
async fn serve<F>(address: &str, accept: impl Fn(TcpStream) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // However a connection ends, the next one is served.
        tokio::spawn(accept(stream));
    }
}

/// Goes through the cases of a fuzzing server. `echo` dials a URL and echoes until the connection ends.
fn walk(url: &str, agent: &str, echo: impl Fn(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    let count: usize = tungstenite::ask(&format!("{url}/getCaseCount"))?.parse()?;
    for case in 1..=count {
        let url = format!("{url}/runCase?case={case}&agent={agent}");
        // A server that is refused is a verdict, too, however it is refused.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| echo(&url)));
    }
    tungstenite::ask(&format!("{url}/updateReports?agent={agent}"))?;
    Ok(())
}

/// Host with port, and path with query, of a URL of a fuzzing server.
fn parts(url: &str) -> Result<(&str, &str), Failure> {
    let rest = url.strip_prefix("ws://").ok_or("not a ws URL")?;
    let slash = rest.find('/').ok_or("a URL without a path")?;
    Ok(rest.split_at(slash))
}
