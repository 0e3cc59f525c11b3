//! A headless Chromium in a directory of its own: found, launched, asked for tabs, and gone with
//! everything it wrote when the value is dropped.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest that a browser may take to start on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The longest that a browser may take to answer on its HTTP port.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The longest that the browser's other processes may go on writing after the first one is dead.
const CLEANUP_LIMIT: Duration = Duration::from_secs(5);
const POLL_EVERY: Duration = Duration::from_millis(20);

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The window must lay out and run timers as if somebody looked at it, and nothing may leave for
/// the network by itself.
const FLAGS: [&str; 15] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1440,900",
    "--remote-debugging-port=0",
];

/// Finds a browser: the program that `CHROMIUM` names, or else the first known name in `PATH`.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    let directories: Vec<PathBuf> = env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| {
        directories
            .iter()
            .map(|directory| directory.join(name))
            .find(|program| program.is_file())
    })
}

/// A running browser with an empty profile.
pub(crate) struct Chromium {
    process: Child,
    profile: PathBuf,
    devtools: SocketAddr,
}

/// A tab, and where its DevTools listen.
pub(crate) struct Tab {
    /// The browser's name for it.
    pub(crate) id: String,
    /// The `ws://` URL to hand to [`Cdp`](super::cdp::Cdp)'s channel.
    ///
    /// Chromium turns away handshakes with an `Origin` header here, and its messages may take
    /// megabytes (screenshots).
    pub(crate) devtools_url: String,
}

impl Chromium {
    /// Launches `program` and waits until its DevTools listen.
    ///
    /// # Panics
    ///
    /// If the browser does not start.
    pub(crate) fn launch(program: &Path) -> Self {
        static LAUNCHED: AtomicU32 = AtomicU32::new(0);
        let number = LAUNCHED.fetch_add(1, Ordering::Relaxed);
        let profile = env::temp_dir().join(format!("demo-browser-{}-{number}", id()));
        fs::create_dir(&profile).expect("a new directory for the profile");
        let log = fs::File::create(profile.join("stderr.log")).expect("a file for the log");
        let process = Command::new(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not run: {error}", program.display()));
        // From here on a panic cleans up.
        let mut browser = Self {
            process,
            profile,
            devtools: (Ipv4Addr::LOCALHOST, 0).into(),
        };
        let port = browser.devtools_port();
        browser.devtools.set_port(port);
        browser
    }

    /// Opens an empty tab.
    pub(crate) fn open_tab(&self) -> Tab {
        // Chromium takes PUT only, so that a page cannot open tabs with a link.
        let answer = self.ask("PUT", "/json/new?about:blank");
        let tab: Value = serde_json::from_str(&answer).expect("a tab described in JSON");
        let field = |name: &str| tab[name].as_str().expect(name).to_owned();
        Tab {
            id: field("id"),
            devtools_url: field("webSocketDebuggerUrl"),
        }
    }

    /// Closes a tab, as a person would; the page gets no chance to object.
    pub(crate) fn close_tab(&self, tab: &Tab) {
        self.ask("GET", &format!("/json/close/{}", tab.id));
    }

    /// Waits for the file that tells which port the browser picked: the port, then a path.
    fn devtools_port(&mut self) -> u16 {
        let file = self.profile.join("DevToolsActivePort");
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let written = fs::read_to_string(&file).unwrap_or_default();
            // Without its line end the number may be half written.
            if let Some((port, _)) = written.split_once('\n') {
                return port.parse().expect("a port number");
            }
            let ended = self.process.try_wait().expect("a child to ask about");
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.profile.join("stderr.log")).unwrap_or_default();
                panic!("the browser did not start ({ended:?}):\n{log}");
            }
            sleep(POLL_EVERY);
        }
    }

    /// One HTTP exchange with the browser; returns the body of its answer.
    fn ask(&self, method: &str, target: &str) -> String {
        let exchange = || -> io::Result<String> {
            let mut stream = TcpStream::connect(self.devtools)?;
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            let host = self.devtools;
            write!(
                stream,
                "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            )?;
            read_answer(&mut stream)
        };
        let answer = exchange().unwrap_or_else(|error| panic!("{method} {target}: {error}"));
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(
            head.starts_with("HTTP/1.1 200"),
            "{method} {target}: {answer}"
        );
        body.to_owned()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The other processes of the browser leave when they lose this one.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let deadline = Instant::now() + CLEANUP_LIMIT;
        while fs::remove_dir_all(&self.profile).is_err() && Instant::now() < deadline {
            sleep(POLL_EVERY);
        }
    }
}

/// Reads a head and as much body as its `Content-Length` says; the browser may keep the connection.
fn read_answer(stream: &mut TcpStream) -> io::Result<String> {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(head_len) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&answer[..head_len]).to_ascii_lowercase();
            let body_len: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|len| len.trim().parse().ok())
                .ok_or_else(|| io::Error::other("no Content-Length"))?;
            if answer.len() >= head_len + 4 + body_len {
                return String::from_utf8(answer).map_err(io::Error::other);
            }
        }
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => answer.extend_from_slice(&piece[..n]),
        }
    }
}
