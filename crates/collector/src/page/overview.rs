//! `/`: what a range of time was like, the worst first.

use maud::{Markup, html};

use super::address::Address;
use super::{Tab, chart, exceptions, layout, parts, sessions};
use crate::alerts::Status;
use crate::health::Health;
use crate::query::{Bin, BySeverity, Call, CallFigures, CallTotals, ExceptionGroup, Page, Session, SessionSums};

/// How far back the page looks where its address doesn't say.
pub(crate) const OVERVIEW_SINCE: &str = "24h";

/// The part of calls above which failures stand out: some fail wherever networks are.
const CALLS_FAIL_ABOVE: f64 = 0.05;

/// Reasons of dropped events that are told. There may be as many as clients think of.
const DROPS_TOLD: usize = 2;

/// What the page shows.
pub(crate) struct Overview {
    pub(crate) health: Health,
    /// The alerts that fire.
    pub(crate) firing: Vec<Status>,
    pub(crate) sums: SessionSums,
    /// How calls of models and tools fared.
    pub(crate) calls: CallTotals,
    pub(crate) sessions: Page<Session>,
    pub(crate) exceptions: Page<ExceptionGroup>,
    /// How many events there were.
    pub(crate) bins: Vec<Bin>,
    pub(crate) address: Address,
}

impl Overview {
    /// Returns the address of another page, of the same range of time.
    fn of(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let since = match self.address.value("since") {
            "" => OVERVIEW_SINCE,
            since => since,
        };
        let range = [("since", since), ("until", self.address.value("until"))];
        Address::of(path, &[pairs, &range].concat()).link()
    }
}

/// Returns the page.
pub(crate) fn overview(overview: &Overview) -> Markup {
    let events = Address::of("/events", &[]);
    let content = html! {
        h1.unseen { "Overview" }
        (overview.address.ranges(OVERVIEW_SINCE, None))
        (trouble(overview))
        div.tiles { (tiles(overview)) (calls(overview)) }
        section {
            h2 { "Events" }
            (chart::over_time(&overview.bins, |bin| {
                events.with(&[("since", &bin.begin.to_string()), ("until", &bin.end.to_string())])
            }))
        }
        section {
            h2 { a href=(overview.of("/exceptions", &[])) { "Exceptions" } }
            (exceptions::rows(&overview.exceptions.items))
        }
        section {
            h2 { a href=(overview.of("/sessions", &[])) { "Sessions" } }
            (sessions::rows(&overview.sessions.items))
        }
    };
    layout("Overview", Tab::Overview, &content)
}

/// Says what fires, and what the collector itself can't do.
fn trouble(overview: &Overview) -> Markup {
    html! {
        @if let Some(trouble) = overview.health.trouble() {
            p.notice.bad { b { a href="/settings" { "The collector can't do its work" } } ": " (trouble) }
        }
        @if !overview.firing.is_empty() {
            ul.notice.firing aria-label="Alerts that fire" { @for status in &overview.firing {
                li { span.severity.{ (severity_class(&status.severity)) } { bdi { (status.severity) } } " " b { a href="/alerts" { bdi { (status.name) } } } " " bdi { (status.summary) } " " span.quiet { "since " (parts::moment(status.since)) } }
            } }
        }
    }
}

fn tiles(overview: &Overview) -> Markup {
    let sums = &overview.sums;
    let events = overview.bins.iter().fold(BySeverity::default(), |sum, bin| sum.plus(&bin.by_severity));
    let bad = events.error.saturating_add(events.critical);
    let dropped = sums.drops.values().fold(0_i64, |sum, count| sum.saturating_add(*count));
    let lost = overview.of("/sessions", &[("lost", "true")]);
    let sessions = |state: &str| overview.of("/sessions", &[("state", state)]);
    html! {
        (tile("Sessions", &sessions(""), &html! { (parts::grouped(sums.all())) }, false, &html! {
            "under way in this time: " a href=(sessions("open")) { (sums.open) " open" } ", " a href=(sessions("ended")) { (sums.ended) " ended" } ", "
            a href=(sessions("silent")) { (sums.silent) " silent" }
        }))
        (tile("Crash-free", &sessions("crashed"), &html! {
            @match sums.crash_free() { Some(rate) => (percent(rate)), None => "–" }
        }, sums.crashed + sums.fatal > 0, &html! {
            a href=(sessions("crashed")) { (sums.crashed) " crashed" } ", " a href=(sessions("fatal")) { (sums.fatal) " ended by a fatal error" }
        }))
        (tile("Errors", &overview.of("/events", &[("severity", "ERROR")]), &html! { (parts::grouped(bad)) }, bad > 0, &html! {
            "of " (parts::grouped(events.total())) " events; " (events.critical) " critical"
        }))
        (tile("Lost", &lost, &html! { (parts::grouped(sums.missing.saturating_add(dropped))) }, sums.missing + dropped > 0, &html! {
            @if sums.lost > 0 { "in " a href=(lost) { (sums.lost) @if sums.lost == 1 { " session" } @else { " sessions" } } ": " }
            (sums.missing) " missing, " (dropped) " dropped"
            @for (place, (reason, count)) in most_dropped(sums).enumerate() {
                @if place == 0 { ": " } @else { ", " } (count) " " bdi { (parts::cut(reason, 24)) }
            }
            @if sums.drops.len() > DROPS_TOLD { ", …" }
        }))
    }
}

