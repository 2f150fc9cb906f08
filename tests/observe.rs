//! `observe::Layer`: what `tracing` is told becomes events of the session that it belongs to, and of no other.

// What fails here fails the test.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lastword::testing::MemorySink;
use lastword::{DropReason, Reporter, observe};
use serde_json::{Value, json};
use tracing::{Level, event, span};
use tracing_subscriber::layer::SubscriberExt;

const DEADLINE: Duration = Duration::from_secs(10);

fn recorder(session_id: &str) -> (Reporter, MemorySink) {
    let sink = MemorySink::new();
    let reporter = Reporter::builder(session_id).enabled(true).sink(sink.clone()).start().unwrap();
    (reporter, sink)
}

fn taken(reporter: &Reporter, sink: &MemorySink) -> Vec<Value> {
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    sink.events().into_iter().filter(|event| event["event"] == "GENERIC_EVENT").collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_name"].as_str().unwrap()).collect()
}

/// Says one of each of S3's events, with the session id that it is given.
fn say_everything(session_id: &str) {
    event!(name: "tinkex.http.request.start", Level::INFO, session_id, system_time = 5_u64, method = "post", path = "/a");
    event!(name: "tinkex.http.request.stop", Level::INFO, session_id, duration = 7_u128, status = 200_u16);
    event!(name: "tinkex.http.request.exception", Level::INFO, session_id, duration = 7, kind = "error", reason = ?"closed");
    event!(name: "tinkex.queue.state_change", Level::ERROR, session_id, queue_depth = 3, from = "active", to = "paused_capacity");
    event!(name: "tinkex.future.timeout", Level::ERROR, session_id, elapsed_time = 0.5, request_id = "r", request_type = "Sample");
    event!(name: "tinkex.future.api_error", Level::INFO, session_id, elapsed_time = 6, request_id = "r", status = 403, retried = false);
    event!(name: "tinkex.future.connection_error", Level::INFO, session_id, elapsed_time = 6, request_id = "r");
    event!(name: "tinkex.future.request_failed", Level::INFO, session_id, elapsed_time = 6, request_id = "r");
    event!(name: "tinkex.future.validation_error", Level::INFO, session_id, elapsed_time = 6, request_id = "r");
}

#[test]
fn each_event_of_the_session_is_taken_with_its_name_severity_and_fields() {
    let (reporter, sink) = recorder("session-1");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::with_default(subscriber, || say_everything("session-1"));
    let events = taken(&reporter, &sink);
    assert_eq!(names(&events), observe::EVENTS);
    let severities: Vec<_> = events.iter().map(|event| event["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["INFO", "INFO", "ERROR", "INFO", "INFO", "INFO", "INFO", "INFO", "INFO"]);
    let data: Vec<_> = events.iter().map(|event| event["event_data"].clone()).collect();
    let of = |measurements: Value, metadata: Value| json!({"measurements": measurements, "metadata": metadata});
    assert_eq!(
        data[..6],
        [
            of(json!({"system_time": 5}), json!({"method": "post", "path": "/a"})),
            of(json!({"duration": 7}), json!({"status": 200})),
            of(json!({"duration": 7}), json!({"kind": "error", "reason": "\"closed\""})),
            of(json!({"queue_depth": 3}), json!({"from": "active", "to": "paused_capacity"})),
            of(json!({"elapsed_time": 0.5}), json!({"request_id": "r", "request_type": "Sample"})),
            of(json!({"elapsed_time": 6}), json!({"request_id": "r", "status": 403, "retried": false})),
        ]
    );
}

#[test]
fn two_sessions_in_one_process_see_nothing_of_each_other() {
    let ((one, one_sink), (two, two_sink)) = (recorder("one"), recorder("two"));
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&one)).with(observe::Layer::new(&two));
    tracing::subscriber::with_default(subscriber, || {
        event!(name: "tinkex.queue.state_change", Level::INFO, session_id = "one", n = 1);
        event!(name: "tinkex.queue.state_change", Level::INFO, session_id = %"two", n = 2);
        event!(name: "tinkex.queue.state_change", Level::INFO, session_id = ?"two", n = 3);
        event!(name: "tinkex.queue.state_change", Level::INFO, session_id = "three", n = 4);
        event!(name: "tinkex.queue.state_change", Level::INFO, n = 5);
        let (of_one, of_two) =
            (span!(Level::INFO, "s", session_id = "one"), span!(Level::INFO, "s", session_id = "two"));
        of_one.in_scope(|| event!(name: "tinkex.queue.state_change", Level::INFO, n = 6));
        of_one.in_scope(|| {
            of_two.in_scope(|| event!(name: "tinkex.queue.state_change", Level::INFO, session_id = "one", n = 7));
        });
    });
    let numbers = |events: Vec<Value>| -> Vec<_> {
        events.iter().map(|event| event["event_data"]["metadata"]["n"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(taken(&one, &one_sink)), [1, 6, 7]);
    assert_eq!(numbers(taken(&two, &two_sink)), [2, 3]);
}

#[test]
fn an_event_belongs_to_the_nearest_span_that_has_a_session() {
    let (reporter, sink) = recorder("inner");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::with_default(subscriber, || {
        let outer = span!(Level::INFO, "outer", session_id = "outer").entered();
        event!(name: "tinkex.queue.state_change", Level::INFO, n = 1);
        let inner = span!(Level::INFO, "inner", session_id = tracing::field::Empty).entered();
        inner.record("session_id", "inner");
        let nameless = span!(Level::INFO, "nameless").entered();
        event!(name: "tinkex.queue.state_change", Level::INFO, n = 2);
        drop((nameless, inner, outer));
    });
    let events = taken(&reporter, &sink);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_data"]["metadata"], json!({"n": 2}));
}

#[test]
fn a_span_is_a_start_and_a_stop_or_an_exception() {
    let (reporter, sink) = recorder("session-1");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::with_default(subscriber, || {
        let session_id = "session-1";
        let status = tracing::field::Empty;
        let span = span!(Level::INFO, "tinkex.http.request", session_id, method = "get", status);
        span.record("status", 204);
        drop(span);
        let reason = tracing::field::Empty;
        let span = span!(target: "tinkex.http.request", Level::INFO, "request", session_id, reason);
        span.record("reason", "timeout");
        drop(span);
        drop(span!(Level::INFO, "tinkex.http.request", session_id = "another"));
    });
    let events = taken(&reporter, &sink);
    let http = |step: &str| format!("tinkex.http.request.{step}");
    assert_eq!(names(&events), [http("start"), http("stop"), http("start"), http("exception")]);
    let data = |n: usize| &events[n]["event_data"];
    assert!(data(0)["measurements"]["system_time"].as_u64().unwrap() > 1_600_000_000_000_000_000);
    assert_eq!(data(0)["metadata"], json!({"method": "get"}));
    assert!(data(1)["measurements"]["duration"].is_u64());
    assert_eq!(data(1)["metadata"], json!({"method": "get", "status": 204}));
    assert_eq!((&data(3)["metadata"], &events[3]["severity"]), (&json!({"reason": "timeout"}), &json!("ERROR")));
}

#[test]
fn two_layers_share_the_spans_of_both_sessions() {
    let ((one, one_sink), (two, two_sink)) = (recorder("one"), recorder("two"));
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&one)).with(observe::Layer::new(&two));
    tracing::subscriber::with_default(subscriber, || {
        drop(span!(Level::INFO, "tinkex.http.request", session_id = "one"));
        drop(span!(Level::INFO, "tinkex.http.request", session_id = "two"));
    });
    for (reporter, sink) in [(one, one_sink), (two, two_sink)] {
        assert_eq!(names(&taken(&reporter, &sink)), ["tinkex.http.request.start", "tinkex.http.request.stop"]);
    }
}

