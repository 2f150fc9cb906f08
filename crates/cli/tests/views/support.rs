//! Files of events that a real reporter has written.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};

use lastword::Reporter;
use lastword::sink::Jsonl;
use serde_json::Value;

use crate::common::{PATIENCE, Running, lastword};

/// A file of events, and the reporter that writes it.
pub struct Recorder {
    pub reporter: Reporter,
    pub path: PathBuf,
}

impl Recorder {
    /// Begins a session that is written to `events.jsonl` in the directory.
    pub fn start(directory: &Path, session: &str) -> Self {
        Self::with(session, Jsonl::new(directory.join("events.jsonl")), directory)
    }

    /// The same, with a sink that is set up otherwise.
    pub fn with(session: &str, sink: Jsonl, directory: &Path) -> Self {
        let reporter = Reporter::builder(session).enabled(true).sink(sink).start().unwrap();
        Self { reporter, path: directory.join("events.jsonl") }
    }

    /// Waits until all that was logged is in the file.
    pub fn flush(&self) {
        assert!(self.reporter.blocking_wait_until_drained(PATIENCE).is_drained());
    }

    /// Ends the session; returns the path.
    pub fn stop(self) -> String {
        assert!(self.reporter.blocking_stop(PATIENCE).is_drained());
        self.path.to_str().unwrap().to_owned()
    }
}

/// A child of which the lines are read as they come.
pub struct Follower {
    pub child: Running,
    lines: Receiver<String>,
}

impl Follower {
    pub fn start(args: &[&str]) -> Self {
        let mut command = lastword();
        let mut child = Running::start(command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()));
        let lines = read(child.child().stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line, or a failure when none comes.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line comes")
    }

    /// The name of the next event.
    pub fn name(&self) -> String {
        serde_json::from_str::<Value>(&self.line()).unwrap()["event_name"].as_str().unwrap_or_default().to_owned()
    }

    /// Ends it by SIGINT, which must be clean and print nothing more.
    pub fn interrupt(mut self) {
        self.child.signal("INT");
        assert_eq!(self.child.wait().code(), Some(0));
        assert!(self.lines.recv().is_err(), "nothing was printed twice");
    }
}

fn read(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Runs the binary with this on standard input; returns standard output and standard error of a run that succeeded.
pub fn fed(args: &[&str], input: &[u8]) -> (String, String) {
    let mut command = lastword();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {errors}");
    (String::from_utf8(output.stdout).unwrap(), errors)
}

/// The events of a file as a client sends them to a collector, which is told once where they come from.
pub fn wire_events(path: &str) -> Vec<String> {
    let event = |line: &str| {
        let mut event: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        for origin in ["platform", "sdk_version", "session_id", "process_uuid"] {
            event.remove(origin);
        }
        Value::Object(event).to_string()
    };
    std::fs::read_to_string(path).unwrap().lines().map(event).collect()
}

/// The names of printed events, in their order.
pub fn names(printed: &str) -> Vec<String> {
    let name = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event.get("event_name").unwrap_or(&event["event"]).as_str().unwrap().to_owned()
    };
    printed.lines().map(name).collect()
}
