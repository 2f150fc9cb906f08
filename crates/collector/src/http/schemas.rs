//! What bodies are, as far as a client can rely on it: schemas of the document of OpenAPI.

use lastword::{EventKind, Severity};
use serde_json::{Value, json};

use crate::query::SessionState;

/// Returns all schemas by name.
pub(super) fn all() -> Value {
    let mut all = of_events();
    for more in [of_listings(), of_calls(), of_collector()] {
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
    }
    all
}

/// Refers to a schema.
pub(super) fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// What comes in, and how it is answered.
fn of_events() -> Value {
    let kinds = EventKind::ALL.map(EventKind::as_str);
    let severities =
        [Severity::Debug, Severity::Info, Severity::Warning, Severity::Error, Severity::Critical].map(Severity::as_str);
    let moment = moment();
    let event = json!({
        "type": "object",
        "required": ["event", "event_id", "severity", "timestamp"],
        "properties": {
            "event": { "type": "string", "enum": kinds },
            "event_id": { "type": "string", "minLength": 1 },
            "event_session_index": { "type": "integer", "minimum": 0 },
            "severity": { "type": "string", "enum": severities },
            "timestamp": moment,
            "event_name": { "type": ["string", "null"] },
            // Of a `GENERIC_EVENT`; of others it is kept as it came.
            "event_data": { "description": "an object, of a GENERIC_EVENT" },
        },
    });
    json!({
        "Error": { "type": "object", "required": ["error"], "properties": { "error": { "type": "string" } } },
        "Event": event,
        "Telemetry": {
            "type": "object",
            "required": ["session_id", "events"],
            "properties": {
                "session_id": { "type": "string", "minLength": 1 },
                "platform": { "type": "string" },
                "sdk_version": { "type": "string" },
                "events": { "type": "array", "minItems": 1, "items": reference("Event") },
            },
        },
        "Accepted": {
            "type": "object",
            "required": ["status"],
            "properties": {
                "status": { "const": "accepted" },
                "accepted": { "type": "integer", "minimum": 0 },
                "duplicates": { "type": "integer", "minimum": 0 },
                "refused": { "type": "array", "items": { "type": "object", "required": ["index", "reason"] } },
            },
        },
    })
}

/// What questions are answered with.
fn of_listings() -> Value {
    let cursor = json!({ "type": ["string", "null"] });
    let moment = moment();
    let page = |rows: &str, row: &str| {
        json!({ "type": "object", "required": [rows, "next"],
                "properties": { rows: { "type": "array", "items": reference(row) }, "next": cursor } })
    };
    json!({
        "Events": {
            "allOf": [page("events", "Event")],
            "required": ["resume"],
            "properties": { "resume": { "type": "string" } },
        },
        "Sessions": page("sessions", "Session"),
        "Session": {
            "type": "object",
            "required": ["session_id", "state", "events", "missing", "gaps"],
            "properties": {
                "session_id": { "type": "string" },
                "state": { "type": "string", "enum": SessionState::ALL.map(SessionState::as_str) },
                "fatal": { "type": "boolean" },
                "events": { "type": "integer" },
                "missing": { "type": "integer" },
                "gaps": { "type": "integer" },
            },
        },
        "Exceptions": page("exceptions", "Exception"),
        "Exception": {
            "type": "object",
            "required": ["fingerprint", "error_type", "error_message", "count", "sessions"],
            "properties": {
                "fingerprint": { "type": "string" },
                "count": { "type": "integer" },
                "sessions": { "type": "integer" },
                "first_seen": moment,
                "last_seen": moment,
            },
        },
        "Object": { "type": "object" },
        "Removed": { "type": "object", "required": ["events"], "properties": { "events": { "type": "integer", "minimum": 0 } } },
        "ExceptionEdit": { "type": "object", "required": ["resolved"], "additionalProperties": false,
                           "properties": { "resolved": { "type": "boolean" } } },
        "UserEdit": { "type": "object", "required": ["telemetry_opt_in"], "additionalProperties": false,
                      "properties": { "telemetry_opt_in": { "type": "boolean" } } },
    })
}

/// How calls of models and tools fared.
fn of_calls() -> Value {
    let moment = moment();
    json!({
        "Calls": {
            "type": "object",
            "required": ["calls", "left_out"],
            "properties": { "calls": { "type": "array", "items": reference("Call") }, "left_out": { "type": "integer", "minimum": 0 } },
        },
        "Call": {
            "type": "object",
            "required": ["calls", "errors", "error_rate", "tokens_in", "tokens_out", "tokens_cached", "cost", "mean_ms", "p50_ms", "p95_ms", "p99_ms"],
            "properties": {
                "kind": { "type": "string", "enum": ["model", "tool"] },
                "name": { "type": "string" },
                "provider": { "type": "string" },
                "version": { "type": "string" },
                "begin": moment,
                "first_hour": moment,
                "last_hour": moment,
                "calls": { "type": "integer" },
                "errors": { "type": "integer" },
                "error_rate": { "type": ["number", "null"] },
                "tokens_in": { "type": "integer" },
                "tokens_out": { "type": "integer" },
                "tokens_cached": { "type": "integer" },
                "cost": { "type": "number" },
                "mean_ms": { "type": ["number", "null"] },
                "p50_ms": { "type": ["number", "null"] },
                "p95_ms": { "type": ["number", "null"] },
                "p99_ms": { "type": ["number", "null"] },
                "reliability": { "type": "number" },
            },
        },
    })
}

/// What the collector says of itself.
fn of_collector() -> Value {
    let moment = moment();
    let ok = json!({ "type": "object", "required": ["ok"], "properties": { "ok": { "type": "boolean" } } });
    let of_parts = |part: &Value| json!({ "type": "object", "required": ["db", "mq", "storage"], "properties": { "db": part, "mq": part, "storage": part } });
    json!({
        "Alerts": {
            "type": "object",
            "required": ["alerts", "history"],
            "properties": { "alerts": { "type": "array" }, "history": { "type": "array" } },
        },
        "Status": {
            "type": "object",
            "required": ["ok", "services"],
            "properties": { "ok": { "type": "boolean" }, "services": of_parts(&json!({ "type": "boolean" })),
                            "forward": { "type": "array", "items": { "type": "object", "required": ["name", "ok"] } } },
        },
        "Health": {
            "type": "object",
            "required": ["ok", "version", "services"],
            "properties": { "ok": { "type": "boolean" }, "version": { "type": "string" }, "services": of_parts(&ok),
                            "error": { "type": "string" } },
        },
        "HealthOfDb": {
            "type": "object",
            "required": ["status", "database", "timestamp"],
            "properties": { "status": { "type": "string" }, "database": { "type": "string" }, "timestamp": moment },
        },
        "HealthOfPart": ok,
        "Version": {
            "type": "object",
            "required": ["name", "version"],
            "properties": { "name": { "const": "lastword" }, "version": { "type": "string" } },
        },
        "Document": { "type": "object", "required": ["openapi", "info", "paths"] },
    })
}
