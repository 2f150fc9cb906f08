//! Requests of the real clients.

use std::path::Path;

use serde_json::{Value, json};

use super::common::{Dir, Server};
use super::{name, names, one};

const SENTRY: &str = "/api/7/envelope/";
const DATADOG: &str = "/api/v2/logs?ddtags=of%3Aquery";
const AGENTS: &str = "/v1/traces/ingest";
const POSTHOG: &str = "/batch/";

pub(super) fn body(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/bodies").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every captured request with its path and the status that its client expects.
pub(super) fn requests() -> Vec<(&'static str, Vec<u8>, u16)> {
    let sentry = (0..10).map(|number| (SENTRY, body(&format!("sentry_{number}.body")), 200));
    let others = [(DATADOG, "datadog_0.body", 202), (AGENTS, "agents_0.body", 200), (POSTHOG, "posthog_0.body", 200)];
    sentry.chain(others.map(|(path, name, status)| (path, body(name), status))).collect()
}

/// Sends a captured request, or several, and returns all events.
fn stored(path: &str, names: &[&str], status: u16) -> Vec<Value> {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for name in names {
        server.post(path, body(name)).is(status);
    }
    server.events("")
}

fn data<'e>(event: &'e Value, field: &str) -> &'e Value {
    &event["event_data"][field]
}

#[test]
fn all_that_real_clients_sent_is_stored_and_adds_nothing_when_sent_again() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for (path, body, status) in requests() {
        let answer = server.post(path, &body).is(status);
        assert_eq!(answer.json().get("refused"), None, "{path}");
    }
    // Counts of sessions have neither an id nor a time at which they were sent: each is another one.
    let lasting = |events: Vec<Value>| events.into_iter().filter(|e| name(e) != "session.aggregate").count();
    let before = lasting(server.events(""));
    for (path, body, status) in requests() {
        server.post(&format!("/some/prefix{path}"), &body).is(status);
    }
    assert_eq!(lasting(server.events("")), before);
}

#[test]
fn errors_of_sentrys_sdk_stand_in_the_timeline_of_their_session_and_crash_it() {
    let all: Vec<String> = (0..10).map(|number| format!("sentry_{number}.body")).collect();
    let dir = Dir::new();
    let server = Server::start(dir.config());
    all.iter().for_each(|name| drop(server.post(SENTRY, body(name)).is(200)));
    let sessions = server.all("/api/sessions?limit=10", "sessions");
    let crashed = one(&sessions, |session| session["fatal"] == true);
    let events = server.events(&format!("session={}", crashed["session_id"].as_str().unwrap()));
    let expected = [
        ("SESSION_END", 1),
        ("SESSION_START", 1),
        ("UNHANDLED_EXCEPTION", 1),
        ("error", 2),
        ("log", 1),
        ("resource", 1),
    ];
    assert_eq!(names(&events), expected);
    let unhandled = one(&events, |event| name(event) == "UNHANDLED_EXCEPTION");
    assert_eq!(
        (&unhandled["error_type"], &unhandled["error_message"]),
        (&"RuntimeError".into(), &"nobody handled it".into())
    );
    let traceback = unhandled["traceback"].as_str().unwrap();
    assert!(
        traceback.contains("use_sentry.py\", line 36, in unhandled\n    {}[\"key\"]\nKeyError: 'key'\n"),
        "{traceback}"
    );
    assert!(traceback.ends_with("RuntimeError: nobody handled it"), "{traceback}");
    let resource = one(&events, |event| name(event) == "resource");
    assert_eq!(data(resource, "release"), "suite@1.2.3");
    let errors: Vec<_> = events.iter().filter(|event| name(event) == "error").collect();
    assert!(errors.iter().all(|error| data(error, "resource") == &resource["event_id"]), "{errors:?}");
    assert!(errors.iter().all(|error| data(error, "user_bucket").is_u64()), "{errors:?}");
    let groups = server.all("/api/exceptions?limit=10", "exceptions");
    let group = one(&groups, |group| group["error_type"] == "ValueError");
    assert_eq!(group["count"], 2, "numbers apart they are one group");
}

#[test]
fn a_transaction_is_its_spans_and_what_was_attached_is_kept() {
    let all: Vec<String> = (0..10).map(|number| format!("sentry_{number}.body")).collect();
    let events = stored(SENTRY, &all.iter().map(String::as_str).collect::<Vec<_>>(), 200);
    let span = |name: &str| one(&events, |event| data(event, "span_name") == name)["event_data"].clone();
    let (root, query, call) = (span("work"), span("SELECT 1"), span("chat m-1"));
    assert_eq!((&root["status"], &root["span_kind"]), (&"ok".into(), &"consumer".into()));
    assert!(query["parent_span_id"] == root["span_id"] && call["parent_span_id"] == root["span_id"]);
    assert_eq!(
        (&query["rows"], &call["gen_ai.usage.input_tokens"], &call["status"]),
        (&3.into(), &5.into(), &"error".into())
    );
    let attached = one(&events, |event| name(event) == "sentry.attachment");
    assert_eq!((data(attached, "filename"), data(attached, "content")), (&"note.txt".into(), &"some text".into()));
    let check_in = one(&events, |event| name(event) == "sentry.check_in");
    assert_eq!((data(check_in, "monitor_slug"), data(check_in, "status")), (&"nightly".into(), &"ok".into()));
}

