//! `/traces/{id}/compare`: two traces beside each other, their figures and their spans.

use std::time::Duration;

use lastword::views::{self, Pair, Row, SpanStatus};
use maud::{Markup, html};

use super::address::path;
use super::fate::Fates;
use super::{Tab, layout, parts, traces};
use crate::limits::{COMPARE_ROWS_MAX, PAGE_SUMMARY_CHARS_MAX, WATERFALL_LEVELS_MAX};
use crate::query::Trace;
use crate::segment::escape;

/// How many times as long as in the first a span takes that is called slower.
const SLOWER: f64 = 1.2;
/// The part of the longer trace that the difference must be to be called one: less is noise to who asks why the trace took longer.
const SHARE: f64 = 0.01;

/// One of the traces.
pub(crate) struct Side<'t> {
    pub(crate) known: &'t Trace,
    pub(crate) trace: &'t views::Trace,
    /// How its sessions stand.
    pub(crate) fates: &'t Fates,
    /// How many spans it has, those too that are not compared.
    pub(crate) spans: usize,
    /// How many of them have not ended.
    pub(crate) open: usize,
    /// Not all of it was read.
    pub(crate) is_cut: bool,
}

/// In what a pair of spans differs, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    FailsNow,
    FailedBefore,
    Added,
    Gone,
    Slower,
    Faster,
    None,
}

impl Difference {
    const ALL: [Self; 6] = [Self::FailsNow, Self::FailedBefore, Self::Added, Self::Gone, Self::Slower, Self::Faster];

    const fn text(self) -> &'static str {
        match self {
            Self::FailsNow => "failed only in the second",
            Self::FailedBefore => "failed only in the first",
            Self::Added => "only in the second",
            Self::Gone => "only in the first",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::None => "",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::FailsNow => "error",
            Self::Slower | Self::FailedBefore => "warning",
            Self::Added | Self::Gone => "model",
            Self::Faster => "open",
            Self::None => "info",
        }
    }

    fn of(pair: &Pair<'_>, whole: Duration) -> Self {
        let (Some(one), Some(other)) = (pair.one, pair.other) else {
            return if pair.one.is_some() { Self::Gone } else { Self::Added };
        };
        match (one.span.status == SpanStatus::Error, other.span.status == SpanStatus::Error) {
            (false, true) => return Self::FailsNow,
            (true, false) => return Self::FailedBefore,
            _ => {}
        }
        let (Some(one), Some(other)) = (one.span.duration(), other.span.duration()) else { return Self::None };
        let counts = one.abs_diff(other).as_secs_f64() >= whole.as_secs_f64() * SHARE;
        match (one.as_secs_f64(), other.as_secs_f64()) {
            (one, other) if counts && other > one * SLOWER => Self::Slower,
            (one, other) if counts && one > other * SLOWER => Self::Faster,
            _ => Self::None,
        }
    }
}

