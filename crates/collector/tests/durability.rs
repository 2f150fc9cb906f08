//! What was acknowledged is there: after a kill, after a full disk, for a reader without a collector.
#![allow(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod common;

use common::{Client, Dir, Killed, Server, body, event, named};
use lastword_collector::query::{EventQuery, Reader, SessionQuery};
use lastword_collector::{Collector, Config, OpenError};
use serde_json::json;

#[test]
fn a_collector_in_a_process_of_its_own() {
    Killed::be();
}

#[test]
fn a_killed_collector_has_all_that_it_acknowledged() {
    let dir = Dir::new();
    let collector = Killed::start("a_collector_in_a_process_of_its_own", &dir);
    let mut acknowledged = 0;
    let mut client = Client::connect(collector.address);
    for batch in 0..50 {
        let events: Vec<String> = (batch * 20..(batch + 1) * 20).map(event).collect();
        let answer = client.send("POST", "/api/v1/telemetry", &[], body("s", &events).as_bytes()).is(200);
        acknowledged += answer.json()["accepted"].as_u64().unwrap();
    }
    collector.kill();

    let stored = |reader: &Reader| {
        let query = EventQuery { limit: 1000, ..EventQuery::default() };
        reader.events(&query).unwrap().items.len() as u64
    };
    assert_eq!(acknowledged, 1000);
    assert_eq!(stored(&Reader::open(dir.path()).unwrap()), 1000, "read as the kill left it");
    let server = Server::start(dir.config());
    let again = server.telemetry(body("s", &[event(999), event(1000)])).is(200).json();
    assert_eq!((again["accepted"].as_u64(), again["duplicates"].as_u64()), (Some(1), Some(1)));
    assert_eq!(server.get("/api/sessions/s").json()["missing"], 0);
}

#[test]
fn a_full_store_acknowledges_nothing_and_takes_events_again_when_there_is_room() {
    let dir = Dir::new();
    let large = |index: usize| {
        let data = format!("{{\"a\":\"{}\"}}", "x".repeat(20_000));
        body("s", &[named(index, &format!("large-{index}"), "n", "INFO", &data)])
    };
    let server = Server::start(dir.config().store_bytes_max(400_000));
    let mut stored = 0;
    let refused = loop {
        let answer = server.telemetry(large(stored));
        if answer.status != 200 {
            break answer;
        }
        stored += 1;
        assert!(stored < 100, "the store never fills up");
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.error(), "the disk is full: send the request again");
    let health = server.get("/api/health").is(503).json();
    assert_eq!((health["ok"].as_bool(), health["error"].as_str()), (Some(false), Some("the disk is full")));
    assert_eq!(server.events("").len(), stored, "what was acknowledged is there, what was refused is not");
    server.stop().unwrap();

    let server = Server::start(dir.config());
    server.telemetry(large(stored)).is(200);
    server.get("/api/health").is(200);
    assert_eq!(server.events("").len(), stored + 1);
    assert_eq!(server.get("/api/sessions/s").json()["events"], stored + 1);
}

#[test]
fn a_session_that_is_new_in_a_failed_transaction_is_whole_when_it_is_sent_again() {
    let dir = Dir::new();
    let server = Server::start(dir.config().store_bytes_max(800_000));
    let data = format!("{{\"a\":\"{}\"}}", "x".repeat(900_000));
    server.telemetry(body("new", &[event(0), named(1, "large", "new.name", "INFO", &data)])).is(503);
    server.telemetry(body("new", &[event(0), named(1, "small", "new.name", "INFO", "{}")])).is(200);
    assert_eq!(server.events("session=new&name=new.name").len(), 1);
    assert_eq!(server.get("/api/sessions/new").json()["events"], 2);
    server.get("/api/health").is(200);
}

#[test]
fn a_second_collector_on_a_directory_is_refused_and_leaves_the_first_alone() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let error = Collector::open(dir.config()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(error.to_string().starts_with("another collector is running on "), "{error}");
    server.telemetry(body("s", &[event(0)])).is(200);
    server.stop().unwrap();
    Server::start(dir.config()).get("/api/sessions/s").is(200);
}

#[cfg(unix)]
#[test]
fn the_directory_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    let _server = Server::start(Config::new(dir.path().join("deep/er")));
    let mode = std::fs::metadata(dir.path().join("deep/er")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let _ = std::fs::remove_dir_all(dir.path());
}

