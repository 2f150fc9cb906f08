//! `/calls/{kind}/{name}`: how calls of one model or tool fare over time, and by version of the program.

use lastword::event::names;
use maud::{Markup, html};
use serde::Deserialize;

use super::address::{Address, path};
use super::calls::{SINCE, cached, took};
use super::chart::{self, Bar, Frame, Line};
use super::overview::percent;
use super::{Tab, layout, parts};
use crate::limits::{CHART_PARTS_MAX, PAGE_SUMMARY_CHARS_MAX};
use crate::query::{Call, CallFigures, CallKind, Event, Grid, Page};

/// How much slower or dearer than the version before is told: less is chance.
const WORSE: f64 = 1.15;

/// What the page shows.
pub(crate) struct Shown {
    pub(crate) kind: CallKind,
    pub(crate) name: String,
    /// `None` where there was no call.
    pub(crate) sum: Option<Call>,
    /// By version, the first to call first.
    pub(crate) versions: Vec<Call>,
    pub(crate) over_time: Vec<CallFigures>,
    pub(crate) grid: Grid,
    /// A page of the calls that failed, the latest first.
    pub(crate) failed: Page<Event>,
    pub(crate) address: Address,
}

impl Shown {
    /// Returns the time of a part.
    fn range(&self, part: usize) -> String {
        format!("{} to {}", parts::short(self.grid.begin(part)), parts::short(self.grid.begin(part + 1)))
    }

    fn ends(&self) -> [String; 2] {
        [parts::short(self.grid.begin(0)), parts::short(self.grid.begin(self.grid.parts()))]
    }

    /// Returns the address of the events of calls in some parts of the time.
    fn events(&self, from: usize, to: usize, severity: &str) -> String {
        let (since, until) = (self.grid.begin(from).to_string(), self.grid.begin(to).to_string());
        let text = as_said(self.kind, &self.name);
        let pairs = [
            ("name", "span.end"),
            ("text", &text),
            ("severity", severity),
            ("version", self.address.value("version")),
            ("since", &since),
            ("until", &until),
        ];
        Address::of("/events", &pairs).link()
    }
}

/// Returns what stands in the JSON of events that are calls of a name. Where a tool's name stands is known, and others name tools as well;
/// a model's may be that of the one that was asked for or of the one that answered.
fn as_said(kind: CallKind, name: &str) -> String {
    let name = serde_json::Value::from(name);
    match kind {
        CallKind::Tool => format!("\"{}\":{name}", names::gen_ai::TOOL_NAME),
        CallKind::Model => name.to_string(),
    }
}

/// Returns the page.
pub(crate) fn page(shown: &Shown) -> Markup {
    let address = &shown.address;
    let (provider, version) = (address.value("provider"), address.value("version"));
    let what = if shown.kind == CallKind::Model { "Model" } else { "Tool" };
    let content = html! {
        section {
            p.crumb { a href=(Address::of("/calls", &[("since", address.value("since")), ("until", address.value("until"))]).link()) { "Models and tools" } }
            h1 { span.quiet { (what) } " " bdi { (parts::cut(&shown.name, PAGE_SUMMARY_CHARS_MAX)) } }
            (address.ranges(SINCE, None))
            @if !provider.is_empty() { p.quiet { "Of the provider " bdi { (parts::cut(provider, 60)) } ". " a href=(address.with(&[("provider", "")])) { "Of any" } } }
            @if !version.is_empty() { p.quiet { "By the version " bdi { (parts::cut(version, 60)) } ". " a href=(address.with(&[("version", "")])) { "By any" } } }
            @match &shown.sum {
                Some(sum) => (facts(&sum.figures, shown)),
                None => p.empty { "It was not called in this time." },
            }
        }
        @if let Some(sum) = &shown.sum {
            section { h2 { "Calls" } (calls(shown)) }
            div.pair {
                section { h2 { "Latency" } (latency(shown)) }
                section { h2 { "How latency is spread" } (spread(&sum.figures)) }
            }
            @if sum.figures.cost > 0.0 || sum.figures.tokens_in > 0 {
                div.pair {
                    section { h2 { "Cost" } (cost(shown)) }
                    section { h2 { "Tokens" } (tokens(shown)) }
                }
            }
            section { h2 { "By version" } (versions(shown)) }
            section #failed { h2 { "Failed calls" } (failed(shown)) }
        }
    };
    layout(&shown.name, Tab::Calls, &content)
}

