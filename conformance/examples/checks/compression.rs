//! Checks that messages are compressed as agreed. The path `/bytes` of the foreign server tells how
//! many bytes a message took on the wire, and how many its echo.

use std::error::Error;

use driver_futures::{Clock, Transport, WebSocket};
use wsproto::{Compression, Message};

use super::{Checked, Driver, MESSAGES, Report, close_normally, equal, expect_echo, payload::text};

const PATH: &str = "/bytes";

/// Lengths from 0 to many times the largest window. Their number is odd, so that each comes as text and
/// as binary.
const SIZES: [usize; 5] = [0, 20, 126, 2500, 1 << 18];

/// `ws` leaves shorter messages as they are where it has no context.
const SURELY_COMPRESSED: usize = 1024;

/// The name of a check, how its offer differs from the default, and what the answer has to repeat.
type Offer = (&'static str, fn(&mut Compression), &'static [&'static str]);

const OFFERS: [Offer; 5] = [
    ("compressed", |_| {}, &[]),
    (
        "compressed-no-server-takeover",
        |offer| offer.receive_takeover = false,
        &["server_no_context_takeover"],
    ),
    (
        "compressed-no-client-takeover",
        |offer| offer.send_takeover = false,
        &["client_no_context_takeover"],
    ),
    (
        "compressed-no-takeover",
        |offer| {
            offer.receive_takeover = false;
            offer.send_takeover = false;
        },
        &["server_no_context_takeover", "client_no_context_takeover"],
    ),
    (
        "compressed-small-windows",
        |offer| {
            // Neither library can compress for a smaller one.
            offer.receive_window_bits = 9;
            offer.send_window_bits = 8;
        },
        // How far we refer back needs no agreement.
        &["server_max_window_bits=9"],
    ),
];

/// Checks the responses of the foreign server to each of our offers, and to none.
pub(super) async fn run<D: Driver>(report: &mut Report<'_, D>) {
    let driver = report.driver;
    report.check("uncompressed", uncompressed(driver)).await;
    for (name, differ, parameters) in OFFERS {
        let mut offer = Compression::default();
        differ(&mut offer);
        let check = compressed(driver, offer, parameters);
        report.check(name, check).await;
    }
}

async fn compressed(driver: &impl Driver, offer: Compression, parameters: &[&str]) -> Checked {
    let (mut socket, response) = driver.connect(PATH, &[], Some(offer)).await?;
    let answer = response.view().header_str("Sec-WebSocket-Extensions");
    let agreed = answer.filter(|answer| {
        answer.starts_with("permessage-deflate")
            && parameters
                .iter()
                .all(|parameter| answer.contains(parameter))
    });
    if agreed.is_none() {
        return Err(format!("the answer is {answer:?}").into());
    }
    for number in 0..MESSAGES {
        let (len, bytes) = exchange(&mut socket, number).await?;
        if len >= SURELY_COMPRESSED && bytes.iter().any(|bytes| bytes * 2 > len) {
            return Err(format!("{len} bytes took {bytes:?} on the wire").into());
        }
    }
    close_normally(&mut socket).await
}

async fn uncompressed(driver: &impl Driver) -> Checked {
    let (mut socket, response) = driver.connect(PATH, &[], None).await?;
    equal(&response.view().extensions().count(), &0)?;
    for number in 0..MESSAGES {
        let (len, bytes) = exchange(&mut socket, number).await?;
        if bytes.iter().any(|bytes| *bytes < len) {
            return Err(format!("{len} bytes took {bytes:?} on the wire").into());
        }
    }
    close_normally(&mut socket).await
}

/// Sends a message and expects its echo. Returns its length, and what it and its echo took on the wire.
async fn exchange<S: Transport, C: Clock>(
    socket: &mut WebSocket<S, C>,
    number: usize,
) -> Result<(usize, [usize; 2]), Box<dyn Error>> {
    let len = SIZES[number % SIZES.len()];
    let payload = text(len, number);
    let message: Message = if number.is_multiple_of(2) {
        payload.into()
    } else {
        payload.into_bytes().into()
    };
    socket.send(message.clone()).await?;
    expect_echo(socket, &message).await?;
    let Some(Message::Text(told)) = socket.recv().await? else {
        return Err("the server does not tell what it counted".into());
    };
    let (received, sent) = told.split_once(' ').ok_or("not two numbers")?;
    Ok((len, [received.parse()?, sent.parse()?]))
}
