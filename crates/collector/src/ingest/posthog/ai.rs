//! What models and agents did, as PostHog's clients tell of it.

use lastword::Severity;
use lastword::event::names::{self, gen_ai};
use serde_json::Value;

use super::super::Object;
use super::super::messages;
use super::super::read::{self, Fields, first, text};

const TRACE: &str = "$ai_trace";

/// What is called otherwise here.
const RENAMED: [(&str, &str); 15] = [
    ("$ai_provider", gen_ai::PROVIDER_NAME),
    ("$ai_model", gen_ai::REQUEST_MODEL),
    ("$ai_response_model", gen_ai::RESPONSE_MODEL),
    ("$ai_response_id", gen_ai::RESPONSE_ID),
    ("$ai_input_tokens", gen_ai::USAGE_INPUT_TOKENS),
    ("$ai_output_tokens", gen_ai::USAGE_OUTPUT_TOKENS),
    ("$ai_cache_read_input_tokens", "gen_ai.usage.cache_read.input_tokens"),
    ("$ai_cache_creation_input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
    ("$ai_total_cost_usd", gen_ai::USAGE_COST),
    ("$ai_time_to_first_token", gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK),
    ("$ai_input", gen_ai::INPUT_MESSAGES),
    ("$ai_output_choices", gen_ai::OUTPUT_MESSAGES),
    ("$ai_session_id", gen_ai::CONVERSATION_ID),
    ("$ai_tool_name", gen_ai::TOOL_NAME),
    ("$ai_agent_name", gen_ai::AGENT_NAME),
];
/// What is told in other words.
const TOLD: [&str; 2] = ["$ai_latency", "$ai_is_error"];

/// A span.
pub(super) struct Span<'f> {
    properties: &'f Fields,
    operation: Option<&'static str>,
    kind: &'f str,
    trace_id: String,
    span_id: String,
    parent: Option<String>,
    key: String,
}

impl<'f> Span<'f> {
    /// Reads an event; `None` if it is no span. `id` is that of the event, for spans that have none of their own.
    pub(super) fn of(name: &'f str, properties: &'f Fields, id: &str) -> Option<Self> {
        let operation = match name {
            "$ai_generation" => Some("chat"),
            "$ai_embedding" => Some("embeddings"),
            "$ai_span" => match text(properties, &["$ai_span_type"]) {
                Some("tool" | "function" | "tool_call") => Some("execute_tool"),
                Some("agent") => Some("invoke_agent"),
                Some("retriever" | "retrieval") => Some("retrieval"),
                _ => None,
            },
            TRACE => None,
            _ => return None,
        };
        // Theirs may be any text. A span whose parent is the trace is below the span that stands for the trace.
        let trace = id_of(properties, &["$ai_trace_id"]);
        let own = id_of(properties, &["$ai_span_id", "$ai_generation_id"]);
        let own = own.or_else(|| trace.clone().filter(|_| name == TRACE)).unwrap_or_else(|| id.to_owned());
        let trace = trace.unwrap_or_else(|| id.to_owned());
        let (trace_id, span_id) = (read::trace_id(&trace), read::span_id(&own));
        let parent = id_of(properties, &["$ai_parent_id"]).map(|parent| read::span_id(&parent));
        let key = format!("{trace_id}-{span_id}");
        let parent = parent.filter(|parent| *parent != span_id);
        Some(Self { properties, operation, kind: name, trace_id, span_id, parent, key })
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn severity(&self) -> Severity {
        if self.is_error() { Severity::Error } else { Severity::Info }
    }

    fn is_error(&self) -> bool {
        let said = |name| self.properties.get(name);
        said("$ai_is_error").and_then(Value::as_bool).unwrap_or_else(|| {
            let status = said("$ai_http_status").and_then(Value::as_u64);
            status.is_some_and(|status| status >= 400) || text(self.properties, &["$ai_error"]).is_some()
        })
    }

    pub(super) fn write(&self, data: &mut Object<'_>) {
        data.text(names::TRACE_ID, &self.trace_id);
        data.text(names::SPAN_ID, &self.span_id);
        data.text_if(names::PARENT_SPAN_ID, self.parent.as_deref());
        data.text(names::SPAN_NAME, &self.name());
        if let Some(latency) = first(self.properties, &["$ai_latency"]) {
            match latency.as_f64().filter(|seconds| *seconds >= 0.0) {
                Some(seconds) => data.float(names::DURATION_MS, seconds * 1e3),
                None => data.value("$ai_latency", latency),
            }
        }
        if !data.has(names::DURATION_MS) {
            data.int(names::DURATION_MS, 0);
        }
        data.text(names::STATUS, if self.is_error() { "error" } else { "ok" });
        if self.is_error() {
            data.text_if(names::ERROR_TYPE, text(self.properties, &["$ai_error_type"]));
            if let Some(error) = first(self.properties, &["$ai_error"]) {
                data.text(names::ERROR_MESSAGE, &error.as_str().map_or_else(|| error.to_string(), str::to_owned));
            }
        }
        data.text_if(gen_ai::OPERATION_NAME, self.operation);
        for (theirs, ours) in RENAMED {
            if let Some(value) = first(self.properties, &[theirs]) {
                messages::write(data, ours, value);
            }
        }
        if let Some(reason) = first(self.properties, &["$ai_stop_reason"]) {
            data.list(gen_ai::RESPONSE_FINISH_REASONS, |list| {
                list.text(reason.as_str().unwrap_or(&reason.to_string()));
            });
        }
        let tool = text(self.properties, &["$ai_span_name"]);
        match self.operation {
            Some("execute_tool") if !data.has(gen_ai::TOOL_NAME) => data.text_if(gen_ai::TOOL_NAME, tool),
            Some("invoke_agent") if !data.has(gen_ai::AGENT_NAME) => data.text_if(gen_ai::AGENT_NAME, tool),
            _ => {}
        }
        // What a trace is made of, for who looks for it by PostHog's name.
        data.text("posthog.event", self.kind);
    }

    fn name(&self) -> String {
        let of = |names: &[&str]| text(self.properties, names);
        match (of(&["$ai_span_name", "$ai_trace_name"]), self.operation, of(&["$ai_model"])) {
            (Some(name), Some(operation @ ("execute_tool" | "invoke_agent")), _) => format!("{operation} {name}"),
            (Some(name), _, _) => name.to_owned(),
            (None, Some(operation), Some(model)) => format!("{operation} {model}"),
            (None, Some(operation), None) => operation.to_owned(),
            (None, None, _) => self.kind.trim_start_matches("$ai_").to_owned(),
        }
    }

    /// The properties that are written already.
    pub(super) fn told(&self) -> Vec<&'static str> {
        RENAMED.iter().map(|(theirs, _)| *theirs).chain(TOLD).chain(["$ai_stop_reason"]).collect()
    }
}

/// Returns an id, which may be a number.
fn id_of(properties: &Fields, names: &[&str]) -> Option<String> {
    match first(properties, names)? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