fn facts(figures: &CallFigures, shown: &Shown) -> Markup {
    let last = shown.grid.parts();
    html! {
        dl.facts {
            div { dt { "Calls" } dd { (parts::grouped(figures.calls)) } }
            div { dt { "Failed" } dd.bad[figures.errors > 0] { (parts::grouped(figures.errors)) @if let Some(rate) = figures.error_rate.filter(|rate| *rate > 0.0) { ", " (percent(rate)) } } }
            @if shown.kind == CallKind::Tool { div { dt { "Reliability" } dd { (format!("{:.2}", figures.reliability().score)) } } }
            div { dt { "p50" } dd { (took(figures.p50_ms)) } }
            div { dt { "p95" } dd { (took(figures.p95_ms)) } }
            div { dt { "p99" } dd { (took(figures.p99_ms)) } }
            div { dt { "Longest" } dd { (took(figures.max_ms)) } }
            @if shown.kind == CallKind::Model {
                div { dt { "Tokens in, out" } dd { (parts::grouped(figures.tokens_in)) ", " (parts::grouped(figures.tokens_out)) } }
                @if let Some(share) = cached(figures) { div { dt { "Of those in, cached" } dd { (percent(share)) } } }
                div { dt { "Cost" } dd { (parts::cost(figures.cost)) } }
                div { dt { "Cost of 1,000 calls" } dd { (parts::cost(per(figures.cost, figures.calls) * 1e3)) } }
            }
        }
        p.more { a href=(shown.events(0, last, "")) { "Its calls" } @if figures.errors > 0 { " · " a href=(shown.events(0, last, "ERROR")) { "Those that failed" } } }
    }
}

fn calls(shown: &Shown) -> Markup {
    let bar = |(part, figures): (usize, &CallFigures)| {
        let errors = chart::amount(figures.errors);
        let well = chart::amount(figures.calls) - errors;
        Bar {
            told: format!(
                "{}: {}, {} failed",
                shown.range(part),
                parts::how_many(figures.calls, "call", "calls"),
                parts::grouped(figures.errors)
            ),
            parts: [("error", errors), ("info", well)].into_iter().filter(|(_, count)| *count > 0.0).collect(),
            link: Some(shown.events(part, part + 1, if figures.errors > 0 { "ERROR" } else { "" })),
        }
    };
    let bars: Vec<Bar> = shown.over_time.iter().enumerate().map(bar).collect();
    let most = shown.over_time.iter().map(|figures| figures.calls).max().unwrap_or(0);
    let [from, to] = shown.ends();
    chart::bars(
        &bars,
        Frame {
            label: "Calls over time, those that failed at the bottom",
            captions: [from, format!("at most {most} at once"), to],
            write: chart::counted,
            legend: legend(&bars, &[("error", "failed"), ("info", "went well")]),
        },
    )
}

fn latency(shown: &Shown) -> Markup {
    let line = |name, class, of: fn(&CallFigures) -> Option<f64>| Line {
        name,
        class,
        values: shown.over_time.iter().map(of).collect(),
    };
    let lines = [
        line("p50", "p50", |figures| figures.p50_ms),
        line("p95", "p95", |figures| figures.p95_ms),
        line("p99", "p99", |figures| figures.p99_ms),
    ];
    let ms = |ms: Option<f64>| ms.and_then(parts::took_ms).unwrap_or_else(|| "none".to_owned());
    let told: Vec<String> = (shown.over_time.iter().enumerate())
        .map(|(part, figures)| {
            let [p50, p95, p99] = [figures.p50_ms, figures.p95_ms, figures.p99_ms].map(ms);
            format!("{}: p50 {p50}, p95 {p95}, p99 {p99}", shown.range(part))
        })
        .collect();
    chart::lines("Latency over time: p50, p95, p99", &lines, &told, |value| ms(Some(value)), shown.ends())
}

/// Returns what stands in a legend: of these classes the ones that are there.
fn legend(bars: &[Bar], known: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let is_there = |class: &str| bars.iter().any(|bar| bar.parts.iter().any(|(there, _)| *there == class));
    known.iter().filter(|(class, _)| is_there(class)).map(|(class, text)| (*class, (*text).to_owned())).collect()
}

