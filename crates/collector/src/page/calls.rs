//! `/calls`: how calls of models and tools fare, the worst first.

use maud::{Markup, html};

use super::address::{Address, Field, path};
use super::overview::percent;
use super::{Tab, chart, layout, parts};
use crate::limits::PAGE_SUMMARY_CHARS_MAX;
use crate::query::{Call, CallBy, CallFigures, CallKind, CallSort, Calls};

/// How far back the page looks where its address doesn't say.
pub(super) const SINCE: &str = "24h";

/// What the list shows.
pub(crate) struct List {
    /// `None` where only tools are asked for.
    pub(crate) models: Option<Calls>,
    pub(crate) tools: Option<Calls>,
    /// All models, and all tools.
    pub(crate) sums: Vec<Call>,
    pub(crate) by: CallBy,
    pub(crate) sort: CallSort,
    pub(crate) address: Address,
}

/// Returns the list.
pub(crate) fn list(list: &List) -> Markup {
    let address = &list.address;
    let kinds = [("", "models and tools"), ("model", "models"), ("tool", "tools")];
    let by = [("", "name"), ("version", "name and version"), ("provider", "provider")];
    let fields = [
        Field::choice("kind", "Show", &kinds),
        Field::text("name", "Name", ""),
        Field::text("provider", "Provider", ""),
        Field::text("version", "Version", ""),
        Field::choice("by", "Told apart by", &by),
        Field::choice("sort", "Order", &SORTS),
    ];
    let content = html! {
        section {
            h1 { "Models and tools" }
            (address.ranges(SINCE, None))
            (address.form(&fields))
            p.quiet.small { "Counted by whole hours, by when a call ended." }
            @if list.sums.is_empty() {
                (address.nothing("call of a model or a tool", &html! { "No call of a model or a tool ended in the last 24 h. They come of spans whose " code { "gen_ai.operation.name" } " says so: "
                    "those of OpenTelemetry's instrumentations, or " code { "reporter.model_call(\"..\", \"..\")" } " and " code { "tool_call" } " in a program that reports with lastword's library." }))
            }
        }
        @if let Some(models) = &list.models { (table("Models", CallKind::Model, models, list)) }
        @if let Some(tools) = &list.tools { (table("Tools", CallKind::Tool, tools, list)) }
    };
    layout("Models and tools", Tab::Calls, &content)
}

/// The orders, as the address says them and as people do.
const SORTS: [(&str, &str); 6] = [
    ("", "most failed first"),
    ("cost", "dearest first"),
    ("latency", "slowest first"),
    ("calls", "most called first"),
    ("tokens", "most tokens first"),
    ("reliability", "least reliable first"),
];

fn table(title: &str, kind: CallKind, calls: &Calls, list: &List) -> Markup {
    if calls.calls.is_empty() {
        return html! {};
    }
    let sum = list.sums.iter().find(|sum| sum.kind == Some(kind));
    let of_models = kind == CallKind::Model;
    html! {
        section {
            h2 { (title) }
            div.scroll tabindex="0" role="region" aria-label=(title) { table.calls {
                thead { tr {
                    th scope="col" { (if of_models { "Model" } else { "Tool" }) }
                    th scope="col" { "Calls over time" }
                    (head(list, "calls", CallSort::Calls, "Calls")) (head(list, "", CallSort::Errors, "Failed")) th.number scope="col" { "Rate" }
                    @if !of_models { (head(list, "reliability", CallSort::Reliability, "Reliability")) }
                    th.number scope="col" { "p50" } (head(list, "latency", CallSort::Latency, "p95")) th.number scope="col" { "p99" }
                    @if of_models {
                        (head(list, "tokens", CallSort::Tokens, "Tokens in, out")) th.number scope="col" { "Cached" } (head(list, "cost", CallSort::Cost, "Cost"))
                    }
                } }
                tbody { @for call in &calls.calls {
                    tr.error[call.figures.errors > 0] {
                        td.what { (named(call, list)) }
                        td { (chart::calls(&call.parts)) }
                        (figures(&call.figures, kind))
                    }
                } }
                @if let Some(sum) = sum.filter(|_| calls.calls.len() > 1) {
                    tfoot { tr { th scope="row" colspan="2" { "All" } (figures(&sum.figures, kind)) } }
                }
            } }
            @if calls.left_out > 0 { p.more { (calls.left_out) " more: narrow it down, or ask " code { "GET /api/calls" } "." } }
        }
    }
}

