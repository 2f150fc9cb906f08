//! Everything of a fleet is killed, while clients report.

use std::time::Duration;

use lastword::Reporter;
use lastword::sink::Tinker;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::common::get;
use crate::support::{json, start, stored, until};

/// What each client logs.
const EVENTS: u64 = 100_000;
/// Longer than all of them may take to arrive, whoever dies meanwhile.
const ARRIVAL: Duration = Duration::from_secs(300);

/// Reports all events of a session, a little at a time, and returns when all of them were acknowledged.
fn report(session: &str, address: &str) {
    let reporter = Reporter::builder(session)
        .enabled(true)
        .sink(Tinker::new(format!("http://{address}")).http_timeout(Duration::from_secs(40)))
        .max_queue_size(200_000)
        .max_batch_size(500)
        .flush_interval(Duration::from_millis(50))
        .max_retries(100)
        .retry_base_delay(Duration::from_millis(100))
        .start()
        .unwrap();
    for number in 0..EVENTS {
        lastword::event!(reporter, lastword::Severity::Info, "work.done", number = number);
        if number % 1_000 == 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let drain = reporter.blocking_wait_until_drained(ARRIVAL);
    assert!(drain.is_drained() && drain.dropped == 0, "{drain:?}");
    assert!(reporter.blocking_stop(ARRIVAL).is_drained());
}

#[test]
fn whoever_dies_what_was_acknowledged_is_stored_exactly_once() {
    let Some(mut cluster) = Cluster::start(3) else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut one = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest-1"));
    let two = start(&cluster, "ingest", "127.0.0.1:0", &dir.path().join("ingest-2"));
    let mut write = start(&cluster, "write,query", "127.0.0.1:0", &dir.path().join("write"));
    let (at_one, at_two, at_write) = (one.address.clone(), two.address.clone(), write.address.clone());
    let clients = [("client-1", at_one.clone()), ("client-2", at_two)]
        .map(|(session, address)| std::thread::spawn(move || report(session, &address)));

    let pause = || std::thread::sleep(Duration::from_secs(2));
    pause();
    let leader = cluster.leader();
    cluster.kill(leader);
    pause();
    cluster.run(leader);
    pause();
    let follower = (cluster.leader() + 1) % 3;
    cluster.kill(follower);
    pause();
    cluster.run(follower);
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
