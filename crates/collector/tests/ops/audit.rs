//! The audit trail: who did what to what is stored, and to the collector.

use std::time::{Duration, Instant};

use lastword_collector::auth::KeyFile;
use serde_json::{Value, json};

use super::common::{Dir, Server, body, event, exception};
use super::keys::{ADMIN, INGEST, READ, with_keys};
use super::limits::config;

fn entries(server: &Server, filter: &str) -> Vec<Value> {
    let answer = server.client().send("GET", &format!("/api/audit?{filter}"), &[("x-api-key", ADMIN)], b"");
    answer.is(200).json()["entries"].as_array().unwrap().clone()
}

/// Waits for an entry.
#[track_caller]
fn wait_for(server: &Server, filter: &str) -> Value {
    let begun = Instant::now();
    loop {
        if let Some(entry) = entries(server, filter).first() {
            return entry.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "there is no {filter}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn whoever_changes_what_is_stored_is_on_record_and_only_administrators_read_it() {
    let dir = Dir::new();
    let server = Server::start(with_keys(dir.config()));
    let admin = |method: &str, path: &str, body: &str| {
        let headers = [("x-api-key", ADMIN), ("content-type", "application/json"), ("x-request-id", "r-1")];
        server.client().send(method, path, &headers, body.as_bytes())
    };
    let told = body("s", &[event(0), exception(1, "ERROR", "E", "m")]);
    server.client().send("POST", "/api/v1/telemetry", &[("x-api-key", INGEST)], told.as_bytes()).is(200);
    let exceptions = admin("GET", "/api/exceptions", "").is(200).json();
    let fingerprint = exceptions["exceptions"][0]["fingerprint"].as_str().unwrap();
    admin("PATCH", &format!("/api/exceptions/{fingerprint}"), r#"{"resolved":true}"#).is(200);
    admin("PATCH", "/api/exceptions/none", r#"{"resolved":true}"#).is(404);
    admin("PATCH", "/api/users/zoltan", r#"{"telemetry_opt_in":true}"#).is(200);
    admin("PATCH", "/api/users/zoltan", r#"{"telemetry_opt_in":false}"#).is(200);
    admin("DELETE", "/api/users/zoltan", "").is(200);
    admin("DELETE", "/api/sessions/s", "").is(200);
    server.client().send("DELETE", "/api/sessions/s", &[("x-api-key", READ)], b"").is(403);

    let all = entries(&server, "actor=key:admin");
    let actions: Vec<&str> = all.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let expected = ["session.delete", "user.delete", "user.forget", "user.opt_in", "exception.resolve"];
    assert_eq!(actions, expected, "the latest first, and nothing of what was refused or not there");
    assert_eq!(all[0]["metadata"], json!({ "session_id": "s" }));
    assert_eq!((&all[0]["request_id"], &all[0]["address"]), (&json!("r-1"), &json!("127.0.0.1")));
    assert!(!all.iter().any(|entry| entry.to_string().contains("zoltan")), "who is forgotten is not named here");
    assert_eq!(entries(&server, "action=user.opt_in&since=1h&limit=1").len(), 1);
    let ask = |key: &str| server.client().send("GET", "/api/audit", &[("x-api-key", key)], b"");
    ask(READ).is(403);
    ask(INGEST).is(403);
    server.stop().unwrap();
}

#[test]
fn keys_that_come_and_go_and_settings_that_are_others_are_on_record() {
    let dir = Dir::new();
    let keys = dir.path().with_extension("keys");
    let mut file = KeyFile::open(&keys).unwrap();
    file.create("ci", "ingest".parse().unwrap()).unwrap();
    let path = keys.to_str().unwrap();
    let config = |more: &[(&'static str, &str)]| with_keys(config(&dir, &[&[("keys", path)], more].concat()));
    let server = Server::start(config(&[]));
    assert_eq!(wait_for(&server, "action=key.added")["actor"], "collector");
    file.revoke("ci").unwrap();
    file.create("ci", "ingest".parse().unwrap()).unwrap();
    assert_eq!(wait_for(&server, "action=key.rotated")["metadata"]["key"], "ci");
    file.revoke("ci").unwrap();
    assert_eq!(wait_for(&server, "action=key.removed")["metadata"]["key"], "ci");
    assert_eq!(entries(&server, "action=setting.changed").len(), 0);
    server.stop().unwrap();

    let server = Server::start(config(&[("retention.spans_days", "7")]));
    let entry = &entries(&server, "action=setting.changed")[0];
    assert_eq!(entry["metadata"], json!({ "setting": "retention.spans_days", "from": "30", "to": "7" }));
    assert_eq!(entries(&server, "action=key.added").len(), 4, "nothing is told twice");
    server.stop().unwrap();
    let _ = std::fs::remove_file(keys);
}
