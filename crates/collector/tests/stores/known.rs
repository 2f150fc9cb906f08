//! What is known of a store, to ask about it.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::fixture::Fixture;

/// What has an id, each list in the order in which the API gives it.
pub struct Known {
    pub sessions: Vec<String>,
    pub versions: Vec<String>,
    pub exceptions: Vec<String>,
    pub traces: Vec<String>,
    /// Traces and spans in them.
    pub spans: Vec<(String, String)>,
    pub runs: Vec<String>,
    /// Runs and what they left.
    pub artifacts: Vec<(String, String)>,
    pub users: Vec<String>,
    pub series: Vec<i64>,
    pub metrics: Vec<String>,
    pub names: Vec<String>,
    pub events: Vec<String>,
    /// `model` or `tool`, and what it is called.
    pub calls: Vec<(String, String)>,
    pub providers: Vec<String>,
}

impl Known {
    pub fn of(fixture: &Fixture) -> Self {
        let server = fixture.server();
        let texts = |rows: &[Value], field: &str| -> Vec<String> {
            let mut seen = BTreeSet::new();
            let all = rows.iter().filter_map(|row| row.pointer(field).and_then(Value::as_str)).map(str::to_owned);
            all.filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
        };
        let list = |path: &str, rows: &str| server.all(&format!("/api/{path}limit=1000"), rows);
        let (events, sessions, series) = (server.events(""), list("sessions?", "sessions"), list("series?", "series"));
        let two = |first: &str, second: &str| -> Vec<(String, String)> {
            let both = events.iter().filter_map(|event| {
                Some((event.pointer(first)?.as_str()?.to_owned(), event.pointer(second)?.as_str()?.to_owned()))
            });
            both.collect::<BTreeSet<_>>().into_iter().collect()
        };
        let called = |kind: &str, field: &str| {
            texts(&events, field).into_iter().map(move |name| (kind.to_owned(), name)).collect()
        };
        let models: Vec<_> = called("model", "/event_data/gen_ai.request.model");
        let tools: Vec<_> = called("tool", "/event_data/gen_ai.tool.name");
        Self {
            versions: texts(&sessions, "/sdk_version"),
            sessions: texts(&sessions, "/session_id"),
            exceptions: texts(&list("exceptions?order=new&", "exceptions"), "/fingerprint"),
            traces: texts(&list("traces?", "traces"), "/trace_id"),
            spans: two("/event_data/trace_id", "/event_data/span_id"),
            runs: texts(&list("runs?", "runs"), "/run_id"),
            artifacts: two("/event_data/run_id", "/event_data/artifact"),
            users: texts(&list("users?", "users"), "/user_id"),
            metrics: texts(&series, "/name"),
            series: series.iter().filter_map(|series| series["id"].as_i64()).collect(),
            names: texts(&events, "/event_name"),
            providers: texts(&events, "/event_data/gen_ai.provider.name"),
            calls: models.into_iter().chain(tools).collect(),
            events: texts(&events, "/event_id"),
        }
    }
}

/// Writes a text as a part of a URL.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
