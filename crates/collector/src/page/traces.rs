//! `/traces`, and `/traces/{id}`: the spans of a trace as a waterfall.

use std::time::Duration;

use lastword::event::names::gen_ai;
use lastword::views::{self, Row, Span, SpanStatus};
use maud::{Markup, html};

use super::address::{Address, Field};
use super::{Tab, layout, parts};
use crate::limits::{PAGE_SUMMARY_CHARS_MAX, WATERFALL_LEVELS_MAX};
use crate::query::{Figures, Page, Trace};

/// Returns the list.
pub(crate) fn list(page: &Page<Trace>, address: &Address) -> Markup {
    let failed = [("", "any"), ("true", "with errors"), ("false", "without")];
    let fields = [
        Field::text("name", "Name", ""),
        Field::text("session", "Session", ""),
        Field::choice("failed", "Errors", &failed),
    ];
    let content = html! {
        section {
            h1 { "Traces" }
            (address.ranges("", Some("All")))
            (address.form(&fields))
            @if page.items.is_empty() {
                p.empty { "No trace matches. Traces come of spans: " code { "POST /v1/traces" } ", or our own reporter." }
            } @else { (rows(&page.items)) }
            (address.more(page.next.as_deref(), "Older traces"))
        }
    };
    layout("Traces", Tab::Traces, &content)
}

fn rows(traces: &[Trace]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Trace" } th { "Session" } th.number { "Took" } th.number { "Spans" } th.number { "Errors" }
                th.number { "Model calls" } th.number { "Tools" } th.number { "Tokens" } th.number { "Cost" } th { "Began" }
            } }
            tbody { @for trace in traces {
                tr.error[trace.figures.errors > 0] {
                    td.what { (link(trace)) }
                    td { @if let Some(session) = &trace.session_id { (parts::session_link(session)) } }
                    td.number { (took(trace)) }
                    td.number { (trace.started.max(trace.ended)) }
                    td.number.bad[trace.figures.errors > 0] { (parts::or_dash(trace.figures.errors)) }
                    (figures(&trace.figures))
                    td.when { (parts::moment(trace.first_seen)) }
                }
            } }
        } }
    }
}

fn link(trace: &Trace) -> Markup {
    let name = trace.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&trace.trace_id);
    html! { a href={ "/traces/" (trace.trace_id) } { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } } }
}

fn took(trace: &Trace) -> Markup {
    let known = trace.duration_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
    html! { @match known { Some(took) => (parts::took(took)), None => span.quiet { "unknown" } } }
}

fn figures(figures: &Figures) -> Markup {
    html! {
        td.number { (parts::or_dash(figures.model_calls)) }
        td.number { (parts::or_dash(figures.tool_calls)) }
        td.number { (parts::or_dash(figures.tokens_in.saturating_add(figures.tokens_out))) }
        td.number { (parts::cost(figures.cost)) }
    }
}

/// What a trace's page shows.
pub(crate) struct Shown<'t> {
    pub(crate) known: &'t Trace,
    /// Its spans.
    pub(crate) trace: &'t views::Trace,
    /// The sessions that have ended: a span that runs in one of them never ends.
    pub(crate) ended: &'t [String],
    /// It has more events than are shown.
    pub(crate) is_cut: bool,
}

/// Returns the page of a trace.
pub(crate) fn one(shown: &Shown<'_>) -> Markup {
    let Shown { known, trace, .. } = shown;
    let name = known.name.as_deref().unwrap_or_else(|| trace.name());
    let rows = trace.waterfall();
    let content = html! {
        section {
            p.crumb { a href="/traces" { "Traces" } }
            h1 { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } }
            dl.facts {
                div { dt { "Trace" } dd.id { (known.trace_id) } }
                div { dt { "Took" } dd { (parts::took(trace.duration())) } }
                div { dt { "Spans" } dd { (rows.len()) } }
                div { dt { "Errors" } dd.bad[known.figures.errors > 0] { (known.figures.errors) } }
                div { dt { "Model calls" } dd { (known.figures.model_calls) } }
                div { dt { "Tool calls" } dd { (known.figures.tool_calls) } }
                div { dt { "Tokens in, out" } dd { (known.figures.tokens_in) ", " (known.figures.tokens_out) } }
                div { dt { "Cost" } dd { (parts::cost(known.figures.cost)) } }
                div { dt { "Began" } dd { (parts::moment(known.first_seen)) } }
                @if let Some(session) = &known.session_id { div { dt { "Session" } dd { (parts::session_link(session)) } } }
            }
            @if shown.is_cut || trace.left_out() > 0 {
                p.notice { b { "Not all of it is shown: " } "it has more events than a page has, or some that can't be read. The query API has all of them." }
            }
            p.more { a href={ "/events?trace=" (known.trace_id) "&order=asc" } { "Its events" } }
        }
        section {
            h2 { "Spans" }
            ol.waterfall { @for row in &rows { (span(row, shown)) } }
        }
    };
    layout(name, Tab::Traces, &content)
}

