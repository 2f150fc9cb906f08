//! What one `metrics` event says of one series.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{VIEW_BOUNDS_MAX, VIEW_LABELS_MAX, VIEW_SERIES_KEY_BYTES_MAX, VIEW_TEXT_BYTES_MAX};
use crate::views::event::Datum;
use crate::views::table::{cut, join, parts};

/// What kind of metric a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetricKind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
    /// How what was observed is spread.
    Histogram,
}

impl MetricKind {
    const ALL: [Self; 3] = [Self::Counter, Self::Gauge, Self::Histogram];

    /// Returns its name: `counter`, `gauge`, `histogram`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    pub(in crate::views) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which series it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeriesName<'k> {
    /// The name of the metric.
    pub name: &'k str,
    /// What kind of metric it is.
    pub kind: MetricKind,
    /// Names and values of its labels, in the order of their names.
    pub labels: Vec<(&'k str, &'k str)>,
}

impl<'k> SeriesName<'k> {
    /// Reads it from the key of a table.
    pub(super) fn of_key(key: &'k str) -> Self {
        let mut parts = parts(key);
        let name = parts.next().unwrap_or("");
        let kind = parts.next().and_then(MetricKind::of).unwrap_or(MetricKind::Gauge);
        let mut labels = Vec::new();
        while let (Some(label), Some(value)) = (parts.next(), parts.next()) {
            labels.push((label, value));
        }
        Self { name, kind, labels }
    }
}

/// A series as an event has it, understood and bounded.
pub(super) struct Observed<'e> {
    pub(super) key: String,
    pub(super) unit: &'e str,
    pub(super) description: &'e str,
    pub(super) what: What,
}

/// What was observed of it in the interval.
pub(super) enum What {
    Counter(f64),
    Gauge { last: f64, count: u64, min: f64, max: f64 },
    Histogram { count: u64, sum: f64, min: Option<f64>, max: Option<f64>, bounds: Vec<f64>, buckets: Vec<u64> },
}

impl<'e> Observed<'e> {
    /// Reads a series; `None` for what is none: without a name, of no known type, or with a value that makes no sense.
    pub(super) fn read(series: &'e Datum<'_>) -> Option<Self> {
        let text = |field| series.get(field).text().unwrap_or("");
        let number = |field| series.get(field).number();
        let name = text("name");
        let kind = MetricKind::of(text("type"))?;
        if name.is_empty() {
            return None;
        }
        let what = match kind {
            // What falls is no counter.
            MetricKind::Counter => What::Counter(number("value").filter(|value| *value >= 0.0)?),
            MetricKind::Gauge => {
                let last = number("value")?;
                let count = series.get("count").count().unwrap_or(1);
                What::Gauge { last, count, min: number("min").unwrap_or(last), max: number("max").unwrap_or(last) }
            }
            MetricKind::Histogram => {
                let (bounds, buckets) = spread(series);
                let count = sum(&buckets);
                What::Histogram {
                    count,
                    sum: number("sum").unwrap_or(0.0),
                    min: number("min"),
                    max: number("max"),
                    bounds,
                    buckets,
                }
            }
        };
        Some(Self {
            key: key(name, kind, series.get("labels")),
            unit: cut(text("unit"), VIEW_TEXT_BYTES_MAX),
            description: cut(text("description"), VIEW_TEXT_BYTES_MAX),
            what,
        })
    }
}

/// Makes the key of a series: what has the same name, kind and labels is one series.
fn key(name: &str, kind: MetricKind, labels: &Datum<'_>) -> String {
    // An object's keys rise, so the order in which a program names its labels makes no difference.
    let labels: Vec<_> =
        labels.entries().iter().take(VIEW_LABELS_MAX).map(|(label, value)| (&**label, value.shown())).collect();
    let key =
        join([name, kind.as_str()].into_iter().chain(labels.iter().flat_map(|(label, value)| [*label, &**value])));
    match cut(&key, VIEW_SERIES_KEY_BYTES_MAX) {
        whole if whole.len() == key.len() => key,
        part => part.to_owned(),
    }
}

/// Reads bounds and buckets. Where they don't belong together all is in one bucket without bound. How many observations there were is what
/// the buckets say, so that no two figures can disagree.
fn spread(series: &Datum<'_>) -> (Vec<f64>, Vec<u64>) {
    let bounds: Option<Vec<f64>> = series.get("bounds").list().iter().map(Datum::number).collect();
    let buckets: Option<Vec<u64>> = series.get("buckets").list().iter().map(Datum::count).collect();
    let (bounds, buckets) = (bounds.unwrap_or_default(), buckets.unwrap_or_default());
    let fit = buckets.len() == bounds.len() + 1 && bounds.len() <= VIEW_BOUNDS_MAX;
    if fit && bounds.is_sorted_by(|one, next| one < next) {
        return (bounds, buckets);
    }
    (Vec::new(), vec![series.get("count").count().unwrap_or_else(|| sum(&buckets))])
}

/// Adds up buckets.
pub(super) fn sum(buckets: &[u64]) -> u64 {
    buckets.iter().fold(0, |sum, more| sum.saturating_add(*more))
}
