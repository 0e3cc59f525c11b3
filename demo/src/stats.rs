//! The server's statistics: connections, messages and bytes, reported once per second.

use std::{
    fs,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use serde_json::json;
use wsproto::{Message, Prepared};

use crate::{
    client::{Client, Farewell},
    encoder::Encoder,
    mailbox::Mailbox,
};

/// Counts connections and messages on all endpoints, and reports them to the clients of `/stats`.
#[derive(Debug)]
pub(crate) struct Stats {
    driver: &'static str,
    encoder: Encoder,
    started: Instant,
    open: AtomicU64,
    opened: AtomicU64,
    received: Traffic,
    sent: Traffic,
    /// Frame bytes of the messages sent.
    wire: AtomicU64,
    state: Mutex<State>,
}

/// Data messages in one direction since the start.
#[derive(Debug, Default)]
struct Traffic {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    fn count(&self, bytes: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct State {
    /// Time of the last report, and the totals at that time.
    counted: Instant,
    totals: Counts<u64>,
    /// The rates of the last report.
    per_second: Counts<f64>,
    watchers: Vec<(u64, Mailbox)>,
    last_id: u64,
}

/// A value for each direction and unit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counts<T> {
    messages_in: T,
    messages_out: T,
    bytes_in: T,
    bytes_out: T,
}

impl Stats {
    /// Starts counting at `now`.
    pub(crate) fn new(driver: &'static str, encoder: Encoder, now: Instant) -> Self {
        Self {
            driver,
            encoder,
            started: now,
            open: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            received: Traffic::default(),
            sent: Traffic::default(),
            wire: AtomicU64::new(0),
            state: Mutex::new(State {
                counted: now,
                totals: Counts::default(),
                per_second: Counts::default(),
                watchers: Vec::new(),
                last_id: 0,
            }),
        }
    }

    /// Counts a WebSocket connection, which is open until the returned guard is dropped.
    pub(crate) fn connection(self: &Arc<Self>) -> OpenConnection {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.opened.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(self))
    }

    /// Counts a received message by its payload bytes.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.count(bytes);
    }

    /// Counts a sent message by its payload bytes and its frame bytes.
    pub(crate) fn sent(&self, bytes: usize, wire: usize) {
        self.wire.fetch_add(wire as u64, Ordering::Relaxed);
        self.sent.count(bytes);
    }

    /// Computes the rates since the last report, and sends a report to every client of `/stats`. Called
    /// once per second.
    pub(crate) fn publish(&self, now: Instant) {
        let mut state = self.lock();
        let seconds = now.duration_since(state.counted).as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let totals = self.totals();
        let last = state.totals;
        let rate = |total: u64, last: u64| (total - last) as f64 / seconds;
        state.per_second = Counts {
            messages_in: rate(totals.messages_in, last.messages_in),
            messages_out: rate(totals.messages_out, last.messages_out),
            bytes_in: rate(totals.bytes_in, last.bytes_in),
            bytes_out: rate(totals.bytes_out, last.bytes_out),
        };
        state.totals = totals;
        state.counted = now;
        let report = self.report(&state, now);
        for (_, mailbox) in &state.watchers {
            mailbox.post(&report);
        }
    }

    fn report(&self, state: &State, now: Instant) -> Prepared {
        let mut report = json!({
            "driver": self.driver,
            "uptime_seconds": now.duration_since(self.started).as_secs_f64(),
            "connections": self.open.load(Ordering::Relaxed),
            "connections_total": self.opened.load(Ordering::Relaxed),
            "messages_in_per_second": state.per_second.messages_in,
            "messages_out_per_second": state.per_second.messages_out,
            "bytes_in_per_second": state.per_second.bytes_in,
            "bytes_out_per_second": state.per_second.bytes_out,
        });
        if let Some(bytes) = resident_memory() {
            report["memory_bytes"] = bytes.into();
        }
        if let Some(ratio) = self.compression_ratio() {
            report["compression_ratio"] = ratio.into();
        }
        self.encoder.text(&report.to_string())
    }

    /// Frame bytes divided by payload bytes of all messages sent; `None` without compression or before
    /// the first payload.
    fn compression_ratio(&self) -> Option<f64> {
        let bytes = self.sent.bytes.load(Ordering::Relaxed);
        let wire = self.wire.load(Ordering::Relaxed);
        (self.encoder.compresses() && bytes > 0).then(|| wire as f64 / bytes as f64)
    }

    fn totals(&self) -> Counts<u64> {
        Counts {
            messages_in: self.received.messages.load(Ordering::Relaxed),
            messages_out: self.sent.messages.load(Ordering::Relaxed),
            bytes_in: self.received.bytes.load(Ordering::Relaxed),
            bytes_out: self.sent.bytes.load(Ordering::Relaxed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is safe to use: nothing panics in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Guard of a connection that is counted as open.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<Stats>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client of `/stats`.
#[derive(Debug)]
pub(crate) struct Watcher {
    stats: Arc<Stats>,
    id: u64,
}

impl Watcher {
    /// Reports to `mailbox` now, and whenever a report is due.
    pub(crate) fn new(stats: Arc<Stats>, mailbox: Mailbox, now: Instant) -> Self {
        let mut state = stats.lock();
        mailbox.post(&stats.report(&state, now));
        state.last_id += 1;
        let id = state.last_id;
        state.watchers.push((id, mailbox));
        drop(state);
        Self { stats, id }
    }
}

impl Client for Watcher {
    fn handle(&mut self, _: Message) -> ControlFlow<Farewell> {
        ControlFlow::Continue(())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stats.lock().watchers.retain(|(id, _)| *id != self.id);
    }
}

/// Resident memory of the process in bytes, if the system reports it.
fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;
    use wsproto::{Compression, Config};

    use super::*;

    /// The reports in a mailbox.
    fn reports(mailbox: &Mailbox) -> Vec<Value> {
        let messages = mailbox.read();
        messages
            .iter()
            .map(|message| serde_json::from_str(message).unwrap())
            .collect()
    }

    fn rates(report: &Value) -> [f64; 4] {
        ["messages_in", "messages_out", "bytes_in", "bytes_out"].map(|name| {
            report[format!("{name}_per_second")]
                .as_f64()
                .expect("a rate")
        })
    }

    #[test]
    fn rates_are_what_was_counted_since_the_last_report() {
        let start = Instant::now();
        let after = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let stats = Arc::new(Stats::new("tokio", Encoder::default(), start));
        let first = Mailbox::new(10);
        let _watcher = Watcher::new(Arc::clone(&stats), first.clone(), start);

        for bytes in [100, 300] {
            stats.received(bytes);
        }
        stats.sent(1_000, 1_004);
        stats.publish(after(2.0));
        stats.received(50);
        // A client that connects between two reports gets the rates of the last one.
        let second = Mailbox::new(10);
        let _late = Watcher::new(Arc::clone(&stats), second.clone(), after(2.4));
        stats.publish(after(2.5));
        stats.publish(after(3.5));

        let seen: Vec<_> = reports(&first).iter().map(rates).collect();
        let measured = [[1.0, 0.5, 200.0, 500.0], [2.0, 0.0, 100.0, 0.0], [0.0; 4]];
        assert_eq!(seen[0], [0.0; 4]);
        assert_eq!(seen[1..], measured);
        let seen: Vec<_> = reports(&second).iter().map(rates).collect();
        assert_eq!(seen, measured);
    }

    #[test]
    fn the_ratio_is_that_of_everything_sent() {
        let mut config = Config::default();
        config.compression = Some(Compression::default());
        let start = Instant::now();
        for (encoder, sent, expected) in [
            (Encoder::new(&config), &[][..], None),
            (Encoder::new(&config), &[(0, 2)], None),
            (Encoder::new(&config), &[(100, 27)], Some(0.27)),
            (Encoder::new(&config), &[(100, 30), (300, 304)], Some(0.835)),
            (Encoder::default(), &[(100, 102)], None),
        ] {
            let stats = Arc::new(Stats::new("tokio", encoder, start));
            for (bytes, wire) in sent {
                stats.sent(*bytes, *wire);
            }
            let mailbox = Mailbox::new(1);
            let _watcher = Watcher::new(stats, mailbox.clone(), start);
            let report = &reports(&mailbox)[0];
            let ratio = report.get("compression_ratio").and_then(Value::as_f64);
            assert_eq!(ratio, expected, "{sent:?}");
        }
    }

    #[test]
    fn connections_are_counted_while_they_are_open_and_since_the_start() {
        let start = Instant::now();
        let stats = Arc::new(Stats::new("tokio", Encoder::default(), start));
        let mailbox = Mailbox::new(10);
        let first = stats.connection();
        let second = stats.connection();
        drop(first);
        let _watcher = Watcher::new(Arc::clone(&stats), mailbox.clone(), start);
        drop(second);
        stats.publish(start + Duration::from_secs(1));
        let seen: Vec<_> = reports(&mailbox)
            .iter()
            .map(|report| {
                (
                    report["connections"].clone(),
                    report["connections_total"].clone(),
                )
            })
            .collect();
        assert_eq!(seen, [(1.into(), 2.into()), (0.into(), 2.into())]);
    }

    #[test]
    fn nobody_is_reported_to_who_has_gone() {
        let start = Instant::now();
        let stats = Arc::new(Stats::new("tokio", Encoder::default(), start));
        let mailbox = Mailbox::new(10);
        drop(Watcher::new(Arc::clone(&stats), mailbox.clone(), start));
        stats.publish(start + Duration::from_secs(1));
        let [report] = &reports(&mailbox)[..] else {
            panic!("the one of the beginning");
        };
        assert_eq!(report["driver"], "tokio");
        assert_eq!(report["uptime_seconds"], 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_memory_of_the_process_is_known() {
        assert!(resident_memory() > Some(100 << 10));
    }
}
