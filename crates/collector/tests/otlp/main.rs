//! OpenTelemetry's protocol, from the body of a request to what is stored.
//!
//! The fixtures are what `opentelemetry-sdk` 1.45.2 for Python sends by its exporters for protobuf and for JSON.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails in a test fails the test")]

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod genai;
mod grpc;
mod hostile;
mod killed;
mod metrics;
mod prompts;
mod records;

use common::{Answer, Server};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Sends a body as it is.
fn post(server: &Server, path: &str, content_type: &str, body: &[u8]) -> Answer {
    server.client().send("POST", path, &[("content-type", content_type)], body)
}

/// Returns what Python's SDK sends.
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/otlp/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A second after the beginning of 2026-11-20.
const END: u64 = 1_795_132_801_000_000_000;

/// Returns the `number`-th span of a trace, which took a second.
fn span(number: u64, name: &str, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: name.to_owned(),
        start_time_unix_nano: END - 1_000_000_000,
        end_time_unix_nano: END,
        attributes,
        ..Span::default()
    }
}

/// Returns the body of a request with these spans of a program whose instance is `i-1`.
fn traces(spans: Vec<Span>) -> Vec<u8> {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: vec![text("service.instance.id", "i-1")], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}
