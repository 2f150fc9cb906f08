//! `lastword events --follow`: what comes, once, in order, until Ctrl-C.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};

use common::{PATIENCE, Running, Server, generic, lastword};

/// A follower as a child process, its lines as they come.
struct Follower {
    child: Running,
    lines: Receiver<String>,
}

impl Follower {
    fn start(args: &[&str]) -> Self {
        let mut command = lastword();
        let mut child =
            Running::start(command.args(["events", "--follow", "--json"]).args(args).stdout(Stdio::piped()));
        let lines = read(child.child().stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next event's index, or a failure when none comes.
    fn index(&self) -> u64 {
        let line = self.lines.recv_timeout(PATIENCE).expect("an event comes");
        index_of(&line)
    }

    fn interrupt(mut self) {
        self.child.signal("INT");
        assert_eq!(self.child.wait().code(), Some(0));
        assert!(self.lines.recv().is_err(), "nothing was printed twice");
    }
}

fn index_of(line: &str) -> u64 {
    serde_json::from_str::<serde_json::Value>(line).unwrap()["event_session_index"].as_u64().unwrap()
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

#[test]
fn what_was_there_and_what_comes_is_printed_once_and_in_order() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.post("s", &[generic(0, "INFO", "before", "{}")]);
    for place in [["--url", &server.url], ["--data", server.data_text()]] {
        let first = Follower::start(&[&["--since", "2000-01-01T00:00:00Z", "--limit", "1"], &place[..]].concat());
        assert_eq!(first.index(), 0);
        assert_eq!(first.child.wait().code(), Some(0), "the limit ends it");
    }
    let follower = Follower::start(&["--since", "2000-01-01T00:00:00Z", "--url", &server.url]);
    assert_eq!(follower.index(), 0);
    // More than a page, in bursts, while it polls.
    for first in (1..3_001).step_by(100) {
        let events: Vec<_> = (first..first + 100).map(|index| generic(index, "INFO", "burst", "{}")).collect();
        server.post("s", &events);
    }
    for index in 1..3_001 {
        assert_eq!(follower.index(), index);
    }
    follower.interrupt();
}

#[test]
fn an_old_event_that_comes_late_is_new() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.post("s", &[generic(500, "INFO", "first.to.come", "{}")]);
    let follower = Follower::start(&["--since", "2000-01-01T00:00:00Z", "--url", &server.url]);
    assert_eq!(follower.index(), 500);
    server.post("s", &[generic(3, "INFO", "older.by.its.clock", "{}")]);
    assert_eq!(follower.index(), 3);
    follower.interrupt();
}

#[test]
fn a_filter_holds_for_what_comes() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.post("s", &[generic(0, "ERROR", "wanted", "{}")]);
    let follower =
        Follower::start(&["--since", "2000-01-01T00:00:00Z", "--name", "wanted", "--data", server.data_text()]);
    assert_eq!(follower.index(), 0);
    server.post("s", &[generic(1, "INFO", "unwanted", "{}"), generic(2, "INFO", "wanted", "{}")]);
    assert_eq!(follower.index(), 2);
    follower.interrupt();
}

#[test]
fn without_since_only_what_is_new_is_printed() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.post("s", &[generic(0, "INFO", "before", "{}")]);
    let follower = Follower::start(&["--url", &server.url]);
    // It says nothing when it begins to look, so events are sent until one shows.
    let mut sent = 0;
    let first = loop {
        sent += 1;
        assert!(sent < 10_000, "no event shows");
        server.post("s", &[generic(sent, "INFO", "new", "{}")]);
        if let Ok(line) = follower.lines.try_recv() {
            break index_of(&line);
        }
    };
    assert_ne!(first, 0, "what was there before is not new");
    for index in first + 1..=sent as u64 {
        assert_eq!(follower.index(), index, "from the first on, each of them");
    }
    follower.interrupt();
}

#[test]
fn a_collector_that_is_restarted_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    server.post("s", &[generic(0, "INFO", "before", "{}")]);
    let follower = Follower::start(&["--since", "2000-01-01T00:00:00Z", "--url", &server.url]);
    assert_eq!(follower.index(), 0);
    let address = server.address.clone();
    server.stop();
    let server = Server::start_at(&address, data.path());
    server.post("s", &[generic(1, "INFO", "after", "{}")]);
    assert_eq!(follower.index(), 1);
    follower.interrupt();
}

#[test]
fn a_collector_that_was_never_there_is_not_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for since in [&[][..], &["--since", "1h"]] {
        let output = common::run(&[&["events", "--follow", "--url", &url], since].concat());
        assert_eq!(output.status.code(), Some(1), "{since:?}");
    }
}
