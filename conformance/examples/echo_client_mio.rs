//! Walks through the cases of an Autobahn fuzzing server, echoing, on event loops:
//! `echo_client_mio URL --agent NAME`.

use std::{env, error::Error, sync::mpsc};

use driver_mio::{
    Cause, Closed, Compression, Config, Connect, ConnectError, Context, EventLoops, Handler,
    Message, MessageRef,
};

/// The purpose of a connection.
#[derive(Clone, Copy, Default)]
enum Purpose {
    /// A case: to echo.
    #[default]
    Case,
    /// A question to the server.
    Question,
}

/// The event that the walk waits for.
enum Told {
    Answer(Message),
    Ended(Option<Cause>),
    Failed(ConnectError),
}

/// Echoes, and tells the walk when a connection has ended.
struct Echo(mpsc::Sender<Told>);

impl Handler for Echo {
    type State = Purpose;

    fn on_connect_failed(&self, _: Purpose, error: ConnectError) {
        // The walk waits for the end.
        let _ = self.0.send(Told::Failed(error));
    }

    fn on_message(
        &self,
        connection: &mut Context<'_>,
        purpose: &mut Purpose,
        message: MessageRef<'_>,
    ) {
        match purpose {
            // If it is closing, the peer expects no echo any more.
            Purpose::Case => drop(connection.send(message)),
            Purpose::Question => drop(self.0.send(Told::Answer(message.into_message()))),
        }
    }

    fn on_close(&self, _: &mut Context<'_>, _: &mut Purpose, _: &Closed, cause: Option<&Cause>) {
        let _ = self.0.send(Told::Ended(cause.cloned()));
    }
}

/// The loops, and what they tell.
struct Walk {
    loops: EventLoops<Echo>,
    told: mpsc::Receiver<Told>,
}

impl Walk {
    /// Goes through with one connection; returns what was answered last.
    fn visit(&self, url: &str, purpose: Purpose) -> Result<Option<Message>, Box<dyn Error>> {
        let mut config = Config::default();
        config.compression = Some(Compression::default());
        let connect = Connect::new(url).config(config);
        self.loops.connect_with(&connect, purpose)?;
        let mut answer = None;
        loop {
            match self.told.recv()? {
                Told::Answer(message) => answer = Some(message),
                Told::Ended(cause) => {
                    // Most cases break the protocol; that we noticed is what they are for.
                    if let Some(cause) = cause {
                        println!("{url}: {cause:?}");
                    }
                    return Ok(answer);
                }
                Told::Failed(error) => return Err(error.into()),
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [url, option, agent] = arguments.as_slice() else {
        return Err("usage: echo_client_mio URL --agent NAME".into());
    };
    if option != "--agent" {
        return Err(format!("unknown option {option}").into());
    }
    let (sender, told) = mpsc::channel();
    let walk = Walk {
        loops: EventLoops::start(Echo(sender))?,
        told,
    };
    let count = walk.visit(&format!("{url}/getCaseCount"), Purpose::Question)?;
    let count = count.ok_or("the server did not say how many cases there are")?;
    let count: u32 = count.as_text().unwrap_or_default().parse()?;
    for case in 1..=count {
        let url = format!("{url}/runCase?case={case}&agent={agent}");
        walk.visit(&url, Purpose::Case)?;
    }
    walk.visit(
        &format!("{url}/updateReports?agent={agent}"),
        Purpose::Question,
    )?;
    Ok(())
}
