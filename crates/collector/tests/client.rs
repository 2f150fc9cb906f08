//! What an unmodified client asks besides telemetry, and what is said to those who ask for something else.
#![allow(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod common;

use std::collections::HashSet;

use common::{Dir, Server};
use serde_json::json;

#[test]
fn the_calls_of_an_unmodified_client_are_answered_under_any_prefix() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for prefix in ["", "/services/tinker-prod"] {
        let call = |call: &str| server.post(&format!("{prefix}/api/v1/{call}"), "{}").is(200).json();
        assert_eq!(call("client/config"), json!({}));
        assert_eq!(call("client/dynamic_config"), json!({}));
        assert_eq!(call("create_session")["type"], "create_session");
        assert_eq!(call("session_heartbeat")["type"], "session_heartbeat");
        assert_eq!(call("sessions/abc-1/finish"), json!({}));
    }
}

#[test]
fn each_session_gets_an_id_of_its_own() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let ids: HashSet<String> = (0..20)
        .map(|_| server.post("/api/v1/create_session", "{}").json()["session_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 20);
}

#[test]
fn a_wrong_path_or_method_is_told_what_there_is() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for path in ["/nowhere", "/api/v1/", "/api/v1/telemetri", "/api/v2/telemetry", "/api/v1/sessions//finish"] {
        let error = server.post(path, "{}").is(404).error();
        assert!(error.contains("POST <any prefix>/api/v1/telemetry"), "{error}");
    }
    let answer = server.get("/x/api/v1/telemetry").is(405);
    assert_eq!((answer.header("allow"), answer.error().as_str()), (Some("POST"), "this path takes POST only"));
    let answer = server.post("/api/events", "").is(405);
    assert_eq!((answer.header("allow"), answer.error().as_str()), (Some("GET"), "this path takes GET only"));
}

#[test]
fn every_answer_forbids_what_no_answer_needs() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for path in ["/", "/sessions/none", "/api/events", "/nowhere"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{path}");
    }
}
