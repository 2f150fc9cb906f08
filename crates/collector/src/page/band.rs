//! A session over time as a band: its events by severity, its gaps, its exceptions, its end. Each mark leads to its place in the timeline.

use std::time::Duration;

use maud::{Markup, html};

use super::session::{gap_link, missing};
use super::{chart, parts};
use crate::ingest::NO_INDEX;
use crate::query::{Band, BySeverity, Session, SessionState};

/// Units of the drawing. It is stretched to the room that it has.
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 100.0;
/// How high the marks above the events are.
const MARKS: f64 = 16.0;
/// How wide a mark is at least, so that it can be seen and pointed at.
const MARK_WIDTH: f64 = 5.0;

/// Draws it.
pub(super) fn band(band: &Band, session: &Session) -> Markup {
    let most = band.parts.iter().map(BySeverity::total).max().unwrap_or(0).max(1);
    let step = WIDTH / chart::amount(i64::try_from(band.parts.len().max(1)).unwrap_or(i64::MAX));
    let took =
        Duration::from_micros(u64::try_from(band.end.as_micros().saturating_sub(band.begin.as_micros())).unwrap_or(0));
    html! {
        figure.chart.band {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="group" aria-label="The session over time" {
                @for placed in &band.gaps {
                    @let (left, right) = (band.place(placed.from) * WIDTH, band.place(placed.to) * WIDTH);
                    a href=(gap_link(session, placed)) aria-label=(missing(&placed.gap)) { title { (missing(&placed.gap)) }
                        rect.missing x=(left.min(WIDTH - MARK_WIDTH)) y="0" width=((right - left).max(MARK_WIDTH)) height=(HEIGHT) {}
                    }
                }
                @for (place, counts) in band.parts.iter().enumerate().filter(|(_, counts)| counts.total() > 0) {
                    g { title { (told(counts)) }
                        @for (class, y, height) in stack(counts, most) {
                            rect.{ (class) } x=(step * chart::amount(i64::try_from(place).unwrap_or(0))) y=(y) width=(step * 0.88) height=(height) {}
                        }
                    }
                }
                @for event in &band.exceptions {
                    @let x = band.place(event.time) * WIDTH - MARK_WIDTH / 2.0;
                    @let has_number = event.index != NO_INDEX;
                    @let which = if has_number { format!("event {}", event.index) } else { parts::short(event.time) };
                    a href=(parts::place(event)) aria-label={ "Exception, " (which) } {
                        title { "Exception, " @if has_number { "#" (event.index) ", " } (parts::short(event.time)) }
                        rect.mark x=(x.clamp(0.0, WIDTH - MARK_WIDTH)) y="0" width=(MARK_WIDTH) height=(MARKS) {}
                    }
                }
                @if session.state != SessionState::Open {
                    rect.end.{ (session.state.as_str()) } x=(WIDTH - 3.0) y="0" width="3" height=(HEIGHT) { title { (session.state.as_str()) } }
                }
            }
            figcaption.quiet {
                span { (parts::short(band.begin)) }
                span { (parts::took(took)) @if band.is_coarse { ", drawn from what was sent together" } }
                span { (parts::short(band.end)) }
            }
        }
        ul.legend aria-label="What is drawn" {
            @for (class, count) in session.by_severity.worst_first().into_iter().filter(|(_, count)| *count > 0) {
                li { (chart::swatch(class)) (count) " " (class) }
            }
            @if !band.exceptions.is_empty() { li { (chart::swatch("mark")) "exception" } }
            @if session.missing > 0 { li { (chart::swatch("missing")) (session.missing) " missing" @if band.is_coarse || band.gaps.is_empty() { ", not drawn" } } }
        }
    }
}

fn told(counts: &BySeverity) -> String {
    let there = counts.worst_first().into_iter().filter(|(_, count)| *count > 0);
    there.map(|(class, count)| format!("{count} {class}")).collect::<Vec<_>>().join(", ")
}

/// Returns class, top and height of each part of a bar, the worst at the bottom.
fn stack(counts: &BySeverity, most: i64) -> impl Iterator<Item = (&'static str, f64, f64)> {
    let there = counts.worst_first().into_iter().filter(|(_, count)| *count > 0);
    there.scan(HEIGHT, move |top, (class, count)| {
        // What is there can be seen, however little it is, and what is bad a little more.
        let least = if matches!(class, "critical" | "error") { 8.0 } else { 3.0 };
        let height = (chart::amount(count) / chart::amount(most) * (HEIGHT - MARKS)).max(least);
        *top -= height;
        Some((class, *top, height))
    })
}