/// Draws how many calls took about how long, each bar an eighth of a doubling, or some of them.
fn spread(figures: &CallFigures) -> Markup {
    let all = figures.spread();
    let some = all.len().div_ceil(CHART_PARTS_MAX).max(1);
    let ms = |ms: f64| parts::took_ms(ms).unwrap_or_default();
    let bars: Vec<Bar> = all
        .chunks(some)
        .map(|parts| {
            let count: u64 = parts.iter().map(|(_, _, count)| count).sum();
            let (from, to) = (parts.first().map_or(0.0, |part| part.0), parts.last().map_or(0.0, |part| part.1));
            Bar {
                told: format!("{} to {}: {}", ms(from), ms(to), parts::how_many(count, "call", "calls")),
                parts: if count > 0 {
                    vec![("info", chart::amount(i64::try_from(count).unwrap_or(i64::MAX)))]
                } else {
                    Vec::new()
                },
                link: None,
            }
        })
        .collect();
    let end = |part: Option<f64>| part.map(ms).unwrap_or_default();
    let captions = [
        end(all.first().map(|part| part.0)),
        format!("half took at most {}", end(figures.p50_ms)),
        end(all.last().map(|part| part.1)),
    ];
    let label = "How many calls took about how long, by powers of two";
    chart::bars(&bars, Frame { label, captions, write: chart::counted, legend: Vec::new() })
}

fn cost(shown: &Shown) -> Markup {
    let bars: Vec<Bar> = (shown.over_time.iter().enumerate())
        .map(|(part, figures)| Bar {
            told: format!(
                "{}: ${:.4}, {}",
                shown.range(part),
                figures.cost,
                parts::how_many(figures.calls, "call", "calls")
            ),
            parts: if figures.cost > 0.0 { vec![("info", figures.cost)] } else { Vec::new() },
            link: None,
        })
        .collect();
    let most = shown.over_time.iter().map(|figures| figures.cost).fold(0.0, f64::max);
    let [from, to] = shown.ends();
    let captions = [from, format!("at most ${most:.2} at once"), to];
    chart::bars(&bars, Frame { label: "Cost over time", captions, write: dollars, legend: Vec::new() })
}

/// Writes dollars beside a chart, where also parts of a cent are told apart.
fn dollars(dollars: f64) -> String {
    if dollars >= 0.1 { format!("${dollars:.2}") } else { format!("${}", (dollars * 1e6).round() / 1e6) }
}

fn tokens(shown: &Shown) -> Markup {
    let bars: Vec<Bar> = (shown.over_time.iter().enumerate())
        .map(|(part, figures)| {
            let (given, answered) = (parts::grouped(figures.tokens_in), parts::grouped(figures.tokens_out));
            let parts = [("model", chart::amount(figures.tokens_out)), ("debug", chart::amount(figures.tokens_in))];
            Bar {
                told: format!("{}: {given} in, {answered} out", shown.range(part)),
                parts: parts.into_iter().filter(|(_, count)| *count > 0.0).collect(),
                link: None,
            }
        })
        .collect();
    let [from, to] = shown.ends();
    chart::bars(
        &bars,
        Frame {
            label: "Tokens over time, those out at the bottom",
            captions: [from, String::new(), to],
            write: chart::counted,
            legend: legend(&bars, &[("model", "out"), ("debug", "in")]),
        },
    )
}

