//! Everything of a fleet is killed, while clients report.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::common::get;
use crate::support::{json, report, start, stored, until};

/// What each client logs.
const EVENTS: u64 = 100_000;

#[test]
fn whoever_dies_what_was_acknowledged_is_stored_exactly_once() {
    let Some(mut cluster) = Cluster::start(3) else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut one = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest-1"));
    let two = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest-2"));
    let mut write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    let (at_one, at_two, at_write) = (one.address.clone(), two.address.clone(), write.address.clone());
    let clients = [("client-1", at_one.clone()), ("client-2", at_two)]
        .map(|(session, address)| std::thread::spawn(move || report(session, &address, EVENTS)));

    let pause = || std::thread::sleep(Duration::from_secs(2));
    cluster.lose_leader_and_follower(pause);
    one.signal("KILL");
    drop(one);
    pause();
    one = start(&cluster, "ingest", &at_one, &dir.path().join("ingest-1"));
    write.signal("KILL");
    drop(write);
    pause();
    write = start(&cluster, "write,query", &at_write, &dir.path().join("write"));

    for client in clients {
        client.join().unwrap();
    }
    for session in ["client-1", "client-2"] {
        // With its begin and its end.
        until("all of it is stored", || stored(&write, session) >= EVENTS + 2);
        let (_, said) = get(&write.address, &format!("/api/sessions/{session}"));
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["events"], EVENTS + 2, "{said}");
        assert_eq!(said["missing"], 0, "{said}");
    }
    let counted = json(&write, "/api/status")["stream"].clone();
    assert_eq!((&counted["dead"], &counted["postponed"]), (&0.into(), &0.into()), "{counted}");
    drop(one);
}
