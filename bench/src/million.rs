//! The cost of a million connections on one machine.
//!
//! A process has a limit of open files, and an address has 28 000 ports for connections to one server.
//! So both ends consist of many processes, and each client connects from its own addresses.

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

/// Parameters of the run.
#[derive(Debug, Clone)]
pub struct Million {
    /// Number of connections.
    pub connections: usize,
    /// Maximum number of connections per process.
    pub each: usize,
    /// The server, as in `bench serve`.
    pub server: String,
    /// Interval between echoes on each connection.
    pub every: Duration,
    /// Processors of the servers and of the clients.
    pub processors: Option<[usize; 2]>,
}

/// The cost of the connections.
#[derive(Debug)]
pub struct Outcome {
    server: String,
    processes: usize,
    /// Time until all connections were open.
    opening: Duration,
    /// Connections that were open at that time, and connections that stayed open to the end.
    opened: usize,
    held: usize,
    failed: usize,
    echoes: u64,
    unanswered: u64,
    /// In nanoseconds, the maximum over all processes.
    p99: u64,
    /// Resident memory of all servers in bytes: before the first connection, with all connections open,
    /// and after an echo on each.
    resident: [u64; 3],
    /// Growth of the machine's used memory in bytes, for both ends and the kernel.
    machine: u64,
    errors: BTreeMap<String, u64>,
}

impl Million {
    /// Opens all connections, waits until each has had an echo while all are open, and closes them.
    /// Calls `progress` with status messages.
    ///
    /// # Errors
    /// If a process cannot be started or reports something unexpected.
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
        // Somewhat longer than one interval, for late echoes.
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

/// Excludes memory that a server needs only once from the cost of its connections.
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

/// Memory of the machine that is not available, in bytes.
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
    /// Number of open connections, once every connection is open or has failed.
    opened: usize,
}

impl Client {
    fn start(million: &Million, n: usize, connections: usize, server: &Server) -> io::Result<Self> {
        // 127.0.1.0, 127.0.1.1, and so on. Each client gets two: the system searches the ports of one
        // parity first, one by one, which takes long once those 14 000 are in use.
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

    /// Stops the process and returns its report.
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
        // The process may have ended already.
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

    /// Returns true if all connections stayed open to the end and all messages were answered.
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
            "By `bench million`: {} server processes (`{}`) and as many client processes, each with its own addresses.",
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
                "| servers' memory, {when} | {:.0} MiB, {:.0} bytes per connection |",
                mebibytes(growth(now)),
                each(growth(now))
            )?;
        }
        writeln!(
            f,
            "| servers' memory before the first connection | {:.0} MiB |",
            mebibytes(before)
        )?;
        writeln!(
            f,
            "| the machine's memory, both ends and the kernel | {:.1} GiB, {:.0} bytes per connection |",
            mebibytes(self.machine) / 1024.0,
            each(self.machine)
        )?;
        for (error, n) in &self.errors {
            writeln!(f, "| error | {n} × {error} |")?;
        }
        Ok(())
    }
}
