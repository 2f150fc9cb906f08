//! `/traces/{id}/spans/{span}`: all that is known of one span, its conversation and what a tool was given and came to.

use std::time::Duration;

use lastword::event::names::{self, gen_ai};
use lastword::views::{Row, Span};
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::address::path;
use super::fate::{Fates, by_what};
use super::messages::{self, Conversation, Extent};
use super::waterfall::state;
use super::{Tab, layout, parts};
use crate::limits::{MESSAGES_SHOWN_MAX, PAGE_SUMMARY_CHARS_MAX, SPAN_TEXT_CHARS};
use crate::query::{Event, Trace};

/// What the page of a span shows.
pub(crate) struct Whole<'t> {
    pub(crate) known: &'t Trace,
    pub(crate) row: &'t Row<'t>,
    /// Data of the event that says most of it.
    pub(crate) data: &'t Map<String, Value>,
    pub(crate) talk: &'t Conversation,
    /// What else happened within it.
    pub(crate) events: &'t [Event],
    pub(crate) fates: &'t Fates,
}

/// Returns the page of a span.
pub(crate) fn whole(shown: &Whole<'_>) -> Markup {
    let Whole { known, row, data, talk, .. } = shown;
    let span = row.span;
    let (class, state) = state(row, shown.fates);
    let trace = path(&["traces", &known.trace_id]);
    let events = format!("/events?trace={}&text={}&order=asc", known.trace_id, row.id);
    let extent = Extent { chars: SPAN_TEXT_CHARS, messages: MESSAGES_SHOWN_MAX, whole: &format!("/api{events}") };
    let title = known.name.as_deref().unwrap_or(&known.trace_id);
    let content = html! {
        section {
            p.crumb { a href="/traces" { "Traces" } " / " a href={ (trace) "#span-" (row.id) } { bdi { (parts::cut(title, PAGE_SUMMARY_CHARS_MAX)) } } }
            h1 { bdi { (parts::cut(&span.name, PAGE_SUMMARY_CHARS_MAX)) } @if let Some(state) = state { " " span.state.{ (class) } { (state) } } }
            dl.facts {
                div { dt { "Span" } dd.id { (row.id) } }
                div { dt { "Took" } dd { @match (span.duration(), shown.fates.over(&span.session_id)) { (Some(took), _) => (parts::took(took)), (None, Some(session)) => { "never ended: " (by_what(session)) }, (None, None) => "not known" } } }
                div { dt { "Kind" } dd { (span.kind) } }
                div { dt { "Session" } dd { (parts::session_link(&span.session_id)) } }
                @if let Some(parent) = span.parent { div { dt { "Within" } dd { a.id href={ (trace) "/spans/" (parent) } { (parent) } } } }
                @if let Some(run) = &span.run_id { div { dt { "Run" } dd { a.id href=(path(&["runs", run])) { bdi { (run) } } } } }
            }
            @if let Some(error) = error(span) { pre.bad tabindex="0" { (messages::cut(&error, extent)) } }
            (call(span.duration(), &|name| data.get(name).cloned()))
            p.more { a href=(events) { "Its events" } " · " a href=(extent.whole) { "Their JSON, whole" } }
        }
        @if !talk.is_empty() { section { h2 { "Conversation" } (talk.write(extent)) } }
        (tool(data, extent))
        section {
            h2 { "Attributes" }
            (messages::attributes(data.iter().filter(|(name, _)| !is_told_apart(name) && !is_place(name)), extent))
        }
        @if !shown.events.is_empty() {
            section { h2 { "What happened within it" }
                div.scroll tabindex="0" role="region" aria-label="Events" { table.events {
                    thead { tr { th scope="col" { "Time" } th scope="col" { "Severity" } th.number scope="col" { "#" } th scope="col" { "Event" } } }
                    tbody { @for event in shown.events { (parts::event(event, false)) } }
                } }
            }
        }
    };
    layout(&span.name, Tab::Traces, &content)
}

/// Writes what a tool was given, and what it came to.
fn tool(data: &Map<String, Value>, extent: Extent<'_>) -> Markup {
    let (given, result) = (data.get(gen_ai::TOOL_CALL_ARGUMENTS), data.get(gen_ai::TOOL_CALL_RESULT));
    html! {
        @for (title, value) in [("Given", given), ("Came to", result)] {
            @if let Some(value) = value { section { h2 { (title) } (messages::data(value, extent)) } }
        }
    }
}

