//! The collector's own end while clients report: what was acknowledged is there, once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::Server;
use crate::support::{Connection, batch, stored};

/// Reports from four connections until the collector is gone; returns the numbers of the events that were acknowledged.
fn report_until_the_end(server: Server, signal: &'static str, at_least: usize) -> (BTreeSet<u64>, Option<i32>) {
    let (next, acknowledged) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let address = server.address.clone();
    std::thread::scope(|scope| {
        let client = || {
            let mut connection = Connection::open(&address);
            let mut mine = BTreeSet::new();
            loop {
                let first = next.fetch_add(64, Ordering::Relaxed);
                match connection.post("/api/v1/telemetry", "", batch("s", first..first + 64).as_bytes()) {
                    Ok((200, _)) => {
                        mine.extend(first as u64..first as u64 + 64);
                        acknowledged.fetch_add(64, Ordering::Relaxed);
                    }
                    // Whoever is told to come back has nothing acknowledged.
                    Ok(_) => {}
                    Err(_) => return mine,
                }
            }
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(client)).collect();
        let mut server = server;
        while acknowledged.load(Ordering::Relaxed) < at_least {
            std::thread::yield_now();
        }
        server.signal(signal);
        let (status, _) = server.wait();
        (clients.into_iter().flat_map(|client| client.join().unwrap()).collect(), status.code())
    })
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let (acknowledged, code) = report_until_the_end(Server::start(dir.path()), "KILL", 4096);
    assert_eq!(code, None, "it was killed");
    // Brought up again by the next one that opens it.
    Server::start(dir.path()).stop();
    let stored = stored(dir.path().to_str().unwrap(), "s");
    assert!(acknowledged.len() >= 4096);
    assert!(stored.is_superset(&acknowledged), "{} are gone", acknowledged.difference(&stored).count());
    // What was stored and not acknowledged is sent again by its client, and recognised.
    let server = Server::start(dir.path());
    let mut connection = Connection::open(&server.address);
    for first in (0..4096).step_by(64) {
        let (status, answer) =
            connection.post("/api/v1/telemetry", "", batch("s", first..first + 64).as_bytes()).unwrap();
        assert_eq!(status, 200, "{answer}");
    }
    let again = crate::support::stored(server.data_text(), "s");
    assert_eq!(again.len(), stored.union(&(0..4096).collect()).count());
    server.stop();
}

#[test]
fn what_was_acknowledged_before_a_polite_end_is_there_and_the_end_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let (acknowledged, code) = report_until_the_end(Server::start(dir.path()), "TERM", 2000);
    assert_eq!(code, Some(0));
    assert!(!dir.path().join("lastword.db-wal").exists(), "one file is left, not three");
    let stored = stored(dir.path().to_str().unwrap(), "s");
    assert!(stored.is_superset(&acknowledged), "{} are gone", acknowledged.difference(&stored).count());
}
