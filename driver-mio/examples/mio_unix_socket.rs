//! A server and a client over a Unix socket: `cargo run -p driver-mio --example mio_unix_socket`.

use std::{env, error::Error, fs, os::unix::net::UnixStream, process, sync::mpsc};

use driver_mio::{
    Adopt, CloseCode, Connect, Context, EventLoops, Handler, Message, MessageRef, Server,
};

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        let _ = connection.send(message);
    }
}

/// Sends hello, and passes the echo on.
struct Hello(mpsc::Sender<Message>);

impl Handler for Hello {
    type State = ();

    fn on_open(&self, connection: &mut Context<'_>, _: &mut ()) {
        let _ = connection.send("hello");
    }

    fn on_message(&self, connection: &mut Context<'_>, _: &mut (), message: MessageRef<'_>) {
        let _ = self.0.send(message.into_message());
        connection.close(CloseCode::NORMAL, "");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::temp_dir().join(format!("echo-{}.socket", process::id()));
    let _server = Server::bind_unix(&path)?.start(Echo)?;

    let (sender, receiver) = mpsc::channel();
    let client = EventLoops::start(Hello(sender))?;
    let stream = UnixStream::connect(&path)?;
    // The stream is connected already. The URL only determines the request.
    let connect = Connect::new("ws://localhost/");
    client.adopt(stream, Adopt::connecting(connect))?;

    println!("{:?}", receiver.recv()?);
    fs::remove_file(path)?;
    Ok(())
}
