//! The spans of a trace, each a line that opens to what is known of it, with those within it below.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use lastword::event::SpanId;
use lastword::event::names::gen_ai;
use lastword::views::{Row, Span, SpanStatus};
use maud::{Markup, html};

use super::address::path;
use super::fate::Fates;
use super::messages::Extent;
use super::trace::Shown;
use super::{chart, parts, span};
use crate::limits::{MESSAGE_CHARS, MESSAGES_IN_TRACE, TRACE_DETAIL_BYTES, WATERFALL_LEVELS_MAX};

/// The most parts that the axis above the bars is divided into: there is room for so many times beside each other.
const AXIS_PARTS_MAX: f64 = 5.0;
/// Units of an axis' drawing.
const AXIS: f64 = 1000.0;

/// Writes the spans of one trace.
pub(super) struct Waterfall<'s, 't> {
    shown: &'s Shown<'t>,
    /// The spans that the trace waited for.
    critical: BTreeSet<SpanId>,
    /// Where on the axis the round times are, and their lines through the bars.
    ticks: Vec<(f64, Duration)>,
    rules: String,
    /// Bytes that there are left for what is below the lines.
    left: Cell<usize>,
}

impl<'s, 't> Waterfall<'s, 't> {
    pub(super) fn new(shown: &'s Shown<'t>, critical: BTreeSet<SpanId>) -> Self {
        let ticks = ticks(shown.trace.duration());
        let rules = ticks.iter().skip(1).map(|(x, _)| format!("M{x} 0v10")).collect();
        Self { shown, critical, ticks, rules, left: Cell::new(TRACE_DETAIL_BYTES) }
    }

    /// Writes these rows, which are in the order of a walk.
    pub(super) fn write(&self, rows: &[Row<'_>]) -> Markup {
        html! {
            div.axis aria-hidden="true" {
                span { "span" }
                svg.ticks { @for (x, at) in &self.ticks { text.{ (stands(*x)) } x={ (x / AXIS * 100.0) "%" } y="80%" { (tick(*at)) } } }
                span.number { "took" }
            }
            ol.waterfall { (self.branches(rows, 0)) }
            p.quiet.note { "A line below a bar: the trace waited for this span. A box before a line hides the spans within it." }
        }
    }

    fn branches(&self, rows: &[Row<'_>], level: usize) -> Markup {
        let mut rest = rows;
        html! {
            @while let Some((first, others)) = rest.split_first() {
                // As deep as browsers take it; what is deeper stands beside the last.
                @let within = if level < WATERFALL_LEVELS_MAX { others.iter().take_while(|row| row.depth > first.depth).count() } else { 0 };
                (self.item(first, &others[..within], level))
                @let () = rest = &others[within..];
            }
        }
    }

    fn item(&self, row: &Row<'_>, within: &[Row<'_>], level: usize) -> Markup {
        let span = row.span;
        let (class, state) = state(row, self.shown.fates);
        let is_open = span.status == SpanStatus::Error;
        html! {
            li.{ "d" (row.depth.min(WATERFALL_LEVELS_MAX)) } id={ "span-" (row.id) } {
                @if !within.is_empty() {
                    input.fold type="checkbox" aria-label={ "Hide the " (within.len()) " spans within " (parts::cut(&span.name, 60)) };
                }
                details open[is_open] {
                    summary.{ (class) } {
                        span.name { bdi { (span.name) } @if let Some(state) = state { " " span.state.{ (class) } { (state) } } (usage(span)) }
                        (self.bar(row, class))
                        span.number {
                            @match span.duration() { Some(duration) => (parts::took(duration)), None => "" }
                        }
                    }
                    (self.detail(row))
                }
                @if !within.is_empty() { ol { (self.branches(within, level + 1)) } }
            }
        }
    }

    /// Draws when a span ran within its trace. What is short can be seen all the same.
    fn bar(&self, row: &Row<'_>, class: &str) -> Markup {
        let (span, trace) = (row.span, self.shown.trace);
        let whole = trace.duration().as_secs_f64().max(1e-9);
        let share = |nanos: u64| (Duration::from_nanos(nanos).as_secs_f64() / whole * 1000.0).clamp(0.0, 1000.0);
        let begin = share(span.start_nanos.saturating_sub(trace.start().unix_nanos()));
        // One that has not ended goes on.
        let width = span.duration_nanos.map_or(1000.0 - begin, share).clamp(3.0, 1000.0);
        let (x, width) = (format!("{:.1}", begin.min(1000.0 - width)), format!("{width:.1}"));
        html! {
            svg.when viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                path.rule d=(self.rules) {}
                rect.{ (class) } x=(x) y="1" width=(width) height="6" {}
                @if self.critical.contains(&row.id) { rect.waited x=(x) y="8" width=(width) height="2" {} }
            }
        }
    }

    /// Writes what is below a line, as long as the page has room for it.
    fn detail(&self, row: &Row<'_>) -> Markup {
        let span = row.span;
        let page = path(&["traces", &self.shown.known.trace_id, "spans", &row.id.to_string()]);
        let talk = self.shown.talks.get(&row.id);
        let extent = Extent { chars: MESSAGE_CHARS, messages: MESSAGES_IN_TRACE, whole: &page };
        let detail = html! {
            (span::call(span.duration(), &|name| span.attribute(name)))
            @if let Some(talk) = talk { (talk.write(extent)) }
            (self.attributes(row))
        };
        let is_short = detail.0.len() <= self.left.get();
        html! {
            @if let Some(error) = span::error(span) { pre.bad { (parts::cut(&error, MESSAGE_CHARS)) } }
            @if is_short { (detail) @let () = self.left.set(self.left.get() - detail.0.len()); }
            p.more { a href=(page) { "All of this span" } }
        }
    }

