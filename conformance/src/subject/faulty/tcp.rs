//! The peer over TCP: an echo server, and a client that walks through the cases of a fuzzing server.

use std::{
    io,
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use url::Url;

use super::{Defect, Peer};
use crate::{
    subject::{
        Facts,
        memory::{Endpoint, State},
    },
    wire::{Received, TcpWire, Wire},
};

/// The longest wait for bytes while nothing is to be sent.
const IDLE: Duration = Duration::from_secs(1);

/// The longest wait for bytes while some are to be sent, or the peer does not read.
const BUSY: Duration = Duration::from_millis(2);

/// The most bytes that are given to the transport at a time.
const ROOM: usize = 64 << 10;

/// The limits and deadlines of the program: wide enough for everything that suites send.
fn facts() -> Facts {
    let patient = Some(Duration::from_secs(10));
    Facts {
        max_message: Some(16 << 20),
        max_frame: Some(16 << 20),
        max_fragments: Some(1 << 17),
        max_head: Some(16 << 10),
        opening_timeout: patient,
        close_timeout: patient,
        ..Facts::default()
    }
}

/// Echoes on every connection to a listener, until it fails.
///
/// # Errors
///
/// If accepting a connection fails.
pub fn serve(listener: &TcpListener, defect: Option<Defect>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || converse(&mut Peer::server(defect, facts()), stream));
    }
}

/// Runs every case of a fuzzing server at a URL such as `ws://127.0.0.1:9001`, and asks for the report. Only
/// the connections on which cases run have the defect.
///
/// # Errors
///
/// If the URL has no host, or nobody accepts a connection or tells how many cases there are.
pub fn walk(url: &Url, agent: &str, defect: Option<Defect>) -> io::Result<()> {
    // Nothing that the server says on a control connection is to be echoed.
    let control = Some(Defect::NoEcho);
    let count = visit(url, "getCaseCount", &[], control)?;
    let count: usize = count.parse().map_err(io::Error::other)?;
    for case in 1..=count {
        let query = [("case", case.to_string()), ("agent", agent.to_owned())];
        visit(url, "runCase", &query, defect)?;
    }
    visit(
        url,
        "updateReports",
        &[("agent", agent.to_owned())],
        control,
    )?;
    Ok(())
}

/// Converses with a resource until the connection ends, and returns the last text.
fn visit(
    url: &Url,
    path: &str,
    query: &[(&str, String)],
    defect: Option<Defect>,
) -> io::Result<String> {
    let mut url = url.clone();
    url.set_path(path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    // `+` for a space is a convention of forms.
    let query = url
        .query()
        .map(|query| format!("?{}", query.replace('+', "%20")));
    let resource = format!("{}{}", url.path(), query.unwrap_or_default());
    let host = url
        .host_str()
        .ok_or_else(|| io::Error::other("the URL has no host"))?;
    let address = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
    let stream = TcpStream::connect(&address)?;
    let mut peer = Peer::client(defect, facts(), &address, &resource);
    converse(&mut peer, stream)?;
    Ok(peer.last_text)
}

/// Lets an endpoint converse over a socket until either of them is gone.
fn converse(endpoint: &mut impl Endpoint, stream: TcpStream) -> io::Result<()> {
    let mut wire = TcpWire::new(stream)?;
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let (mut ended, mut finished) = (false, false);
    loop {
        endpoint.handle_time(wire.now());
        if output.is_empty() {
            endpoint.give(&mut output, ROOM);
        }
        if !output.is_empty() {
            match wire.send(&output) {
                Ok(sent) => drop(output.drain(..sent)),
                Err(_) => break,
            }
        }
        if output.is_empty() {
            match endpoint.state() {
                State::Open => {}
                State::Finished if finished => {}
                State::Finished => {
                    wire.finish();
                    finished = true;
                }
                State::Gone => return Ok(()),
                State::Reset => {
                    Box::new(wire).abort();
                    return Ok(());
                }
            }
        }
        if !input.is_empty() {
            let taken = endpoint.take(&input);
            input.drain(..taken);
            if taken > 0 {
                continue;
            }
        }
        let patience = if output.is_empty() && input.is_empty() && endpoint.held() == 0 {
            IDLE
        } else {
            BUSY
        };
        let until = wire.now() + patience;
        let until = endpoint.deadline().map_or(until, |at| at.min(until));
        if ended || !input.is_empty() {
            wire.wait(until);
            continue;
        }
        match wire.receive(&mut input, until) {
            Received::Bytes(_) | Received::Nothing => {}
            Received::End => {
                ended = true;
                endpoint.handle_end();
            }
            Received::Reset => break,
        }
    }
    endpoint.handle_lost();
    Ok(())
}
