//! What each logger writes, as its own documents show it, and what becomes of it.

use serde_json::json;

use super::*;

const NOW_US: i64 = 1_700_000_000_000_000;

fn events(body: &str) -> Vec<(String, Value)> {
    let intake = decode(body.as_bytes(), None, NOW_US).unwrap();
    assert_eq!(intake.refused, [], "{body}");
    let of_session = |envelope: &crate::ingest::Envelope| {
        let event = |event: &crate::ingest::Event| {
            (envelope.session_id.clone(), serde_json::from_str(&envelope.body[event.range.clone()]).unwrap())
        };
        envelope.events.iter().map(event).collect::<Vec<_>>()
    };
    intake.envelopes.iter().flat_map(of_session).collect()
}

/// Returns session, name, severity, time, message, and type, message and traceback of the error.
fn told(line: &Value) -> (String, [String; 7]) {
    let (session, event) = events(&line.to_string()).remove(0);
    let data = |name: &str| event["event_data"][name].as_str().unwrap_or("-").to_owned();
    let of_event = |name: &str| event[name].as_str().unwrap().to_owned();
    let told = [
        of_event("event_name"),
        of_event("severity"),
        of_event("timestamp"),
        data("message"),
        data("error.type"),
        data("error.message"),
        data("traceback").lines().count().to_string(),
    ];
    (session, told)
}

#[track_caller]
fn becomes(line: &Value, session: &str, expected: [&str; 7]) {
    let (of, told) = told(line);
    assert_eq!((&*of, told.each_ref().map(|part| &**part)), (session, expected), "{line}");
}

const AT: &str = "2026-11-20T09:20:34.500000Z";

#[test]
fn pino_and_bunyan() {
    let stack = "TypeError: no x\n    at f (a.js:1:2)";
    let line = json!({"level": 50, "time": 1_795_166_434_500_i64, "pid": 7, "hostname": "h", "name": "api", "msg": "failed",
        "err": {"type": "TypeError", "message": "no x", "stack": stack}});
    becomes(&line, "api@h:7", ["error", "ERROR", AT, "failed", "TypeError", "no x", "2"]);
    let line = json!({"name": "api", "hostname": "h", "pid": 7, "level": 30, "msg": "hello", "time": AT, "v": 0});
    becomes(&line, "api@h:7", ["log", "INFO", AT, "hello", "-", "-", "1"]);
    let line = json!({"name": "api", "level": 60, "err": {"name": "RangeError", "message": "m", "stack": stack}, "msg": "m", "time": AT});
    becomes(&line, "log", ["error", "CRITICAL", AT, "m", "RangeError", "m", "2"]);
}

#[test]
fn winston() {
    let line = json!({"level": "error", "message": "no x", "stack": "TypeError: no x\n    at f", "timestamp": AT, "service": "api"});
    becomes(&line, "api", ["error", "ERROR", AT, "no x", "TypeError", "no x", "2"]);
    becomes(
        &json!({"level": "silly", "message": "s", "timestamp": AT}),
        "log",
        ["log", "DEBUG", AT, "s", "-", "-", "1"],
    );
}

#[test]
fn structlog_and_python_json_logger() {
    let stack = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    1/0\nZeroDivisionError: division by zero";
    let line = json!({"event": "failed", "level": "error", "timestamp": AT, "exception": stack, "request_id": "r"});
    becomes(&line, "log", ["error", "ERROR", AT, "failed", "ZeroDivisionError", "division by zero", "4"]);
    let line = json!({"event": "failed", "level": "critical", "timestamp": AT,
        "exception": [{"exc_type": "KeyError", "exc_value": "'k'", "frames": []}]});
    becomes(&line, "log", ["error", "CRITICAL", AT, "failed", "KeyError", "'k'", "1"]);
    let line = json!({"message": "failed", "asctime": "2026-11-20 09:20:34,500", "levelname": "ERROR", "name": "app.db", "exc_info": stack});
    becomes(&line, "log", ["error", "ERROR", AT, "failed", "ZeroDivisionError", "division by zero", "4"]);
    let line =
        json!({"message": "slow", "asctime": "2026-11-20 09:20:34,500", "levelname": "WARNING", "exc_info": stack});
    becomes(&line, "log", ["log", "WARNING", AT, "slow", "ZeroDivisionError", "division by zero", "4"]);
}

