//! Traces of OpenAI's SDK for agents: `{"data": [trace, span, ..]}`.
//!
//! A trace is the event `trace`, which says the workflow, its conversation and its metadata; a span is `span.end`, with the names that
//! OpenTelemetry has for what agents do. The session is the trace, as the protocol says nothing of who sends.
//!
//! Ids of traces are theirs without `trace_`; ids of spans have 24 digits where others have 16, and are hashed. Both are kept as they were, too.

use std::collections::HashMap;

use lastword::Severity;
use lastword::event::names::{self, gen_ai};
use serde::Deserialize;
use serde_json::Value;

use super::read::{self, Fields, first, text};
use super::values::{self, Raws};
use super::{Draft, Drafts, Intake, Object, Refused, Source, messages, quote};
use crate::limits::REQUEST_EVENTS_MAX;

/// What a trace becomes.
const TRACE: &str = "trace";

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    data: Raws<'a>,
}

/// Reads a body.
///
/// # Errors
///
/// It is no object with a list `data`, or has too many items.
pub(crate) fn decode(body: &[u8], now_us: i64) -> Result<Intake, Refused> {
    let wire: Wire<'_> = serde_json::from_str(values::utf8(body)?)
        .map_err(|error| Refused::Bad(format!("the body must be an object with a list `data`: {error}")))?;
    if wire.data.0.len() > REQUEST_EVENTS_MAX {
        return Err(Refused::TooManyEvents);
    }
    let mut drafts = Drafts::new(now_us);
    let mut items = Vec::with_capacity(wire.data.0.len());
    for (place, item) in wire.data.0.into_iter().enumerate() {
        match values::read(item.get()) {
            Ok(Value::Object(item)) => items.push((place, item)),
            Ok(other) => {
                drafts.refuse(place, None, format!("the item is {}: it must be an object", quote(&other.to_string())));
            }
            Err(reason) => drafts.refuse(place, None, format!("the item can't be read: {reason}")),
        }
    }
    let begun = begun(&items);
    for (place, item) in &items {
        let id = text(item, &["id"]);
        let (Some(id), trace) = (id, text(item, &["trace_id"])) else {
            drafts.refuse(*place, None, "`id` of an item is missing");
            continue;
        };
        match (text(item, &["object"]), trace) {
            (Some("trace"), _) => {
                trace_item(&mut drafts, *place, item, id, begun.get(id).copied().unwrap_or(now_us))?;
            }
            (Some("trace.span"), Some(trace)) => span(&mut drafts, *place, item, id, trace, now_us)?,
            (Some("trace.span"), None) => drafts.refuse(*place, Some(id), "`trace_id` of a span is missing"),
            (object, _) => {
                let reason =
                    format!("`object` is {}: it must be trace or trace.span", quote(object.unwrap_or("missing")));
                drafts.refuse(*place, Some(id), reason);
            }
        }
    }
    Ok(drafts.finish())
}

/// Returns when the first span of each trace began: a trace itself says no time.
fn begun(items: &[(usize, Fields)]) -> HashMap<&str, i64> {
    let mut begun = HashMap::new();
    for (_, item) in items {
        if let (Some(trace), Some(started)) = (text(item, &["trace_id"]), item.get("started_at").and_then(read::moment))
        {
            let first = begun.entry(trace).or_insert(started);
            *first = started.min(*first);
        }
    }
    begun
}

fn id_of_trace(id: &str) -> String {
    read::trace_id(id.strip_prefix("trace_").unwrap_or(id))
}

fn id_of_span(id: &str) -> String {
    read::span_id(id.strip_prefix("span_").unwrap_or(id))
}

fn trace_item(drafts: &mut Drafts, place: usize, item: &Fields, id: &str, time_us: i64) -> Result<(), Refused> {
    let session = drafts.session(&Source { session_id: id, ..Source::default() });
    drafts.add(session, place, &Draft::generic(TRACE, id, Severity::Info, time_us), |data| {
        data.text(names::TRACE_ID, &id_of_trace(id));
        data.text_if(gen_ai::CONVERSATION_ID, text(item, &["group_id"]));
        read::rest(data, item, &["object", "id", "group_id"]);
    })
}

