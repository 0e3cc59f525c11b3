//! The load generator agrees with itself and with the servers that it drives.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    ops::ControlFlow,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use bench::{
    load::{
        self, Content, Latency, Neighbour, Observe, Offer, Pace, Plan, Pressure, Report, Sizes,
        Snapshot, Target, Until,
    },
    opening::Echo,
    serve::{
        Compressing, Server, Service,
        event_loop::{self, Answer},
        listen,
    },
};

/// Runs a server in a thread that ends with the tests.
fn start(serve: impl FnOnce(TcpListener) -> io::Result<()> + Send + 'static) -> SocketAddr {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(|| serve(listener).unwrap());
    address
}

fn start_server(server: Server) -> SocketAddr {
    start(move |listener| server.run(listener, Service::Echo, None))
}

fn plan(server: SocketAddr) -> Plan {
    Plan::new(Target::at(server))
}

fn run(plan: &Plan) -> Report {
    load::run(plan, &mut ()).unwrap()
}

/// Bytes of a client's frame with 16 bytes of payload.
const FRAME: u64 = 22;

/// A raw echo that counts bytes.
struct Counting(Arc<AtomicU64>);

impl Answer for Counting {
    const ECHO: Echo = Echo::Bytes;
    type State = ();

    fn answer<'a>(&'a mut self, (): &mut (), bytes: &'a [u8]) -> &'a [u8] {
        self.0.fetch_add(bytes.len() as u64, Relaxed);
        bytes
    }
}

#[test]
fn a_rate_is_reported_as_it_was_asked_for() {
    let counted = Arc::new(AtomicU64::new(0));
    let counting = Counting(Arc::clone(&counted));
    let server = start(|listener| event_loop::run(listener, counting, Service::Echo));
    let report = run(&Plan {
        connections: 7,
        pace: Pace::Open { rate: 5000.0 },
        until: Until::Messages(1000),
        ..plan(server)
    });
    let messages = &report.messages;
    assert_eq!((messages.sent, messages.received), (1000, 1000));
    assert_eq!(
        counted.load(Relaxed),
        1000 * FRAME,
        "bytes that the server counted"
    );
    // The last of them is due after 999 of 5000 parts of a second, however slow this machine is.
    assert!(messages.seconds >= 999.0 / 5000.0, "{messages:?}");
    let rate = messages.received as f64 / messages.seconds;
    assert!(
        (messages.per_second / rate - 1.0).abs() < 1e-9,
        "{messages:?}"
    );
}

#[test]
fn a_time_has_as_many_messages_as_are_due_in_it() {
    let server = start_server(Server::Raw);
    let report = run(&Plan {
        connections: 3,
        pace: Pace::Open { rate: 4000.0 },
        warm_up: Duration::from_millis(50),
        until: Until::Elapsed(Duration::from_millis(250)),
        ..plan(server)
    });
    assert_eq!((report.messages.sent, report.latency.count), (1000, 1000));
    assert_eq!(report.messages.unanswered, 0);
}

/// Ends a run once the server has counted that much.
struct Until10Mib(Arc<AtomicU64>);

