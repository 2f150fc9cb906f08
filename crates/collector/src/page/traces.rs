//! `/traces`: how each trace stands.

use std::time::Duration;

use maud::{Markup, html};

use super::address::{Address, Field, path};
use super::fate::{Fates, never_ended};
use super::messages::first_asked;
use super::{Tab, layout, parts};
use crate::limits::{ASKED_CHARS, PAGE_SUMMARY_CHARS_MAX};
use crate::query::{Figures, Moment, Page, Trace, TraceTold};

/// What the list shows.
pub(crate) struct List<'t> {
    pub(crate) page: &'t Page<Trace>,
    /// What the events of each tell.
    pub(crate) told: &'t [TraceTold],
    /// How the sessions of those stand that have not ended.
    pub(crate) fates: &'t Fates,
    pub(crate) address: &'t Address,
}

/// Returns the list.
pub(crate) fn list(list: &List<'_>) -> Markup {
    let List { page, address, .. } = list;
    let failed = [("", "any"), ("true", "with errors"), ("false", "without")];
    let fields = [
        Field::text("name", "Name", ""),
        Field::text("session", "Session", ""),
        Field::choice("failed", "Errors", &failed),
        Field::text("min_ms", "Took at least, ms", "1000"),
    ];
    let content = html! {
        section {
            h1 { "Traces" }
            (address.ranges("", Some("All")))
            (address.form(&fields))
            @if page.items.is_empty() {
                (address.nothing("trace", &html! { "No trace was received. They come of spans: those of OpenTelemetry's SDKs, or " code { "let _here = reporter.trace(\"what it does\").enter();" } " in a program that reports with lastword's library." }))
            } @else { (rows(list)) }
            (address.more(page.next.as_deref(), "Older traces"))
        }
    };
    layout("Traces", Tab::Traces, &content)
}

fn rows(list: &List<'_>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Traces" { table {
            thead { tr {
                th { "Trace" } th { "Session" } th.number { "Took" } th.number { "Spans" } th.number { "Failed spans" }
                th.number { "Model calls" } th.number { "Tools" } th.number { "Tokens" } th.number { "Cost" } th { "Began" }
            } }
            tbody { @for (trace, told) in list.page.items.iter().zip(list.told) {
                tr.error[trace.figures.errors > 0] {
                    td.what { (link(trace))
                        @if let Some(asked) = told.talk.as_deref().and_then(first_asked) { div.small.quiet { bdi { (parts::cut(&asked, ASKED_CHARS)) } } }
                    }
                    td { @if let Some(session) = &trace.session_id { (parts::session_link(session)) } }
                    td.number { (took(trace, told.open, list.fates)) }
                    td.number { (told.spans) }
                    @let (failed, logged) = errors(trace, told.failed);
                    td.number.bad[failed > 0] { (parts::or_dash(failed)) @if logged > 0 { div.small.quiet { "and " (parts::how_many(logged, "error", "errors")) " logged" } } }
                    (figures(&trace.figures))
                    td.when { (parts::moment(trace.first_seen)) }
                }
            } }
        } }
    }
}

/// Writes a link to a trace, by what it is called.
pub(super) fn link(trace: &Trace) -> Markup {
    let name = trace.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&trace.trace_id);
    html! { a href=(path(&["traces", &trace.trace_id])) { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } } }
}

/// Writes how long a trace took: its outermost span; where none is known, from the first that is known of it to the last. One that has spans
/// without an end has taken no time yet: it runs, or never ended.
pub(super) fn took(trace: &Trace, open: usize, fates: &Fates) -> Markup {
    let until = |end: Moment| {
        let micros = end.as_micros().saturating_sub(trace.first_seen.as_micros());
        parts::took(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    };
    html! {
        @if let Some(took) = trace.duration_ms.and_then(parts::took_ms) { (took) }
        @else if open == 0 { (until(trace.last_seen)) }
        @else {
            @match trace.session_id.as_deref().and_then(|id| fates.over(id)) {
                Some(session) => (never_ended(session)),
                None => { "running for " (until(Moment::now())) },
            }
        }
    }
}

/// Returns how many spans of a trace failed, and how many errors were logged beside them. Where nobody read which spans failed, all are in the first.
pub(super) fn errors(trace: &Trace, failed: Option<usize>) -> (i64, i64) {
    let all = trace.figures.errors;
    failed.map_or((all, 0), |failed| {
        let failed = i64::try_from(failed).unwrap_or(i64::MAX);
        (failed, all.saturating_sub(failed).max(0))
    })
}

fn figures(figures: &Figures) -> Markup {
    html! {
        td.number { (parts::or_dash(figures.model_calls)) }
        td.number { (parts::or_dash(figures.tool_calls)) }
        td.number { (parts::or_dash(figures.tokens_in.saturating_add(figures.tokens_out))) }
        td.number { (parts::cost(figures.cost)) }
    }
}
