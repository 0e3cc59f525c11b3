//! A million connections on one machine, and what they cost.
//!
//! A process may have as many open files only, and an address has 28 000 ports for connections to a
//! server; so there are many processes on both ends, and each client connects from addresses of its
//! own.

use std::{
    collections::BTreeMap,
    env, fmt,
    io::{self, BufRead, BufReader, Read},
    net::Ipv4Addr,
    process::{Child, Command as Process, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    load::{self, Plan, Report, Until},
    matrix::{Command, Compresses, Server},
    process::{Usage, pin},
};

/// How many, and how.
#[derive(Debug, Clone)]
pub struct Million {
    /// Connections.
    pub connections: usize,
    /// Connections of a process at most.
    pub each: usize,
    /// The server, as `bench serve` knows it.
    pub server: String,
    /// How often each connection gets an echo.
    pub every: Duration,
    /// Processors of the servers and of the clients.
    pub processors: Option<[usize; 2]>,
}

/// What they cost.
#[derive(Debug)]
pub struct Outcome {
    server: String,
    processes: usize,
    /// Until all were open.
    opening: Duration,
    /// Connections that were open then, and those that were open to the end.
    opened: usize,
    held: usize,
    failed: usize,
    echoes: u64,
    unanswered: u64,
    /// In nanoseconds, the worst of all processes.
    p99: u64,
    /// Bytes of resident memory of all servers: before the first connection, with all of them, and
    /// after an echo on each.
    resident: [u64; 3],
    /// Bytes of the machine's memory that became used meanwhile, that of both ends and the kernel's.
    machine: u64,
    errors: BTreeMap<String, u64>,
}

impl Million {
    /// Opens all connections, waits until each has had an echo with all of them open, and closes them. Calls
    /// `progress` with what happens.
    ///
    /// # Errors
    /// If a process cannot be started or does not do what it should.
    pub fn hold(&self, mut progress: impl FnMut(&str)) -> io::Result<Outcome> {
        let processes = self.connections.div_ceil(self.each);
        self.run_on(0)?;
        let servers = (0..processes).map(|_| self.start_server());
        let servers = servers.collect::<io::Result<Vec<Server>>>()?;
        self.run_on(1)?;
        for server in &servers {
            warm_up(server)?;
        }
        let before = (resident(&servers), used_memory());
        let start = Instant::now();
        let mut clients = Vec::new();
        for (n, server) in servers.iter().enumerate() {
            let connections = self.each.min(self.connections - n * self.each);
            let client = Client::start(self, n, connections, server)?;
            progress(&format!(
                "process {} of {processes}: {} open",
                n + 1,
                client.opened
            ));
            clients.push(client);
        }
        let opening = start.elapsed();
        let open = resident(&servers);
        progress(&format!(
            "all open after {opening:.1?}; waiting for an echo on each"
        ));
        // Somewhat longer than it takes, for those that are late.
        sleep(self.every + self.every / 10);
        let after = resident(&servers);
        let machine = used_memory().saturating_sub(before.1);
        let mut outcome = Outcome {
            server: self.server.clone(),
            processes,
            opening,
            opened: clients.iter().map(|client| client.opened).sum(),
            held: 0,
            failed: 0,
            echoes: 0,
            unanswered: 0,
            p99: 0,
            resident: [before.0, open, after],
            machine,
            errors: BTreeMap::new(),
        };
        for client in clients {
            outcome.add(&client.finish()?);
        }
        Ok(outcome)
    }

    fn run_on(&self, end: usize) -> io::Result<()> {
        self.processors
            .map_or(Ok(()), |processors| pin(processors[end]))
    }

    fn start_server(&self) -> io::Result<Server> {
        let program = env::current_exe()?.to_string_lossy().into_owned();
        let arguments = vec![program, "serve".to_owned(), self.server.clone()];
        Command::Announcing(arguments, Compresses::No).start()
    }
}

/// What a server needs once is not what a connection costs.
fn warm_up(server: &Server) -> io::Result<()> {
    let plan = Plan {
        connections: 8,
        until: Until::Messages(80),
        ..Plan::new(server.target.clone())
    };
    load::run(&plan, &mut ()).map(drop)
}

fn resident(servers: &[Server]) -> u64 {
    let usages = servers
        .iter()
        .filter_map(|server| server.pid().and_then(Usage::of));
    usages.map(|usage| usage.resident).sum()
}

/// Bytes of the machine's memory that are not available.
fn used_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let used = kibibytes("MemTotal:").zip(kibibytes("MemAvailable:"));
    used.map_or(0, |(total, available)| {
        total.saturating_sub(available) << 10
    })
}

