//! One series: a metric under one set of labels, and what became of it since it was told last.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::privacy::Checked;

/// Upper bounds of the buckets of a histogram of milliseconds.
pub(super) const BOUNDS_MS: [f64; 13] =
    [5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0, 60_000.0];

/// What type a metric has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What all series of a metric share.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: Arc<str>,
    pub(super) kind: Kind,
    /// Upper bounds of a histogram's buckets, rising; of no other.
    pub(super) bounds: Option<Arc<[f64]>>,
}

/// What a metric is, in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    pub(super) unit: Arc<str>,
    pub(super) description: Arc<str>,
}

/// Labels in the order of their names.
pub(super) type OwnLabels = Arc<[(Box<str>, Box<str>)]>;

/// The points of a series since it was told last. What is told is a difference, so what could not be told can be put back.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Points {
    /// Of a counter what was added, of a histogram the sum.
    pub(super) sum: f64,
    /// Of a gauge.
    pub(super) last: f64,
    pub(super) count: u64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Of a histogram: one more than there are bounds.
    pub(super) buckets: Vec<u64>,
}

impl Points {
    /// Adds a value that is a number. Only a histogram has bounds, and therefore buckets.
    pub(super) fn add(&mut self, value: f64, bounds: Option<&[f64]>) {
        self.range(value, value);
        self.count += 1;
        self.sum = sum_of(self.sum, value);
        self.last = value;
        if let Some(bounds) = bounds {
            self.buckets.resize(bounds.len() + 1, 0);
            self.buckets[bounds.partition_point(|bound| *bound < value)] += 1;
        }
    }

    /// Returns what was recorded and forgets it, but for where a gauge stands; `None` where nothing was.
    pub(super) fn take(&mut self) -> Option<Self> {
        let stands = Self { last: self.last, ..Self::default() };
        (self.count > 0).then(|| std::mem::replace(self, stands))
    }

    /// Puts back what was taken and could not be told. What came since is later.
    pub(super) fn put_back(&mut self, earlier: &Self) {
        if self.count == 0 {
            *self = earlier.clone();
            return;
        }
        self.range(earlier.min, earlier.max);
        self.count += earlier.count;
        self.sum = sum_of(self.sum, earlier.sum);
        self.buckets.iter_mut().zip(&earlier.buckets).for_each(|(bucket, earlier)| *bucket += earlier);
    }

    fn range(&mut self, min: f64, max: f64) {
        (self.min, self.max) = if self.count == 0 { (min, max) } else { (self.min.min(min), self.max.max(max)) };
    }
}

/// Adds numbers: the sum is a number too, the largest there is where it would be endless, which no JSON can say.
pub(super) fn sum_of(one: f64, other: f64) -> f64 {
    (one + other).clamp(f64::MIN, f64::MAX)
}

/// What an event says of a series.
pub(super) struct Told<'a> {
    pub(super) definition: &'a Definition,
    pub(super) words: &'a Words,
    pub(super) labels: &'a OwnLabels,
    pub(super) points: &'a Points,
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { definition, words, labels, points } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &Checked(&definition.name))?;
        map.serialize_entry("type", &Checked(definition.kind.as_str()))?;
        let texts = [("unit", &words.unit), ("description", &words.description)];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            map.serialize_entry(name, &Checked(text))?;
        }
        if !labels.is_empty() {
            map.serialize_entry("labels", &ToldLabels(labels))?;
        }
        if definition.kind == Kind::Counter {
            map.serialize_entry("value", &points.sum)?;
            return map.end();
        }
        if definition.kind == Kind::Gauge {
            map.serialize_entry("value", &points.last)?;
        }
        map.serialize_entry("count", &points.count)?;
        if definition.kind == Kind::Histogram {
            map.serialize_entry("sum", &points.sum)?;
        }
        map.serialize_entry("min", &points.min)?;
        map.serialize_entry("max", &points.max)?;
        if let Some(bounds) = &definition.bounds {
            map.serialize_entry("bounds", &**bounds)?;
            map.serialize_entry("buckets", &points.buckets)?;
        }
        map.end()
    }
}

struct ToldLabels<'a>(&'a OwnLabels);

impl Serialize for ToldLabels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Checked(value))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 2] = [50.0, 100.0];

    #[test]
    fn a_histogram_counts_a_value_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let mut points = Points::default();
        [12.0, 50.0, 50.1, 2_500.0].into_iter().for_each(|value| points.add(value, Some(&BOUNDS)));
        assert_eq!(points.buckets, [2, 1, 1]);
        assert_eq!((points.count, points.min, points.max), (4, 12.0, 2_500.0));
    }

    #[test]
    fn a_sum_beyond_all_numbers_is_the_largest_there_is() {
        let mut points = Points::default();
        [f64::MAX, f64::MAX].into_iter().for_each(|value| points.add(value, Some(&BOUNDS)));
        let earlier = points.clone();
        points.put_back(&earlier);
        assert_eq!((points.sum, points.count, sum_of(f64::MIN, -1e300)), (f64::MAX, 4, f64::MIN));
    }

    #[test]
    fn what_could_not_be_told_is_told_later_as_if_it_had_never_been_taken() {
        for bounds in [None, Some(&BOUNDS[..])] {
            let (mut whole, mut parts) = (Points::default(), Points::default());
            for (number, value) in [60.0, 3.0, 70.0, 500.0].into_iter().enumerate() {
                whole.add(value, bounds);
                parts.add(value, bounds);
                if number == 1 {
                    let earlier = parts.take().unwrap();
                    assert_eq!(parts.take(), None);
                    parts.put_back(&earlier);
                }
                if number == 2 {
                    let earlier = parts.take().unwrap();
                    parts.add(5.0, bounds);
                    whole.add(5.0, bounds);
                    parts.put_back(&earlier);
                }
            }
            assert_eq!(parts, whole);
        }
    }
}
