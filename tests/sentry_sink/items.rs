//! What each event is to Sentry.

use lastword::Severity;
use lastword::sink::{Ack, Sink};
use lastword::testing::{MemorySink, batch};
use serde_json::{Value, json};

use crate::peers::{PATIENCE, Peer};
use crate::support::*;

#[tokio::test]
async fn one_request_is_a_compressed_envelope_with_all_logs_of_a_batch() {
    let peer = Peer::start();
    let sink = sentry(&peer).environment("staging").release("my-sdk@1.0.0").server_name("host-1");
    assert_eq!(sink.open(), Ok(()));
    let nested = json!({"usage": {"tokens": 7, "half": 0.5, "by": [1, 2]}, "ok": true, "event_id": "mine", "no": null});
    let batch = batch("session-1", 4, &[("query", nested), ("other", json!({"trace_id": TRACE}))]).unwrap();
    assert_eq!(sink.deliver(&batch).await, Ok(Ack::all()));

    let [request] = &peer.requests()[..] else { panic!("one request") };
    assert_eq!(request.line, "POST /api/42/envelope/ HTTP/1.1");
    let version = env!("CARGO_PKG_VERSION");
    for (name, value) in [
        (
            "x-sentry-auth",
            format!("Sentry sentry_version=7, sentry_client=lastword/{version}, sentry_key={KEY}").as_str(),
        ),
        ("content-type", "application/x-sentry-envelope"),
        ("content-encoding", "gzip"),
        ("content-length", &request.sent_bytes.to_string()),
        ("user-agent", &format!("AsyncLastword/Rust {version}")),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let (header, items) = envelope(&request.body);
    assert_eq!(header["sdk"], json!({"name": "lastword", "version": version}));
    assert!(header["sent_at"].as_str().unwrap().ends_with('Z') && header.get("event_id").is_none(), "{header}");
    let [item] = &items[..] else { panic!("one item") };
    let content_type = "application/vnd.sentry.items.log+json";
    assert_eq!(item.header, json!({"type": "log", "item_count": 2, "content_type": content_type}));

    let ids: Vec<_> = batch.events().map(|event| event.id(&event.view().unwrap()).to_string()).collect();
    let string = |value: &str| json!({"value": value, "type": "string"});
    let first = &item.payload["items"][0];
    let expected = json!({
        "timestamp": 1_700_000_000, "trace_id": first["trace_id"], "level": "info", "severity_number": 9, "body": "query",
        "attributes": {
            "sentry.environment": string("staging"), "sentry.release": string("my-sdk@1.0.0"),
            "sentry.sdk.name": string("lastword"), "sentry.sdk.version": string(version),
            "server.address": string("host-1"), "event": string("GENERIC_EVENT"), "event_id": string(&ids[0]),
            "event_session_index": {"value": 4, "type": "integer"}, "session_id": string("session-1"),
            "platform": string(&batch.session().platform), "process_uuid": string(&batch.session().process_uuid.to_string()),
            "sdk_version": string(version), "usage.tokens": {"value": 7, "type": "integer"},
            "usage.half": {"value": 0.5, "type": "double"}, "usage.by": string("[1,2]"),
            "ok": {"value": true, "type": "boolean"}, "data.event_id": string("mine"), "no": string("null"),
        },
    });
    assert_eq!(*first, expected);
    assert_eq!(first["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(item.payload["items"][1]["trace_id"], TRACE, "that of the event, where it has one");
}

#[test]
fn each_kind_of_event_is_what_sentry_has_for_it() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).environment("test").release("a@1")).start().unwrap();
    for severity in Severity::ALL {
        assert!(reporter.log_with(severity, "severity", json!({"n": {"m": 1}})).is_accepted());
    }
    assert!(reporter.log_error(&"x".parse::<u32>().unwrap_err()).is_accepted());
    assert!(
        reporter.log("call", span(TRACE, &json!({"op": "llm", "parent_span_id": "00f067aa0ba902b7"}))).is_accepted()
    );
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 10, "{drain}");

    let levels: Vec<_> = logs(&peer).iter().map(|log| (log["level"].clone(), log["severity_number"].clone())).collect();
    let expected = [("trace", 1), ("debug", 5), ("info", 9), ("warn", 13)];
    assert_eq!(levels, expected.map(|(level, number)| (json!(level), json!(number))));
    let issues = payloads(&peer, "event");
    assert_eq!(issues.iter().map(|issue| issue["level"].as_str()).collect::<Vec<_>>(), [None, Some("fatal"), None]);
    for issue in &issues {
        assert_eq!(
            (&issue["platform"], &issue["environment"], &issue["release"]),
            (&json!("native"), &json!("test"), &json!("a@1"))
        );
        assert_eq!(issue["tags"], json!({"session_id": "s"}));
        assert_eq!(
            issue["contexts"]["trace"]["trace_id"],
            logs(&peer)[0]["trace_id"],
            "beside the logs of its session"
        );
        assert_eq!(issue["event_id"].as_str().unwrap().len(), 32);
    }
    assert_eq!((&issues[0]["message"], &issues[0]["extra"]), (&json!("severity"), &json!({"n": {"m": 1}})));
    let [value] = &issues[2]["exception"]["values"].as_array().unwrap()[..] else { panic!("one value") };
    assert_eq!((&value["type"], &value["module"]), (&json!("ParseIntError"), &json!("core::num::error")));
    assert_eq!(value["value"], "invalid digit found in string");
    assert_eq!(value["stacktrace"]["frames"][0]["filename"], file!());
    assert_eq!(value["mechanism"]["handled"], true);

    let [transaction] = &payloads(&peer, "transaction")[..] else { panic!("one transaction") };
    assert_eq!((&transaction["transaction"], &transaction["spans"]), (&json!("call"), &json!([])));
    let trace = json!({
        "type": "trace", "trace_id": TRACE, "span_id": "b7ad6b7169203331", "parent_span_id": "00f067aa0ba902b7",
        "op": "llm", "status": "ok",
    });
    assert_eq!(transaction["contexts"]["trace"], trace);
}

