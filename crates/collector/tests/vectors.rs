//! The requests of two real clients, as they were captured.
#![allow(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{Dir, Server};
use lastword::privacy::Privacy;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Capture {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    body: String,
    request_line: String,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    session_id: String,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Id {
    event_id: String,
}

/// Returns the bodies of all captured telemetry requests, in order.
fn bodies() -> Vec<String> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let captures = files.iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap());
    captures
        .flat_map(|capture: Capture| capture.requests)
        .filter(|request| request.request_line.split(' ').nth(1).unwrap().ends_with("/api/v1/telemetry"))
        .map(|request| request.body)
        .collect()
}

/// Returns every event's text by its session and id.
fn expected(bodies: &[String]) -> BTreeMap<(String, String), String> {
    let mut events = BTreeMap::new();
    for body in bodies {
        let envelope: Envelope<'_> = serde_json::from_str(body).unwrap();
        for event in envelope.events {
            let Id { event_id } = serde_json::from_str(event.get()).unwrap();
            events.entry((envelope.session_id.clone(), event_id)).or_insert_with(|| event.get().to_owned());
        }
    }
    events
}

/// Returns every stored event's text, as the answers carry it, without the session that they add.
fn stored(server: &Server) -> Vec<((String, String), String)> {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
        next: Option<String>,
    }
    #[derive(Deserialize)]
    struct Ids {
        session_id: String,
        event_id: String,
    }
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = server.get(&format!("/api/events?order=asc&limit=150&cursor={cursor}")).is(200);
        let page: Page<'_> = serde_json::from_str(&answer.body).unwrap();
        for event in page.events {
            let Ids { session_id, event_id } = serde_json::from_str(event.get()).unwrap();
            let added = format!(",\"session_id\":{}}}", serde_json::Value::from(session_id.as_str()));
            let text = format!("{}}}", event.get().strip_suffix(&added).unwrap());
            all.push(((session_id, event_id), text));
        }
        match page.next {
            Some(next) => cursor = next,
            None => return all,
        }
    }
}

#[test]
fn all_that_real_clients_sent_is_stored_once_byte_for_byte_and_adds_nothing_when_sent_again() {
    let dir = Dir::new();
    let server = Server::start(dir.config().privacy(Privacy::off()));
    let bodies = bodies();
    let expected = expected(&bodies);
    assert!(bodies.len() >= 25 && expected.len() > 500, "{} bodies, {} events", bodies.len(), expected.len());

    let mut client = server.client();
    for path in ["/api/v1/telemetry", "/services/tinker-prod/api/v1/telemetry"] {
        for body in &bodies {
            let answer = client.send("POST", path, &[("content-type", "application/json")], body.as_bytes()).is(200);
            assert_eq!(answer.json()["status"], "accepted");
            assert_eq!(answer.json()["refused"], serde_json::Value::Null, "{}", answer.body);
        }
        let stored = stored(&server);
        assert_eq!(stored.len(), expected.len());
        assert_eq!(stored.into_iter().collect::<BTreeMap<_, _>>(), expected);
    }
}

#[test]
fn of_what_real_clients_sent_somebodys_home_is_taken_out_and_nothing_else_is_touched() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let bodies = bodies();
    let mut client = server.client();
    for body in &bodies {
        client.send("POST", "/api/v1/telemetry", &[("content-type", "application/json")], body.as_bytes()).is(200);
    }
    let mut stored: BTreeMap<_, _> = stored(&server).into_iter().collect();
    let mut homes = 0;
    for (key, sent) in expected(&bodies) {
        let stored = stored.remove(&key).unwrap();
        if sent.contains("/home/ada/") {
            homes += 1;
            let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(read(&stored), read(&sent.replace("/home/ada/", "~/")));
        } else {
            assert_eq!(stored, sent);
        }
    }
    assert!(homes > 2 && stored.is_empty(), "{homes}");
}