#[test]
fn zap_and_slog() {
    let line = json!({"level": "error", "ts": 1_795_166_434.5, "caller": "a.go:1", "msg": "failed", "error": "EOF", "stacktrace": "main.f\n\ta.go:1"});
    becomes(&line, "log", ["error", "ERROR", AT, "failed", "Error", "EOF", "2"]);
    let line = json!({"time": AT, "level": "WARN", "msg": "odd", "err": "EOF"});
    becomes(&line, "log", ["log", "WARNING", AT, "odd", "Error", "EOF", "1"]);
    becomes(&json!({"time": AT, "level": "ERROR+4", "msg": "m"}), "log", ["log", "ERROR", AT, "m", "-", "-", "1"]);
}

#[test]
fn numbers_of_syslog() {
    for (level, severity) in [(0, "CRITICAL"), (3, "ERROR"), (4, "WARNING"), (6, "INFO"), (7, "DEBUG")] {
        let line = json!({"timestamp": 1_795_166_434.5, "level": level, "short_message": "m", "version": "1.1"});
        becomes(&line, "log", ["log", severity, AT, "m", "-", "-", "1"]);
    }
}

#[test]
fn tracing_subscriber() {
    let line = json!({"timestamp": AT, "level": "ERROR", "target": "app", "fields": {"message": "failed", "error": "no x"}, "span": {"name": "s"}});
    becomes(&line, "log", ["error", "ERROR", AT, "failed", "Error", "no x", "1"]);
    let (_, event) = events(&line.to_string()).remove(0);
    assert_eq!(event["event_data"]["span"]["name"], "s");
}

#[test]
fn logstash_and_the_elastic_common_schema() {
    let stack = "java.lang.IllegalStateException: no x\n\tat a.B.c(B.java:1)";
    let line = json!({"@timestamp": AT, "@version": "1", "message": "failed", "logger_name": "a.B", "level": "ERROR", "level_value": 40000, "stack_trace": stack});
    becomes(&line, "log", ["error", "ERROR", AT, "failed", "java.lang.IllegalStateException", "no x", "2"]);
    let line = json!({"@timestamp": AT, "log": {"level": "error"}, "message": "failed", "service": {"name": "shop"},
        "error": {"type": "E", "message": "m", "stack_trace": stack}, "trace.id": "0af7651916cd43dd8448eb211c80319c"});
    becomes(&line, "shop", ["error", "ERROR", AT, "failed", "E", "m", "2"]);
    let (_, event) = events(&line.to_string()).remove(0);
    assert_eq!(event["event_data"]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
}

#[test]
fn a_line_with_metadata_and_a_request_id_keeps_them() {
    let line = json!({"timestamp": AT, "level": "info", "message": "hello", "requestId": "r-1", "metadata": {"a": [1], "error": {}}});
    let (_, event) = events(&line.to_string()).remove(0);
    assert_eq!(
        event["event_data"],
        json!({"message": "hello", "timestamp": AT, "level": "info", "requestId": "r-1", "metadata": {"a": [1], "error": {}}})
    );
}

#[test]
fn nothing_that_a_line_says_is_lost() {
    let stack = "E: m\n  at f";
    let line = json!({"msg": "hello", "level": {"odd": 1}, "time": [], "err": {"code": 5, "stack": stack}, "trace_id": 7, "message": 5, "n": 1.5});
    let (_, event) = events(&line.to_string()).remove(0);
    let data = &event["event_data"];
    assert_eq!(data["err"], json!({"code": 5, "stack": stack}));
    assert_eq!((&data["message"], &data["data.message"], &data["trace_id"]), (&json!("hello"), &json!(5), &json!(7)));
    assert_eq!((&data["level"], &data["time"], &data["n"]), (&json!({"odd": 1}), &json!([]), &json!(1.5)));
}

#[test]
fn the_same_line_is_the_same_event_if_it_says_when_it_was() {
    let ids = |now_us: i64, body: &str| {
        let intake = decode(body.as_bytes(), None, now_us).unwrap();
        intake.envelopes[0].events.iter().map(|event| event.key.clone()).collect::<Vec<_>>()
    };
    let line = json!({"time": AT, "msg": "m"}).to_string();
    assert_eq!(ids(1, &line), ids(2, &line), "sent again");
    let twice = ids(1, &format!("{line}\n{line}"));
    assert_ne!(twice[0], twice[1], "twice in one request");
    assert_eq!(twice, ids(2, &format!("{line}\n{line}")));
    let timeless = json!({"msg": "m"}).to_string();
    assert_ne!(ids(1, &timeless), ids(2, &timeless), "it happened again");
}
