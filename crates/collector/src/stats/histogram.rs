//! Histograms that many threads count in, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use lastword::views;

/// Parts of a unit in which sums are kept: integers can be added by one instruction.
const SUM_PARTS: f64 = 1_000.0;

/// Values by size.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: Box<[f64]>,
    /// One more than there are bounds.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// Makes an empty one with these upper bounds, which rise.
    pub(crate) fn new(bounds: &[f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds: bounds.into(), buckets, sum: AtomicU64::new(0) }
    }

    /// Counts a value; one below zero counts as zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats stops at the bounds")]
    pub(crate) fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add((value * SUM_PARTS) as u64, Ordering::Relaxed);
    }

    /// Returns what was counted.
    #[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
    pub(crate) fn counted(&self) -> views::Histogram {
        views::Histogram {
            bounds: self.bounds.to_vec(),
            buckets: self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / SUM_PARTS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::new(&[1.0, 10.0]);
        [0.5, 1.0, 1.5, 10.0, 11.0, -1.0].into_iter().for_each(|value| histogram.observe(value));
        let counted = histogram.counted();
        assert_eq!((counted.buckets, counted.sum), (vec![3, 2, 1], 24.0));
    }
}
