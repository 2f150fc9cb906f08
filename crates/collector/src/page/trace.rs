//! `/traces/{id}`: one trace, its figures and its spans as a waterfall.

use std::collections::{BTreeMap, BTreeSet};

use lastword::event::SpanId;
use lastword::views::{self, Row, SpanStatus};
use maud::{Markup, html};

use super::address::path;
use super::fate::{Fates, by_what};
use super::messages::Conversation;
use super::waterfall::Waterfall;
use super::{Address, Tab, layout, parts, runs, traces};
use crate::limits::{PAGE_SUMMARY_CHARS_MAX, TRACE_JUMPS, WATERFALL_ROWS};
use crate::query::{Run, Trace, TraceTold};

/// What a trace's page shows.
pub(crate) struct Shown<'t> {
    pub(crate) known: &'t Trace,
    /// Its spans.
    pub(crate) trace: &'t views::Trace,
    /// The conversations of its spans, as far as they were read.
    pub(crate) talks: &'t BTreeMap<SpanId, Conversation>,
    /// How its sessions stand: a span that has not ended in one that is over never will.
    pub(crate) fates: &'t Fates,
    /// How many spans it has, those too that are not shown, how many of them have not ended, how many failed.
    pub(crate) counted: &'t TraceTold,
    /// The runs that its spans are of, the first.
    pub(crate) runs: &'t [Run],
    /// It has more events than are shown.
    pub(crate) is_cut: bool,
    /// Others of the same name, the latest first.
    pub(crate) like: &'t [Trace],
    /// The place of the first span that is shown.
    pub(crate) from: usize,
    pub(crate) address: &'t Address,
}

/// Returns the page of a trace.
pub(crate) fn one(shown: &Shown<'_>) -> Markup {
    let Shown { known, trace, address, .. } = shown;
    let name = known.name.as_deref().unwrap_or_else(|| trace.name());
    let rows = trace.waterfall();
    let from = if shown.from < rows.len() { shown.from } else { 0 };
    let until = rows.len().min(from.saturating_add(WATERFALL_ROWS));
    let page = |place: usize| address.with(&[("from", &if place == 0 { String::new() } else { place.to_string() })]);
    let waterfall = Waterfall::new(shown, trace.critical_path());
    let content = html! {
        section {
            p.crumb { a href="/traces" { "Traces" } }
            h1 { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } }
            (facts(shown))
            (unended(shown))
            @if shown.is_cut || trace.left_out() > 0 {
                p.notice { b { "Not all of it is shown: " } "it has more events than a page has, or some that can't be read. The query API has all of them." }
            }
            p.more { a href={ "/events?trace=" (known.trace_id) "&order=asc" } { "Its events" } }
            (compare(shown))
        }
        section #spans {
            h2 { "Spans" }
            (jumps(&rows, trace, &page))
            (waterfall.write(&rows[from..until]))
            @if rows.len() > WATERFALL_ROWS {
                nav.steps aria-label="Spans" {
                    @if from > 0 { a rel="prev" href={ (page(from.saturating_sub(WATERFALL_ROWS))) "#spans" } { "Spans before" } }
                    span { (from + 1) " to " (until) " of " (rows.len()) }
                    @if until < rows.len() { a rel="next" href={ (page(until)) "#spans" } { "Spans after" } }
                }
            }
        }
    };
    layout(name, Tab::Traces, &content)
}

/// Says how many spans have no end, and why where their sessions tell.
fn unended(shown: &Shown<'_>) -> Markup {
    html! {
        @let open = shown.counted.open;
        @if let Some(session) = shown.fates.worst().filter(|_| open > 0) {
            p.notice {
                b { (open) @if open == 1 { " span did not end: " } @else { " spans did not end: " } }
                (by_what(session)) ". " (parts::session_link(&session.session_id))
            }
        }
    }
}

