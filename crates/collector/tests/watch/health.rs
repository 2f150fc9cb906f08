//! `/api/status`, `/api/health` and its parts, `/api/version`.

use serde_json::{Value, json};

use crate::common::{Dir, Server, body, event, named};
use crate::{PATIENCE, wait_for};

#[test]
fn a_healthy_collector_says_so_in_every_form_and_needs_no_stream_for_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let status = server.get("/api/status").is(200);
    assert_eq!(status.json(), json!({"ok": true, "services": {"db": true, "mq": true, "storage": true}}));
    assert_eq!(status.header("cache-control"), Some("no-store"));
    let health = server.get("/api/health").is(200).json();
    let services = json!({"db": {"ok": true}, "mq": {"ok": true}, "storage": {"ok": true}});
    assert_eq!((&health["ok"], &health["services"]), (&json!(true), &services));
    let db = server.get("/api/health/db").is(200).json();
    assert_eq!((&db["status"], &db["database"]), (&json!("healthy"), &json!("connected")));
    assert!(db["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(server.get("/api/health/storage").is(200).json(), json!({"ok": true}));
    let version = server.get("/api/version").is(200).json();
    assert_eq!(version, json!({"name": "lastword", "version": env!("CARGO_PKG_VERSION")}));
}

#[test]
fn the_stream_that_is_not_configured_is_told_as_such() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert_eq!(server.get("/api/health/mq").is(503).json(), json!({"ok": false, "reason": "missing_url"}));
}

#[test]
fn a_full_disk_is_unhealthy_storage_and_no_text_of_the_database_leaves() {
    let dir = Dir::new();
    let server = Server::start(dir.config().store_bytes_max(800_000));
    let data = format!("{{\"a\":\"{}\"}}", "x".repeat(900_000));
    server.telemetry(body("s", &[named(0, "large", "n", "INFO", &data)])).is(503);
    let status = server.get("/api/status").is(503).json();
    assert_eq!(status, json!({"ok": false, "services": {"db": true, "mq": true, "storage": false}}));
    assert_eq!(server.get("/api/health/storage").is(503).json(), json!({"ok": false}));
    assert_eq!(server.get("/api/health").is(503).json()["error"], "the disk is full");
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_gone_is_unhealthy_before_anything_is_sent() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    std::fs::remove_dir_all(dir.path()).unwrap();
    assert_eq!(server.get("/api/health/storage").is(503).json(), json!({"ok": false}));
    let health = server.get("/api/health").is(503).body;
    assert!(!health.contains(dir.path().to_str().unwrap()), "{health}");
}

#[cfg(unix)]
#[test]
fn what_a_check_found_is_answered_for_a_moment_and_then_looked_for_again() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let storage = || server.get("/api/health/storage").status;
    let away = dir.path().with_extension("away");
    let is_kept = || {
        wait_for("health", || (storage() == 200).then_some(()));
        std::fs::rename(dir.path(), &away).unwrap();
        let status = storage();
        wait_for("the next check", || (storage() == 503).then_some(()));
        std::fs::rename(&away, dir.path()).unwrap();
        status == 200
    };
    // What was found may be old already as it is asked for, and a machine may be held up meanwhile.
    assert!((0..10).any(|_| is_kept()));
}

#[test]
fn a_database_that_takes_nothing_is_disconnected_and_none_of_its_text_leaves() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let store = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    store.busy_timeout(PATIENCE).unwrap();
    store.execute_batch("ALTER TABLE counts RENAME TO gone").unwrap();
    let refused = server.telemetry(body("s", &[event(0)])).is(503);
    assert_eq!(refused.error(), "the store can't be written: send the request again");
    assert!(refused.header("retry-after").is_some());
    let logs = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795000000000000000","body":{"stringValue":"x"}}]}]}]}"#;
    let json = [("content-type", "application/json")];
    let otlp = server.client().send("POST", "/v1/logs", &json, logs.as_bytes()).is(503);
    assert_eq!(otlp.json()["message"], "the store can't be written: send the request again");
    let db = server.get("/api/health/db").is(503);
    let told = db.json();
    assert_eq!((&told["status"], &told["database"]), (&json!("unhealthy"), &json!("disconnected")));
    let status = server.get("/api/status").is(503).json();
    assert_eq!(status, json!({"ok": false, "services": {"db": false, "mq": true, "storage": true}}));
    let health = server.get("/api/health").is(503);
    assert_eq!(health.json()["error"], "the store can't be written");
    for answer in [refused, otlp, db, health] {
        assert!(!answer.body.contains("counts"), "{}", answer.body);
    }
    store.execute_batch("ALTER TABLE gone RENAME TO counts").unwrap();
    store.execute_batch("ALTER TABLE audit RENAME TO gone").unwrap();
    let change = br#"{"telemetry_opt_in": true}"#;
    let unmade = server.client().send("PATCH", "/api/users/u-1", &json, change).is(503);
    assert_eq!(unmade.error(), "the store can't be written: send the request again");
    store.execute_batch("ALTER TABLE gone RENAME TO audit").unwrap();
    server.telemetry(body("s", &[event(0)])).is(200);
    wait_for("the next check", || (server.get("/api/health/db").status == 200).then_some(()));
}

#[test]
fn a_status_call_is_an_event_where_that_is_turned_on_and_else_is_none() {
    let dir = Dir::new();
    let server = Server::start(dir.config().telemetry(true));
    let answer = server.client().send("GET", "/api/status", &[("x-request-id", "r-17")], b"").is(200);
    assert_eq!(answer.header("x-request-id"), Some("r-17"));
    let recorded = wait_for("the event", || server.events("name=api.status").pop());
    let data = &recorded["event_data"];
    assert_eq!(data["request_id"], "r-17");
    for (name, value) in [("ok", true), ("dbOk", true), ("mqOk", true), ("storageOk", true)] {
        assert_eq!(data[name], Value::from(value), "{name}");
    }
    assert!(data["durationMs"].as_f64().is_some());
    drop(server);

    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.get("/api/status").is(200);
    server.telemetry(body("s", &[event(0)])).is(200);
    assert_eq!(server.events("").len(), 1, "only what a client sent");
}

#[cfg(unix)]
#[test]
fn a_report_that_cant_be_stored_fails_no_request() {
    let dir = Dir::new();
    let server = Server::start(dir.config().telemetry(true));
    std::fs::remove_dir_all(dir.path()).unwrap();
    server.get("/api/version").is(200);
    let metrics = wait_for("the count", || {
        Some(server.get("/metrics").body).filter(|text| text.contains("\nlastword_unrecorded_total 1\n"))
    });
    assert!(metrics.contains("route=\"/api/version\",method=\"GET\",status=\"200\""), "{metrics}");
}

#[test]
fn an_id_that_may_not_stand_in_a_log_is_replaced() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for bad in ["a b", &"x".repeat(129)] {
        let answer = server.client().send("GET", "/api/status", &[("x-request-id", bad)], b"").is(200);
        let id = answer.header("x-request-id").unwrap();
        assert!(id != bad && id.len() == 36, "{id}");
    }
}