impl Observe for Until10Mib {
    fn tick(&mut self, _: &Snapshot) -> ControlFlow<()> {
        match self.0.load(Relaxed) {
            0..0xa0_0000 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

#[test]
fn good_connections_are_measured_while_others_flood() {
    let counted = Arc::new(AtomicU64::new(0));
    let counting = Counting(Arc::clone(&counted));
    let server = start(|listener| event_loop::run(listener, counting, Service::Echo));
    let plan = Plan {
        connections: 7,
        // A tenth of what is waited for, before patience ends.
        pace: Pace::Open { rate: 1000.0 },
        warm_up: Duration::ZERO,
        until: Until::Elapsed(Duration::from_secs(60)),
        neighbour: Some(Neighbour::Flood(Pressure::All)),
        ..plan(server)
    };
    let report = load::run(&plan, &mut Until10Mib(Arc::clone(&counted))).unwrap();
    assert!(counted.load(Relaxed) >= 10 << 20);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.messages.sent, report.latency.count, "{report}");
    let misdeeds = report.neighbours.unwrap();
    assert_eq!(misdeeds.ended, 0, "{report}");
    assert!(misdeeds.bytes_sent > misdeeds.bytes_received, "{report}");
}

/// A raw echo that once does nothing for a while.
struct Stalling {
    /// Bytes that come before the stall.
    before: u64,
    seen: u64,
}

const STALL: Duration = Duration::from_millis(10);

impl Answer for Stalling {
    const ECHO: Echo = Echo::Bytes;
    type State = ();

    fn answer<'a>(&'a mut self, (): &mut (), bytes: &'a [u8]) -> &'a [u8] {
        let was_before = self.seen < self.before;
        self.seen += bytes.len() as u64;
        if was_before && self.seen >= self.before {
            thread::sleep(STALL);
        }
        bytes
    }
}

/// A loop that waits for the answer before it sends again would see the stall once, and one message of
/// a thousand changes no percentile. The users of a service do not wait for each other.
#[test]
fn a_stall_shows_in_the_percentiles_of_an_open_loop() {
    let server = start(|listener| {
        let before = 500 * FRAME;
        event_loop::run(listener, Stalling { before, seen: 0 }, Service::Echo)
    });
    let report = run(&Plan {
        pace: Pace::Open { rate: 10_000.0 },
        until: Until::Messages(1000),
        ..plan(server)
    });
    // 100 messages are due during the stall, and the n-th of them waits for 10 ms less n × 100 µs at
    // least. Ten messages are above the 99th percentile.
    let Latency { p90, p99, max, .. } = report.latency;
    let nanos = STALL.as_nanos() as u64;
    assert!(max >= nanos, "{report}");
    assert!(p99 >= nanos * 8 / 10, "{report}");
    assert!(p90 < p99, "{report}");
}

#[test]
fn every_server_echoes_a_mix_of_sizes() {
    for (server, content, depth) in [
        (Server::Raw, Content::Binary, 16),
        (Server::Min, Content::Json, 16),
        (Server::Mio, Content::Mixed, 16),
        (Server::Tokio, Content::Mixed, 1),
        (Server::Tokio, Content::Json, 16),
        (Server::TokioOwned, Content::Binary, 16),
        (Server::Smol, Content::Mixed, 16),
        (Server::SmolOwned, Content::Json, 1),
    ] {
        let address = start_server(server);
        let report = run(&Plan {
            connections: 10,
            pace: Pace::Closed { depth },
            sizes: "0:5,16:50,130:10,4k:5,70k:1".parse().unwrap(),
            content,
            until: Until::Messages(2000),
            sample: 1,
            ..plan(address)
        });
        assert_eq!(report.messages.received, 2000, "{server:?}: {report}");
        assert!(report.errors.is_empty(), "{server:?}: {report}");
        assert_eq!(report.latency.count, 2000, "{server:?}");
    }
}

#[test]
fn compressed_messages_come_back_as_they_were() {
    for (compressing, offer) in [
        (Compressing::Pooled, Offer::Takeover),
        (Compressing::Dedicated, Offer::Takeover),
        (Compressing::Dedicated, Offer::NoTakeover),
        (Compressing::NoTakeover, Offer::Takeover),
    ] {
        let address =
            start(move |listener| Server::Tokio.run(listener, Service::Echo, Some(compressing)));
        let report = run(&Plan {
            // Of these, the first and the last are read completely.
            connections: 65,
            pace: Pace::Closed { depth: 4 },
            sizes: "100:1,600:8,5k:1".parse().unwrap(),
            content: Content::Json,
            compression: Some(offer),
            until: Until::Messages(600),
            ..plan(address)
        });
        assert_eq!(report.messages.received, 600, "{compressing:?}: {report}");
        assert!(report.errors.is_empty(), "{compressing:?}: {report}");
    }
}

#[test]
fn a_server_that_does_not_compress_is_told_from_one_that_does() {
    let report = run(&Plan {
        compression: Some(Offer::Takeover),
        ..plan(start_server(Server::Tokio))
    });
    let errors: Vec<_> = report.errors.into_keys().collect();
    assert_eq!(errors, ["opening: compression was not agreed to"]);
}

#[test]
fn a_broadcast_reaches_everybody() {
    for server in [
        Server::Raw,
        Server::Min,
        Server::Mio,
        Server::Tokio,
        Server::Smol,
    ] {
        let address = start(move |listener| server.run(listener, Service::Broadcast, None));
        let report = run(&Plan {
            connections: 50,
            pace: Pace::Broadcast,
            sizes: Sizes::one(512),
            until: Until::Messages(20),
            sample: 1,
            ..plan(address)
        });
        assert_eq!(report.messages.received, 50 * 20, "{server:?}: {report}");
        assert!(report.errors.is_empty(), "{server:?}: {report}");
        let rounds = report.rounds.unwrap();
        assert_eq!(rounds.count, 20, "{server:?}");
        // The last one has waited as long as the round took.
        assert_eq!(rounds.max, report.latency.max, "{server:?}");
    }
}

/// A raw echo that forgets one of its answers; and how many it has had to give.
struct Forgetful(u64);

impl Answer for Forgetful {
    const ECHO: Echo = Echo::Bytes;
    type State = ();

    fn answer<'a>(&'a mut self, (): &mut (), bytes: &'a [u8]) -> &'a [u8] {
        self.0 += 1;
        match self.0 {
            100 => &bytes[..0],
            _ => bytes,
        }
    }
}

#[test]
fn what_is_never_answered_is_told() {
    let server = start(|listener| event_loop::run(listener, Forgetful(0), Service::Echo));
    let report = run(&Plan {
        connections: 4,
        until: Until::Messages(200),
        patience: Duration::from_secs(1),
        ..plan(server)
    });
    let messages = &report.messages;
    assert_eq!(messages.unanswered, 1, "{report}");
    assert_eq!(messages.sent, messages.received + 1);
}

#[test]
fn a_server_that_is_not_there_is_an_error_of_each_connection() {
    let nobody = listen("127.0.0.1:0".parse().unwrap())
        .unwrap()
        .local_addr()
        .unwrap();
    let report = run(&Plan {
        connections: 3,
        ..plan(nobody)
    });
    assert_eq!(report.connections.failed, 3);
    let errors: Vec<_> = report.errors.into_iter().collect();
    assert_eq!(errors, [("connecting: connection refused".to_owned(), 3)]);
}

#[test]
fn the_program_writes_its_report_as_json() {
    let server = start_server(Server::Min);
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["load", &format!("ws://{server}/"), "--count", "500"])
        .args(["--connections", "5", "--json", "--quiet"])
        .args(["--pid", &std::process::id().to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["messages"]["received"], 500);
    assert_eq!(report["connections"]["open"], 5);
    assert_eq!(report["latency"]["count"], 500);
    assert!(report["latency"]["p99_9"].as_u64() >= report["latency"]["p50"].as_u64());
    assert!(
        report["server"]["resident_open"].as_u64().is_some(),
        "{report}"
    );
}

#[test]
fn the_program_measures_beside_each_neighbour() {
    let server = start_server(Server::Mio);
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["neighbours", &format!("ws://{server}/"), "--quiet"])
        .args(["--beside", "flood:500,half-close", "--passes", "2"])
        .args(["--connections", "5", "--rate", "500"])
        .args(["--duration", "20ms", "--warm-up", "20ms", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let comparison: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let reports = |of: &serde_json::Value| of.as_array().unwrap().len();
    assert_eq!(reports(&comparison["alone"]), 2);
    for (index, name) in ["flood:500", "half-close"].into_iter().enumerate() {
        let beside = &comparison["beside"][index];
        assert_eq!(beside["neighbour"], name);
        assert_eq!(reports(&beside["reports"]), 2);
        assert!(beside["reports"][0]["neighbours"].is_object(), "{beside}");
    }
}
