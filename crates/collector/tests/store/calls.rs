//! Calls of models and tools, counted by the hour.

use serde_json::{Value, json};

use super::common::{Dir, Server, body, named};
use super::{is_whole, to_format_5};

/// The hour that all of it happens in, as `named` has it.
const RANGE: &str = "since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z";

/// An operation that ended after so many milliseconds.
fn operation(index: usize, what: &str, took_ms: f64, more: &str) -> String {
    let data =
        format!(r#"{{"span_name":"x","duration_ms":{took_ms},"status":"ok","gen_ai.operation.name":"{what}"{more}}}"#);
    named(index, &format!("op-{index}"), "operation", "INFO", &data)
}

fn model(index: usize, name: &str, took_ms: f64, more: &str) -> String {
    let more = format!(r#","gen_ai.provider.name":"openai","gen_ai.request.model":"{name}"{more}"#);
    operation(index, "chat", took_ms, &more)
}

fn tool(index: usize, name: &str, took_ms: f64, failed: bool) -> String {
    let call = operation(index, "execute_tool", took_ms, &format!(r#","gen_ai.tool.name":"{name}""#));
    if failed { call.replace(r#""status":"ok""#, r#""status":"error""#) } else { call }
}

/// Events of a session whose program has a version.
fn of_version(session: &str, version: &str, events: &[String]) -> String {
    let body = body(session, events);
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["sdk_version"] = json!(version);
    body.to_string()
}

fn calls(server: &Server, query: &str) -> Vec<Value> {
    server.get(&format!("/api/calls?{RANGE}&{query}")).is(200).json()["calls"].as_array().unwrap().clone()
}

#[test]
fn calls_are_told_by_model_and_tool_with_their_errors_tokens_cost_and_latency() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let usage = r#","gen_ai.usage.input_tokens":100,"gen_ai.usage.output_tokens":20,"gen_ai.usage.cache_read.input_tokens":60,"gen_ai.usage.cost":0.5"#;
    let mut events: Vec<String> = (0..100_u32).map(|ms| model(ms as usize, "m", f64::from(ms) * 10.0, usage)).collect();
    events.extend((100..110).map(|index| tool(index, "bash", 15_000.0, index % 2 == 0)));
    events.push(operation(110, "invoke_agent", 9_000.0, usage));
    server.telemetry(body("s", &events)).is(200);
    // Who sends it again has it not counted again.
    server.telemetry(body("s", &events)).is(200);
    let found = calls(&server, "");
    assert_eq!(found.len(), 2, "{found:?}");
    let (bash, m) = (&found[0], &found[1]);
    assert_eq!((&bash["kind"], &bash["name"], &bash["errors"]), (&json!("tool"), &json!("bash"), &json!(5)));
    assert_eq!((&bash["reliability"], &bash["error_rate"]), (&json!(0.5), &json!(0.5)));
    assert_eq!((&m["name"], &m["provider"], &m["calls"]), (&json!("m"), &json!("openai"), &json!(100)));
    assert_eq!(
        (&m["tokens_in"], &m["tokens_out"], &m["tokens_cached"], &m["cost"]),
        (&json!(10_000), &json!(2_000), &json!(6_000), &json!(50.0))
    );
    assert_eq!((&m["min_ms"], &m["max_ms"], &m["mean_ms"]), (&json!(0.0), &json!(990.0), &json!(495.0)));
    for (figure, exact) in [("p50_ms", 490.0), ("p95_ms", 940.0), ("p99_ms", 980.0)] {
        let told = m[figure].as_f64().unwrap();
        assert!((told / exact - 1.0).abs() < 0.0625, "{figure}: {told}");
    }
    assert_eq!(calls(&server, "kind=model").len(), 1);
    assert_eq!(calls(&server, "sort=cost")[0]["name"], "m");
    let hours = calls(&server, "by=hour");
    assert_eq!((hours.len(), &hours[0]["calls"]), (1, &json!(110)));
    assert_eq!(server.get("/api/calls").json()["calls"], json!([]), "nothing of the last day");
    assert!(server.get("/api/calls?by=moon").is(400).body.contains("name, version, provider, hour, kind"));
}

#[test]
fn versions_of_a_program_are_told_apart() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(of_version("old", "1.0", &[model(0, "m", 100.0, ""), model(1, "m", 100.0, "")])).is(200);
    server.telemetry(of_version("new", "2.0", &[model(0, "m", 900.0, "")])).is(200);
    let versions = calls(&server, "by=version&name=m&sort=latency");
    let told: Vec<_> = versions.iter().map(|row| (row["version"].as_str().unwrap(), row["calls"].as_i64())).collect();
    assert_eq!(told, [("2.0", Some(1)), ("1.0", Some(2))]);
    assert_eq!(calls(&server, "version=1.0")[0]["p99_ms"], 100.0, "never beyond the longest");
}

#[test]
fn calls_that_are_removed_are_counted_no_more() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(of_version("gone", "1.0", &[model(0, "m", 100.0, ""), tool(1, "bash", 5.0, true)])).is(200);
    server.telemetry(of_version("gone", "1.1", &[model(2, "m", 100.0, "")])).is(200);
    server.telemetry(of_version("kept", "1.0", &[model(0, "m", 900.0, ""), model(1, "n", 1.0, "")])).is(200);
    server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200);
    let left = calls(&server, "by=name&sort=calls");
    let left: Vec<_> = left.iter().map(|row| (row["name"].as_str().unwrap(), row["calls"].as_i64())).collect();
    assert_eq!(left, [("m", Some(1)), ("n", Some(1))]);
    server.client().send("DELETE", "/api/sessions/kept", &[], b"").is(200);
    assert_eq!(calls(&server, ""), Vec::<Value>::new());
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn of_one_hour_so_many_are_told_apart_and_the_rest_is_counted_together() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events: Vec<String> = (0..260).map(|index| tool(index, &format!("tool-{index:03}"), 1.0, false)).collect();
    for chunk in events.chunks(100) {
        server.telemetry(body("s", chunk)).is(200);
    }
    server.telemetry(body("s", &[model(300, "m", 1.0, "")])).is(200);
    let found = calls(&server, "limit=1000&sort=calls");
    assert_eq!(found.len(), 202, "200 tools, the others, and a model, which has its own room");
    assert_eq!((&found[0]["name"], &found[0]["calls"]), (&json!(""), &json!(60)));
    let some = server.get(&format!("/api/calls?{RANGE}&limit=5")).json();
    assert_eq!((some["calls"].as_array().unwrap().len(), &some["left_out"]), (5, &json!(197)));
    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    assert_eq!(calls(&server, ""), Vec::<Value>::new());
}

#[test]
fn a_store_of_format_5_counts_the_calls_that_were_in_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(of_version("s", "1.0", &[model(0, "m", 100.0, ""), tool(1, "bash", 5.0, true)])).is(200);
    let before = calls(&server, "by=version");
    server.stop().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    to_format_5(&connection);
    drop(connection);
    let server = Server::start(dir.config());
    assert_eq!(calls(&server, "by=version"), before);
    assert_eq!(before.len(), 2);
    server.stop().unwrap();
    is_whole(&dir);
}
