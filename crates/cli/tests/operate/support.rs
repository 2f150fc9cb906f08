//! A collector whose log is read while it runs.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::common::{PATIENCE, Running};

/// A collector, and what it says on standard error.
pub struct Logged {
    child: Running,
    /// Kept open: the server must not find its reader gone.
    _stdout: BufReader<ChildStdout>,
    lines: Receiver<String>,
    log: String,
    pub url: String,
    pub address: String,
}

impl Logged {
    /// Runs a command that becomes a collector, and waits until it says that it answers.
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Running::start(&mut command);
        let stderr = child.child().stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        let mut stdout = BufReader::new(child.child().stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").expect("one line that says where").to_owned();
        let address = url.strip_prefix("http://").expect("a URL").to_owned();
        Self { child, _stdout: stdout, lines, log: String::new(), url, address }
    }

    pub fn signal(&mut self, name: &str) {
        self.child.signal(name);
    }

    /// Waits until a line of the log says this.
    pub fn wait_for(&mut self, text: &str) {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line says {text}:\n{}", self.log));
            self.log.push_str(&line);
            self.log.push('\n');
            if line.contains(text) {
                return;
            }
        }
    }

    /// Ends it by SIGTERM; returns its status and its whole log.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let status = self.child.wait();
        for line in self.lines {
            self.log.push_str(&line);
            self.log.push('\n');
        }
        (status, self.log)
    }
}
