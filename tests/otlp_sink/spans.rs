//! Spans of a program at the other side, as OpenTelemetry has them.

use lastword::sink::FieldPolicy;
use lastword::{Reporter, traced};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use crate::peers::{PATIENCE, Peer};
use crate::support::*;

/// A trace of three spans, one of which fails and one of which has not ended.
fn work(reporter: &Reporter) {
    let root = reporter.trace("answer the user");
    let mut call = root.model_call("openai", "gpt-4o");
    call.usage(7, 0).set("note", "a text that nobody has checked");
    call.end();
    let failed = traced!(root.tool_call("bash"), Err::<(), _>(std::io::Error::other("no shell")));
    assert!(failed.is_err());
    drop(root);
}

/// What arrives of the trace, by the names of its spans; and how many logs there are of spans.
fn arrived(fields: FieldPolicy) -> (Vec<Span>, usize) {
    let peer = Peer::start();
    let reporter = quick("s").sink(otlp(&peer).fields(fields)).start().unwrap();
    work(&reporter);
    let report = reporter.blocking_stop(PATIENCE);
    assert!(report.is_drained(), "{report}");
    assert_eq!(reporter.stats().sinks[0].withheld, 3, "that a span began is not sent");
    let requests = peer.requests();
    let mut spans: Vec<_> = requests.iter().flat_map(spans).collect();
    spans.sort_by(|a, b| a.name.cmp(&b.name));
    let logs = requests.iter().flat_map(logs).filter(|log| log.event_name.starts_with("span.")).count();
    (spans, logs)
}

#[test]
fn a_span_is_what_opentelemetry_has_for_it() {
    let (spans, logs) = arrived(FieldPolicy::Redacted);
    assert_eq!(logs, 0);
    let [root, call, tool] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!([&root.name, &call.name, &tool.name], ["answer the user", "chat gpt-4o", "execute_tool bash"]);
    let is_within = |span: &Span| (span.trace_id == root.trace_id, span.parent_span_id == root.span_id);
    assert_eq!((is_within(call), is_within(tool), root.parent_span_id.len()), ((true, true), (true, true), 0));
    assert_eq!((call.kind(), tool.kind()), (SpanKind::Client, SpanKind::Internal));
    assert!(call.start_time_unix_nano <= call.end_time_unix_nano);
    assert_eq!((&call.status, &root.status), (&None, &None), "what went well is left to whoever judges it");
    let status = tool.status.as_ref().unwrap();
    assert_eq!((status.code, &*status.message), (2, "no shell"));
    let (call, tool) = (object(&call.attributes), object(&tool.attributes));
    for (key, expected) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("openai")),
        ("gen_ai.request.model", json!("gpt-4o")),
        ("gen_ai.usage.output_tokens", json!(0)),
        ("note", json!("a text that nobody has checked")),
    ] {
        assert_eq!(call[key], expected, "{key}");
    }
    assert_eq!(tool["error.type"], "std::io::error::Error");
    for key in ["span_name", "span_kind", "status", "error.message", "trace_id", "duration_ms"] {
        assert!(call.get(key).is_none() && tool.get(key).is_none(), "{key}");
    }
}

#[test]
fn a_sink_for_operations_is_given_names_and_numbers_and_no_other_text() {
    let (spans, _) = arrived(FieldPolicy::SafeOnly);
    let [root, call, tool] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!([&root.name, &call.name, &tool.name], ["answer the user", "chat gpt-4o", "execute_tool bash"]);
    let status = tool.status.as_ref().unwrap();
    assert_eq!((status.code, &*status.message), (2, ""));
    let call = object(&call.attributes);
    assert_eq!((&call["gen_ai.request.model"], &call["gen_ai.usage.input_tokens"]), (&json!("gpt-4o"), &json!(7)));
    assert_eq!(call.get("note"), None);
    assert_eq!(object(&tool.attributes)["gen_ai.tool.name"], "bash");
}
