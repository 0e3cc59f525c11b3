//! The part of the demo that is independent of the driver: routing of requests, and the shared state.

use std::{sync::Arc, time::Instant};

use wsproto::{Config, OriginPolicy, Request};

use crate::{
    chat::{Guest, Room},
    encoder::Encoder,
    endpoint::{Endpoint, opening_config},
    mailbox::Mailbox,
    options::Options,
    page::{self, Answer},
    stats::{Stats, Watcher},
};

/// State shared by all connections.
#[derive(Debug)]
pub(crate) struct Service {
    /// Counters since the start.
    pub(crate) stats: Arc<Stats>,
    room: Arc<Room>,
    origin: OriginPolicy,
    mailbox: usize,
    opening: Arc<Config>,
    chat: Arc<Config>,
    echo: Arc<Config>,
    figures: Arc<Config>,
}

/// The decision about a request.
#[derive(Debug)]
pub(crate) enum Route {
    /// Open a WebSocket.
    Open {
        /// The requested endpoint.
        endpoint: Endpoint,
        /// True if messages may be compressed, provided that the client offers it.
        compression: bool,
    },
    /// Send an HTTP response.
    Answer(Answer),
}

impl Service {
    /// Creates a service without any connections.
    pub(crate) fn new(options: &Options) -> Self {
        let config = |endpoint: Endpoint| Arc::new(endpoint.config(options));
        let (chat, figures) = (config(Endpoint::Chat), config(Endpoint::Stats));
        let stats = Stats::new(
            options.driver.name(),
            Encoder::new(&figures),
            Instant::now(),
        );
        Self {
            stats: Arc::new(stats),
            room: Arc::new(Room::new(Encoder::new(&chat))),
            origin: options.origin.clone(),
            mailbox: options.mailbox.get(),
            opening: Arc::new(opening_config(options)),
            chat,
            echo: config(Endpoint::Echo),
            figures,
        }
    }

    /// Decides how to answer a request.
    pub(crate) fn route(&self, request: &Request<'_>) -> Route {
        let endpoint = Endpoint::at(request.path());
        Route::Answer(match (endpoint, request.is_upgrade()) {
            (Some(endpoint), true) if self.admits(endpoint, request) => {
                return Route::Open {
                    endpoint,
                    compression: !declines_compression(request),
                };
            }
            (Some(_), true) => Answer::text(403, None, "this origin is not allowed\n"),
            // RFC 9110 15.5.22: the response MUST name the required protocol.
            (Some(_), false) => Answer::text(
                426,
                ("Upgrade", "websocket"),
                "this is a WebSocket endpoint\n",
            ),
            (None, true) => Answer::text(404, None, "no such endpoint\n"),
            (None, false) => page::answer(request.method(), request.path()),
        })
    }

    /// Returns true if the requesting page's origin is allowed. The echo is open to all.
    fn admits(&self, endpoint: Endpoint, request: &Request<'_>) -> bool {
        match endpoint {
            Endpoint::Chat | Endpoint::Stats => self.origin.allows(request),
            Endpoint::Echo => true,
        }
    }

    /// Configuration of a connection until its request has been received.
    pub(crate) const fn opening_config(&self) -> &Arc<Config> {
        &self.opening
    }

    /// Configuration of a connection to `endpoint`.
    pub(crate) const fn config(&self, endpoint: Endpoint) -> &Arc<Config> {
        match endpoint {
            Endpoint::Chat => &self.chat,
            Endpoint::Echo => &self.echo,
            Endpoint::Stats => &self.figures,
        }
    }

    /// Creates a mailbox for a new client.
    pub(crate) fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.mailbox)
    }

    /// Creates a client of `/chat`.
    pub(crate) fn guest(&self, mailbox: Mailbox) -> Guest {
        Guest::new(Arc::clone(&self.room), mailbox)
    }

    /// Creates a client of `/stats`.
    pub(crate) fn watcher(&self, mailbox: Mailbox) -> Watcher {
        Watcher::new(Arc::clone(&self.stats), mailbox, Instant::now())
    }
}

/// Returns true if the query declines compression: pages cannot choose which extensions their browser
/// offers.
fn declines_compression(request: &Request<'_>) -> bool {
    let mut fields = request.query().unwrap_or_default().split('&');
    fields.any(|field| field == "compression=off")
}
