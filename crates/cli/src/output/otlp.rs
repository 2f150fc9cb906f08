//! Stored events as OpenTelemetry's JSON, as its collector's file exporter writes it: spans as spans, all else as logs.
//!
//! What OpenTelemetry has a place for goes there; the data of an event are the attributes, each under its own name.

use std::collections::BTreeMap;

use lastword_collector::query::Moment;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The data of spans that have a place of their own.
const PLACED: [&str; 6] = ["trace_id", "span_id", "parent_span_id", "span_name", "span_kind", "duration_ms"];

/// Returns at most one document of spans and one of logs. A start of a span is left out: its end says all of it, and a span that
/// never ended is none to OpenTelemetry. It is kept as a log then.
pub(crate) fn documents(events: &[Box<RawValue>]) -> Vec<Value> {
    let (mut spans, mut logs) = (BTreeMap::<String, Vec<Value>>::new(), BTreeMap::<String, Vec<Value>>::new());
    for event in events {
        let Ok(Value::Object(event)) = serde_json::from_str::<Value>(event.get()) else { continue };
        let session = text(&event, "session_id").unwrap_or("unknown").to_owned();
        match span(&event) {
            Some(span) => spans.entry(session).or_default().push(span),
            None => logs.entry(session).or_default().push(log(&event)),
        }
    }
    let mut documents = Vec::new();
    if !spans.is_empty() {
        documents.push(json!({ "resourceSpans": resources(spans, "scopeSpans", "spans") }));
    }
    if !logs.is_empty() {
        documents.push(json!({ "resourceLogs": resources(logs, "scopeLogs", "logRecords") }));
    }
    documents
}

fn resources(by_session: BTreeMap<String, Vec<Value>>, scopes: &str, records: &str) -> Vec<Value> {
    let resource = |(session, all): (String, Vec<Value>)| {
        let attributes = json!([{ "key": "session.id", "value": { "stringValue": session } }]);
        json!({ "resource": { "attributes": attributes }, scopes: [{ "scope": { "name": "lastword" }, records: all }] })
    };
    by_session.into_iter().map(resource).collect()
}

fn text<'e>(object: &'e Map<String, Value>, name: &str) -> Option<&'e str> {
    object.get(name).and_then(Value::as_str)
}

fn nanos(event: &Map<String, Value>) -> i64 {
    let moment = text(event, "timestamp").and_then(Moment::parse);
    moment.map_or(0, |moment| moment.as_micros().saturating_mul(1000))
}

/// Returns a span, if the event is the end of one.
fn span(event: &Map<String, Value>) -> Option<Value> {
    if text(event, "event_name") != Some("span.end") {
        return None;
    }
    let data = event.get("event_data")?.as_object()?;
    let (trace, span) = (text(data, "trace_id")?, text(data, "span_id")?);
    let end = nanos(event);
    #[allow(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
    let took = (data.get("duration_ms").and_then(Value::as_f64).unwrap_or(0.0).max(0.0) * 1e6) as i64;
    let kind = match text(data, "span_kind") {
        Some("server") => 2,
        Some("client") => 3,
        Some("producer") => 4,
        Some("consumer") => 5,
        _ => 1,
    };
    let status = match text(data, "status") {
        Some("error") => json!({ "code": 2, "message": text(data, "error.message").unwrap_or_default() }),
        Some("ok") => json!({ "code": 1 }),
        _ => json!({}),
    };
    let others = data.iter().filter(|(name, _)| !PLACED.contains(&name.as_str()) && *name != "status");
    let mut record = json!({
        "traceId": trace, "spanId": span, "name": text(data, "span_name").unwrap_or_default(), "kind": kind,
        "startTimeUnixNano": end.saturating_sub(took).to_string(), "endTimeUnixNano": end.to_string(),
        "attributes": attributes(others), "status": status,
    });
    if let Some(parent) = text(data, "parent_span_id") {
        record["parentSpanId"] = parent.into();
    }
    Some(record)
}

fn log(event: &Map<String, Value>) -> Value {
    let severity = text(event, "severity").unwrap_or("INFO");
    let number = match severity {
        "DEBUG" => 5,
        "WARNING" => 13,
        "ERROR" => 17,
        "CRITICAL" => 21,
        _ => 9,
    };
    let data = event.get("event_data").and_then(Value::as_object);
    // What is no data of the event stands among the attributes as well, but for what has a place.
    let own = event
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "event_data" | "timestamp" | "severity" | "session_id"));
    let message = data.and_then(|data| text(data, "message")).or_else(|| text(event, "error_message"));
    let name = text(event, "event_name").or_else(|| text(event, "event")).unwrap_or_default();
    let mut record = json!({
        "timeUnixNano": nanos(event).to_string(), "severityNumber": number, "severityText": severity, "eventName": name,
        "body": { "stringValue": message.unwrap_or(name) },
        "attributes": attributes(data.into_iter().flatten().chain(own)),
    });
    for (place, field) in [("traceId", "trace_id"), ("spanId", "span_id")] {
        if let Some(id) = data.and_then(|data| text(data, field)) {
            record[place] = id.into();
        }
    }
    record
}

fn attributes<'e>(fields: impl Iterator<Item = (&'e String, &'e Value)>) -> Vec<Value> {
    fields.map(|(key, field)| json!({ "key": key, "value": value(field) })).collect()
}

fn value(field: &Value) -> Value {
    match field {
        Value::Null => json!({}),
        Value::Bool(is) => json!({ "boolValue": is }),
        Value::Number(number) if number.is_i64() => json!({ "intValue": number.to_string() }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Array(list) => json!({ "arrayValue": { "values": list.iter().map(value).collect::<Vec<_>>() } }),
        Value::Object(object) => json!({ "kvlistValue": { "values": attributes(object.iter()) } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_span_and_all_else_is_a_log_with_everything_that_was_said() {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let events = [
            raw(&format!(
                r#"{{"event":"GENERIC_EVENT","event_id":"e-1","event_name":"span.end","severity":"ERROR","timestamp":"1970-01-01T00:00:02Z","event_data":{{"trace_id":"{trace}","span_id":"00f067aa0ba902b7","span_name":"chat","span_kind":"client","duration_ms":500,"status":"error","error.message":"no","n":[1,2.5,true,null]}},"session_id":"s"}}"#
            )),
            raw(
                r#"{"event":"GENERIC_EVENT","event_id":"e-2","event_name":"cache.miss","severity":"WARNING","timestamp":"1970-01-01T00:00:01Z","event_data":{"key":"a"},"session_id":"s"}"#,
            ),
        ];
        let documents = documents(&events);
        let span = &documents[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!((&span["traceId"], &span["kind"], &span["status"]["code"]), (&json!(trace), &json!(3), &json!(2)));
        assert_eq!(
            (&span["startTimeUnixNano"], &span["endTimeUnixNano"]),
            (&json!("1500000000"), &json!("2000000000"))
        );
        let list = json!([{ "intValue": "1" }, { "doubleValue": 2.5 }, { "boolValue": true }, {}]);
        assert_eq!(span["attributes"][1], json!({ "key": "n", "value": { "arrayValue": { "values": list } } }));
        let log = &documents[1]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!((&log["severityNumber"], &log["eventName"]), (&json!(13), &json!("cache.miss")));
        assert_eq!(log["attributes"][0], json!({ "key": "key", "value": { "stringValue": "a" } }));
        assert_eq!(documents[1]["resourceLogs"][0]["resource"]["attributes"][0]["value"]["stringValue"], "s");
    }
}