#[test]
fn the_envelope_of_an_event_has_its_id_and_no_other_event() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).traces_sample_rate(1.0)).start().unwrap();
    for number in 0..5 {
        assert!(reporter.log_with(Severity::Error, "bad", json!({"number": number})).is_accepted());
        assert!(reporter.log("call", span(TRACE, &json!({}))).is_accepted());
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let mut ids = std::collections::HashSet::new();
    for (header, item) in stored(&peer).iter().filter(|(_, item)| matches!(item.kind(), "event" | "transaction")) {
        let id = item.payload["event_id"].as_str().unwrap();
        assert_eq!(header["event_id"].as_str().unwrap().replace('-', ""), id);
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
    }
    assert_eq!(ids.len(), 10);
}

#[test]
fn a_session_starts_counts_its_errors_and_ends_where_there_is_a_release() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).release("a@1")).start().unwrap();
    for _ in 0..2 {
        assert!(reporter.log_error("text").is_accepted());
        assert!(reporter.log_error_with(Severity::Warning, "no error").is_accepted());
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let updates = payloads(&peer, "session");
    let told: Vec<_> = updates.iter().map(|u| json!([u["init"], u["status"], u["errors"], u["seq"]])).collect();
    let expected = [
        json!([true, "ok", 0, 0]),
        json!([null, "ok", 1, 1]),
        json!([null, "ok", 2, 3]),
        json!([null, "exited", 2, 5]),
    ];
    assert_eq!(told, expected);
    for update in &updates {
        assert_eq!(update["attrs"], json!({"release": "a@1", "environment": "production"}));
        assert_eq!((&update["sid"], &update["started"]), (&updates[0]["sid"], &updates[0]["started"]));
    }
    assert!(updates[3]["duration"].as_f64().unwrap() > 0.0);
    assert!(logs(&peer).is_empty(), "start and end are in the updates");
}

#[test]
fn a_fatal_error_is_a_crash_and_nothing_follows_it() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).release("a@1")).start().unwrap();
    assert!(reporter.blocking_log_fatal(&std::io::Error::other("the end")).is_drained());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let told: Vec<_> = payloads(&peer, "session").iter().map(|u| json!([u["status"], u["errors"]])).collect();
    assert_eq!(told, [json!(["ok", 0]), json!(["crashed", 1])]);
    let issue = &payloads(&peer, "event")[0];
    assert_eq!(
        (&issue["level"], &issue["exception"]["values"][0]["mechanism"]["handled"]),
        (&json!("fatal"), &json!(false))
    );
    let ends: Vec<_> = logs(&peer).iter().map(|log| log["body"].clone()).collect();
    assert_eq!(ends, ["SESSION_END"], "it is not lost: it is a log");
}