/// Returns for which reasons most was dropped.
fn most_dropped(sums: &SessionSums) -> impl Iterator<Item = (&String, &i64)> {
    let mut drops: Vec<_> = sums.drops.iter().collect();
    drops.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    drops.into_iter().take(DROPS_TOLD)
}

/// Writes how models and tools fare, where there are any.
fn calls(overview: &Overview) -> Markup {
    let CallTotals { models, tools, worst_tools, .. } = &overview.calls;
    let tokens = models.tokens_in.saturating_add(models.tokens_out);
    let of = |kind: &str| overview.of("/calls", &[("kind", kind)]);
    html! {
        @if models.calls > 0 {
            (tile("Model calls", &of("model"), &html! { (parts::grouped(models.calls)) }, fails(models), &html! { (fared(models)) }))
            (tile("Tokens and cost", &of("model"), &parts::cost(models.cost), false, &html! {
                (parts::grouped(tokens)) " tokens, " (parts::grouped(models.tokens_out)) " of them out"
            }))
        }
        @if tools.calls > 0 {
            (tile("Tool calls", &of("tool"), &html! { (parts::grouped(tools.calls)) }, fails(tools), &html! {
                (fared(tools))
                @for (place, tool) in worst_tools.iter().enumerate() {
                    @if place == 0 { "; failing most: " } @else { ", " }
                    (worst(tool))
                }
            }))
        }
    }
}

/// Returns whether so many fail that it stands out.
fn fails(figures: &CallFigures) -> bool {
    figures.error_rate.is_some_and(|rate| rate > CALLS_FAIL_ABOVE)
}

/// Writes how many of some calls failed, and how long they took.
fn fared(figures: &CallFigures) -> Markup {
    let ms = |ms: f64| parts::took_ms(ms).unwrap_or_default();
    html! {
        @match figures.error_rate { Some(rate) if rate > 0.0 => { (percent(rate)) " failed" } _ => "none failed" }
        @if let (Some(p50), Some(p95)) = (figures.p50_ms, figures.p95_ms) { "; p50 " (ms(p50)) ", p95 " (ms(p95)) }
    }
}

fn worst(tool: &Call) -> Markup {
    html! { bdi { (parts::cut(tool.name.as_deref().unwrap_or_default(), 40)) } " (" (tool.figures.errors) " of " (tool.figures.calls) ")" }
}

fn tile(name: &str, link: &str, figure: &Markup, is_bad: bool, more: &Markup) -> Markup {
    html! {
        section.tile {
            h2 { a href=(link) { (name) } }
            p.figure.bad[is_bad] { (figure) }
            p.quiet { (more) }
        }
    }
}

/// Returns the class of an alert's severity, which may be any word.
fn severity_class(word: &str) -> &'static str {
    let known = BySeverity::default().worst_first().map(|(name, _)| name);
    known.into_iter().find(|name| word.eq_ignore_ascii_case(name)).unwrap_or("warning")
}

/// Writes a rate so that one that is not whole is never told as if it were.
pub(super) fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    match format!("{percent:.1}") {
        text if text == "100.0" && rate < 1.0 => "> 99.9 %".to_owned(),
        text if text == "0.0" && rate > 0.0 => "< 0.1 %".to_owned(),
        text => format!("{} %", text.trim_end_matches(".0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_is_not_whole_is_not_told_as_if_it_were() {
        let told = [1.0, 0.999_99, 0.951, 0.0, 0.000_1].map(percent);
        assert_eq!(told, ["100 %", "> 99.9 %", "95.1 %", "0 %", "< 0.1 %"]);
    }
}
