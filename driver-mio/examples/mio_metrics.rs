//! An echo server with metrics on the same port: `GET /metrics`, in the format of Prometheus.
//!
//! `cargo run --release -p driver-mio --example mio_metrics`, then `curl http://127.0.0.1:9001/metrics`.

use std::{fmt::Write, io};

use driver_mio::{
    Accept, Config, Context, Handler, MessageRef, Reject, Request, Server, ServerHandle, Stats,
    Upgrade,
};

struct Observed(ServerHandle);

impl Handler for Observed {
    type State = ();

    fn on_request(&self, request: &Request<'_>, upgrade: Upgrade<'_>, (): &mut ()) {
        // If it fails, the request is answered 503.
        let _ = match request.path() {
            _ if request.is_upgrade() => upgrade.accept(&Accept::new()),
            "/metrics" => {
                let headers = [("Content-Type", "text/plain; version=0.0.4")];
                let body = metrics(&self.0);
                upgrade.reject(&Reject::new(200).headers(&headers).body(body.as_bytes()))
            }
            _ => upgrade.reject(&Reject::new(404)),
        };
    }

    fn on_message(&self, connection: &mut Context<'_>, (): &mut (), message: MessageRef<'_>) {
        let _ = connection.send(message);
    }
}

/// A figure of a loop: its name, its type, and its value in [`Stats`].
type Figure = (&'static str, &'static str, fn(&Stats) -> u64);

const FIGURES: [Figure; 9] = [
    ("connections", "gauge", |stats| stats.connections),
    ("connections_opened_total", "counter", |stats| stats.opened),
    ("messages_received_total", "counter", |stats| {
        stats.messages_received
    }),
    ("messages_sent_total", "counter", |stats| {
        stats.messages_sent
    }),
    ("bytes_received_total", "counter", |stats| {
        stats.bytes_received
    }),
    ("bytes_sent_total", "counter", |stats| stats.bytes_sent),
    ("bytes_queued", "gauge", |stats| stats.bytes_queued),
    ("reads_total", "counter", |stats| stats.reads),
    ("writes_total", "counter", |stats| stats.writes),
];

fn metrics(handle: &ServerHandle) -> String {
    let mut text = String::new();
    for (name, kind, figure) in FIGURES {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# TYPE websocket_{name} {kind}");
        for (number, stats) in handle.stats_by_loop().enumerate() {
            let value = figure(&stats);
            let _ = writeln!(text, "websocket_{name}{{loop=\"{number}\"}} {value}");
        }
    }
    text
}

fn main() -> io::Result<()> {
    let mut config = Config::default();
    config.surface_plain_http = true;
    config.pause_when_high = true;
    let server = Server::bind("127.0.0.1:9001")?.config(config);
    let observed = Observed(server.handle());
    server.serve(observed)
}
