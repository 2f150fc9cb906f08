//! `GET /api/openapi.json`: what is answered, as OpenAPI 3.1 has it (<https://spec.openapis.org/oas/v3.1.1.html>), made of the table of
//! routes.

use axum::Json;
use axum::response::{IntoResponse, Response};
use lastword::EventKind;
use serde_json::{Map, Value, json};

use super::routes::{ENDPOINTS, Endpoint, Shape};
use super::schemas::{self, reference};
use crate::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, PARAM_BYTES_MAX, REFRESH_SECONDS};
use crate::query::{CallQuery, ExceptionOrder, SessionQuery};

/// `GET /api/openapi.json`
pub(super) async fn document() -> Response {
    Json(written()).into_response()
}

fn written() -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.told().0] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lastword",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The collector of lastword. Where events come in, a path may have any prefix. A key, where keys are asked for, \
                            goes in `Authorization: Bearer` or `X-API-Key`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": {
                "Error": {
                    "description": "What was wrong, and what would be right",
                    "content": { "application/json": { "schema": reference("Error") }, "text/html": { "schema": { "type": "string" } } },
                },
                "OtlpError": {
                    "description": "What was wrong, as a status of gRPC",
                    "content": { "application/json": { "schema": reference("Object") } },
                },
            },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
        "security": [{}, { "bearer": [] }, { "key": [] }],
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut responses = Map::new();
    let good = json!({ "description": endpoint.about, "content": content(endpoint.answer) });
    responses.insert("200".to_owned(), good.clone());
    for status in endpoint.also {
        responses.insert(status.to_string(), good.clone());
    }
    // Whoever exports OTLP reads errors in the form of its own.
    let error = if endpoint.path.starts_with("/v1/") { "OtlpError" } else { "Error" };
    responses.insert("default".to_owned(), json!({ "$ref": format!("#/components/responses/{error}") }));
    let names = endpoint.path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let in_path = names.map(|(name, _)| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 },
                "description": "What is meant; an id that a path can't carry (`..`, or one with a `/`) as `~~` and its bytes, `~2F` for a `/`" })
    });
    let in_query = endpoint.parameters.iter().map(|name| parameter(endpoint.path, name));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut operation = json!({ "summary": endpoint.about, "responses": responses });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let (_, Some(body)) = endpoint.method.told() {
        operation["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    operation
}

fn content(shape: Shape) -> Value {
    match shape {
        Shape::Json(schema) => json!({ "application/json": { "schema": reference(schema) } }),
        Shape::Text(media) => json!({ media: { "schema": { "type": "string" } } }),
    }
}

/// Describes a parameter; every query that has one means the same by it.
fn parameter(path: &str, name: &str) -> Value {
    let text = || json!({ "type": "string", "minLength": 1, "maxLength": PARAM_BYTES_MAX });
    let one_of = |words: &[&str]| json!({ "type": "string", "enum": words });
    let kinds = EventKind::ALL.map(EventKind::as_str);
    let of_sessions = SessionQuery::states();
    let is_of_exceptions = path.ends_with("/exceptions");
    let states: &[&str] = if is_of_exceptions { &["open", "resolved", "regressed"] } else { &of_sessions };
    let row = || json!({ "type": "string", "pattern": "^[0-9]{1,18}$" });
    let number = || json!({ "type": "integer", "minimum": 0 });
    let is_of_calls = path.starts_with("/calls") || path.ends_with("/calls");
    let moment = || json!({ "type": "string", "examples": ["15m", "2026-11-20T09:20:34Z"] });
    let (about, schema) = match name {
        "session" => ("Of this session", text()),
        "name" if is_of_calls => ("Of this model or tool", text()),
        "name" => ("Generic events of this name", text()),
        "kind" if is_of_calls => ("Of models or of tools", one_of(&["model", "tool"])),
        "kind" => ("Of this kind", one_of(&kinds)),
        "severity" => ("As bad as this, or worse", one_of(&["debug", "info", "warning", "error", "critical"])),
        "since" | "until" => (time(path, name), moment()),
        "received" => ("Of which something was received since: a time, or how long ago", moment()),
        "q" => ("The id of anything, or the beginning of that of a session, a trace or a run", text()),
        "text" => ("With this text anywhere in their JSON", text()),
        "order" if is_of_exceptions => {
            let orders = ExceptionOrder::ALL.map(ExceptionOrder::as_str);
            ("The latest to appear first (`new`), or to happen (`last`), the most, or the worst", one_of(&orders))
        }
        "appeared" => ("Of which the first was received at or after this", moment()),
        "regressed" => ("That were received again at or after this, when they had been marked as resolved", moment()),
        "lost" | "missing" => {
            ("Only those of which events are missing, or (`lost`) dropped; or the others", one_of(&["true", "false"]))
        }
        "fingerprint" => ("The group with this fingerprint", text()),
        "exception" => ("In which an exception with this fingerprint happened", text()),
        "id" => ("Whose id begins so", text()),
        "step" => ("As it stood after this line", number()),
        "from" if path.starts_with("/runs") || path.starts_with("/traces") => ("From this line or span on", number()),
        "event" | "from" | "before" => ("Around the event of this row", row()),
        "order" => ("Newest first (`desc`) or oldest first (`asc`)", one_of(&["desc", "asc"])),
        "columns" => ("Columns, with commas between them: of the event, or `data.` and a path into its data", text()),
        "state" => ("In this state", one_of(states)),
        "limit" => (
            "At most this many",
            json!({ "type": "integer", "minimum": 1, "maximum": PAGE_ROWS_MAX, "default": PAGE_ROWS_DEFAULT }),
        ),
        "after" => ("Behind the page whose `next` or `resume` this is", row()),
        "trace" => ("Of this trace", text()),
        "run" => ("Of this run", text()),
        "action" => ("Of this action", text()),
        "actor" => ("Of this actor", text()),
        "user" => ("That name this user", text()),
        "version" => ("Of this version of the program", text()),
        "status" => ("With this status", text()),
        "provider" => ("Of this provider", text()),
        "refresh" => (
            "Have the page loaded again after so many seconds",
            json!({ "type": "integer", "minimum": REFRESH_SECONDS.start(), "maximum": REFRESH_SECONDS.end() }),
        ),
        "objective" => ("With this text in what it was for", text()),
        "min_ms" => ("That took so many milliseconds at least", number()),
        "other" => ("The one to compare with", text()),
        "sort" => ("What comes first", one_of(&CallQuery::orders())),
        "by" if is_of_calls => ("What they are told apart by", one_of(&CallQuery::ways())),
        "by" => ("By minute or by hour", one_of(&["minute", "hour"])),
        "failed" | "opted_in" => ("Only those that did, or only those that did not", one_of(&["true", "false"])),
        "views" => ("Metrics of what was reported, instead of the collector's own", one_of(&["0", "1"])),
        _ => ("", text()),
    };
    json!({ "name": name, "in": "query", "required": false, "description": about, "schema": schema })
}

/// Describes an end of a range of time: a session lasts, so it is of all the time that it reaches into.
fn time(path: &str, name: &str) -> &'static str {
    match (path.ends_with("/sessions"), name) {
        (true, "since") => "Whose last event is not older than this: a time, or how long ago",
        (true, _) => "Whose first event is older than this: a time, or how long ago",
        (false, "since") => "Not older than this: a time, or how long ago",
        (false, _) => "Older than this: a time, or how long ago",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_path_is_a_parameter() {
        for endpoint in ENDPOINTS {
            let told = operation(endpoint)["parameters"]
                .as_array()
                .map_or(0, |all| all.iter().filter(|one| one["in"] == "path").count());
            assert_eq!(told, endpoint.path.matches('{').count(), "{}", endpoint.path);
        }
    }

    #[test]
    fn every_parameter_is_described_and_every_reference_leads_somewhere() {
        let document = written();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (at, _) in text.match_indices("#/components/schemas/") {
            let name = text[at + "#/components/schemas/".len()..].split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        for endpoint in ENDPOINTS {
            for name in endpoint.parameters {
                assert!(!parameter(endpoint.path, name)["description"].as_str().unwrap().is_empty(), "{name}");
            }
        }
    }
}