/// Whether an attribute is shown in a place of its own.
pub(super) fn is_told_apart(name: &str) -> bool {
    const APART: [&str; 5] = [
        gen_ai::INPUT_MESSAGES,
        gen_ai::OUTPUT_MESSAGES,
        "gen_ai.system_instructions",
        gen_ai::TOOL_CALL_ARGUMENTS,
        gen_ai::TOOL_CALL_RESULT,
    ];
    APART.contains(&name) || CALL.iter().any(|(_, known, _)| *known == name)
}

/// Whether a field says where a span belongs: the page says that above.
fn is_place(name: &str) -> bool {
    [
        names::TRACE_ID,
        names::SPAN_ID,
        names::PARENT_SPAN_ID,
        names::SPAN_NAME,
        names::SPAN_KIND,
        names::RUN_ID,
        names::DURATION_MS,
        names::STATUS,
        names::ERROR_TYPE,
        names::ERROR_MESSAGE,
    ]
    .contains(&name)
}

/// What a figure of a call is.
#[derive(Clone, Copy)]
enum Unit {
    Text,
    Number,
    Dollars,
    Seconds,
}

/// The figures of a call of a model or a tool, in the order in which they are shown.
const CALL: [(&str, &str, Unit); 12] = [
    ("Provider", gen_ai::PROVIDER_NAME, Unit::Text),
    ("Model", gen_ai::REQUEST_MODEL, Unit::Text),
    ("Answered by", gen_ai::RESPONSE_MODEL, Unit::Text),
    ("Tokens in", gen_ai::USAGE_INPUT_TOKENS, Unit::Number),
    ("from cache", "gen_ai.usage.cache_read.input_tokens", Unit::Number),
    ("Tokens out", gen_ai::USAGE_OUTPUT_TOKENS, Unit::Number),
    ("to reason", "gen_ai.usage.reasoning.output_tokens", Unit::Number),
    ("Cost", gen_ai::USAGE_COST, Unit::Dollars),
    ("First token after", gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK, Unit::Seconds),
    ("Finished by", gen_ai::RESPONSE_FINISH_REASONS, Unit::Text),
    ("Attempt", names::ATTEMPT, Unit::Number),
    ("Tool", gen_ai::TOOL_NAME, Unit::Text),
];

/// Writes the figures of a call; nothing of what is none.
pub(super) fn call(took: Option<Duration>, find: &dyn Fn(&str) -> Option<Value>) -> Markup {
    let figures: Vec<(&str, Markup)> =
        CALL.iter().filter_map(|(label, name, unit)| Some((*label, figure(&find(name)?, *unit)?))).collect();
    let output = find(gen_ai::USAGE_OUTPUT_TOKENS).and_then(|tokens| tokens.as_f64());
    let first = find(gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK).and_then(|seconds| seconds.as_f64()).unwrap_or(0.0);
    let rate = output
        .zip(took)
        .map(|(tokens, took)| tokens / (took.as_secs_f64() - first))
        .filter(|rate| rate.is_finite() && *rate > 0.0);
    html! {
        @if !figures.is_empty() {
            dl.facts.call {
                @for (label, value) in figures { div { dt { (label) } dd { (value) } } }
                @if let Some(rate) = rate { div { dt { "Tokens a second" } dd { (format!("{rate:.0}")) } } }
            }
        }
    }
}

fn figure(value: &Value, unit: Unit) -> Option<Markup> {
    Some(match unit {
        Unit::Text => {
            let text = match value {
                Value::Null => return None,
                Value::String(text) => text.clone(),
                Value::Array(values) => values
                    .iter()
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                    .collect::<Vec<_>>()
                    .join(", "),
                other => other.to_string(),
            };
            html! { bdi { (parts::cut(&text, PAGE_SUMMARY_CHARS_MAX)) } }
        }
        Unit::Number => html! { (parts::grouped(value.as_u64()?)) },
        Unit::Dollars => html! { "$" (format!("{:.6}", value.as_f64()?).trim_end_matches('0').trim_end_matches('.')) },
        Unit::Seconds => html! { (parts::took(Duration::try_from_secs_f64(value.as_f64()?).ok()?)) },
    })
}

/// Returns what a span failed with.
pub(super) fn error(span: &Span) -> Option<String> {
    match (span.error_type.as_deref(), span.error_message.as_deref()) {
        (None, None) => None,
        (Some(kind), None | Some("")) => Some(kind.to_owned()),
        (None, Some(message)) => Some(message.to_owned()),
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
    }
}