#[test]
fn which_events_are_taken_can_be_set_and_so_can_none() {
    let ((some, some_sink), (none, none_sink)) = (recorder("session-1"), recorder("session-1"));
    let subscriber = tracing_subscriber::registry()
        .with(observe::Layer::new(&some).events(["tinkex.future.timeout", "my_sdk.retry", "my_sdk.load.stop"]))
        .with(observe::Layer::new(&none).events([]));
    tracing::subscriber::with_default(subscriber, || {
        say_everything("session-1");
        event!(target: "my_sdk.retry", Level::WARN, session_id = "session-1", "again");
        drop(span!(Level::DEBUG, "my_sdk.load", session_id = "session-1"));
        event!(target: "my_sdk.other", Level::WARN, session_id = "session-1");
    });
    let events = taken(&some, &some_sink);
    assert_eq!(names(&events), ["tinkex.future.timeout", "my_sdk.retry", "my_sdk.load.stop"]);
    assert_eq!((&events[1]["severity"], &events[2]["severity"]), (&json!("WARNING"), &json!("DEBUG")));
    assert_eq!(events[1]["event_data"], json!({"measurements": {}, "metadata": {"message": "again"}}));
    assert!(taken(&none, &none_sink).is_empty());
}

#[test]
fn a_debug_that_panics_costs_its_field_and_not_the_program() {
    struct Broken;
    impl std::fmt::Debug for Broken {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("debug")
        }
    }
    let (reporter, sink) = recorder("session-1");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::with_default(subscriber, || {
        event!(name: "tinkex.queue.state_change", Level::INFO, session_id = "session-1", from = "a", to = ?Broken);
    });
    assert_eq!(taken(&reporter, &sink)[0]["event_data"]["metadata"], json!({"from": "a"}));
}

#[test]
fn a_layer_keeps_no_session_alive_and_ends_with_it() {
    let (reporter, sink) = recorder("session-1");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::with_default(subscriber, || {
        say_everything("session-1");
        drop(reporter);
        say_everything("session-1");
    });
    let start = std::time::Instant::now();
    while sink.events().iter().all(|event| event["event"] != "SESSION_END") {
        assert!(start.elapsed() < DEADLINE, "the layer keeps the session alive");
        std::thread::yield_now();
    }
    assert_eq!(sink.names().len(), 9);
}

#[test]
fn after_stop_a_layer_says_nothing_that_would_have_to_be_refused() {
    let (reporter, sink) = recorder("session-1");
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::with_default(subscriber, || {
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        say_everything("session-1");
        say_everything("session-1");
    });
    assert!(sink.names().is_empty());
    assert!(reporter.stats().refused.get(DropReason::Stopped) <= 1, "a stopped reporter is still being asked");
}

#[test]
fn a_layer_of_a_reporter_that_is_off_takes_nothing() {
    let reporter = Reporter::disabled();
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(&reporter));
    tracing::subscriber::with_default(subscriber, || say_everything(""));
    assert_eq!(reporter.stats().accepted, 0);
}
