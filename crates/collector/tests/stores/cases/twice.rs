//! What is sent more than once.

use serde_json::json;

use super::Case;
use crate::fixture::Fixture;
use crate::send::{body, end, event, events, exception, told};

pub const CASES: [Case; 6] = [
    ("an empty store answers everything", empty),
    ("a request that is sent twice is stored once", again),
    ("events that come again in another request are stored once", in_another),
    ("an id that comes again at another time", at_another_time),
    ("a request of which a part is no event", in_part),
    ("what was sent before a restart is known after it", after_a_restart),
];

fn empty(fixture: &mut Fixture) {
    assert!(fixture.all("/api/events?order=asc", "events").is_empty());
    crate::questions::every(fixture);
}

fn again(fixture: &mut Fixture) {
    let mut sent = events(0..5);
    sent.extend([exception(5, 5_000, "ERROR", "TimeoutError", "no answer after 30 s"), end(6, 6_000)]);
    let first = fixture.events("s", &sent);
    assert_eq!((&first["accepted"], &first["duplicates"]), (&json!(7), &json!(0)));
    let second = fixture.events("s", &sent);
    assert_eq!((&second["accepted"], &second["duplicates"]), (&json!(0), &json!(7)));
    assert_eq!(fixture.all("/api/events", "events").len(), 7);
    let session = fixture.json("/api/sessions/s");
    assert_eq!((&session["events"], &session["exceptions"], &session["missing"]), (&json!(7), &json!(1), &json!(0)));
    // In one request.
    sent.extend(sent.clone());
    fixture.events("t", &sent);
    assert_eq!(fixture.json("/api/sessions/t")["events"], 7);
}

fn in_another(fixture: &mut Fixture) {
    fixture.events("s", &events(0..6));
    let mixed = fixture.events("s", &events(3..9));
    assert_eq!((&mixed["accepted"], &mixed["duplicates"]), (&json!(3), &json!(3)));
    // The same ids in another session are other events.
    let other = fixture.events("t", &events(3..9));
    assert_eq!(other["accepted"], 6);
    let mut reversed = events(0..9);
    reversed.reverse();
    fixture.events_of("s", "1.1", &reversed);
    assert_eq!(fixture.all("/api/events?session=s", "events").len(), 9);
    let stats = fixture.json(&format!("/api/stats?by=hour&{}", crate::send::range()));
    let counted: i64 = stats["counts"].as_array().unwrap().iter().map(|count| count["count"].as_i64().unwrap()).sum();
    assert_eq!(counted, 15);
}

fn at_another_time(fixture: &mut Fixture) {
    // Within the hour.
    fixture.events("s", &[event(0, "a", 0, "tick", json!({"n": 1}))]);
    fixture.events("s", &[event(1, "a", 9_000, "tock", json!({"n": 2}))]);
    // The same id and time, and all else another.
    fixture.events("s", &[told(7, "a", 0, "other", "ERROR", json!({"n": 3}))]);
}

fn in_part(fixture: &mut Fixture) {
    let mut sent = events(0..4);
    sent[1] = json!({"event": "GENERIC_EVENT", "event_id": "b"});
    sent[2] = json!("no event");
    let answer = fixture.send("POST", "/api/v1/telemetry", &body("s", "1.0", &sent)).json();
    assert_eq!(answer["accepted"], 2, "{answer}");
    assert_eq!(fixture.send("POST", "/api/v1/telemetry", "{\"events\":7}").status, 400);
    assert_eq!(fixture.send("POST", "/api/v1/telemetry", "{").status, 400);
    assert_eq!(fixture.all("/api/events", "events").len(), 2);
}

fn after_a_restart(fixture: &mut Fixture) {
    fixture.events("s", &events(0..5));
    fixture.restart();
    let answer = fixture.events("s", &events(2..7));
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(2), &json!(3)));
    let order: Vec<_> = fixture
        .all("/api/events?order=asc", "events")
        .iter()
        .map(|event| event["event_session_index"].clone())
        .collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6].map(|index| json!(index)));
}
