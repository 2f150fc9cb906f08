//! What Sentry's protocol has besides what one SDK sends.

use serde_json::{Value, json};

use super::common::{Dir, Server};
use super::{name, names, one};

const PATH: &str = "/api/7/envelope/";
const AT: &str = "2026-11-20T09:20:34.000000Z";
const SID: &str = "62944df3-d9c8-4ae9-8fc0-1f9cc7e8d5d0";

/// Writes an envelope of items, each of its type and its payload.
pub(super) fn envelope(header: &Value, items: &[(&str, Value)]) -> String {
    let mut envelope = format!("{header}\n");
    for (kind, payload) in items {
        let payload = payload.to_string();
        envelope.push_str(&format!("{}\n{payload}\n", json!({"type": kind, "length": payload.len()})));
    }
    envelope
}

fn stored(envelopes: &[String]) -> Vec<Value> {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for envelope in envelopes {
        server.post(PATH, envelope).is(200);
    }
    server.events("")
}

fn session(status: &str, init: bool, timestamp: &str) -> Value {
    json!({"sid": SID.replace('-', ""), "init": init, "started": AT, "timestamp": timestamp, "status": status, "errors": 1, "seq": 3,
        "attrs": {"release": "a@1", "environment": "e"}})
}

#[test]
fn an_error_in_the_envelope_of_a_session_is_of_that_session() {
    let error = json!({"event_id": "a017631e51354217b1c959476a6497f8", "timestamp": AT, "platform": "native", "level": "fatal",
        "exception": {"values": [{"type": "Error", "module": "std::io", "value": "no", "mechanism": {"type": "panic", "handled": false}}]}});
    let events = stored(&[
        envelope(&json!({}), &[("session", session("ok", true, AT))]),
        envelope(&json!({}), &[("event", error), ("session", session("ok", false, "2026-11-20T09:20:35Z"))]),
        envelope(&json!({}), &[("session", session("crashed", false, "2026-11-20T09:20:36Z"))]),
    ]);
    assert!(events.iter().all(|event| event["session_id"] == SID), "{events:?}");
    let expected =
        [("SESSION_END", 1), ("SESSION_START", 1), ("UNHANDLED_EXCEPTION", 1), ("resource", 1), ("session.update", 1)];
    assert_eq!(names(&events), expected);
    let error = one(&events, |event| name(event) == "UNHANDLED_EXCEPTION");
    assert_eq!((&error["error_type"], &error["severity"]), (&"std::io::Error".into(), &"CRITICAL".into()));
    let end = one(&events, |event| name(event) == "SESSION_END");
    assert_eq!((&end["event_data"]["duration_ms"], &end["event_data"]["status"]), (&2000.0.into(), &"crashed".into()));
}

#[test]
fn what_no_session_is_known_of_is_of_the_release_the_environment_and_the_server() {
    let event = json!({"message": {"message": "hello %s", "params": ["you"], "formatted": "hello you"}, "level": "info",
        "timestamp": 1_795_166_434.5, "release": "a@1", "environment": "e", "server_name": "h", "tags": [["color", "blue"]]});
    let log = json!({"items": [{"timestamp": 1_795_166_434.5, "level": "warn", "body": "b", "attributes": {
        "sentry.release": {"value": "a@1", "type": "string"}, "sentry.environment": {"value": "e", "type": "string"},
        "server.address": {"value": "h", "type": "string"}, "n": {"value": 1, "type": "integer"}, "plain": true}}]});
    let events = stored(&[envelope(&json!({"event_id": "e1"}), &[("event", event), ("log", log)])]);
    assert!(events.iter().all(|event| event["session_id"] == "sentry-7:a@1:e@h"), "{events:?}");
    let message = one(&events, |event| event["event_data"]["message"] == "hello you");
    assert_eq!((name(message), &message["event_id"]), ("log", &"e1".into()));
    assert_eq!(message["timestamp"], "2026-11-20T09:20:34.500000Z");
    assert_eq!(message["event_data"]["logentry"]["params"], json!(["you"]));
    assert_eq!(message["event_data"]["tags"], json!([["color", "blue"]]));
    let log = one(&events, |event| event["event_data"]["message"] == "b");
    assert_eq!(
        (&log["severity"], &log["event_data"]["n"], &log["event_data"]["plain"]),
        (&"WARNING".into(), &1.into(), &true.into())
    );
}