#[test]
fn without_a_release_sessions_are_logs() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer)).start().unwrap();
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    assert!(payloads(&peer, "session").is_empty());
    let logs = logs(&peer);
    assert_eq!(logs.iter().map(|log| log["body"].clone()).collect::<Vec<_>>(), ["SESSION_START", "SESSION_END"]);
    assert!(attribute(&logs[1], "duration_ms").as_f64().unwrap() > 0.0);
}

#[test]
fn traces_that_are_not_sampled_are_withheld_and_counted_and_sentry_is_told() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).traces_sample_rate(0.5)).start().unwrap();
    let (low, high) = ("0".repeat(31) + "1", "f".repeat(32));
    for trace in [&low, &high, &high] {
        assert!(reporter.log("call", span(trace, &json!({}))).is_accepted());
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let traces: Vec<_> =
        payloads(&peer, "transaction").iter().map(|t| t["contexts"]["trace"]["trace_id"].clone()).collect();
    assert_eq!(traces, [json!(low)]);
    let [report] = &payloads(&peer, "client_report")[..] else { panic!("one report") };
    let expected = json!([
        {"category": "transaction", "reason": "sample_rate", "quantity": 2},
        {"category": "span", "reason": "sample_rate", "quantity": 2},
    ]);
    assert_eq!(report["discarded_events"], expected);
    let stats = &reporter.stats().sinks[0];
    assert_eq!((stats.delivered, stats.withheld, stats.dropped.total()), (3, 2, 0));
}

#[test]
fn an_error_is_never_left_out_with_its_trace() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).traces_sample_rate(0.0)).start().unwrap();
    assert!(reporter.log_with(Severity::Error, "call", span(TRACE, &json!({}))).is_accepted());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let issue = &payloads(&peer, "event")[0];
    let trace = json!({"type": "trace", "trace_id": TRACE, "span_id": "b7ad6b7169203331"});
    assert_eq!((&issue["message"], &issue["contexts"]["trace"]), (&json!("call"), &trace));
    assert_eq!(reporter.stats().sinks[0].withheld, 0);
}

#[test]
fn hostile_data_makes_envelopes_that_can_be_read_and_loses_nothing() {
    let peer = Peer::start();
    let reporter = quick("a \"b\", c").sink(sentry(&peer).traces_sample_rate(1.0)).start().unwrap();
    let hostile = json!({
        "": "\n{\"type\":\"event\"}\n", "event_id": [], "trace_id": 7, "span_id": {"a": null}, "duration_ms": "x", "sentry.release": {},
        "type": "trace", "contexts": {"trace": 1}, "big": u64::MAX, "neg": i64::MIN, "text": "é中😀\u{0}\u{2028}",
    });
    for severity in [Severity::Info, Severity::Error] {
        assert!(reporter.log_with(severity, "\n\u{0}{}", hostile.clone()).is_accepted());
    }
    assert!(reporter.log("call", span(TRACE, &hostile)).is_accepted());
    assert!(reporter.log_error("\ncaused by: \n\nbacktrace:\nat :::\n   0: \u{0}").is_accepted());
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 6, "{drain}");
    let kinds: Vec<_> = stored(&peer).iter().map(|(_, item)| item.kind().to_owned()).collect();
    // Spread over the span's own, the hostile `trace_id` made it none: it is a log like the first.
    assert_eq!(kinds.iter().filter(|kind| *kind == "event").count(), 2);
    assert_eq!(logs(&peer).len(), 4);
    let log = &logs(&peer)[1];
    assert_eq!((attribute(log, "big"), attribute(log, "neg")), (&json!(u64::MAX.to_string()), &json!(i64::MIN)));
    assert_eq!(attribute(log, "data.event_id"), "[]");
    assert_eq!(log["body"], "\n\u{0}{}");
}

#[test]
fn sentry_and_another_sink_are_told_of_the_same_events() {
    let (peer, memory) = (Peer::start(), MemorySink::new());
    let reporter = quick("s").sink(sentry(&peer)).sink(memory.clone()).start().unwrap();
    assert!(reporter.log("n", json!({"a": {"b": 1}})).is_accepted());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let ids = |ids: Vec<Value>| ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let told = ids(logs(&peer).iter().map(|log| attribute(log, "event_id").clone()).collect());
    assert_eq!(told, ids(memory.events().iter().map(|event| event["event_id"].clone()).collect()));
}