    fn attributes(&self, row: &Row<'_>) -> Markup {
        let span = row.span;
        let after = span.start().since(self.shown.trace.start());
        html! {
            dl.attributes {
                div { dt { "span" } dd { (row.id) } }
                @if let Some(parent) = span.parent {
                    div { dt { "within" } dd { @if row.orphan { (parent) } @else { a href={ "#span-" (parent) } { (parent) } } } }
                }
                div { dt { "kind" } dd { (span.kind) } }
                div { dt { "began after" } dd { (parts::took(after)) } }
                @if self.shown.known.session_id.as_deref() != Some(&*span.session_id) {
                    div { dt { "session" } dd { (parts::session_link(&span.session_id)) } }
                }
                @if let Some(run) = &span.run_id { div { dt { "run" } dd { a href=(path(&["runs", run])) { bdi { (run) } } } } }
                @for (name, value) in span.attributes.iter().filter(|(name, _)| !span::is_told_apart(name)) {
                    div {
                        dt { bdi { (name) } }
                        dd { bdi { @match value.as_str() { Some(text) => (text), None => (value.to_string()) } } }
                    }
                }
            }
        }
    }
}

/// Returns where on the axis of a trace that took so long its round times are, from 0 on.
fn ticks(took: Duration) -> Vec<(f64, Duration)> {
    let whole = took.as_secs_f64();
    if whole <= 0.0 {
        return vec![(0.0, Duration::ZERO)];
    }
    let step = round_step(whole / AXIS_PARTS_MAX);
    let times = (0_u32..).map(|part| f64::from(part) * step).take_while(|time| *time <= whole * 1.000_001);
    times
        .filter_map(|time| {
            let x = (time / whole * AXIS * 10.0).round() / 10.0;
            Some((x.min(AXIS), Duration::try_from_secs_f64(time).ok()?))
        })
        .collect()
}

/// Returns how many seconds are between two round times, not less than these: 1, 2 or 5 and their tens, and of what is longer than a minute
/// what clocks are made of.
fn round_step(least: f64) -> f64 {
    const CLOCK: [f64; 13] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0];
    if least <= 0.5 || least > 3_600.0 {
        return chart::round_up(if least > 3_600.0 { least / 3_600.0 } else { least })
            * if least > 3_600.0 { 3_600.0 } else { 1.0 };
    }
    CLOCK.into_iter().find(|step| *step >= least).unwrap_or(least)
}

/// Returns how a time stands at its place: those at the ends stay within.
fn stands(x: f64) -> &'static str {
    match x {
        x if x < AXIS * 0.02 => "first",
        x if x > AXIS * 0.95 => "last",
        _ => "within",
    }
}

/// Writes a round time, without the zeros that an exact one would have.
fn tick(at: Duration) -> String {
    let seconds = at.as_secs_f64();
    let number = |number: f64| (number * 100.0).round() / 100.0;
    match at.as_micros() {
        0 => "0".to_owned(),
        1..1_000 => format!("{} µs", number(seconds * 1e6)),
        1_000..1_000_000 => format!("{} ms", number(seconds * 1e3)),
        1_000_000..60_000_000 => format!("{} s", number(seconds)),
        60_000_000..3_600_000_000 if at.as_secs().is_multiple_of(60) => format!("{} min", at.as_secs() / 60),
        _ if at.as_secs().is_multiple_of(3_600) => format!("{} h", at.as_secs() / 3_600),
        _ => parts::took(at),
    }
}

/// Writes what a call of a model used, in short.
fn usage(span: &Span) -> Markup {
    let number = |name: &str| span.attribute(name).and_then(|value| value.as_u64());
    let (input, output) = (number(gen_ai::USAGE_INPUT_TOKENS), number(gen_ai::USAGE_OUTPUT_TOKENS));
    let cost = span.attribute(gen_ai::USAGE_COST).and_then(|value| value.as_f64());
    html! {
        @if input.is_some() || output.is_some() { " " small.quiet { (parts::grouped(input.unwrap_or(0))) " → " (parts::grouped(output.unwrap_or(0))) " tokens" } }
        @if let Some(cost) = cost { " " small.quiet { (parts::cost(cost)) } }
    }
}

/// Returns the class of a span's line, and what is to be said of how it stands.
pub(super) fn state(row: &Row<'_>, fates: &Fates) -> (&'static str, Option<&'static str>) {
    match row.span.status {
        SpanStatus::Error => ("error", Some("failed")),
        SpanStatus::Running if fates.over(&row.span.session_id).is_some() => ("warning", Some("never ended")),
        SpanStatus::Running => ("open", Some("runs")),
        _ if row.orphan => ("warning", Some("its parent is missing")),
        _ if row.span.attribute(gen_ai::OPERATION_NAME).is_some() => ("model", None),
        _ => ("info", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_on_an_axis_are_round_and_where_they_belong() {
        let told = |micros: u64| -> Vec<String> {
            ticks(Duration::from_micros(micros)).iter().map(|(_, at)| tick(*at)).collect()
        };
        assert_eq!(told(537_000), ["0", "200 ms", "400 ms"]);
        assert_eq!(told(1_000_000), ["0", "200 ms", "400 ms", "600 ms", "800 ms", "1 s"]);
        assert_eq!(told(7), ["0", "2 µs", "4 µs", "6 µs"]);
        assert_eq!(told(95_000_000), ["0", "30 s", "1 min", "1 min 30 s"]);
        assert_eq!(told(26 * 3_600_000_000), ["0", "10 h", "20 h"]);
        assert_eq!(told(0), ["0"]);
        let places: Vec<f64> = ticks(Duration::from_millis(400)).iter().map(|(x, _)| *x).collect();
        assert_eq!(places, [0.0, 250.0, 500.0, 750.0, 1000.0]);
    }
}
