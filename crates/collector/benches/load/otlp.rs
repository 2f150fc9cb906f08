//! Spans of calls of models, as instrumentations write them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

pub(crate) const BATCH_SPANS: usize = 512;

/// Returns the body of a batch.
pub(crate) fn body(batch: usize) -> Vec<u8> {
    let spans = (0..BATCH_SPANS).map(|place| span(batch * BATCH_SPANS + place)).collect();
    let scope = InstrumentationScope { name: "bench".into(), version: "1.0".into(), ..Default::default() };
    let resource = [
        ("service.name", "bench"),
        ("service.instance.id", "4f0d5b0e-3a0f-4e55-9a53-6f3a1c2b7d10"),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "1.38.0"),
    ];
    let resource = resource.map(|(key, value)| attribute(key, Value::StringValue(value.into())));
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: resource.to_vec(), ..Default::default() }),
            scope_spans: vec![ScopeSpans { scope: Some(scope), spans, ..Default::default() }],
            ..Default::default()
        }],
    }
    .encode_to_vec()
}

/// A call of a model as instrumentations write it, with ids in no order.
fn span(number: usize) -> Span {
    let mix = |number: usize| {
        let noise = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (noise ^ noise >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    let start = 1_795_672_661_000_000_000 + number as u64 * 1_000;
    let text = |text: &str| Value::StringValue(text.into());
    Span {
        trace_id: [mix(number / 8).to_be_bytes(), mix(number / 8 + 7).to_be_bytes()].concat(),
        span_id: mix(number + 1_000_003).to_be_bytes().to_vec(),
        parent_span_id: mix(number / 8 + 2_000_003).to_be_bytes().to_vec(),
        name: "chat gpt-4o".into(),
        kind: 3,
        flags: 256,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 812_345_678,
        attributes: vec![
            attribute("gen_ai.operation.name", text("chat")),
            attribute("gen_ai.provider.name", text("openai")),
            attribute("gen_ai.request.model", text("gpt-4o")),
            attribute("gen_ai.response.model", text("gpt-4o-2024-08-06")),
            attribute("gen_ai.response.id", text("chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l")),
            attribute("gen_ai.usage.input_tokens", Value::IntValue(1_200)),
            attribute("gen_ai.usage.output_tokens", Value::IntValue(340)),
            attribute("server.address", text("api.openai.com")),
            attribute("server.port", Value::IntValue(443)),
            attribute("http.response.status_code", Value::IntValue(200)),
            attribute("thread.id", Value::IntValue(140_213_112)),
            attribute("thread.name", text("MainThread")),
        ],
        ..Default::default()
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}