#[test]
fn a_directory_is_read_while_a_collector_runs_on_it_and_after() {
    let dir = Dir::new();
    let error = Reader::open(dir.path()).unwrap_err().to_string();
    assert!(error.starts_with("there is no store in "), "{error}");
    let server = Server::start(dir.config());
    let reader = Reader::open(dir.path()).unwrap();
    server.telemetry(body("s", &[event(0)])).is(200);
    assert_eq!(reader.events(&EventQuery::default()).unwrap().items[0].session_id, "s");
    server.telemetry(body("s", &[event(1)])).is(200);
    assert_eq!(reader.sessions(&SessionQuery::default()).unwrap().items[0].events, 2);
    server.stop().unwrap();
    assert_eq!(reader.events(&EventQuery::default()).unwrap().items.len(), 2);
    assert_eq!(Reader::open(dir.path()).unwrap().session("s").unwrap().unwrap().session.events, 2);
}

#[test]
fn the_log_of_the_database_stays_short_and_gives_back_what_a_long_reader_made_of_it() {
    const MIB: u64 = 1024 * 1024;
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let data = format!("{{\"a\":\"{}\"}}", "x".repeat(10_000));
    let mut sent = 0;
    // A MiB a request. What is written is in the log first.
    let mut write = |requests: usize| {
        let mut longest = 0;
        for _ in 0..requests {
            let events: Vec<_> =
                (sent..sent + 100).map(|index| named(index, &format!("id-{index}"), "n", "INFO", &data)).collect();
            sent += events.len();
            server.telemetry(body("s", &events)).is(200);
            let log = std::fs::metadata(dir.path().join("lastword.db-wal")).unwrap().len();
            longest = longest.max(log);
        }
        longest
    };
    let longest = write(14);
    assert!(longest < 12 * MIB, "8 MiB, and what one group of requests adds: {longest}");

    let reader = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM batches;").unwrap();
    let longest = write(20);
    assert!(longest > 18 * MIB, "nothing is moved that the reader may need: {longest}");
    reader.execute_batch("COMMIT").unwrap();
    write(2);
    let longest = write(10);
    assert!(longest <= 16 * MIB, "the log begins anew, and its file is cut: {longest}");
    server.stop().unwrap();
    assert_eq!(Reader::open(dir.path()).unwrap().session("s").unwrap().unwrap().session.events, 4600);
}

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let dir = Dir::new();
    Server::start(dir.config()).stop().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let error = Collector::open(dir.config()).unwrap_err().to_string();
    assert!(error.contains("has format 999, this program knows formats up to 8"), "{error}");
}

#[test]
fn a_store_of_format_1_is_brought_up_to_date_and_knows_the_signals_that_its_events_name() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path()).unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    connection.execute_batch(include_str!("format_1.sql")).unwrap();
    drop(connection);
    let error = Reader::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("has format 1, this program reads 8: `lastword serve --data` brings it"), "{error}");

    let server = Server::start(dir.config());
    let known = |session: &str| {
        let session = server.get(&format!("/api/sessions/{session}")).is(200).json();
        (session["state"].clone(), session["signal"].clone(), session["events"].clone())
    };
    assert_eq!(known("segfault"), (json!("crashed"), json!("SIGSEGV"), json!(4)));
    assert_eq!(known("killed"), (json!("crashed"), json!(null), json!(3)));
    assert_eq!(known("odd"), (json!("crashed"), json!(null), json!(2)));
    assert_eq!(known("other"), (json!("ended"), json!(null), json!(2)));
    server.telemetry(body("segfault", &[event(4)])).is(200);
    assert_eq!(known("segfault"), (json!("crashed"), json!("SIGSEGV"), json!(5)));
    server.stop().unwrap();
    assert_eq!(Reader::open(dir.path()).unwrap().sessions(&SessionQuery::default()).unwrap().items.len(), 4);
}

#[cfg(unix)]
#[test]
fn a_directory_that_was_removed_takes_nothing_more_and_says_so() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0)])).is(200);
    std::fs::remove_dir_all(dir.path()).unwrap();
    let answer = server.telemetry(body("s", &[event(1)])).is(503);
    assert!(answer.error().contains("removed"), "{}", answer.error());
    assert_eq!(server.get("/api/health").status, 503);
}
