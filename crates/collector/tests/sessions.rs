//! What is known of a session: how it stands, what is missing, which exceptions it had.
#![allow(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod common;

use std::time::Duration;

use common::{Dir, Server, body, end, event, exception, named};
use serde_json::{Value, json};

fn gaps(session: &Value) -> Vec<(i64, i64)> {
    let gaps = session["gap_list"].as_array().unwrap();
    gaps.iter().map(|gap| (gap["from"].as_i64().unwrap(), gap["to"].as_i64().unwrap())).collect()
}

#[test]
fn a_gap_is_shown_until_what_was_missing_arrives() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let send = |indexes: &[usize]| {
        let events: Vec<String> = indexes.iter().copied().map(event).collect();
        server.telemetry(body("s", &events)).is(200);
        server.get("/api/sessions/s").is(200).json()
    };
    let session = send(&[0, 1, 2, 6, 9]);
    assert_eq!((gaps(&session), &session["missing"], &session["gaps"]), (vec![(3, 5), (7, 8)], &json!(5), &json!(2)));
    assert_eq!(session["last_index"], 9);
    let session = send(&[4, 8]);
    assert_eq!((gaps(&session), &session["missing"]), (vec![(3, 3), (5, 5), (7, 7)], &json!(3)));
    let session = send(&[7, 5, 3]);
    assert_eq!((gaps(&session), &session["missing"], &session["gaps"]), (vec![], &json!(0), &json!(0)));
}

#[test]
fn what_is_missing_at_the_beginning_is_a_gap_also_without_a_session() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("sessionless-1", &[event(4), event(5)])).is(200);
    let session = server.get("/api/sessions/sessionless-1").json();
    assert_eq!((gaps(&session), &session["gaps"]), (vec![(0, 3)], &json!(1)));
}

#[test]
fn more_gaps_than_are_listed_are_counted() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let odd: Vec<String> = (0..1500).map(|index| event(index * 2)).collect();
    server.telemetry(body("s", &odd)).is(200);
    let session = server.get("/api/sessions/s").json();
    assert_eq!((gaps(&session).len(), &session["gaps"], &session["missing"]), (1000, &json!(1499), &json!(1499)));
}

#[test]
fn a_session_is_counted_by_severity_and_by_time_in_whatever_order_it_arrives() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[named(7, "a", "n", "ERROR", "{}"), named(5, "b", "n", "DEBUG", "{}")])).is(200);
    server.telemetry(body("s", &[named(3, "c", "n", "ERROR", "{}"), exception(4, "CRITICAL", "E", "m")])).is(200);
    let session = server.get("/api/sessions/s").json();
    assert_eq!(session["by_severity"], json!({ "DEBUG": 1, "INFO": 0, "WARNING": 0, "ERROR": 2, "CRITICAL": 1 }));
    assert_eq!((&session["events"], &session["exceptions"]), (&json!(4), &json!(1)));
    assert_eq!(session["first_event"], "2026-11-20T09:20:34.000000Z");
    assert_eq!(session["last_event"], "2026-11-20T09:20:34.000007Z");
    assert_eq!((&session["platform"], &session["sdk_version"]), (&json!("Linux"), &json!("0.38.0")));
}

#[test]
fn a_session_is_open_then_ended_and_fatal_if_it_died_of_an_error() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let state = |session: &str| {
        let session = server.get(&format!("/api/sessions/{session}")).json();
        (session["state"].as_str().unwrap().to_owned(), session["fatal"].as_bool().unwrap())
    };
    server.telemetry(body("clean", &[event(0), exception(1, "ERROR", "E", "m")])).is(200);
    assert_eq!(state("clean"), ("open".to_owned(), false));
    server.telemetry(body("clean", &[end(2)])).is(200);
    assert_eq!(state("clean"), ("ended".to_owned(), false));
    // The end may arrive before what it was the end of.
    server.telemetry(body("fatal", &[end(2)])).is(200);
    server.telemetry(body("fatal", &[event(0), exception(1, "CRITICAL", "E", "m")])).is(200);
    assert_eq!(state("fatal"), ("ended".to_owned(), true));
    // A critical error after the end is not what ended it.
    server.telemetry(body("later", &[end(0), exception(1, "CRITICAL", "E", "m")])).is(200);
    assert_eq!(state("later"), ("ended".to_owned(), false));
    let recovered = named(1, "r", "session.recovered", "WARNING", "{}");
    server.telemetry(body("killed", &[event(0), recovered, end(2)])).is(200);
    assert_eq!(state("killed"), ("crashed".to_owned(), false));
}