#[test]
fn a_single_event_by_the_path_of_old_is_taken() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let answer =
        server.post("/api/7/store/?sentry_key=k", json!({"event_id": "e2", "message": "m"}).to_string()).is(200);
    assert_eq!(answer.json(), json!({"id": "e2"}));
    let event = &server.events("")[0];
    assert_eq!(
        (&event["event_data"]["message"], &event["severity"]),
        (&"m".into(), &"ERROR".into()),
        "Sentry's default"
    );
}

#[test]
fn what_the_client_dropped_is_shown_by_its_session() {
    let report = json!({"timestamp": AT, "discarded_events": [
        {"reason": "queue_overflow", "category": "error", "quantity": 3},
        {"reason": "queue_overflow", "category": "error", "quantity": 2},
        {"reason": "sample_rate", "category": "span", "quantity": 7}, {"odd": true}, 5]});
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for _ in 0..2 {
        server.post(PATH, envelope(&json!({}), &[("client_report", report.clone())])).is(200);
    }
    let session = server.get("/api/sessions/sentry-7").is(200).json();
    let drops = &session["drops"];
    assert_eq!((&drops["error.queue_overflow"], &drops["span.sample_rate"]), (&5.into(), &7.into()), "{session}");
}

#[test]
fn an_envelope_that_is_torn_is_read_as_far_as_it_is_whole_and_the_client_is_told() {
    let whole = envelope(&json!({"event_id": "e1"}), &[("event", json!({"event_id": "e1", "message": "m"}))]);
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let answer =
        server.post(PATH, format!("{whole}{{\"type\":\"event\",\"length\":999}}\n{{\"message\":")).is(200).json();
    assert_eq!((&answer["id"], &answer["refused"][0]["index"]), (&"e1".into(), &1.into()));
    assert!(answer["refused"][0]["reason"].as_str().unwrap().contains("length 999"), "{answer}");
    assert_eq!(server.events("")[0]["event_data"]["message"], "m");
    let answer = server.post(PATH, "{}\n{\"type\":\"event\"}\nno json\n").is(400).json();
    assert!(answer["refused"][0]["reason"].as_str().unwrap().contains("`event` must be an object"), "{answer}");
}

#[test]
fn an_attachment_that_is_long_or_no_text_is_kept_as_its_size_and_hash() {
    let mut envelope =
        b"{\"event_id\":\"e1\"}\n{\"type\":\"attachment\",\"length\":3,\"filename\":\"a.bin\"}\n\xff\n\x00\n".to_vec();
    envelope.extend_from_slice(b"{\"type\":\"attachment\",\"length\":300000,\"filename\":\"b.txt\"}\n");
    envelope.extend(std::iter::repeat_n(b'x', 300_000));
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.post(PATH, &envelope).is(200);
    let events = server.events("");
    for (file, bytes) in [("a.bin", 3), ("b.txt", 300_000)] {
        let data = &one(&events, |event| event["event_data"]["filename"] == file)["event_data"];
        assert_eq!((&data["bytes"], &data["content"], &data["event_id"]), (&bytes.into(), &Value::Null, &"e1".into()));
        assert_eq!(data["xxh3"].as_str().map(str::len), Some(32));
    }
}

#[test]
fn points_of_metrics_are_metrics_with_their_labels() {
    let point = |name: &str, kind: &str, value: f64| {
        json!({"timestamp": 1_795_166_434.5, "name": name, "type": kind, "value": value, "unit": "ms",
            "attributes": {"color": {"value": "blue", "type": "string"}, "n": {"value": 1, "type": "integer"},
                "sentry.release": {"value": "a@1", "type": "string"}, "sentry.sdk.name": {"value": "s", "type": "string"}}})
    };
    let points = json!({"items": [point("clicks", "counter", 2.0), point("depth", "gauge", 3.0), point("took", "distribution", 1.5), 5]});
    let events = stored(&[
        envelope(&json!({}), &[("trace_metric", points.clone())]),
        envelope(&json!({}), &[("trace_metric", points)]),
    ]);
    assert_eq!(names(&events), [("metrics", 3), ("resource", 1)]);
    let series = |name: &str| {
        let is_it = |event: &Value| event["event_data"]["series"][0]["name"] == name;
        one(&events, is_it)["event_data"]["series"][0].clone()
    };
    let labels = json!({"color": "blue", "n": "1", "release": "a@1"});
    assert_eq!(
        series("clicks"),
        json!({"name": "clicks", "unit": "ms", "type": "counter", "value": 2.0, "labels": labels})
    );
    assert_eq!((&series("depth")["type"], &series("depth")["max"]), (&"gauge".into(), &3.0.into()));
    assert_eq!((&series("took")["sum"], &series("took")["buckets"]), (&1.5.into(), &json!([1])));
}
