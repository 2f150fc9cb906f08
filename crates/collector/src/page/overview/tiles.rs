//! The figures of the overview, each beside what it was in the same time before.

use std::time::Duration;

use maud::{Markup, html};

use super::{Overview, Sums, change};
use crate::page::parts;
use crate::query::{Call, CallFigures, CallTotals, SessionSums};

/// The part of calls above which failures stand out: some fail wherever networks are.
const CALLS_FAIL_ABOVE: f64 = 0.05;

/// Calls are compared where their hours are longer than the range by no more than one in so many.
const CALLS_COMPARED_FROM: u32 = 10;

/// Reasons of dropped events that are told. There may be as many as clients think of.
const DROPS_TOLD: usize = 2;

/// Writes them: those of sessions in a row, and those of calls in one, where there are any.
pub(super) fn tiles(overview: &Overview) -> Markup {
    let CallTotals { models, tools, .. } = &overview.sums.calls;
    html! {
        div.tiles {
            div { (of_sessions(overview)) }
            @if models.calls > 0 || tools.calls > 0 { div { (of_calls(overview)) } }
        }
    }
}

impl Overview {
    /// Returns how long the time before was that figures are held against, where there was anything in it.
    fn than(&self) -> Option<Duration> {
        (!self.before.is_nothing()).then_some(self.took)
    }

    /// Returns how long the hours are that calls are of.
    fn hours_took(&self) -> Duration {
        let [begin, end] = self.hours;
        Duration::from_micros(u64::try_from(end.as_micros().saturating_sub(begin.as_micros())).unwrap_or(0))
    }

    /// Returns how many hours before calls are held against: as many as they are of. None where these are much more than the range, for the
    /// last of them may have just begun.
    fn calls_than(&self) -> Option<Duration> {
        let hours = self.hours_took();
        let is_close = hours.saturating_sub(self.took) <= self.took / CALLS_COMPARED_FROM;
        self.than().filter(|_| is_close).map(|_| hours)
    }
}

impl Sums {
    /// Returns how many events are errors or worse.
    const fn bad(&self) -> i64 {
        self.events.error.saturating_add(self.events.critical)
    }

    /// Tells whether nothing was counted.
    fn is_nothing(&self) -> bool {
        self.sessions.all() == 0
            && self.events.total() == 0
            && self.calls.models.calls == 0
            && self.calls.tools.calls == 0
    }

    /// Returns how many events never came. One that had a number when its client dropped it is missing as well, and is one.
    fn lost(&self) -> i64 {
        self.sessions.unexplained().saturating_add(self.sessions.dropped())
    }

    /// Returns how many tokens models were given and answered.
    const fn tokens(&self) -> i64 {
        self.calls.models.tokens_in.saturating_add(self.calls.models.tokens_out)
    }
}

fn of_sessions(overview: &Overview) -> Markup {
    let (now, before) = (&overview.sums, &overview.before);
    let sums = &now.sessions;
    let (bad, lost) = (now.bad(), now.lost());
    let than = |now: i64, before: i64| change::count(now, before, overview.than());
    let of_lost = overview.of("/sessions", &[("lost", "true")]);
    let sessions = |state: &str| overview.of("/sessions", &[("state", state)]);
    let well = overview.of("/sessions", &[("state", "ended"), ("failed", "false")]);
    let failed = overview.of("/sessions", &[("failed", "true")]);
    html! {
        (tile("Sessions", &sessions(""), &html! { (parts::grouped(sums.all())) }, false, than(sums.all(), before.sessions.all()), &html! {
            "under way in this time: " a href=(sessions("open")) { (sums.open) " open" } ", "
            a href=(well) { (sums.ended.saturating_sub(sums.fatal)) " ended well" } ", "
            @for (count, state) in [(sums.fatal, "fatal"), (sums.crashed, "crashed")] {
                @if count > 0 { a href=(sessions(state)) { (count) " " (state) } ", " }
            }
            a href=(sessions("silent")) { (sums.silent) " silent" }
        }))
        (tile("Crash-free", &failed, &html! {
            @match sums.crash_free() { Some(rate) => (percent(rate)), None => "–" }
        }, sums.crashed + sums.fatal > 0, change::rate(sums.crash_free(), before.sessions.crash_free(), overview.than()), &html! {
            a href=(sessions("crashed")) { (sums.crashed) " crashed" } ", " a href=(sessions("fatal")) { (sums.fatal) " ended by a fatal error" }
        }))
        (tile("Events at error or worse", &overview.of("/events", &[("severity", "ERROR")]), &html! { (parts::grouped(bad)) }, bad > 0, than(bad, before.bad()), &html! {
            "of " (parts::how_many(now.events.total(), "event", "events")) "; " (parts::grouped(now.events.critical)) " critical"
        }))
        (tile("Lost", &of_lost, &html! { (parts::grouped(lost)) }, lost > 0, than(lost, before.lost()), &html! {
            @if sums.lost > 0 { "in " a href=(of_lost) { (sums.lost) @if sums.lost == 1 { " session" } @else { " sessions" } } ": " }
            (why_lost(sums))
        }))
    }
}