/// A process that holds connections.
struct Client {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    /// How many are open, when all are or have failed.
    opened: usize,
}

impl Client {
    fn start(million: &Million, n: usize, connections: usize, server: &Server) -> io::Result<Self> {
        // 127.0.1.0, 127.0.1.1, and so on. Two for each: the system looks for a free port among those of
        // one parity first, one after the other, which takes long once their 14 000 are in use.
        let first = u32::from(Ipv4Addr::new(127, 0, 1, 0)) + 2 * n as u32;
        let sources = [first, first + 1].map(|source| Ipv4Addr::from(source).to_string());
        let mut child = Process::new(env::current_exe()?)
            .args(["hold", &format!("ws://{}/", server.target.address)])
            .args(["--connections", &connections.to_string()])
            .args(["--from", &sources.join(",")])
            .args(["--every", &format!("{}s", million.every.as_secs_f64())])
            .args(["--attached", "--quiet", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut client = Self {
            child,
            output: BufReader::new(output),
            opened: 0,
        };
        let mut said = String::new();
        client.output.read_line(&mut said)?;
        let number = said
            .split_once(" open")
            .and_then(|(number, _)| number.parse().ok());
        client.opened = number.ok_or_else(|| io::Error::other("a client did not start"))?;
        Ok(client)
    }

    /// Ends it, and takes its report.
    fn finish(mut self) -> io::Result<Report> {
        drop(self.child.stdin.take());
        let mut json = String::new();
        self.output.read_to_string(&mut json)?;
        self.child.wait()?;
        serde_json::from_str(&json).map_err(io::Error::other)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    fn add(&mut self, report: &Report) {
        self.held += report.connections.open;
        self.failed += report.connections.failed;
        self.echoes += report.messages.received;
        self.unanswered += report.messages.unanswered;
        self.p99 = self.p99.max(report.latency.p99);
        for (error, n) in &report.errors {
            *self.errors.entry(error.clone()).or_default() += n;
        }
    }

    /// Whether all connections were open to the end and all messages were answered.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.failed == 0 && self.unanswered == 0
    }
}

/// A section of `RESULTS.md`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, open, after] = self.resident;
        let growth = |now: u64| now.saturating_sub(before);
        let each = |bytes: u64| bytes as f64 / self.opened.max(1) as f64;
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        writeln!(f, "## {} connections held", self.held)?;
        writeln!(f)?;
        writeln!(
            f,
            "By `bench million`: {} server processes (`{}`) and as many clients, each from addresses of its own.",
            self.processes, self.server
        )?;
        writeln!(f)?;
        writeln!(f, "| | |\n|---|---|")?;
        writeln!(
            f,
            "| opened, held to the end, failed | {}, {}, {} |",
            self.opened, self.held, self.failed
        )?;
        writeln!(f, "| all open after | {:.1?} |", self.opening)?;
        writeln!(
            f,
            "| echoes, never answered | {}, {} |",
            self.echoes, self.unanswered
        )?;
        writeln!(
            f,
            "| p99 of an echo, worst process | {:.1?} |",
            Duration::from_nanos(self.p99)
        )?;
        for (when, now) in [("all open", open), ("after an echo on each", after)] {
            writeln!(
                f,
                "| servers' memory, {when} | {:.0} MiB, {:.0} bytes a connection |",
                mebibytes(growth(now)),
                each(growth(now))
            )?;
        }
        writeln!(
            f,
            "| … and what the processes need once | {:.0} MiB |",
            mebibytes(before)
        )?;
        writeln!(
            f,
            "| the machine's memory, both ends and the kernel | {:.1} GiB, {:.0} bytes a connection |",
            mebibytes(self.machine) / 1024.0,
            each(self.machine)
        )?;
        for (error, n) in &self.errors {
            writeln!(f, "| error | {n} × {error} |")?;
        }
        Ok(())
    }
}
