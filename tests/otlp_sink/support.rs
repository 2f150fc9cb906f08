//! Batches, and what arrives of them.

use std::time::Duration;

use lastword::sink::{Batch, FieldPolicy, Otlp};
use lastword::testing::batch;
use lastword::{Builder, Reporter};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value as Json, json};

pub(crate) use crate::peers::outcome;
use crate::peers::{Answer, PATIENCE, Peer, Recorded};

pub(crate) const KEY: &str = "Bearer a-key-that-nobody-may-see";
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const SPAN: &str = "b7ad6b7169203331";

pub(crate) fn otlp(peer: &Peer) -> Otlp {
    Otlp::new(peer.url()).header("authorization", KEY).http_timeout(PATIENCE).fields(FieldPolicy::Redacted)
}

pub(crate) fn quick(session: &str) -> Builder {
    Reporter::builder(session).enabled(true).retry_base_delay(Duration::from_millis(5))
}

pub(crate) fn span(number: u64) -> Json {
    json!({"trace_id": TRACE, "span_id": format!("{:016x}", number + 1), "duration_ms": 1, "number": number})
}

/// A log, a span, a log, a span.
pub(crate) fn mixed() -> Batch {
    batch("s", 0, &[("a", json!({})), ("b", span(1)), ("c", json!({})), ("d", span(3))]).unwrap()
}

/// A success that says so many records were refused.
pub(crate) fn partial(rejected: u8, message: &str) -> Answer {
    let length = u8::try_from(message.len()).unwrap();
    let head = String::from_utf8(vec![0x0a, length + 4, 0x08, rejected, 0x12, length]).unwrap();
    Answer::with_body(200, head + message)
}

pub(crate) fn logs(request: &Recorded) -> Vec<LogRecord> {
    if request.line != "POST /v1/logs HTTP/1.1" {
        return Vec::new();
    }
    let request = ExportLogsServiceRequest::decode(&*request.body).unwrap();
    request.resource_logs.into_iter().flat_map(|of| of.scope_logs).flat_map(|of| of.log_records).collect()
}

pub(crate) fn spans(request: &Recorded) -> Vec<Span> {
    if request.line != "POST /v1/traces HTTP/1.1" {
        return Vec::new();
    }
    let request = ExportTraceServiceRequest::decode(&*request.body).unwrap();
    request.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans).collect()
}

/// The events that a request carries, by the id that tells one from another.
pub(crate) fn uids(request: &Recorded) -> Vec<String> {
    let logs = logs(request).into_iter().map(|log| object(&log.attributes));
    let spans = spans(request).into_iter().map(|span| object(&span.attributes));
    logs.chain(spans).map(|attributes| attributes["log.record.uid"].as_str().unwrap().to_owned()).collect()
}

/// What the peer has taken, in the order of its arrival: an event that was sent twice is there twice.
pub(crate) fn taken(peer: &Peer) -> Vec<String> {
    let stored = |request: &&Recorded| matches!(request.answer, Answer::Ok | Answer::Slow(_) | Answer::LoseAck);
    peer.requests().iter().filter(stored).flat_map(uids).collect()
}

pub(crate) fn plain(value: &AnyValue) -> Json {
    match value.value.as_ref() {
        None => Json::Null,
        Some(Value::StringValue(text)) => json!(text),
        Some(Value::BoolValue(is)) => json!(is),
        Some(Value::IntValue(number)) => json!(number),
        Some(Value::DoubleValue(number)) => json!(number),
        Some(Value::ArrayValue(list)) => list.values.iter().map(plain).collect(),
        Some(Value::KvlistValue(map)) => object(&map.values),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn object(attributes: &[KeyValue]) -> Json {
    attributes.iter().map(|attribute| (attribute.key.clone(), plain(attribute.value.as_ref().unwrap()))).collect()
}
