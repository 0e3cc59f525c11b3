//! An echo whose futures are short-lived: each of one kind is dropped after so many polls.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use driver_futures::{Clock, Transport, WebSocket};
use wsproto::{CloseCode, Event, Message};

use super::super::{Act, Haste, giving_up::PLEASE_CLOSE};

/// Sends each message back, until one asks to close or the connection is over.
pub(super) async fn echo<S: Transport, C: Clock>(mut socket: WebSocket<S, C>, haste: &Haste) {
    while let Some(message) = receive(&mut socket, haste).await {
        if message.as_text() == Some(PLEASE_CLOSE) {
            return close(socket, haste).await;
        }
        match haste.act {
            Act::Feed => feed(&mut socket, haste, message).await,
            Act::Send => send(&mut socket, haste, message).await,
            // If it is closed, receiving tells.
            Act::Receive | Act::ReceiveLent | Act::Close | Act::Call => {
                let _ = socket.feed(message).await;
            }
        }
    }
}

/// The next message, if there is one.
async fn receive<S: Transport, C: Clock>(
    socket: &mut WebSocket<S, C>,
    haste: &Haste,
) -> Option<Message> {
    loop {
        match haste.act {
            Act::Receive => {
                if let Some(received) = short_lived(haste, socket.recv()).await {
                    return received.ok().flatten();
                }
            }
            Act::ReceiveLent => match short_lived(haste, socket.recv_ref()).await {
                Some(Ok(Some((Event::Text(text), _)))) => return Some(text.into()),
                Some(Ok(Some((Event::Binary(bytes), _)))) => return Some(bytes.into()),
                // No messages.
                Some(Ok(Some(_))) | None => {}
                Some(Ok(None) | Err(_)) => return None,
            },
            Act::Feed | Act::Send | Act::Close | Act::Call => {
                return socket.recv().await.ok().flatten();
            }
        }
    }
}

/// Queues and flushes. As long as the first is not through, nothing is queued.
async fn feed<S: Transport, C: Clock>(
    socket: &mut WebSocket<S, C>,
    haste: &Haste,
    message: Message,
) {
    while short_lived(haste, socket.feed(message.clone()))
        .await
        .is_none()
    {}
    while short_lived(haste, socket.flush()).await.is_none() {}
}

/// Sends to an empty queue, so that what is in it afterwards tells whether to send again.
async fn send<S: Transport, C: Clock>(
    socket: &mut WebSocket<S, C>,
    haste: &Haste,
    message: Message,
) {
    loop {
        let sent = short_lived(haste, socket.send(message.clone())).await;
        if sent.is_some() {
            return;
        }
        if socket.connection().queued() > 0 {
            break;
        }
    }
    // If it is closed, receiving tells.
    let _ = socket.flush().await;
}

/// Begins to close, and sees it through by receiving if that is given up.
async fn close<S: Transport, C: Clock>(mut socket: WebSocket<S, C>, haste: &Haste) {
    let closing = socket.close(CloseCode::NORMAL, "");
    if haste.act != Act::Close {
        drop(closing.await);
    } else if short_lived(haste, closing).await.is_none() {
        while let Ok(Some(_)) = socket.recv().await {}
    }
}

/// Polls a future as often as haste allows and drops it, then waits for what would have woken it. `None` if it
/// was not through.
async fn short_lived<T>(haste: &Haste, future: impl Future<Output = T>) -> Option<T> {
    let outcome = {
        let mut future = pin!(future);
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if polls >= haste.steps => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    };
    if outcome.is_none() {
        haste.note();
        let mut is_woken = false;
        poll_fn(|_| {
            if is_woken {
                return Poll::Ready(());
            }
            is_woken = true;
            Poll::Pending
        })
        .await;
    }
    outcome
}
