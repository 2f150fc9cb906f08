//! Metrics of the program's own: a fold of `metrics` events.

mod point;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use point::{MetricKind, SeriesName};

use super::View;
use super::event::{Event, Field, Meaning};
use super::fixed::Fixed;
use super::moment::Moment;
use super::table::{Fold, Table};
use crate::clock::Timestamp;
use crate::limits::{VIEW_POINTS_MAX, VIEW_POINTS_TOTAL_MAX, VIEW_SERIES_MAX};
use point::{Observed, What, sum};

/// The program's own metrics: each series since ever, and its latest points.
///
/// ```
/// use lastword::views::{Event, MetricKind, Metrics, View};
/// use serde_json::json;
///
/// let mut metrics = Metrics::default();
/// for added in [1, 1, 5] {
///     metrics.apply(&Event::from_json(&json!({
///         "event": "GENERIC_EVENT", "event_name": "metrics", "timestamp": "2026-11-25T10:00:00Z", "session_id": "s-1",
///         "event_data": {"interval_ms": 10_000, "series": [
///             {"name": "jobs", "type": "counter", "labels": {"queue": "mail"}, "value": added}]},
///     }))?);
/// }
/// let (name, series) = metrics.iter().next().unwrap();
/// assert_eq!((name.name, name.kind, name.labels), ("jobs", MetricKind::Counter, vec![("queue", "mail")]));
/// assert_eq!(series.sum(), 7.0);
/// # Ok::<(), lastword::views::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    series: Table<Series, VIEW_SERIES_MAX>,
    /// Points that the program had no room for.
    dropped: u64,
    /// Intervals that were told of.
    intervals: u64,
}

/// One series: a metric with certain labels.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Series {
    unit: Box<str>,
    description: Box<str>,
    count: u64,
    sum: Fixed,
    last: Option<(Moment, f64)>,
    min: Option<f64>,
    max: Option<f64>,
    bounds: Vec<f64>,
    buckets: Vec<u64>,
    points: VecDeque<Point>,
}

/// What was observed of a series in one interval.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Point {
    moment: Moment,
    /// What a counter rose by; the last value of a gauge; the sum of what a histogram observed.
    pub value: f64,
    /// How many observations it was.
    pub count: u64,
}

impl Point {
    /// Returns the end of the interval.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.moment.time()
    }
}

impl Metrics {
    /// Goes through the series, those with the shortest names and labels first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SeriesName<'_>, &Series)> {
        self.series.iter().map(|(key, series)| (SeriesName::of_key(key), series))
    }

    /// Goes through the series of one metric.
    pub fn named<'m>(&'m self, name: &'m str) -> impl Iterator<Item = (SeriesName<'m>, &'m Series)> {
        self.iter().filter(move |(series, _)| series.name == name)
    }

    /// Returns how many observations there were of series that have no row of their own.
    #[must_use]
    pub fn folded(&self) -> u64 {
        self.series.other().map_or(0, |other| other.count)
    }

    /// Returns how many points the program itself had no room for.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns how many intervals were told of.
    #[must_use]
    pub const fn intervals(&self) -> u64 {
        self.intervals
    }

    /// Returns the same series, of which nothing was observed yet.
    pub(super) fn cleared(mut self) -> Self {
        for series in self.series.values_mut() {
            let Series { unit, description, .. } = std::mem::take(series);
            *series = Series { unit, description, ..Series::default() };
        }
        *self.series.other_mut() = Series::default();
        Self { dropped: 0, intervals: 0, ..self }
    }

    fn keep_points_within_bounds(&mut self) {
        let each = (VIEW_POINTS_TOTAL_MAX / self.series.iter().len().max(1)).min(VIEW_POINTS_MAX);
        if each < VIEW_POINTS_MAX {
            self.series.values_mut().for_each(|series| series.keep_points(each));
        }
        self.series.other_mut().points.clear();
    }
}

