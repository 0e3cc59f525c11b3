//! Walks through the cases of an Autobahn fuzzing server, echoing: `echo_client_tokio URL --agent NAME`.

use std::{env, error::Error};

use driver_tokio::{Connect, ConnectError, Message, WebSocket};

mod echo;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [url, option, agent] = arguments.as_slice() else {
        return Err("usage: echo_client_tokio URL --agent NAME".into());
    };
    if option != "--agent" {
        return Err(format!("unknown option {option}").into());
    }

    for case in 1..=case_count(url).await? {
        let socket = connect(&format!("{url}/runCase?case={case}&agent={agent}")).await?;
        if let Err(error) = echo::echo(socket).await {
            // Most cases break the protocol; that we noticed is what they are for.
            println!("case {case}: {error}");
        }
    }

    let mut socket = connect(&format!("{url}/updateReports?agent={agent}")).await?;
    while socket.recv().await?.is_some() {}
    Ok(())
}

async fn connect(url: &str) -> Result<WebSocket, ConnectError> {
    let connect = Connect::new(url).config(echo::config());
    connect.connect().await.map(|(socket, _)| socket)
}

async fn case_count(url: &str) -> Result<u32, Box<dyn Error>> {
    let mut socket = connect(&format!("{url}/getCaseCount")).await?;
    let Some(Message::Text(count)) = socket.recv().await? else {
        return Err("the server did not say how many cases there are".into());
    };
    while socket.recv().await?.is_some() {}
    Ok(count.parse()?)
}
