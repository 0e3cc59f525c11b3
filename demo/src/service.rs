//! Everything that the demo does, whatever drives it: where requests lead, and what is there.

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

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Service {
    /// What has happened so far.
    pub(crate) stats: Arc<Stats>,
    room: Arc<Room>,
    origin: OriginPolicy,
    mailbox: usize,
    opening: Arc<Config>,
    chat: Arc<Config>,
    echo: Arc<Config>,
    figures: Arc<Config>,
}

/// Where a request leads.
#[derive(Debug)]
pub(crate) enum Route {
    /// It becomes a WebSocket.
    Open {
        /// What it leads to.
        endpoint: Endpoint,
        /// Whether the client lets messages be compressed, if it offers that.
        compression: bool,
    },
    /// It is answered over HTTP.
    Answer(Answer),
}

impl Service {
    /// A service where nothing has happened so far.
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

    /// Decides about a request.
    pub(crate) fn route(&self, request: &Request<'_>) -> Route {
        let endpoint = Endpoint::at(request.path());
        Route::Answer(match (endpoint, request.is_upgrade()) {
            (Some(endpoint), true) if self.admits(endpoint, request) => {
                return Route::Open {
                    endpoint,
                    compression: !declines_compression(request),
                };
            }
            (Some(_), true) => Answer::text(403, None, "this page may not connect here\n"),
            // RFC 9110 15.5.22: the answer must say what to upgrade to.
            (Some(_), false) => {
                Answer::text(426, ("Upgrade", "websocket"), "this is for WebSockets\n")
            }
            (None, true) => Answer::text(404, None, "there is no such endpoint\n"),
            (None, false) => page::answer(request.method(), request.path()),
        })
    }

    /// Whether the page that asks may connect. An echo has nothing to hide.
    fn admits(&self, endpoint: Endpoint, request: &Request<'_>) -> bool {
        match endpoint {
            Endpoint::Chat | Endpoint::Stats => self.origin.allows(request),
            Endpoint::Echo => true,
        }
    }

    /// What holds for a connection until its request is in.
    pub(crate) const fn opening_config(&self) -> &Arc<Config> {
        &self.opening
    }

    /// What holds for a connection to `endpoint`.
    pub(crate) const fn config(&self, endpoint: Endpoint) -> &Arc<Config> {
        match endpoint {
            Endpoint::Chat => &self.chat,
            Endpoint::Echo => &self.echo,
            Endpoint::Stats => &self.figures,
        }
    }

    /// A mailbox for a new client.
    pub(crate) fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.mailbox)
    }

    /// Takes in a client of `/chat`.
    pub(crate) fn guest(&self, mailbox: Mailbox) -> Guest {
        Guest::new(Arc::clone(&self.room), mailbox)
    }

    /// Takes in a client of `/stats`.
    pub(crate) fn watcher(&self, mailbox: Mailbox) -> Watcher {
        Watcher::new(Arc::clone(&self.stats), mailbox, Instant::now())
    }
}

/// Pages cannot choose what their browser offers, so they say it in the query.
fn declines_compression(request: &Request<'_>) -> bool {
    let mut fields = request.query().unwrap_or_default().split('&');
    fields.any(|field| field == "compression=off")
}