fn span(drafts: &mut Drafts, place: usize, item: &Fields, id: &str, trace: &str, now_us: i64) -> Result<(), Refused> {
    let started_us = item.get("started_at").and_then(read::moment);
    let ended_us = item.get("ended_at").and_then(read::moment);
    let (trace_id, span_id) = (id_of_trace(trace), id_of_span(id));
    let nothing = Fields::new();
    let said = read::object(item, "span_data").unwrap_or(&nothing);
    let error = item.get("error").filter(|error| !error.is_null());
    let severity = if error.is_some() { Severity::Error } else { Severity::Info };
    let (name, key, time_us) = match (ended_us, started_us) {
        (Some(ended_us), _) => (names::SPAN_END, format!("{trace_id}-{span_id}"), ended_us),
        (None, started_us) => (names::SPAN_START, format!("{trace_id}-{span_id}-start"), started_us.unwrap_or(now_us)),
    };
    let session = drafts.session(&Source { session_id: trace, ..Source::default() });
    drafts.add(session, place, &Draft::generic(name, &key, severity, time_us), |data| {
        data.text(names::TRACE_ID, &trace_id);
        data.text(names::SPAN_ID, &span_id);
        if let Some(parent) = text(item, &["parent_id"]) {
            data.text(names::PARENT_SPAN_ID, &id_of_span(parent));
        }
        data.text(names::SPAN_NAME, &span_name(said));
        if let Some(ended_us) = ended_us {
            data.float(names::DURATION_MS, read::duration_ms(started_us.unwrap_or(ended_us), ended_us));
            data.text(names::STATUS, if error.is_some() { "error" } else { "ok" });
        }
        if let Some(error) = error {
            let message = error.get("message").unwrap_or(error);
            data.text_if(
                names::ERROR_MESSAGE,
                Some(&message.as_str().map_or_else(|| message.to_string(), str::to_owned)),
            );
            if let Some(more) = error.get("data").filter(|more| !more.is_null()) {
                data.value("error.data", more);
            }
        }
        data.text("openai.span_id", id);
        data.text_if("openai.parent_id", text(item, &["parent_id"]));
        span_data(data, said);
        let told = ["object", "id", "trace_id", "parent_id", "started_at", "ended_at", "span_data", "error"];
        read::rest(data, item, &told);
    })
}

/// Names a span as OpenTelemetry does: what is done, and to what.
fn span_name(said: &Fields) -> String {
    let kind = text(said, &["type"]).unwrap_or("span");
    let (done, to) = match kind {
        "agent" => ("invoke_agent", text(said, &["name"])),
        "function" => ("execute_tool", text(said, &["name"])),
        "generation" | "response" => ("chat", text(said, &["model"])),
        "handoff" => (kind, text(said, &["to_agent"])),
        "mcp_tools" => (kind, text(said, &["server"])),
        "custom" => ("", text(said, &["name"])),
        _ => (kind, text(said, &["name", "model"])),
    };
    match to {
        Some(to) if done.is_empty() => to.to_owned(),
        Some(to) => format!("{done} {to}"),
        None if done.is_empty() => kind.to_owned(),
        None => done.to_owned(),
    }
}

/// Writes what a span says by its type: under the names that are known, and the rest as it is.
fn span_data(data: &mut Object<'_>, said: &Fields) {
    let kind = text(said, &["type"]).unwrap_or_default();
    let operation = match kind {
        "agent" => "invoke_agent",
        "function" => "execute_tool",
        "generation" | "response" => "chat",
        _ => "",
    };
    data.text_if(gen_ai::OPERATION_NAME, Some(operation));
    let renamed: &[(&str, &str)] = match kind {
        "agent" => &[("name", gen_ai::AGENT_NAME)],
        "function" => {
            &[("name", gen_ai::TOOL_NAME), ("input", gen_ai::TOOL_CALL_ARGUMENTS), ("output", gen_ai::TOOL_CALL_RESULT)]
        }
        "generation" | "response" => &[
            ("model", gen_ai::REQUEST_MODEL),
            ("input", gen_ai::INPUT_MESSAGES),
            ("output", gen_ai::OUTPUT_MESSAGES),
            ("response_id", gen_ai::RESPONSE_ID),
        ],
        "transcription" | "speech" => &[("model", gen_ai::REQUEST_MODEL)],
        _ => &[],
    };
    let mut told = vec![];
    for (theirs, ours) in renamed {
        if let Some(value) = first(said, &[theirs]) {
            messages::write(data, ours, value);
        }
        told.push(*theirs);
    }
    if operation == "chat" {
        usage(data, said);
        told.push("usage");
    }
    // The type itself says what a span of no operation is.
    read::rest(data, said, &told);
}

/// Writes the tokens that a call of a model took.
fn usage(data: &mut Object<'_>, said: &Fields) {
    let Some(usage) = first(said, &["usage"]) else { return };
    let Some(usage) = usage.as_object() else { return data.value("usage", usage) };
    let renamed: [(&[&str], &str); 2] = [
        (&["input_tokens", "prompt_tokens"], gen_ai::USAGE_INPUT_TOKENS),
        (&["output_tokens", "completion_tokens"], gen_ai::USAGE_OUTPUT_TOKENS),
    ];
    let mut told = vec![];
    for (theirs, ours) in renamed {
        if let Some(name) = theirs.iter().find(|name| usage.get(**name).is_some_and(Value::is_number)) {
            data.value(ours, &usage[*name]);
            told.push(*name);
        }
    }
    if usage.keys().any(|name| !told.contains(&name.as_str())) {
        data.object("usage", |data| read::rest(data, usage, &told));
    }
}