fn facts(shown: &Shown<'_>) -> Markup {
    let Shown { known, counted, .. } = shown;
    let (failed, logged) = traces::errors(known, counted.failed);
    html! {
        dl.facts {
            div { dt { "Trace" } dd.id { (known.trace_id) } }
            div { dt { "Took" } dd { (traces::took(known, counted.open, shown.fates)) } }
            div { dt { "Spans" } dd { (counted.spans) } }
            div { dt { @if counted.failed.is_some() { "Failed spans" } @else { "Errors" } } dd.bad[failed > 0] { (parts::grouped(failed)) } }
            @if logged > 0 { div { dt { "Errors logged" } dd.bad { (parts::grouped(logged)) } } }
            div { dt { "Model calls" } dd { (known.figures.model_calls) } }
            div { dt { "Tool calls" } dd { (known.figures.tool_calls) } }
            div { dt { "Tokens in, out" } dd { (parts::grouped(known.figures.tokens_in)) ", " (parts::grouped(known.figures.tokens_out)) } }
            div { dt { "Cost" } dd { (parts::cost(known.figures.cost)) } }
            div { dt { "Began" } dd { (parts::moment(known.first_seen)) } }
            @if let Some(session) = &known.session_id { div { dt { "Session" } dd { (parts::session_link(session)) } } }
            @for run in shown.runs { div { dt { "Run" } dd { (runs::link(&run.run_id, run.objective.as_deref())) } } }
        }
    }
}

/// Writes the form that chooses another trace to hold this one against.
fn compare(shown: &Shown<'_>) -> Markup {
    let latest = shown.like.first().map_or("", |trace| &trace.trace_id);
    html! {
        form.filter.compare method="get" action=(path(&["traces", &shown.known.trace_id, "compare"])) {
            label {
                span { "Compare with the trace" @if !shown.like.is_empty() { ", one of the same name or any" } }
                input name="other" list="like" required value=(latest) placeholder="id of a trace";
            }
            datalist #like { @for trace in shown.like { option value=(trace.trace_id) { (parts::short(trace.first_seen)) } } }
            button { "Compare" }
        }
    }
}

/// Writes links to what a reader looks for first: what failed, and what took long.
fn jumps(rows: &[Row<'_>], trace: &views::Trace, page: &impl Fn(usize) -> String) -> Markup {
    let places: BTreeMap<SpanId, usize> = rows.iter().enumerate().map(|(place, row)| (row.id, place)).collect();
    let link = |id: SpanId| {
        let place = places.get(&id).copied().unwrap_or(0);
        let name = rows.get(place).map_or("", |row| &row.span.name);
        html! { a href={ (page(place / WATERFALL_ROWS * WATERFALL_ROWS)) "#span-" (id) } { bdi { (parts::cut(name, 60)) } } }
    };
    let failed: Vec<SpanId> =
        rows.iter().filter(|row| row.span.status == SpanStatus::Error).map(|row| row.id).collect();
    // What failed because one within it did stands above that: the innermost says why.
    let reasons: BTreeSet<SpanId> = {
        let above: BTreeSet<SpanId> = failed.iter().filter_map(|id| trace.span(*id)?.parent).collect();
        failed.iter().copied().filter(|id| !above.contains(id)).collect()
    };
    let first = failed.iter().filter(|id| reasons.contains(id)).take(TRACE_JUMPS);
    let own = trace.own_times();
    html! {
        @if !failed.is_empty() {
            p.leads { b.bad { "Failed " } @for (place, id) in first.enumerate() { @if place > 0 { ", " } (link(*id)) } @if reasons.len() > TRACE_JUMPS { " and " (reasons.len() - TRACE_JUMPS) " more" } }
        }
        @if own.len() > 1 {
            p.leads {
                b { "Took longest " }
                @for (place, (id, time)) in own.iter().take(TRACE_JUMPS).enumerate() {
                    @if place > 0 { ", " } (link(*id)) " " span.quiet { (parts::took(*time)) }
                }
                span.quiet { " of their own, without the spans within them." }
            }
        }
    }
}
