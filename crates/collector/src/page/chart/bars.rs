//! Bars, each of parts that stand on each other.

use maud::{Markup, html};

use super::{GAP, HEIGHT, WIDTH, amount, legend, round, round_up, scale};

/// A bar.
pub(in crate::page) struct Bar {
    /// What it says to who points at it or can't see it.
    pub(in crate::page) told: String,
    /// Its parts with their classes in the style sheet, the one at the bottom first, none of them 0.
    pub(in crate::page) parts: Vec<(&'static str, f64)>,
    /// Where it leads.
    pub(in crate::page) link: Option<String>,
}

impl Bar {
    fn sum(&self) -> f64 {
        self.parts.iter().map(|(_, part)| part).sum()
    }
}

/// What is around the bars of a chart.
pub(in crate::page) struct Frame<'f> {
    /// What the chart shows, to who can't see it.
    pub(in crate::page) label: &'f str,
    /// What stands below its left, its middle and its right.
    pub(in crate::page) captions: [String; 3],
    /// How the height of a bar is written.
    pub(in crate::page) write: fn(f64) -> String,
    /// The classes that stand in the legend, with what they are called there. One needs no legend.
    pub(in crate::page) legend: Vec<(&'static str, String)>,
}

/// Draws bars, beside what their height means.
pub(in crate::page) fn bars(bars: &[Bar], frame: Frame<'_>) -> Markup {
    let most = round_up(bars.iter().map(Bar::sum).fold(0.0, f64::max));
    let step = WIDTH / amount(i64::try_from(bars.len().max(1)).unwrap_or(i64::MAX));
    let Frame { label, captions: [left, middle, right], write, legend: entries } = frame;
    // A picture can't have links in it.
    let role = if bars.iter().any(|bar| bar.link.is_some()) { "group" } else { "img" };
    html! {
        figure.chart.plot {
            (scale(most, write))
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role=(role) aria-label=(label) {
                @for y in [0.0, HEIGHT / 2.0] { line.rule x1="0" x2=(WIDTH) y1=(y) y2=(y) {} }
                @for (place, bar) in bars.iter().enumerate() {
                    @let x = step * amount(i64::try_from(place).unwrap_or(i64::MAX));
                    // One that counts nothing leads nowhere.
                    @match bar.link.as_ref().filter(|_| !bar.parts.is_empty()) {
                        Some(link) => a href=(link) { (body(bar, most, x, step)) },
                        None => g { (body(bar, most, x, step)) },
                    }
                }
            }
            figcaption.quiet { span { (left) } span { (middle) } span { (right) } }
            (legend(&entries))
        }
    }
}

fn body(bar: &Bar, most: f64, x: f64, step: f64) -> Markup {
    html! {
        title { (bar.told) }
        // Its whole room can be pointed at, also where there is little or nothing to see.
        rect.room x=(round(x)) y="0" width=(round(step)) height=(HEIGHT) {}
        @for (class, y, height) in stack(bar, most) {
            rect.{ (class) } x=(round(x)) y=(round(y)) width=(round(step * (1.0 - GAP))) height=(round(height)) {}
        }
    }
}

/// Returns class, top and height of each part of a bar.
fn stack(bar: &Bar, most: f64) -> impl Iterator<Item = (&'static str, f64, f64)> {
    bar.parts.iter().scan(HEIGHT, move |top, (class, part)| {
        // What is there can be seen, however little it is.
        let height = (part / most * HEIGHT).max(1.5);
        *top -= height;
        Some((*class, *top, height))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share_of_the_highest_and_stands_on_the_ground() {
        let bar = |parts: &[(&'static str, f64)]| Bar { told: String::new(), parts: parts.to_vec(), link: None };
        let parts: Vec<_> = stack(&bar(&[("error", 10.0), ("info", 30.0)]), 80.0).collect();
        assert_eq!(parts, [("error", 87.5, 12.5), ("info", 50.0, 37.5)]);
        assert_eq!(stack(&bar(&[("critical", 1.0)]), 1e6).next(), Some(("critical", 98.5, 1.5)));
    }
}
