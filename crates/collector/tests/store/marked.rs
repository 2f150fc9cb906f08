//! Whether anything of what is removed is left in the files of a store.

use lastword_collector::admin;
use serde_json::{Value, json};

use super::common::{Dir, Server, body, exception, named};
use super::{is_whole, opt_in};

/// What no text of the project has.
const MARKER: &str = "Quetzalcoatlus";

/// Counts the places in a directory's files in which the marker is, in whatever case.
fn found(dir: &Dir) -> usize {
    let marker = MARKER.to_lowercase();
    let files = std::fs::read_dir(dir.path()).unwrap();
    files
        .map(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap().to_ascii_lowercase();
            bytes.windows(marker.len()).filter(|window| *window == marker.as_bytes()).count()
        })
        .sum()
}

/// Sends all that Tinker's protocol has, the marker in every text of it, as one session.
fn send_tinker(server: &Server) {
    let large = format!("{MARKER} ").repeat(2_000);
    let m = MARKER;
    let data = |more: &str| {
        format!(
            r#"{{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","span_name":"{m}","run_id":"{m}","user_id":"{m}",
                "{m}":"{m}","status":"{m}","large":"{large}"{more}}}"#
        )
    };
    let call = |what: &str| {
        format!(
            r#","gen_ai.operation.name":"{what}","gen_ai.provider.name":"{m}","gen_ai.request.model":"{m}","gen_ai.response.model":"{m}",
                "gen_ai.tool.name":"{m}","gen_ai.input.messages":[{{"role":"user","parts":[{{"type":"text","content":"{m}"}}]}}],"duration_ms":5"#
        )
    };
    let series =
        format!(r#","series":[{{"name":"{m}","type":"counter","unit":"{m}","labels":{{"{m}":"{m}"}},"value":1}}]"#);
    let drops = format!(r#","dropped":{{"{m}":3}},"signal":"{m}""#);
    let events = [
        named(0, &format!("{m}-0"), m, "INFO", &data("")),
        named(1, &format!("{m}-1"), "span.start", "INFO", &data("")),
        named(2, &format!("{m}-2"), "span.end", "INFO", &data(&call("chat"))),
        named(3, &format!("{m}-3"), "operation", "INFO", &data(&call("execute_tool"))),
        named(4, &format!("{m}-4"), "metrics", "INFO", &data(&series)),
        named(5, &format!("{m}-5"), "run.run_start", "INFO", &data(&format!(r#","objective":"{m}""#))),
        named(6, &format!("{m}-6"), "run.run_end", "INFO", &data("")),
        named(7, &format!("{m}-7"), "session.user", "INFO", &data(r#","user_bucket":4"#)),
        named(8, &format!("{m}-8"), "session.recovered", "INFO", &data(&drops)),
        named(9, &format!("{m}-9"), "error", "ERROR", &data(&format!(r#","message":"{m}","error_type":"{m}""#))),
        named(10, &format!("{m}-10"), "log", "INFO", &data(&format!(r#","message":"{m}""#))),
        exception(11, "CRITICAL", m, &format!("{m} of {m}")),
    ];
    let mut request: Value = serde_json::from_str(&body("tinker", &events)).unwrap();
    for field in ["platform", "sdk_version", "process_uuid"] {
        request[field] = json!(m);
    }
    let answer = server.telemetry(request.to_string()).is(200).json();
    assert_eq!(answer["accepted"], 12, "{answer}");
}

/// Sends what OTLP has, likewise, as another one.
fn send_otlp(server: &Server) {
    let m = MARKER;
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let resource = json!({"attributes": [text("service.name", m), text("session.id", "otlp"), text("service.version", m), text("host.name", m),
        text("service.instance.id", "otlp")]});
    let happened = json!({"timeUnixNano": "1795166434000000000", "name": "exception",
        "attributes": [text("exception.type", m), text("exception.message", m), text("exception.stacktrace", m)]});
    let span = json!({"traceId": "5bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b8", "name": m, "kind": 3,
        "startTimeUnixNano": "1795166434000000000", "endTimeUnixNano": "1795166435000000000", "traceState": m,
        "attributes": [text(m, m), text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", m), text("gen_ai.prompt", m)],
        "events": [happened], "status": {"code": 2, "message": m}});
    let log = json!({"timeUnixNano": "1795166434000000000", "severityText": m, "severityNumber": 17, "body": {"stringValue": m},
        "attributes": [text(m, m), text("exception.type", m), text("exception.message", m)], "eventName": m});
    let sum = json!({"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [{"startTimeUnixNano": "1795166434000000000",
        "timeUnixNano": "1795166435000000000", "asDouble": 1.5, "attributes": [text(m, m)]}]});
    let scope = json!({"name": m, "version": m, "attributes": [text(m, m)]});
    for (path, body) in [
        (
            "/v1/traces",
            json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [span]}]}]}),
        ),
        (
            "/v1/logs",
            json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [log]}]}]}),
        ),
        (
            "/v1/metrics",
            json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope,
                "metrics": [{"name": m, "unit": m, "description": m, "sum": sum}]}]}]}),
        ),
    ] {
        let json = [("content-type", "application/json")];
        server.client().send("POST", path, &json, body.to_string().as_bytes()).is(200);
    }
}

#[test]
fn nothing_of_removed_sessions_is_left_in_any_file() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("kept", &[named(0, "k", "n", "INFO", "{}"), exception(1, "ERROR", "E", "m")])).is(200);
    send_tinker(&server);
    send_otlp(&server);
    let sessions: Vec<String> = server
        .all("/api/sessions", "sessions")
        .iter()
        .map(|session| session["session_id"].as_str().unwrap().to_owned())
        .filter(|session| session != "kept")
        .collect();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert!(found(&dir) > 50, "it was stored");
    for session in sessions {
        server.client().send("DELETE", &format!("/api/sessions/{session}"), &[], b"").is(200);
    }
    server.stop().unwrap();
    is_whole(&dir);
    admin::Offline::open(dir.path()).unwrap().vacuum().unwrap();
    assert_eq!(found(&dir), 0);
    is_whole(&dir);
    let server = Server::start(dir.config());
    assert_eq!(server.events("").len(), 2);
    server.stop().unwrap();
    assert_eq!(found(&dir), 0);
}

#[test]
fn the_id_of_a_user_who_is_forgotten_is_left_in_no_file() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    opt_in(&server, MARKER);
    let of = |index| named(index, &format!("u-{index}"), "n", "INFO", &format!(r#"{{"user_id":"{MARKER}"}}"#));
    server.telemetry(body("s", &[of(0), named(1, "k", "n", "INFO", "{}"), of(2)])).is(200);
    assert!(found(&dir) > 0);
    server.stop().unwrap();
    let mut store = admin::Offline::open(dir.path()).unwrap();
    assert_eq!(store.forget_user(MARKER, |_| {}).unwrap(), 2);
    store.vacuum().unwrap();
    drop(store);
    assert_eq!(found(&dir), 0);
    is_whole(&dir);
}