impl Series {
    /// Returns its unit; empty if nobody said it.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Returns what it is; empty if nobody said it.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns how many observations there were: of a counter, how many intervals in which it rose.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns what a counter counted, and the sum of what a histogram observed.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum.get()
    }

    /// Returns the last value of a gauge, with its time.
    #[must_use]
    pub fn last(&self) -> Option<(Timestamp, f64)> {
        self.last.map(|(moment, value)| (moment.time(), value))
    }

    /// Returns the least value; of a counter there is none.
    #[must_use]
    pub const fn min(&self) -> Option<f64> {
        self.min
    }

    /// Returns the greatest value; of a counter there is none.
    #[must_use]
    pub const fn max(&self) -> Option<f64> {
        self.max
    }

    /// Returns the upper bounds of a histogram's buckets, and how many observations each has: at most its bound and above the one
    /// before; there is one more bucket, without bound.
    #[must_use]
    pub fn buckets(&self) -> (&[f64], &[u64]) {
        (&self.bounds, &self.buckets)
    }

    /// Goes through the latest points, from this time on (that moment too), the oldest first.
    pub fn history(&self, since: Timestamp) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(move |point| point.time() >= since)
    }

    fn take(&mut self, observed: Observed<'_>, moment: Moment) {
        for (said, now) in [(&mut self.unit, observed.unit), (&mut self.description, observed.description)] {
            if first_of(said, now) {
                *said = now.into();
            }
        }
        let point = match observed.what {
            What::Counter(value) => {
                self.sum.add(Fixed::of(value));
                Point { moment, value, count: 1 }
            }
            What::Gauge { last, count, min, max } => {
                self.last_is((moment, last));
                self.spans(Some(min), Some(max));
                Point { moment, value: last, count }
            }
            What::Histogram { count, sum, min, max, bounds, buckets } => {
                self.sum.add(Fixed::of(sum));
                self.spans(min, max);
                self.spread(bounds, buckets);
                Point { moment, value: sum, count }
            }
        };
        self.count = self.count.saturating_add(point.count);
        self.put(point);
    }

    fn last_is(&mut self, last: (Moment, f64)) {
        if self.last.is_none_or(|before| before < last) {
            self.last = Some(last);
        }
    }

    fn spans(&mut self, min: Option<f64>, max: Option<f64>) {
        self.min = min.into_iter().chain(self.min).reduce(f64::min);
        self.max = max.into_iter().chain(self.max).reduce(f64::max);
    }

    /// Adds the buckets of a histogram. Of two with different bounds those that come first in an order of all bounds stay, and what was
    /// counted by others is in the bucket without bound: whatever the order of the events, the result is the same.
    fn spread(&mut self, bounds: Vec<f64>, buckets: Vec<u64>) {
        if self.buckets.is_empty() {
            (self.bounds, self.buckets) = (bounds, buckets);
            return;
        }
        if bounds == self.bounds {
            self.buckets.iter_mut().zip(buckets).for_each(|(bucket, more)| *bucket = bucket.saturating_add(more));
            return;
        }
        // More bounds say more.
        let rank = |bounds: &[f64]| {
            (std::cmp::Reverse(bounds.len()), bounds.iter().map(|bound| bound.to_bits()).collect::<Vec<_>>())
        };
        let (stays, goes) = if rank(&bounds) < rank(&self.bounds) {
            let before = std::mem::replace(&mut self.buckets, buckets);
            self.bounds = bounds;
            (&mut self.buckets, sum(&before))
        } else {
            (&mut self.buckets, sum(&buckets))
        };
        if let Some(unbounded) = stays.last_mut() {
            *unbounded = unbounded.saturating_add(goes);
        }
    }

    fn put(&mut self, point: Point) {
        let at = match self.points.back() {
            Some(last) if *last > point => self.points.partition_point(|earlier| *earlier <= point),
            _ => self.points.len(),
        };
        let full = self.points.len() >= VIEW_POINTS_MAX;
        if full && at == 0 {
            return;
        }
        self.points.insert(at, point);
        if full {
            self.points.pop_front();
        }
    }

    fn keep_points(&mut self, count: usize) {
        let surplus = self.points.len().saturating_sub(count);
        self.points.drain(..surplus);
    }
}

/// Whether a text is to be kept instead of another one: the first in the alphabet is, so that order makes no difference.
fn first_of(before: &str, now: &str) -> bool {
    !now.is_empty() && (before.is_empty() || now < before)
}

impl Fold for Series {
    fn fold(&mut self, other: Self) {
        if first_of(&self.unit, &other.unit) {
            self.unit = other.unit;
        }
        if first_of(&self.description, &other.description) {
            self.description = other.description;
        }
        self.count = self.count.saturating_add(other.count);
        self.sum.add(other.sum);
        if let Some(last) = other.last {
            self.last_is(last);
        }
        self.spans(other.min, other.max);
        if !other.buckets.is_empty() {
            self.spread(other.bounds, other.buckets);
        }
        for point in other.points {
            self.put(point);
        }
    }
}

impl View for Metrics {
    fn apply(&mut self, event: &Event<'_>) {
        if event.meaning() != Meaning::Metrics {
            return;
        }
        let fields = event.fields();
        self.intervals = self.intervals.saturating_add(1);
        self.dropped = self.dropped.saturating_add(fields[Field::SeriesDropped].count().unwrap_or(0));
        for observed in fields[Field::Series].list().iter().filter_map(Observed::read) {
            let key = observed.key.clone();
            self.series.row(&key).take(observed, event.moment());
        }
        self.keep_points_within_bounds();
    }

    fn merge(&mut self, other: Self) {
        self.series.fold(other.series);
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.intervals = self.intervals.saturating_add(other.intervals);
        self.keep_points_within_bounds();
    }
}
