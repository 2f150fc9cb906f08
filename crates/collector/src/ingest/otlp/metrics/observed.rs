//! What a point says of its interval.

use super::super::series::{Point as At, SeriesState, Taken, Total};
use super::point::{DELTA, Form, Metric, NO_VALUE, Point};
use super::spread;
use crate::ingest::Object;

/// What was observed in an interval, as docs/events.md has it.
#[derive(Debug, PartialEq)]
pub(super) enum Observed {
    Number(f64),
    Spread { count: u64, sum: f64, min: Option<f64>, max: Option<f64>, bounds: Vec<f64>, buckets: Vec<u64> },
}

impl Observed {
    /// Returns what a point says of its interval, and how many nanoseconds that was; `None` where it can't be said.
    pub(super) fn of(
        metric: &Metric<'_>,
        point: &Point<'_>,
        key: u128,
        series: &SeriesState,
        taken: &mut Taken,
    ) -> Option<(Self, u64)> {
        let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
        let at = At { start, time };
        let whole = time.saturating_sub(start);
        if point.flags & NO_VALUE != 0 {
            return None;
        }
        match metric.form {
            Form::Gauge => Some((Self::Number(point.number()?), 0)),
            Form::Sum => {
                let number = point.number()?;
                match (metric.temporality, metric.is_monotonic) {
                    (DELTA, true) => (number >= 0.0).then_some((Self::Number(number), whole)),
                    // What rises and falls is shown as what it has come to; of its changes alone nobody knows that.
                    (DELTA, false) => None,
                    (_, false) => Some((Self::Number(number), 0)),
                    (_, true) => match series.delta(key, at, Total::Number(number), taken)? {
                        (Total::Number(number), since) => Some((Self::Number(number), since)),
                        (Total::Spread { .. }, _) => None,
                    },
                }
            }
            Form::Histogram | Form::Exponential | Form::Summary => {
                let (bounds, buckets) = spread::of(metric.form, point);
                let sum = point.sum.filter(|sum| sum.is_finite()).unwrap_or(0.0);
                if metric.temporality == DELTA {
                    let (min, max) = (point.min, point.max);
                    return Some((Self::Spread { count: point.count, sum, min, max, bounds, buckets }, whole));
                }
                let total = Total::Spread { count: point.count, sum, bounds: spread::hash(&bounds), buckets };
                match series.delta(key, at, total, taken)? {
                    // Its least and greatest are those since the start, not of the interval.
                    (Total::Spread { count, sum, buckets, .. }, since) => {
                        Some((Self::Spread { count, sum, min: None, max: None, bounds, buckets }, since))
                    }
                    (Total::Number(_), _) => None,
                }
            }
        }
    }

    /// Whether nothing was observed, or a counter did not rise.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Number(number) => *number == 0.0,
            Self::Spread { count, .. } => *count == 0,
        }
    }

    pub(super) fn write(&self, object: &mut Object<'_>) {
        match self {
            Self::Number(number) => object.float("value", *number),
            Self::Spread { count, sum, min, max, bounds, buckets } => {
                object.uint("count", *count);
                object.float("sum", *sum);
                for (name, number) in [("min", min), ("max", max)] {
                    if let Some(number) = number {
                        object.float(name, *number);
                    }
                }
                object.list("bounds", |list| bounds.iter().for_each(|bound| list.float(*bound)));
                object.list("buckets", |list| buckets.iter().for_each(|count| list.uint(*count)));
            }
        }
    }
}