#[test]
fn a_crashed_session_has_the_signal_that_ended_it_where_that_is_known() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let recovered = |data: &str| [event(0), named(1, "r", "session.recovered", "WARNING", data), end(2)];
    server.telemetry(body("segfault", &recovered(r#"{"events":1,"torn":0,"pid":7,"signal":"SIGSEGV"}"#))).is(200);
    server.telemetry(body("killed", &recovered(r#"{"events":1,"torn":0,"pid":7}"#))).is(200);
    server.telemetry(body("segfault", &[event(3)])).is(200);
    let sessions = server.all("/api/sessions?state=crashed", "sessions");
    let signals: Vec<_> = sessions.iter().map(|session| (&session["session_id"], &session["signal"])).collect();
    assert_eq!(signals, [(&json!("killed"), &json!(null)), (&json!("segfault"), &json!("SIGSEGV"))]);
    assert_eq!(server.get("/api/sessions/segfault").json()["signal"], "SIGSEGV");
}

#[test]
fn a_session_that_says_nothing_for_long_is_silent_and_one_that_ended_is_not() {
    let dir = Dir::new();
    let server = Server::start(dir.config().silent_after(Duration::ZERO));
    server.telemetry(body("quiet", &[event(0)])).is(200);
    server.telemetry(body("done", &[event(0), end(1)])).is(200);
    let states = |filter: &str| -> Vec<(Value, Value)> {
        let sessions = server.all(&format!("/api/sessions?{filter}"), "sessions");
        sessions.into_iter().map(|session| (session["session_id"].clone(), session["state"].clone())).collect()
    };
    let (quiet, done) = ((json!("quiet"), json!("silent")), (json!("done"), json!("ended")));
    assert_eq!(states(""), [done.clone(), quiet.clone()]);
    assert_eq!(states("state=silent"), [quiet]);
    assert_eq!(states("state=ended"), [done]);
    assert_eq!(states("state=open"), []);
}

#[test]
fn what_the_client_says_that_it_dropped_adds_up_and_is_counted_once() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let first = named(0, "a", "telemetry.dropped", "WARNING", r#"{"queue_full":3,"too_large":1}"#);
    let second = named(1, "b", "telemetry.dropped", "WARNING", r#"{"queue_full":4,"odd":"x"}"#);
    for batch in [body("s", std::slice::from_ref(&first)), body("s", &[first, second])] {
        server.telemetry(batch).is(200);
    }
    let expected = json!({ "queue_full": 7, "too_large": 1 });
    assert_eq!(server.get("/api/sessions/s").json()["drops"], expected);
    assert_eq!(server.all("/api/sessions", "sessions")[0]["drops"], expected);
}

#[test]
fn exceptions_that_are_alike_are_one_group_with_a_sample() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let batch = [
        exception(0, "ERROR", "TimeoutError", "no answer after 30 s"),
        exception(1, "CRITICAL", "TimeoutError", "no answer after 12.5 s"),
        exception(2, "ERROR", "KeyError", "'user'"),
    ];
    server.telemetry(body("one", &batch)).is(200);
    server.telemetry(body("one", &batch)).is(200);
    server.telemetry(body("two", &[exception(0, "ERROR", "TimeoutError", "no answer after 1 s")])).is(200);
    let groups = server.all("/api/exceptions", "exceptions");
    assert_eq!(groups.len(), 2);
    assert_eq!((&groups[0]["error_type"], &groups[0]["count"]), (&json!("KeyError"), &json!(1)));
    let timeouts = &groups[1];
    assert_eq!(
        (&timeouts["count"], &timeouts["sessions"], &timeouts["severity"]),
        (&json!(3), &json!(2), &json!("CRITICAL"))
    );
    assert_eq!(timeouts["error_message"], "no answer after 30 s");
    assert_eq!((&timeouts["sample"]["event_id"], &timeouts["sample"]["session_id"]), (&json!("x-0"), &json!("one")));
    assert_eq!(timeouts["fingerprint"].as_str().unwrap().len(), 16);
    let of_two = server.all("/api/exceptions?session=two", "exceptions");
    assert_eq!((of_two.len(), &of_two[0]["fingerprint"]), (1, &timeouts["fingerprint"]));
}

#[test]
fn sessions_are_paged_without_repeats_while_new_ones_begin() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for index in 0..25 {
        server.telemetry(body(&format!("s-{index:02}"), &[event(0)])).is(200);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/api/sessions?limit=10&cursor={cursor}")).json();
        seen.extend(page["sessions"].as_array().unwrap().iter().map(|s| s["session_id"].as_str().unwrap().to_owned()));
        server.telemetry(body(&format!("new-{}", seen.len()), &[event(0)])).is(200);
        server.telemetry(body("s-00", &[event(seen.len())])).is(200);
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).rev().map(|index| format!("s-{index:02}")).collect::<Vec<_>>());
}