/// Returns the page.
pub(crate) fn traces(one: &Side<'_>, other: &Side<'_>) -> Markup {
    let whole = one.trace.duration().max(other.trace.duration());
    let pairs: Vec<(Pair<'_>, Difference)> =
        one.trace.compare(other.trace).into_iter().map(|pair| (pair, Difference::of(&pair, whole))).collect();
    let count = |wanted: Difference| pairs.iter().filter(|(_, found)| *found == wanted).count();
    let counts: Vec<_> =
        Difference::ALL.into_iter().map(|found| (found, count(found))).filter(|(_, count)| *count > 0).collect();
    let (a, b) = (&one.known.trace_id, &other.known.trace_id);
    let content = html! {
        section {
            p.crumb { a href="/traces" { "Traces" } " / " (traces::link(one.known)) }
            h1 { "Two traces beside each other" }
            (figures(one, other))
            @if one.is_cut || other.is_cut || one.trace.left_out() + other.trace.left_out() > 0 {
                p.notice { b { "Not all of both is compared: " } "one has more events than a page has." }
            }
            p.more { a href={ (path(&["traces", b, "compare"])) "?other=" (escape(a)) } { "The other way round" } }
        }
        section {
            h2 { "Spans" }
            p.leads {
                @if counts.is_empty() { "Both have the same spans, and none took notably longer." }
                @for (place, (found, count)) in counts.iter().enumerate() {
                    @if place > 0 { ", " } b { (count) } " " span.state.{ (found.class()) } { (found.text()) }
                }
            }
            (spans(&pairs, a, b))
            @if pairs.len() > COMPARE_ROWS_MAX { p.notice { "The first " (COMPARE_ROWS_MAX) " of " (pairs.len()) " are shown." } }
        }
    };
    layout("Two traces", Tab::Traces, &content)
}

/// Writes how long a trace took, as its own page does.
fn took(side: &Side<'_>) -> Markup {
    traces::took(side.known, side.open, side.fates)
}

fn figures(one: &Side<'_>, other: &Side<'_>) -> Markup {
    let count = |side: &Side<'_>| i64::try_from(side.spans).unwrap_or(i64::MAX);
    let (x, y) = (&one.known.figures, &other.known.figures);
    let counts = [
        ("Spans", count(one), count(other), false),
        ("Errors", x.errors, y.errors, true),
        ("Model calls", x.model_calls, y.model_calls, false),
        ("Tool calls", x.tool_calls, y.tool_calls, false),
        ("Tokens in", x.tokens_in, y.tokens_in, false),
        ("Tokens out", x.tokens_out, y.tokens_out, false),
    ];
    html! {
        div.scroll tabindex="0" role="region" aria-label="Figures" { table.figures {
            thead { tr { td {} th.number scope="col" { "First" } th.number scope="col" { "Second" } th.number scope="col" { "Difference" } } }
            tbody {
                tr { th scope="row" { "Trace" } td.number { (traces::link(one.known)) } td.number { (traces::link(other.known)) } td {} }
                tr { th scope="row" { "Began" } td.number { (parts::moment(one.known.first_seen)) } td.number { (parts::moment(other.known.first_seen)) } td {} }
                @let (a, b) = (one.known.duration(), other.known.duration());
                tr { th scope="row" { "Took" } td.number { (took(one)) } td.number { (took(other)) } td.number { (longer(a, b)) } }
                @for (label, a, b, is_bad) in counts {
                    tr { th scope="row" { (label) } td.number { (parts::grouped(a)) } td.number { (parts::grouped(b)) } td.number.bad[is_bad && b > a] { (more(a, b)) } }
                }
                tr {
                    th scope="row" { "Cost" } td.number { (parts::exact_cost(x.cost)) } td.number { (parts::exact_cost(y.cost)) }
                    td.number { (dearer(x.cost, y.cost)) }
                }
            }
        } }
    }
}

/// Said of what is the same in both: an empty place could be taken for what is not known.
pub(super) const SAME: &str = "no difference";

/// Returns how much dearer the second was, with as many digits as the difference has that count.
pub(super) fn dearer(one: f64, other: f64) -> String {
    let more = other - one;
    if more.abs() < 1e-9 {
        return SAME.to_owned();
    }
    let sign = if more > 0.0 { "+" } else { "−" };
    format!("{sign}${}", parts::dollars(more.abs()))
}

/// Returns how many more there are in the second.
pub(super) fn more(one: i64, other: i64) -> String {
    match other.saturating_sub(one) {
        0 => SAME.to_owned(),
        more @ 1.. => format!("+{}", parts::grouped(more)),
        less => format!("−{}", parts::grouped(less.unsigned_abs())),
    }
}

/// Returns how much longer the second took, and how many times as long where that says something.
pub(super) fn longer(one: Option<Duration>, other: Option<Duration>) -> String {
    let (Some(one), Some(other)) = (one, other) else { return String::new() };
    if one == other {
        return SAME.to_owned();
    }
    let sign = if other > one { "+" } else { "−" };
    let times = other.as_secs_f64() / one.as_secs_f64().max(1e-9);
    let times = if (0.01..100.0).contains(&times) { format!(" (×{times:.2})") } else { String::new() };
    format!("{sign}{}{times}", parts::took(one.abs_diff(other)))
}

fn spans(pairs: &[(Pair<'_>, Difference)], one: &str, other: &str) -> Markup {
    let took = |trace: &str, row: Option<Row<'_>>| {
        html! {
            @if let Some(row) = row {
                a href=(path(&["traces", trace, "spans", &row.id.to_string()])) {
                    @match row.span.duration() { Some(took) => (parts::took(took)), None => "not ended" }
                }
                @if row.span.status == SpanStatus::Error { " " span.state.error { "failed" } }
            }
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Spans" { table.pairs {
            thead { tr {
                th scope="col" { "Span" } th.number scope="col" { "First" } th.number scope="col" { "Second" } th.number scope="col" { "Difference" }
                th scope="col" { "What differs" }
            } }
            tbody { @for (pair, found) in pairs.iter().take(COMPARE_ROWS_MAX) {
                @if let Some(row) = pair.either() {
                    tr.{ "d" (row.depth.min(WATERFALL_LEVELS_MAX)) } {
                        td.what { span.name { bdi { (parts::cut(&row.span.name, PAGE_SUMMARY_CHARS_MAX)) } } }
                        td.number { (took(one, pair.one)) }
                        td.number { (took(other, pair.other)) }
                        td.number { (longer(pair.one.and_then(|row| row.span.duration()), pair.other.and_then(|row| row.span.duration()))) }
                        td { @if *found == Difference::None { span.quiet { (SAME) } } @else { span.state.{ (found.class()) } { (found.text()) } } }
                    }
                }
            } }
        } }
    }
}
