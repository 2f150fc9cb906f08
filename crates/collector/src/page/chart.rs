//! Charts as SVG: they take their colors from the style sheet, each bar leads to what it counts, and each says its numbers to who can't
//! see it. They load nothing and run nothing.

use maud::{Markup, html};

use super::parts;
use crate::query::{Bin, OverTime};

/// Units of a chart's drawing. It is stretched to the room that it has.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
/// The part of a bar's room that is left free on its right.
const GAP: f64 = 0.12;

fn title(bin: &Bin) -> String {
    let there = bin.by_severity.worst_first().into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = there.map(|(class, count)| format!("{count} {class}")).collect();
    let what = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    format!("{} to {}: {what}", parts::short(bin.begin), parts::short(bin.end))
}

/// Draws counts over time as stacked bars, the worst at the bottom so that it is seen however little it is; `link` leads to what a bar
/// counts.
pub(crate) fn over_time(bins: &[Bin], link: impl Fn(&Bin) -> String) -> Markup {
    let most = bins.iter().map(|bin| bin.by_severity.total()).max().unwrap_or(0).max(1);
    let step = WIDTH / amount(i64::try_from(bins.len().max(1)).unwrap_or(i64::MAX));
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="group" aria-label="Events over time, by severity" {
                @for (place, bin) in bins.iter().enumerate() {
                    @let x = step * amount(i64::try_from(place).unwrap_or(i64::MAX));
                    // One that counts nothing leads nowhere. The whole room of a bar can be pointed at, however little there is to see.
                    @if bin.by_severity.total() == 0 {
                        g { (room(bin, x, step)) }
                    } @else {
                        a href=(link(bin)) {
                            (room(bin, x, step))
                            @for (class, y, height) in stack(bin, most) {
                                rect.{ (class) } x=(x) y=(y) width=(step * (1.0 - GAP)) height=(height) {}
                            }
                        }
                    }
                }
            }
            figcaption.quiet {
                span { @if let Some(first) = bins.first() { (parts::short(first.begin)) } }
                span { "at most " (most) " at once" }
                span { @if let Some(last) = bins.last() { (parts::short(last.end)) } }
            }
        }
    }
}

fn room(bin: &Bin, x: f64, step: f64) -> Markup {
    html! {
        title { (title(bin)) }
        rect.room x=(x) y="0" width=(step) height=(HEIGHT) {}
    }
}

/// Draws counts over time as small bars, and says their sum and the highest.
pub(super) fn sparkline(counts: &[OverTime]) -> Markup {
    let most = counts.iter().map(|part| part.count).max().unwrap_or(0);
    let sum = counts.iter().fold(0_i64, |sum, part| sum.saturating_add(part.count));
    let step = WIDTH / amount(i64::try_from(counts.len().max(1)).unwrap_or(i64::MAX));
    let range =
        counts.first().zip(counts.last()).map(|(first, last)| (parts::short(first.begin), parts::short(last.end)));
    let told =
        range.map_or_else(String::new, |(from, to)| format!("{sum} from {from} to {to}, at most {most} at once"));
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(told) {
            title { (told) }
            @for (place, part) in counts.iter().enumerate().filter(|(_, part)| part.count > 0) {
                @let height = (amount(part.count) / amount(most.max(1)) * HEIGHT).max(8.0);
                @let x = step * amount(i64::try_from(place).unwrap_or(i64::MAX));
                rect x=(x) y=(HEIGHT - height) width=(step * (1.0 - GAP)) height=(height) {}
            }
        }
    }
}

/// Draws a part of a whole as a bar.
pub(super) fn share(count: i64, of: i64) -> Markup {
    html! {
        svg.share viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect x="0" y="0" width=((amount(count) / amount(of.max(1)) * 100.0).clamp(1.0, 100.0)) height="6" {}
        }
    }
}

/// Returns class, top and height of each part of a bar.
fn stack(bin: &Bin, most: i64) -> impl Iterator<Item = (&'static str, f64, f64)> {
    let there = bin.by_severity.worst_first().into_iter().filter(|(_, count)| *count > 0);
    there.scan(HEIGHT, move |top, (class, count)| {
        // What is there can be seen, however little it is.
        let height = (amount(count) / amount(most) * HEIGHT).max(1.5);
        *top -= height;
        Some((class, *top, height))
    })
}

#[allow(clippy::cast_precision_loss, reason = "a chart has fewer pixels than a double has digits")]
pub(super) fn amount(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{BySeverity, Moment};

    fn bin([critical, error, warning, info, debug]: [i64; 5]) -> Bin {
        let counts = BySeverity { debug, info, warning, error, critical };
        Bin::new(Moment::from_micros(0), Moment::from_micros(60_000_000), counts)
    }

    #[test]
    fn a_bar_is_as_high_as_its_share_of_the_highest_and_stands_on_the_ground() {
        let parts: Vec<_> = stack(&bin([0, 10, 0, 30, 0]), 80).collect();
        assert_eq!(parts, [("error", 87.5, 12.5), ("info", 50.0, 37.5)]);
        assert_eq!(stack(&bin([1, 0, 0, 0, 0]), 1_000_000).next(), Some(("critical", 98.5, 1.5)));
    }

    #[test]
    fn each_bar_says_its_numbers_and_leads_to_its_events() {
        let svg =
            over_time(&[bin([0, 2, 0, 3, 0]), bin([0; 5])], |bin| format!("/x?since={}", bin.begin)).into_string();
        assert!(svg.contains("1970-01-01 00:00:00 to 1970-01-01 00:01:00: 2 error, 3 info"), "{svg}");
        assert!(svg.contains("href=\"/x?since=1970-01-01T00:00:00.000000Z\"") && svg.contains(": nothing"), "{svg}");
    }
}
