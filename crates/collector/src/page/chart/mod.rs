//! Charts as SVG: they take their colors from the style sheet, each bar leads to what it counts, and each says its numbers to who can't
//! see it. They load nothing and run nothing.

mod bars;
mod lines;

pub(super) use bars::{Bar, Frame, bars};
pub(super) use lines::{Line, lines};

use maud::{Markup, html};

use super::parts;
use crate::query::{Bin, BySeverity, CallPart, OverTime};

/// Units of a chart's drawing. It is stretched to the room that it has.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
/// The part of a bar's room that is left free on its right.
const GAP: f64 = 0.12;

fn title(bin: &Bin) -> String {
    let counts: Vec<String> = parts_of(bin).map(|(class, count)| format!("{count} {class}")).collect();
    let what = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    format!("{} to {}: {what}", parts::short(bin.begin), parts::short(bin.end))
}

/// Draws counts over time as stacked bars, the worst at the bottom so that it is seen however little it is; `link` leads to what a bar
/// counts.
pub(crate) fn over_time(bins: &[Bin], link: impl Fn(&Bin) -> String) -> Markup {
    let most = bins.iter().map(|bin| bin.by_severity.total()).max().unwrap_or(0);
    let all: Vec<Bar> = bins
        .iter()
        .map(|bin| Bar {
            told: title(bin),
            parts: parts_of(bin).map(|(class, count)| (class, amount(count))).collect(),
            link: Some(link(bin)),
        })
        .collect();
    let from = bins.first().map_or_else(String::new, |first| parts::short(first.begin));
    let to = bins.last().map_or_else(String::new, |last| parts::short(last.end));
    let sum = bins.iter().fold(BySeverity::default(), |sum, bin| sum.plus(&bin.by_severity));
    let there = sum.worst_first().into_iter().filter(|(_, count)| *count > 0);
    bars(
        &all,
        Frame {
            label: "Events over time, by severity",
            captions: [
                from,
                if most == 0 { "nothing".to_owned() } else { format!("at most {} at once", parts::grouped(most)) },
                to,
            ],
            write: counted,
            legend: there.map(|(class, count)| (class, format!("{} {class}", parts::grouped(count)))).collect(),
        },
    )
}

/// Writes what stands beside a chart: how high its top is, and its middle.
fn scale(top: f64, write: impl Fn(f64) -> String) -> Markup {
    html! { div.scale aria-hidden="true" { span { (write(top)) } span { (write(top / 2.0)) } span { "0" } } }
}

