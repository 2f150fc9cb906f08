//! Lines over time, with what their height means.

use maud::{Markup, html};

use super::{HEIGHT, WIDTH, amount, round, round_up, scale};

/// A line. What it is called stands in the legend; how it is dashed is by its class.
pub(in crate::page) struct Line {
    pub(in crate::page) name: &'static str,
    pub(in crate::page) class: &'static str,
    /// A value for each part of time; `None` where there is none, where the line has a gap.
    pub(in crate::page) values: Vec<Option<f64>>,
}

/// Draws lines on one scale, from 0 up. `told` has what each part of time says, `write` writes a value.
pub(in crate::page) fn lines(
    label: &str,
    lines: &[Line],
    told: &[String],
    write: impl Fn(f64) -> String,
    [from, to]: [String; 2],
) -> Markup {
    let top = lines.iter().flat_map(|line| line.values.iter().flatten()).fold(0.0_f64, |top, value| top.max(*value));
    let top = round_up(top);
    let step = WIDTH / amount(i64::try_from(told.len().max(1)).unwrap_or(i64::MAX));
    html! {
        figure.chart.plot {
            (scale(top, write))
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                @for y in [0.0, HEIGHT / 2.0] { line.rule x1="0" x2=(WIDTH) y1=(y) y2=(y) {} }
                @for line in lines { path.{ "line " (line.class) } d=(path(&line.values, top, step)) {} }
                @for (place, told) in told.iter().enumerate() {
                    g { title { (told) } rect.room x=(round(step * amount(i64::try_from(place).unwrap_or(i64::MAX)))) y="0" width=(round(step)) height=(HEIGHT) {} }
                }
            }
            figcaption.quiet {
                span { (from) }
                span.legend { @for line in lines { span { svg.swatch viewBox="0 0 24 6" aria-hidden="true" { path.{ "line " (line.class) } d="M1 3H23" {} } (line.name) } } }
                span { (to) }
            }
        }
    }
}

/// Returns the line through the middles of the parts. A value that has no neighbour is a point.
fn path(values: &[Option<f64>], top: f64, step: f64) -> String {
    use std::fmt::Write;
    let (mut path, mut goes_on) = (String::new(), false);
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else {
            goes_on = false;
            continue;
        };
        let x = step * (amount(i64::try_from(place).unwrap_or(i64::MAX)) + 0.5);
        let y = HEIGHT - value / top * HEIGHT;
        // Writing to a `String` does not fail.
        let _ = if goes_on { write!(path, "L{x:.1} {y:.1}") } else { write!(path, "M{x:.1} {y:.1}h.1") };
        goes_on = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_gaps_where_there_is_no_value() {
        let path = path(&[Some(0.0), Some(50.0), None, Some(100.0)], 100.0, 250.0);
        assert_eq!(path, "M125.0 100.0h.1L375.0 50.0M875.0 0.0h.1");
    }
}