#[test]
fn an_entry_of_datadogs_client_has_its_tags_and_its_error() {
    let events = stored(DATADOG, &["datadog_0.body"], 202);
    assert_eq!(names(&events), [("error", 1), ("log", 3)]);
    assert!(events.iter().all(|event| event["session_id"] == "shop@suite-host"));
    let tags = json!({"env": "suite", "solo": true, "of": "query"});
    assert!(events.iter().all(|event| data(event, "tags") == &tags));
    let error = one(&events, |event| name(event) == "error");
    assert_eq!((data(error, "error.type"), data(error, "error.message")), (&"KeyError".into(), &"'k'".into()));
    let nested = one(&events, |event| event["severity"] == "WARNING");
    assert_eq!(data(nested, "message"), "{\"level\": \"warn\", \"message\": \"plain in JSON\"}");
}

#[test]
fn a_run_of_openais_agents_is_a_trace_with_every_span_in_its_place() {
    let events = stored(AGENTS, &["agents_0.body"], 200);
    assert_eq!(names(&events), [("span.end", 10), ("trace", 1)]);
    let trace = one(&events, |event| name(event) == "trace");
    assert_eq!(
        (data(trace, "workflow_name"), data(trace, "metadata")),
        (&"suite workflow".into(), &json!({"key": "value"}))
    );
    let spans: Vec<&Value> =
        events.iter().filter(|event| name(event) == "span.end").map(|e| &e["event_data"]).collect();
    for span in &spans {
        assert_eq!(span["trace_id"], trace["event_data"]["trace_id"]);
        let parent = &span["parent_span_id"];
        assert!(parent.is_null() || spans.iter().any(|other| &other["span_id"] == parent), "{span}");
        assert!(span["openai.span_id"].as_str().unwrap().starts_with("span_"));
    }
    let tool = spans.iter().find(|span| span["gen_ai.operation.name"] == "execute_tool").unwrap();
    assert_eq!((&tool["gen_ai.tool.name"], &tool["gen_ai.tool.call.result"]), (&"double".into(), &"4".into()));
    let tokens = spans.iter().filter_map(|span| span["gen_ai.usage.input_tokens"].as_u64()).sum::<u64>();
    assert_eq!(tokens, 20, "the turns and the task say the sum of their calls again, elsewhere");
}

#[test]
fn what_posthogs_client_tells_of_models_are_spans_and_of_people_a_bucket() {
    let events = stored(POSTHOG, &["posthog_0.body"], 200);
    assert_eq!(names(&events), [("$set", 1), ("clicked", 2), ("error", 1), ("span.end", 3)]);
    // Nobody has opted in, so the person is a bucket.
    assert!(events.iter().all(|event| data(event, "user_bucket").is_u64()), "{events:?}");
    assert!(!Value::from(events.clone()).to_string().contains("user-1"));
    let span = |name: &str| one(&events, |event| data(event, "span_name") == name)["event_data"].clone();
    let (chat, retrieve, answer) = (span("chat m-1"), span("retrieve"), span("answer"));
    assert!(chat["parent_span_id"] == retrieve["span_id"] && retrieve["parent_span_id"] == answer["span_id"]);
    assert_eq!((&chat["gen_ai.usage.output_tokens"], &chat["duration_ms"]), (&4.into(), &1500.0.into()));
    assert_eq!((&chat["$ai_http_status"], &chat["$ai_model"]), (&200.into(), &Value::Null));
    assert_eq!(data(one(&events, |event| name(event) == "error"), "error.type"), "KeyError");
    assert!(!Value::from(events).to_string().contains("phc_suite"), "the key");
}

#[test]
fn each_client_is_answered_in_its_own_form() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let answer = server.post(SENTRY, body("sentry_0.body")).is(200).json();
    assert_eq!(answer["id"].as_str().map(str::len), Some(32), "{answer}");
    assert_eq!(server.post(DATADOG, body("datadog_0.body")).is(202).body, "{}");
    assert_eq!(server.post(POSTHOG, body("posthog_0.body")).is(200).json(), json!({"status": 1}));
    let event = json!({"batch": [
        {"event": "a", "uuid": "018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b", "distinct_id": "p", "timestamp": "2026-11-20T09:20:34Z"},
        {"uuid": "018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4c"},
    ]});
    let results = server.post("/i/v1/analytics/events", event.to_string()).is(200).json()["results"].clone();
    assert_eq!(results["018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b"]["result"], "ok", "{results}");
    assert_eq!(results["018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4c"]["result"], "drop", "{results}");
    for path in [SENTRY, DATADOG, AGENTS, POSTHOG] {
        let answer = server.get(path).is(405);
        assert_eq!(answer.header("allow"), Some("POST"), "{path}");
    }
}

#[test]
fn a_body_may_be_compressed_by_the_word_of_its_query() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&body("posthog_0.body")).unwrap();
    let gzip = gzip.finish().unwrap();
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.post("/e/?compression=gzip-js&ver=1.2.3", &gzip).is(200);
    server.client().send("POST", POSTHOG, &[("content-encoding", "gzip")], &gzip).is(200);
    assert_eq!(server.events("").len(), 7);
    let refused = server.client().send("POST", SENTRY, &[("content-encoding", "br")], b"x").is(415);
    assert!(refused.error().contains("gzip, deflate or zstd"), "{}", refused.body);
}
