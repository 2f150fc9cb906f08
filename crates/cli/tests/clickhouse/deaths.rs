//! Everything of a fleet is killed while clients report, its store too.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::common::{PATIENCE, Server, ask, generic, get, post};
use crate::house::House;
use crate::support::{json, report, start_with, stored, until, until_within};

/// Sets how many events each client logs in the largest test, where it is to be a smaller one.
const EVENTS_VARIABLE: &str = "LASTWORD_FLEET_EVENTS";
/// How many they are unless that is set.
const EVENTS: u64 = 100_000;
/// What a client logs where there is no stream.
const EVENTS_ALONE: u64 = 20_000;

fn pause() {
    std::thread::sleep(Duration::from_secs(2));
}

/// Checks that a process that only answers questions counts all events of a session, and that the store has each once.
fn is_whole(query: &Server, house: &House, session: &str, events: u64) {
    // With its begin and its end.
    let all = events + 2;
    until_within(2 * PATIENCE, "all of it is stored", || stored(query, session) >= all);
    let (_, said) = get(&query.address, &format!("/api/sessions/{session}"));
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["events"], &said["missing"]), (&all.into(), &0.into()), "{said}");
    let found = house.row(&format!(
        "SELECT count(), uniqExact(id), uniqExact(idx), min(idx), max(idx) FROM events FINAL WHERE session = '{session}'"
    ));
    assert_eq!(found, [all, all, all, 0, all - 1], "{session}");
}

#[test]
fn whoever_dies_and_be_it_the_store_what_was_acknowledged_is_stored_exactly_once() {
    let Some(mut house) = House::start() else { return };
    let Some(mut cluster) = Cluster::start(3) else { return };
    let events = std::env::var(EVENTS_VARIABLE).map_or(EVENTS, |events| events.parse().expect("a number of events"));
    let dir = tempfile::tempdir().unwrap();
    let url = house.url();
    let begin = |cluster: &Cluster, roles: &str, address: &str, name: &str| {
        start_with(cluster, roles, address, &dir.path().join(name), &["--store", &url])
    };
    let free = "127.0.0.1:0";
    let mut ingest = begin(&cluster, "ingest", free, "ingest-1");
    let other_ingest = begin(&cluster, "ingest", free, "ingest-2");
    let mut writer = begin(&cluster, "write", free, "write-1");
    let other_writer = begin(&cluster, "write", free, "write-2");
    let query = house.serve("query", free, &dir.path().join("query"), &[]);
    let (at_ingest, at_writer) = (ingest.address.clone(), writer.address.clone());
    let clients = [("client-1", at_ingest.clone()), ("client-2", other_ingest.address.clone())]
        .map(|(session, address)| std::thread::spawn(move || report(session, &address, events)));

    cluster.lose_leader_and_follower(pause);
    ingest.signal("KILL");
    drop(ingest);
    pause();
    ingest = begin(&cluster, "ingest", &at_ingest, "ingest-1");
    writer.signal("KILL");
    drop(writer);
    pause();
    writer = begin(&cluster, "write", &at_writer, "write-1");
    pause();
    house.kill();
    until("it is told that nothing can be stored", || json(&other_writer, "/api/health")["ok"] == false);
    pause();
    house.run();

    for client in clients {
        client.join().unwrap();
    }
    for session in ["client-1", "client-2"] {
        is_whole(&query, &house, session, events);
    }
    // Not by its messages: old servers may keep one that was stored and that nobody is given any more.
    let is_empty = |process: &Server| {
        let stream = &json(process, "/api/status")["stream"];
        stream["waiting"] == 0 && stream["taken"] == 0
    };
    until("nothing waits in the stream", || is_empty(&writer) && is_empty(&other_writer));
    assert_eq!(cluster.messages("LASTWORD_DEAD"), 0);
    for process in [&writer, &other_writer] {
        until("all is well", || json(process, "/api/health")["ok"] == true);
        assert_eq!(json(process, "/api/status")["stream"]["dead"], 0);
    }
    ingest.stop();
}

#[test]
fn without_a_stream_what_was_acknowledged_outlives_its_process_and_its_store() {
    let Some(mut house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let all = "ingest,write,query";
    let mut alone = house.serve(all, "127.0.0.1:0", &data, &[]);
    let address = alone.address.clone();
    let client = {
        let address = address.clone();
        std::thread::spawn(move || report("client", &address, EVENTS_ALONE))
    };
    pause();
    house.kill();
    let body = format!(r#"{{"session_id":"witness","events":[{}]}}"#, generic(0, "INFO", "a", "{}"));
    let send = || post(&address, "/api/v1/telemetry", &body);
    let (status, said) = send();
    assert!(status == 503 && said.contains("the store can't be written: send the request again"), "{status} {said}");
    until("it is seen that the store is away", || json(&alone, "/api/health")["ok"] == false);
    let (status, said) = get(&address, "/sessions");
    assert!(status == 503 && said.contains("<h1>This can't be shown now</h1>"), "people get a page: {status} {said}");
    for asked in [said, get(&address, "/api/sessions").1] {
        assert!(asked.contains("the store can't be reached: ask again") && !asked.contains("clickhouse:"), "{asked}");
    }
    pause();
    house.run();
    until("what could not be stored is", || send().0 == 200);
    alone.signal("KILL");
    drop(alone);
    alone = house.serve(all, &address, &data, &[]);
    client.join().unwrap();
    is_whole(&alone, &house, "client", EVENTS_ALONE);
    assert_eq!(stored(&alone, "witness"), 1);

    // Page by page it is the same: each event once, none left out.
    let all = EVENTS_ALONE + 2;
    until("readers go up to the last one", || ids(&alone, "client").len() as u64 >= all);
    let ids = ids(&alone, "client");
    let once: HashSet<&String> = ids.iter().collect();
    assert_eq!((ids.len() as u64, once.len() as u64), (all, all));
}

/// The ids of all events of a session, as a file of them has them.
fn ids(server: &Server, session: &str) -> Vec<String> {
    let (status, lines) = ask(&server.address, &format!("GET /events.jsonl?session={session} HTTP/1.0"), "");
    assert_eq!(status, 200, "{lines}");
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event_id"].as_str().unwrap().to_owned();
    lines.lines().map(id).collect()
}
