//! The walk through the cases of an Autobahn fuzzing server, whichever driver it runs on.

use std::{env, error::Error};

use conformance::subject::ours;
use driver_futures::{Connect, ConnectError, Runtime, Timer, WebSocket};
use wsproto::Message;

/// A connection to the suite.
type Socket<R> = WebSocket<<R as Runtime>::Tcp, Timer<<R as Runtime>::Alarm>>;

/// Echoes in every case, and has the reports written: `echo_client_DRIVER URL --agent NAME`.
pub(crate) async fn walk<R: Runtime>() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [url, option, agent] = arguments.as_slice() else {
        return Err("usage: echo_client_DRIVER URL --agent NAME".into());
    };
    if option != "--agent" {
        return Err(format!("unknown option {option}").into());
    }

    for case in 1..=case_count::<R>(url).await? {
        let mut socket = connect::<R>(&format!("{url}/runCase?case={case}&agent={agent}")).await?;
        if let Err(error) = ours::echo(&mut socket).await {
            // Most cases break the protocol; that we noticed is what they are for.
            println!("case {case}: {error}");
        }
    }

    let mut socket = connect::<R>(&format!("{url}/updateReports?agent={agent}")).await?;
    while socket.recv().await?.is_some() {}
    Ok(())
}

async fn connect<R: Runtime>(url: &str) -> Result<Socket<R>, ConnectError> {
    let connect = Connect::<R>::new(url).config(ours::config(None));
    connect.connect().await.map(|(socket, _)| socket)
}

async fn case_count<R: Runtime>(url: &str) -> Result<u32, Box<dyn Error>> {
    let mut socket = connect::<R>(&format!("{url}/getCaseCount")).await?;
    let Some(Message::Text(count)) = socket.recv().await? else {
        return Err("the server did not say how many cases there are".into());
    };
    while socket.recv().await?.is_some() {}
    Ok(count.parse()?)
}
