//! What is sent: events of the protocol of our own, spans and points of OpenTelemetry, all at moments that no run changes.

use std::sync::OnceLock;

use lastword_collector::query::Moment;
use serde_json::{Value, json};

const HOUR_US: i64 = 3_600_000_000;

/// The moment that all cases count from: an hour's beginning, three to four hours ago, so that nothing that is told of it is as late
/// as its arrival.
fn base_us() -> i64 {
    static BASE: OnceLock<i64> = OnceLock::new();
    *BASE.get_or_init(|| (Moment::now().as_micros() / HOUR_US - 3) * HOUR_US)
}

/// A moment so many milliseconds after the beginning, as it is written.
pub fn at(ms: i64) -> String {
    Moment::from_micros(base_us() + ms * 1000).to_string()
}

/// The same in nanoseconds since 1970, as OTLP has it.
pub fn nanos(ms: i64) -> String {
    format!("{}000", base_us() + ms * 1000)
}

/// The whole of the time that cases are about, for questions that have one by themselves, which ends now.
pub fn range() -> String {
    format!("since={}&until={}", at(-3_600_000), at(7_200_000))
}

/// A generic event.
pub fn event(index: i64, id: &str, ms: i64, name: &str, data: Value) -> Value {
    told(index, id, ms, name, "INFO", data)
}

/// A generic event of a severity.
pub fn told(index: i64, id: &str, ms: i64, name: &str, severity: &str, data: Value) -> Value {
    json!({"event": "GENERIC_EVENT", "event_id": id, "event_session_index": index, "severity": severity, "timestamp": at(ms),
        "event_name": name, "event_data": data})
}

/// Some events in order, a second each.
pub fn events(indexes: impl IntoIterator<Item = i64>) -> Vec<Value> {
    indexes
        .into_iter()
        .map(|index| event(index, &format!("id-{index}"), index * 1000, "tick", json!({"n": index})))
        .collect()
}

pub fn exception(index: i64, ms: i64, severity: &str, kind: &str, message: &str) -> Value {
    json!({"event": "UNHANDLED_EXCEPTION", "event_id": format!("x-{index}"), "event_session_index": index, "severity": severity,
        "timestamp": at(ms), "error_type": kind, "error_message": message,
        "traceback": format!("Traceback (most recent call last):\n  File \"a.py\", line {index}, in f\n{kind}: {message}")})
}

pub fn start(index: i64, ms: i64) -> Value {
    json!({"event": "SESSION_START", "event_id": format!("start-{index}"), "event_session_index": index, "severity": "INFO", "timestamp": at(ms)})
}

pub fn end(index: i64, ms: i64) -> Value {
    json!({"event": "SESSION_END", "event_id": format!("end-{index}"), "event_session_index": index, "severity": "INFO", "timestamp": at(ms),
        "duration": "0:00:01"})
}

/// A request of a session.
pub fn body(session: &str, version: &str, events: &[Value]) -> String {
    json!({"events": events, "platform": "Linux", "sdk_version": version, "session_id": session}).to_string()
}

/// A trace of 32 digits that ends with a number.
pub fn trace(number: u64) -> String {
    format!("4bf92f3577b34da6{number:016x}")
}

pub fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

pub fn int(key: &str, value: i64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

pub fn double(key: &str, value: f64) -> Value {
    json!({"key": key, "value": {"doubleValue": value}})
}

/// A span of a trace: its number, that of its parent (0 for none), when it began and how long it took.
pub fn span(
    of: u64,
    (number, parent): (u64, u64),
    name: &str,
    (begun, took): (i64, i64),
    attributes: Vec<Value>,
) -> Value {
    let mut span = json!({"traceId": trace(of), "spanId": format!("{number:016x}"), "name": name, "startTimeUnixNano": nanos(begun),
        "endTimeUnixNano": nanos(begun + took), "attributes": attributes});
    if parent != 0 {
        span["parentSpanId"] = format!("{parent:016x}").into();
    }
    span
}

/// The same span, failed.
pub fn failed(mut span: Value, message: &str) -> Value {
    span["status"] = json!({"code": 2, "message": message});
    span
}

/// What a call of a model says.
pub fn model(provider: &str, model: &str, (tokens_in, tokens_out): (i64, i64), cost: f64) -> Vec<Value> {
    vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", provider),
        text("gen_ai.request.model", model),
        int("gen_ai.usage.input_tokens", tokens_in),
        int("gen_ai.usage.output_tokens", tokens_out),
        double("gen_ai.usage.cost", cost),
    ]
}

/// What a call of a tool says.
pub fn tool(name: &str) -> Vec<Value> {
    vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", name),
        text("gen_ai.tool.call.arguments", "{\"a\":1}"),
    ]
}

fn resource(instance: &str, version: &str) -> Value {
    json!({"attributes": [text("service.name", "shop"), text("service.version", version), text("service.instance.id", instance)]})
}

/// Spans of an instance of a program.
pub fn spans(instance: &str, version: &str, spans: &[Value]) -> Value {
    json!({"resourceSpans": [{"resource": resource(instance, version), "scopeSpans": [{"scope": {"name": "m"}, "spans": spans}]}]})
}

/// Records of logs of an instance of a program.
pub fn logs(instance: &str, records: &[Value]) -> Value {
    json!({"resourceLogs": [{"resource": resource(instance, "1.0"), "scopeLogs": [{"scope": {"name": "m"}, "logRecords": records}]}]})
}

/// A metric of an instance of a program: `sum`, `gauge`, `histogram`, `exponentialHistogram`, `summary`.
pub fn metric(instance: &str, name: &str, form: &str, body: &Value) -> Value {
    json!({"resourceMetrics": [{"resource": resource(instance, "1.0"), "scopeMetrics": [{"scope": {"name": "m"},
        "metrics": [{"name": name, "unit": "1", "description": "told", form: body}]}]}]})
}