/// Writes a span: one line, which opens to all that is known of it.
fn span(row: &Row<'_>, shown: &Shown<'_>) -> Markup {
    let span = row.span;
    let (class, state) = state(row, shown);
    html! {
        li.{ "d" (row.depth.min(WATERFALL_LEVELS_MAX)) } id={ "span-" (row.id) } {
            details open[span.status == SpanStatus::Error] {
                summary.{ (class) } {
                    span.name { bdi { (span.name) } @if let Some(state) = state { " " span.state.{ (class) } { (state) } } }
                    (bar(span, shown.trace, class))
                    span.number {
                        @match span.duration() { Some(duration) => (parts::took(duration)), None => "" }
                    }
                }
                @if let Some(error) = error(span) { pre.bad tabindex="0" { (error) } }
                (attributes(row, shown))
            }
        }
    }
}

/// Returns the class of a span's line, and what is to be said of how it stands.
fn state(row: &Row<'_>, shown: &Shown<'_>) -> (&'static str, Option<&'static str>) {
    match row.span.status {
        SpanStatus::Error => ("error", Some("failed")),
        SpanStatus::Running if shown.ended.iter().any(|ended| **ended == *row.span.session_id) => {
            ("warning", Some("never ended"))
        }
        SpanStatus::Running => ("open", Some("runs")),
        _ if row.orphan => ("warning", Some("its parent is missing")),
        _ if row.span.attribute(gen_ai::OPERATION_NAME).is_some() => ("model", None),
        _ => ("info", None),
    }
}

/// Draws when a span ran within its trace. What is short can be seen all the same.
fn bar(span: &Span, trace: &views::Trace, class: &str) -> Markup {
    let whole = trace.duration().as_secs_f64().max(1e-9);
    let share = |nanos: u64| (Duration::from_nanos(nanos).as_secs_f64() / whole * 1000.0).clamp(0.0, 1000.0);
    let begin = share(span.start_nanos.saturating_sub(trace.start().unix_nanos()));
    // One that has not ended goes on.
    let width = span.duration_nanos.map_or(1000.0 - begin, share).clamp(3.0, 1000.0);
    html! {
        svg.when viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.{ (class) } x=(begin.min(1000.0 - width.min(1000.0))) y="1" width=(width) height="8" {}
        }
    }
}

fn error(span: &Span) -> Option<String> {
    match (span.error_type.as_deref(), span.error_message.as_deref()) {
        (None, None) => None,
        (Some(kind), None | Some("")) => Some(kind.to_owned()),
        (None, Some(message)) => Some(message.to_owned()),
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
    }
}

fn attributes(row: &Row<'_>, shown: &Shown<'_>) -> Markup {
    let span = row.span;
    let after = span.start().since(shown.trace.start());
    html! {
        dl.attributes {
            div { dt { "span" } dd { (row.id) } }
            @if let Some(parent) = span.parent {
                div { dt { "within" } dd { @if row.orphan { (parent) } @else { a href={ "#span-" (parent) } { (parent) } } } }
            }
            div { dt { "kind" } dd { (span.kind) } }
            div { dt { "began after" } dd { (parts::took(after)) } }
            div { dt { "session" } dd { (parts::session_link(&span.session_id)) } }
            @for (name, value) in span.attributes.iter() {
                div {
                    dt { bdi { (name) } }
                    dd { bdi { @match value.as_str() { Some(text) => (text), None => (value.to_string()) } } }
                }
            }
        }
    }
}