/// Writes what the colors of a chart mean, by the classes of the style sheet.
pub(super) fn legend(entries: &[(&'static str, String)]) -> Markup {
    html! {
        @if !entries.is_empty() {
            ul.legend aria-label="What is drawn" { @for (class, text) in entries { li { (swatch(class)) (text) } } }
        }
    }
}

/// Writes a patch of the color of a class.
pub(super) fn swatch(class: &str) -> Markup {
    html! { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect.{ (class) } width="10" height="10" {} } }
}

/// Writes a count on a scale, which has little room. What is no whole number is none.
pub(super) fn counted(count: f64) -> String {
    for (unit, of) in [("M", 1e6), ("k", 1e3)] {
        if count >= of {
            return format!("{} {unit}", (count / of * 10.0).round() / 10.0);
        }
    }
    if count.fract() == 0.0 { count.to_string() } else { String::new() }
}

/// Returns the next number above that people count by: 1, 2 or 5 and its tens.
pub(super) fn round_up(number: f64) -> f64 {
    if number <= 0.0 || !number.is_finite() {
        return 1.0;
    }
    let ten = 10_f64.powf(number.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * ten).find(|step| *step >= number).unwrap_or(number)
}

fn parts_of(bin: &Bin) -> impl Iterator<Item = (&'static str, i64)> {
    bin.by_severity.worst_first().into_iter().filter(|(_, count)| *count > 0)
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

/// How high small bars of calls may be, in whole units: they are told in few bytes, since a page has many.
const CALLS_HEIGHT: i64 = 50;

/// Draws calls over time as small bars, those that failed at the bottom, and says their sums.
pub(super) fn calls(calls: &[CallPart]) -> Markup {
    let most = calls.iter().map(|part| part.calls).max().unwrap_or(0).max(1);
    let sum = calls.iter().fold(0_i64, |sum, part| sum.saturating_add(part.calls));
    let errors = calls.iter().fold(0_i64, |sum, part| sum.saturating_add(part.errors));
    let told = format!(
        "{} calls, {} failed; at most {} at once",
        parts::grouped(sum),
        parts::grouped(errors),
        parts::grouped(most)
    );
    html! {
        svg.spark.calls viewBox={ "-0.5 0 " (calls.len().max(1)) " " (CALLS_HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(told) {
            title { (told) }
            path.info d=(uprights(calls.iter().map(|part| part.calls), most)) {}
            @if errors > 0 { path.error d=(uprights(calls.iter().map(|part| part.errors), most)) {} }
        }
    }
}

/// Returns lines that stand side by side. What is there can be seen, however little it is.
fn uprights(counts: impl Iterator<Item = i64>, most: i64) -> String {
    let lines = counts.enumerate().filter(|(_, count)| *count > 0).map(|(place, count)| {
        let height = (count.saturating_mul(CALLS_HEIGHT) / most).clamp(4, CALLS_HEIGHT);
        format!("M{place} {CALLS_HEIGHT}v-{height}")
    });
    lines.collect()
}

/// Draws a part of a whole as a bar.
pub(super) fn share(count: i64, of: i64) -> Markup {
    html! {
        svg.share viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect x="0" y="0" width=((amount(count) / amount(of.max(1)) * 100.0).clamp(1.0, 100.0)) height="6" {}
        }
    }
}

/// Returns a length as exactly as it can be seen, so that it is told in few bytes.
fn round(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

#[allow(clippy::cast_precision_loss, reason = "a chart has fewer pixels than a double has digits")]
pub(super) fn amount(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Moment;

    fn bin([critical, error, warning, info, debug]: [i64; 5]) -> Bin {
        let counts = BySeverity { debug, info, warning, error, critical };
        Bin::new(Moment::from_micros(0), Moment::from_micros(60_000_000), counts)
    }

    #[test]
    fn each_bar_says_its_numbers_and_leads_to_its_events() {
        let svg =
            over_time(&[bin([0, 2, 0, 3, 0]), bin([0; 5])], |bin| format!("/x?since={}", bin.begin)).into_string();
        assert!(svg.contains("1970-01-01 00:00:00 to 1970-01-01 00:01:00: 2 error, 3 info"), "{svg}");
        assert!(svg.contains("href=\"/x?since=1970-01-01T00:00:00.000000Z\"") && svg.contains(": nothing"), "{svg}");
    }

    #[test]
    fn a_chart_says_what_its_colors_are_and_how_high_it_is() {
        let svg = over_time(&[bin([0, 1_500, 0, 2_000, 0])], |_| String::new()).into_string();
        assert!(svg.contains("<rect class=\"error\" width") && svg.contains("1,500 error</li>"), "{svg}");
        assert!(svg.contains("<span>5 k</span><span>2.5 k</span><span>0</span>"), "{svg}");
        assert!(!svg.contains("warning"), "only what is there: {svg}");
    }

    #[test]
    fn a_scale_ends_at_a_round_number() {
        assert_eq!([0.0, 0.3, 1.0, 7.1, 1_200.0].map(round_up), [1.0, 0.5, 1.0, 10.0, 2_000.0]);
        assert_eq!([0.5, 20.0, 1_000.0, 2_500_000.0].map(counted), ["", "20", "1 k", "2.5 M"]);
    }
}