/// Writes versions side by side, each with how it differs from the one before.
fn versions(shown: &Shown) -> Markup {
    let of_model = shown.kind == CallKind::Model;
    let before = std::iter::once(None).chain(shown.versions.iter().map(Some));
    html! {
        div.scroll tabindex="0" role="region" aria-label="By version" { table {
            thead { tr {
                th scope="col" { "Version" } th scope="col" { "First called in the hour from" }
                th.number scope="col" { "Calls" } th.number scope="col" { "Failed" } th.number scope="col" { "p50" } th.number scope="col" { "p95" }
                @if of_model { th.number scope="col" { "Tokens a call" } th.number scope="col" { "Cost of 1,000" } }
                th scope="col" { "Against the version before" }
            } }
            tbody { @for (version, before) in shown.versions.iter().zip(before) {
                @let figures = &version.figures;
                @let known = version.version.as_deref().unwrap_or("");
                tr aria-current=[(!known.is_empty() && known == shown.address.value("version")).then_some("true")] {
                    td { @if known.is_empty() { span.quiet { "unknown" } } @else { a href=(shown.address.with(&[("version", known)])) { bdi { (parts::cut(known, 60)) } } } }
                    td.when { (parts::short(version.first_hour)) }
                    td.number { (parts::grouped(figures.calls)) }
                    td.number.bad[figures.errors > 0] { @match figures.error_rate { Some(rate) if rate > 0.0 => (percent(rate)), _ => span.quiet { "–" } } }
                    td.number { (took(figures.p50_ms)) }
                    td.number { (took(figures.p95_ms)) }
                    @if of_model {
                        td.number { (parts::grouped(figures.tokens_in.saturating_add(figures.tokens_out) / figures.calls.max(1))) }
                        td.number { (parts::cost(per(figures.cost, figures.calls) * 1e3)) }
                    }
                    td { @if let Some(before) = before { (against(figures, &before.figures)) } }
                }
            } }
        } }
    }
}

/// Says what is worse than before, and what is better, where it is enough to be told.
fn against(now: &CallFigures, before: &CallFigures) -> Markup {
    let ratio = |now: Option<f64>, before: Option<f64>| {
        now.zip(before).filter(|(_, before)| *before > 0.0).map(|(now, before)| now / before)
    };
    let cost = |figures: &CallFigures| Some(per(figures.cost, figures.calls)).filter(|cost| *cost > 0.0);
    let told = [
        ("slower (p95)", "faster (p95)", ratio(now.p95_ms, before.p95_ms)),
        ("dearer", "cheaper", ratio(cost(now), cost(before))),
    ];
    let (rate, rate_before) = (now.error_rate.unwrap_or(0.0), before.error_rate.unwrap_or(0.0));
    let ratios = told.into_iter().filter_map(|(worse, better, ratio)| {
        let ratio = ratio?;
        if ratio >= WORSE {
            return Some((true, format!("+{:.0} % {worse}", (ratio - 1.0) * 100.0)));
        }
        (ratio <= 1.0 / WORSE).then(|| (false, format!("{:.0} % {better}", (1.0 - ratio) * 100.0)))
    });
    let in_hundred = (rate - rate_before) * 100.0;
    let rates = (in_hundred.abs() >= 1.0).then(|| {
        let more = if in_hundred > 0.0 { "more" } else { "less" };
        (in_hundred > 0.0, format!("fails {more} often: {:.1} in 100", in_hundred.abs()))
    });
    html! {
        @for (place, (is_worse, told)) in ratios.chain(rates).enumerate() {
            @if place > 0 { ", " }
            span.bad[is_worse] { (told) }
        }
    }
}

/// What of an event's data is linked to.
#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    event_data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    trace_id: Option<String>,
}

fn failed(shown: &Shown) -> Markup {
    let Page { items, next, .. } = &shown.failed;
    let errors = shown.sum.as_ref().map_or(0, |sum| sum.figures.errors);
    if items.is_empty() && next.is_none() {
        return html! {
            p.empty { @if errors == 0 { "None failed in this time." } @else { "There are no more. " a href=(shown.events(0, shown.grid.parts(), "ERROR")) { "Errors that name it" } } }
        };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Failed calls" { table {
            thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Trace" } th scope="col" { "Session" } } }
            tbody { @for event in items {
                @let said: Said = serde_json::from_str(&event.json).unwrap_or_default();
                @let (_, summary) = parts::told(event);
                tr.error {
                    td.when { (parts::moment(event.time)) }
                    td.what { code { bdi { (parts::cut(&summary, PAGE_SUMMARY_CHARS_MAX)) } } }
                    td { @if let Some(trace) = &said.event_data.trace_id { a.id href=(path(&["traces", trace])) { bdi { (parts::cut(trace, 16)) } } } }
                    td { (parts::session_link(&event.session_id)) }
                }
            } }
        } }
        @if let Some(next) = next { p.more { a href={ (shown.address.with(&[("after", next)])) "#failed" } rel="next" { "Earlier failed calls" } } }
    }
}

/// Returns the share of one call.
fn per(sum: f64, calls: i64) -> f64 {
    sum / chart::amount(calls.max(1))
}