/// Writes the head of a column by which the rows can be put in order.
fn head(list: &List, value: &str, sort: CallSort, text: &str) -> Markup {
    let is_sorted = list.sort == sort;
    html! {
        th.number scope="col" aria-sort=[is_sorted.then_some("descending")] {
            a href=(list.address.with(&[("sort", value)])) { (text) @if is_sorted { " ↓" } }
        }
    }
}

/// Writes what was called, as a link to its page.
fn named(call: &Call, list: &List) -> Markup {
    let (name, provider) = (call.name.as_deref(), call.provider.as_deref().unwrap_or(""));
    let version = call.version.as_deref();
    html! {
        @match name {
            Some("") => span.quiet { "others, for which an hour had no room" },
            Some(name) => a.name href=(link(call, name, &list.address)) { bdi { (parts::cut(name, PAGE_SUMMARY_CHARS_MAX)) } },
            None => { @if provider.is_empty() { span.quiet { "all" } } @else { a.name href=(list.address.with(&[("provider", provider), ("by", "")])) { bdi { (parts::cut(provider, 60)) } } } },
        }
        @if name.is_some() && !provider.is_empty() { " " span.quiet { bdi { (parts::cut(provider, 60)) } } }
        @if list.by == CallBy::Version { " " span.quiet { @match version {
            Some("") | None => "version unknown",
            Some(version) => bdi { (parts::cut(version, 40)) },
        } } }
    }
}

fn link(call: &Call, name: &str, address: &Address) -> String {
    let page = match call.kind {
        Some(CallKind::Tool) => path(&["calls", "tool", name]),
        _ => path(&["calls", "model", name]),
    };
    let provider = call.provider.as_deref().unwrap_or("");
    let version = call.version.as_deref().unwrap_or("");
    let range = ["since", "until"].map(|name| (name, address.value(name)));
    Address::of(&page, &[&range[..], &[("provider", provider), ("version", version)]].concat()).link()
}

/// Writes the figures of a row.
fn figures(figures: &CallFigures, kind: CallKind) -> Markup {
    html! {
        td.number { (parts::grouped(figures.calls)) }
        td.number.bad[figures.errors > 0] { (parts::or_dash(figures.errors)) }
        td.number.bad[figures.errors > 0] { @match figures.error_rate.filter(|rate| *rate > 0.0) { Some(rate) => (percent(rate)), None => span.quiet { "–" } } }
        @if kind == CallKind::Tool { td.number { (format!("{:.2}", figures.reliability().score)) } }
        @for ms in [figures.p50_ms, figures.p95_ms, figures.p99_ms] { td.number { (took(ms)) } }
        @if kind == CallKind::Model {
            td.number { (parts::grouped(figures.tokens_in)) ", " (parts::grouped(figures.tokens_out)) }
            td.number { @match cached(figures) { Some(share) => (percent(share)), None => span.quiet { "–" } } }
            td.number { (parts::cost(figures.cost)) }
        }
    }
}

/// Returns which part of the tokens that went in came out of a cache.
#[allow(clippy::cast_precision_loss, reason = "it is told to three digits")]
pub(super) fn cached(figures: &CallFigures) -> Option<f64> {
    (figures.tokens_cached > 0 && figures.tokens_in > 0)
        .then(|| (figures.tokens_cached as f64 / figures.tokens_in as f64).min(1.0))
}

/// Writes a duration, where it is known.
pub(super) fn took(ms: Option<f64>) -> Markup {
    html! { @match ms.and_then(parts::took_ms) { Some(told) => (told), None => span.quiet { "–" } } }
}