/// Writes how much is missing for no reason that is known, and what was dropped for which.
fn why_lost(sums: &SessionSums) -> Markup {
    let (missing, dropped) = (sums.unexplained(), sums.dropped());
    html! {
        @if missing > 0 || dropped == 0 { (missing) " missing" @if sums.in_both > 0 { " without a reason" } ", " }
        (dropped) " dropped"
        @for (place, (reason, count)) in most_dropped(sums).enumerate() {
            @if place == 0 { ": " } @else { ", " } (count) " " bdi { (parts::cut(reason, 24)) }
        }
        @if sums.drops.len() > DROPS_TOLD { ", …" }
    }
}

/// Returns for which reasons most was dropped.
fn most_dropped(sums: &SessionSums) -> impl Iterator<Item = (&String, &i64)> {
    let mut drops: Vec<_> = sums.drops.iter().collect();
    drops.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    drops.into_iter().take(DROPS_TOLD)
}

/// Writes how models and tools fare.
fn of_calls(overview: &Overview) -> Markup {
    let CallTotals { models, tools, worst_tools, .. } = &overview.sums.calls;
    let before = &overview.before.calls;
    let of = |kind: &str| overview.of("/calls", &[("kind", kind)]);
    let than = |now: i64, before: i64| change::count(now, before, overview.calls_than());
    html! {
        @if models.calls > 0 {
            (tile("Model calls", &of("model"), &html! { (parts::grouped(models.calls)) }, false, than(models.calls, before.models.calls), &html! { (fared(models)) (hours(overview)) }))
            (tile("Tokens and cost", &of("model"), &parts::cost(models.cost), false, change::cost(models.cost, before.models.cost, overview.calls_than()), &html! {
                (parts::grouped(overview.sums.tokens())) " tokens, " (parts::grouped(models.tokens_out)) " of them out"
                (hours(overview))
            }))
        }
        @if tools.calls > 0 {
            (tile("Tool calls", &of("tool"), &html! { (parts::grouped(tools.calls)) }, false, than(tools.calls, before.tools.calls), &html! {
                (fared(tools))
                @for (place, tool) in worst_tools.iter().enumerate() {
                    @if place == 0 { "; failing most: " } @else { ", " }
                    (worst(tool))
                }
                (hours(overview))
            }))
        }
    }
}

/// Returns whether so many fail that it stands out.
fn fails(figures: &CallFigures) -> bool {
    figures.error_rate.is_some_and(|rate| rate > CALLS_FAIL_ABOVE)
}

/// Says which hours calls are of, where these are more than the range that was chosen.
fn hours(overview: &Overview) -> Markup {
    let [begin, end] = overview.hours.map(parts::short);
    // Hours begin with a minute; of the end its date is told where it is another one.
    let minute = |text: &str| text.get(..16).unwrap_or(text).to_owned();
    let is_of_one_day = begin.get(..10) == end.get(..10);
    let end_told = if is_of_one_day { end.get(11..16).unwrap_or(&end).to_owned() } else { minute(&end) };
    html! { @if overview.hours_took() != overview.took { "; of whole hours, " (minute(&begin)) " to " (end_told) } }
}

/// Writes how many of some calls failed, and how long they took.
fn fared(figures: &CallFigures) -> Markup {
    let ms = |ms: f64| parts::took_ms(ms).unwrap_or_default();
    html! {
        @match figures.error_rate {
            Some(rate) if rate > 0.0 => { b.bad[fails(figures)] { (parts::grouped(figures.errors)) " failed" } " (" (percent(rate)) ")" },
            _ => "none failed",
        }
        @if let (Some(p50), Some(p95)) = (figures.p50_ms, figures.p95_ms) { "; p50 " (ms(p50)) ", p95 " (ms(p95)) }
    }
}

fn worst(tool: &Call) -> Markup {
    html! { bdi { (parts::cut(tool.name.as_deref().unwrap_or_default(), 40)) } " (" (tool.figures.errors) " of " (tool.figures.calls) ")" }
}

fn tile(name: &str, link: &str, figure: &Markup, is_bad: bool, change: Option<String>, more: &Markup) -> Markup {
    html! {
        section.tile {
            h2 { a href=(link) { (name) } }
            p.figure.bad[is_bad] { (figure) }
            @if let Some(change) = change { p.change { (change) } }
            p.quiet { (more) }
        }
    }
}

/// Writes a rate so that one that is not whole is never told as if it were.
pub(in crate::page) fn percent(rate: f64) -> String {
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
