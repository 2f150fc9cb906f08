//! A live tail across processes.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{PATIENCE, Server, generic, post};
use crate::house::House;
use crate::support::until;

/// Events of a request.
const EVENTS: usize = 20;

/// A reader of `/api/stream`.
struct Tail(BufReader<TcpStream>);

impl Tail {
    /// Begins to read, and returns once it is told that it listens.
    fn open(server: &Server) -> Self {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Of this version an answer comes as it is, not in chunks.
        write!(stream, "GET /api/stream HTTP/1.0\r\nhost: {}\r\n\r\n", server.address).unwrap();
        let mut tail = Self(BufReader::new(stream));
        while tail.line() != ": listening" {}
        tail
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
        line.trim_end().to_owned()
    }

    /// The row and the id of the next event.
    fn next(&mut self) -> (i64, String) {
        let (mut row, end) = (0, Instant::now() + PATIENCE);
        loop {
            assert!(Instant::now() < end, "no event comes behind row {row}");
            let line = self.line();
            if let Some(id) = line.strip_prefix("id: ") {
                row = id.parse().unwrap();
            } else if let Some(event) = line.strip_prefix("data: ") {
                let event: Value = serde_json::from_str(event).unwrap();
                return (row, format!("{} {}", event["session_id"], event["event_id"]));
            }
        }
    }
}

/// Stops who writes, also where the test fails before it would.
struct Stop<'t>(&'t AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends requests of a session one after the other, until it is to stop.
fn write_on(address: &str, session: &str, written: &AtomicUsize, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Relaxed) {
        let first = written.load(Ordering::Relaxed);
        let events: Vec<String> = (first..first + EVENTS).map(|index| generic(index, "INFO", "a", "{}")).collect();
        let body = format!(r#"{{"session_id":"{session}","events":[{}]}}"#, events.join(","));
        let (status, said) = post(address, "/api/v1/telemetry", &body);
        assert_eq!(status, 200, "{said}");
        written.fetch_add(EVENTS, Ordering::Relaxed);
    }
}

#[test]
fn who_follows_one_process_sees_once_and_in_order_what_two_others_write_of_which_one_is_slow() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let start = |roles: &str, name: &str| house.serve(roles, "127.0.0.1:0", &dir.path().join(name), &[]);
    let fast = start("ingest,write", "fast");
    let mut slow = start("ingest,write", "slow");
    let query = start("query", "query");
    let mut tail = Tail::open(&query);
    let written = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let stopping = AtomicBool::new(false);
    let addresses = [fast.address.clone(), slow.address.clone()];
    std::thread::scope(|scope| {
        let _stop = Stop(&stopping);
        for ((address, session), written) in addresses.iter().zip(["fast", "slow"]).zip(&written) {
            let stopping = &stopping;
            scope.spawn(move || write_on(address, session, written, stopping));
        }
        let on = |of: usize| {
            let before = written[of].load(Ordering::Relaxed);
            until("it goes on", || written[of].load(Ordering::Relaxed) >= before + 3 * EVENTS);
        };
        for seconds in [3, 1] {
            on(1);
            slow.signal("STOP");
            std::thread::sleep(Duration::from_secs(seconds));
            on(0);
            slow.signal("CONT");
        }
        on(1);
    });
    let all: usize = written.iter().map(|written| written.load(Ordering::Relaxed)).sum();
    let seen: Vec<(i64, String)> = (0..all).map(|_| tail.next()).collect();
    assert!(seen.is_sorted_by(|(one, _), (next, _)| one < next), "not in order of rows");
    let ids: HashSet<&String> = seen.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), all, "each once");
}
