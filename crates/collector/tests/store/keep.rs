//! How long events are kept.

use std::time::{Duration, Instant};

use lastword_collector::Retention;
use lastword_collector::admin;

use super::common::{Dir, Server, body, event, exception, named};
use super::is_whole;

/// Makes all that is stored look as if it had been received days ago.
fn age(dir: &Dir, days: i64) {
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    let micros = days * 24 * 60 * 60 * 1_000_000;
    connection.execute("UPDATE batches SET received_us = received_us - ?", [micros]).unwrap();
    connection.execute("UPDATE sessions SET last_received_us = last_received_us - ?", [micros]).unwrap();
}

/// Waits until as many events are left.
#[track_caller]
fn left(server: &Server, filter: &str, events: usize) {
    let begun = Instant::now();
    while server.events(filter).len() != events {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} are left", server.events(filter).len());
        std::thread::yield_now();
    }
}

#[test]
fn events_are_kept_for_thirty_days_and_what_is_older_goes_without_being_asked_for() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events: Vec<String> = (0..5000).map(event).collect();
    for chunk in events.chunks(100) {
        server.telemetry(body("old", chunk)).is(200);
    }
    server.stop().unwrap();
    age(&dir, 31);
    let server = Server::start(dir.config());
    server.telemetry(body("new", &[event(0)])).is(200);
    left(&server, "", 1);
    server.stop().unwrap();
    is_whole(&dir);

    age(&dir, 29);
    let server = Server::start(dir.config());
    server.telemetry(body("newer", &[event(0)])).is(200);
    assert_eq!(server.events("").len(), 2, "29 days are not 30");
}

#[test]
fn each_kind_of_event_is_kept_as_long_as_is_said_of_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let span = r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","span_name":"x"}"#;
    let events = [
        event(0),
        named(1, "s", "span.end", "INFO", span),
        named(2, "l", "log", "INFO", "{}"),
        exception(3, "ERROR", "E", "m"),
    ];
    server.telemetry(body("s", &events)).is(200);
    server.stop().unwrap();
    age(&dir, 10);
    let retention = Retention { spans_days: 7, logs_days: 9, exceptions_days: 0, ..Retention::default() };
    let server = Server::start(dir.config().retention(retention));
    left(&server, "", 2);
    assert_eq!(server.events("name=n").len(), 1);
    assert_eq!(server.events("kind=UNHANDLED_EXCEPTION").len(), 1);
    assert_eq!(server.all("/api/traces", "traces").len(), 0, "a trace goes with its last event");
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn a_store_that_is_too_large_loses_its_oldest_events_and_its_file_shrinks() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let data = format!(r#"{{"a":"{}"}}"#, "x".repeat(4000));
    for batch in 0..50 {
        let events: Vec<String> =
            (0..100).map(|index| named(index, &format!("e-{index}"), "n", "INFO", &data)).collect();
        server.telemetry(body(&format!("s-{batch:02}"), &events)).is(200);
    }
    server.stop().unwrap();
    let before = admin::info(dir.path(), false).unwrap();
    assert!(before.gives_back && before.bytes > 20_000_000, "{before:?}");
    let server = Server::start(dir.config().retention(Retention { bytes_max: 5_000_000, ..Retention::default() }));
    let begun = Instant::now();
    let after = loop {
        let info = admin::info(dir.path(), false).unwrap();
        // As many pages are kept free as a store that goes on needs.
        if info.used_bytes <= 5_000_000 && info.bytes < 15_000_000 {
            break info;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{info:?}");
    };
    assert!(after.events > 200 && after.events < 2000, "{after:?}");
    assert!(!server.events("session=s-49").is_empty(), "the newest are there");
    assert_eq!(server.events("session=s-00").len(), 0);
    server.stop().unwrap();
    is_whole(&dir);
}
