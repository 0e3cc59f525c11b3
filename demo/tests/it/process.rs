//! The demo as a process of its own: started on a free port, its log read along, and gone when the
//! value is dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use testkit::PATIENCE;

/// A command that runs the demo and logs everything.
pub(crate) fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command
        .args(flags)
        .env("RUST_LOG", "debug")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A running demo.
pub(crate) struct Demo {
    process: Child,
    address: String,
    lines: Receiver<String>,
    log: String,
}

impl Demo {
    /// Starts the demo on `address` and waits until it listens.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub(crate) fn start(address: &str, flags: &[&str]) -> Self {
        let mut process = command(flags)
            .args(["--addr", address])
            .spawn()
            .expect("the demo was built");
        let stderr = process.stderr.take().expect("it is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut demo = Self {
            process,
            address: String::new(),
            lines,
            log: String::new(),
        };
        let line = demo.wait_for_line("listening on http://");
        let (_, address) = line.split_once("http://").expect("just looked for");
        demo.address = address.trim().to_owned();
        demo
    }

    /// The IP address and the port on which it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits for a line of the log that contains `part`.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub(crate) fn wait_for_line(&mut self, part: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.log += &line;
                    self.log.push('\n');
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("there is no line with {part:?} in\n{}", self.log)
                }
            }
        }
    }

    /// Sends the process a signal, such as `INT`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.process.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for the end of the process, and returns what it logged since the start, too.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.process.wait().expect("a child to wait for");
        for line in self.lines.iter() {
            self.log += &line;
            self.log.push('\n');
        }
        (status, std::mem::take(&mut self.log))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
