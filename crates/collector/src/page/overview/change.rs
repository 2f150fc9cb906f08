//! How a figure differs from what it was in the same time before, in a few words.

use std::time::Duration;

use crate::page::chart::amount;
use crate::page::parts;

/// Beyond so many times as much a percentage says less than what it was.
const PERCENT_MAX: f64 = 999.0;

/// Says it of a count; of nothing where there was nothing before to hold it against.
pub(super) fn count(now: i64, before: i64, took: Option<Duration>) -> Option<String> {
    let span = span(took?);
    Some(match (now, before) {
        (0, 0) => format!("none in the {span} before either"),
        (_, 0) => format!("none in the {span} before"),
        _ => of((amount(now), amount(before)), &parts::grouped(before), &span),
    })
}

/// Says it of dollars.
pub(super) fn cost(now: f64, before: f64, took: Option<Duration>) -> Option<String> {
    let span = span(took?);
    Some(match before {
        before if before <= 0.0 => format!("nothing in the {span} before"),
        // What was less than a cent is told as that.
        before if before < 0.01 => of((now, before), "< $0.01", &span),
        before => of((now, before), &format!("${before:.2}"), &span),
    })
}

fn of((now, before): (f64, f64), told: &str, span: &str) -> String {
    match (now - before) / before * 100.0 {
        percent if percent > PERCENT_MAX => format!("{told} in the {span} before"),
        percent if percent.abs() < 0.5 => format!("as in the {span} before"),
        percent => format!("{percent:+.0} % vs the {span} before").replace('-', "−"),
    }
}

/// Says it of a rate, of which the difference is told in points.
pub(super) fn rate(now: Option<f64>, before: Option<f64>, took: Option<Duration>) -> Option<String> {
    let span = span(took?);
    Some(match (now, before) {
        (_, None) => format!("no sessions in the {span} before"),
        (None, Some(before)) => format!("{} in the {span} before", super::percent(before)),
        (Some(now), Some(before)) => match (now - before) * 100.0 {
            points if points.abs() < 0.05 => format!("as in the {span} before"),
            points => format!("{points:+.1} points vs the {span} before").replace('-', "−"),
        },
    })
}

/// Returns how long a range of time is, as people say it.
fn span(took: Duration) -> String {
    // The moment at which a page is made is a little after the one at which its range began to be counted.
    let minutes = (took.as_secs() + 30) / 60;
    match minutes {
        0 => "time".to_owned(),
        _ if minutes >= 2 * 24 * 60 && minutes.is_multiple_of(24 * 60) => format!("{} days", minutes / 24 / 60),
        _ if minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        1..180 => format!("{minutes} min"),
        _ => parts::took(Duration::from_secs(minutes * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Option<Duration> = Some(Duration::from_secs(24 * 3_600));

    #[test]
    fn a_figure_is_told_beside_what_it_was() {
        let told = |now, before| count(now, before, DAY).unwrap();
        assert_eq!(told(112, 100), "+12 % vs the 24 h before");
        assert_eq!(told(50, 100), "−50 % vs the 24 h before");
        assert_eq!(told(5, 0), "none in the 24 h before");
        assert_eq!(told(0, 0), "none in the 24 h before either");
        assert_eq!(told(9_000, 3), "3 in the 24 h before");
        assert_eq!(told(1_001, 1_000), "as in the 24 h before");
        assert_eq!(count(7, 7, DAY.map(|day| day * 7)).unwrap(), "as in the 7 days before");
        assert_eq!(count(7, 7, Some(Duration::from_secs(900))).unwrap(), "as in the 15 min before");
        assert_eq!(cost(0.5, 0.25, DAY).unwrap(), "+100 % vs the 24 h before");
        assert_eq!(cost(5.0, 0.001, DAY).unwrap(), "< $0.01 in the 24 h before");
        assert_eq!(rate(Some(0.979), Some(1.0), DAY).unwrap(), "−2.1 points vs the 24 h before");
        assert_eq!(rate(Some(1.0), None, DAY).unwrap(), "no sessions in the 24 h before");
        assert_eq!(rate(None, Some(1.0), DAY).unwrap(), "100 % in the 24 h before");
        assert_eq!((count(1, 1, None), cost(1.0, 1.0, None), rate(None, None, None)), (None, None, None));
    }
}
