//! Durations: how many, how long in sum, the shortest, the longest, and how they are spread.

use serde::{Deserialize, Serialize};

use super::counts::{in_ms, mean_ms};
use super::table::Fold;

/// Upper bounds of the buckets that are counted exactly, in milliseconds; there is one more, without bound.
pub const LATENCY_BOUNDS_MS: [u64; 13] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/// Each doubling is divided into this many parts, as a power of two: a percentile is off by 1.6 % at most.
const PARTS_BITS: u32 = 5;
/// What is shorter than this is in one bucket: nanoseconds, as a power of two, 1 us.
const SHORTEST_BITS: u32 = 10;
/// What is longer than this is in one bucket: nanoseconds, as a power of two, 39 hours.
const LONGEST_BITS: u32 = 47;

/// Durations, as a histogram that is bounded whatever they are, and that can be added to another one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latency {
    count: u64,
    sum_nanos: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_nanos: Option<u64>,
    max_nanos: u64,
    /// By [`LATENCY_BOUNDS_MS`].
    bounded: [u64; LATENCY_BOUNDS_MS.len() + 1],
    /// By parts of doublings: number of the bucket and how many are in it, in rising order; empty buckets are left out.
    spread: Vec<(u16, u64)>,
}

impl Latency {
    /// Adds a duration.
    pub(crate) fn add(&mut self, nanos: u64) {
        self.count = self.count.saturating_add(1);
        self.sum_nanos = self.sum_nanos.saturating_add(nanos);
        self.min_nanos = Some(self.min_nanos.map_or(nanos, |min| min.min(nanos)));
        self.max_nanos = self.max_nanos.max(nanos);
        let bucket = LATENCY_BOUNDS_MS.partition_point(|bound| bound * 1_000_000 < nanos);
        self.bounded[bucket] = self.bounded[bucket].saturating_add(1);
        self.put(part_of(nanos), 1);
    }

    fn put(&mut self, part: u16, count: u64) {
        match self.spread.binary_search_by_key(&part, |(part, _)| *part) {
            Ok(at) => self.spread[at].1 = self.spread[at].1.saturating_add(count),
            Err(at) => self.spread.insert(at, (part, count)),
        }
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns their sum, in milliseconds.
    #[must_use]
    pub fn sum_ms(&self) -> f64 {
        in_ms(self.sum_nanos)
    }

    /// Returns their mean, in milliseconds; `None` where there is none.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        mean_ms(self.sum_nanos, self.count)
    }

    /// Returns the shortest, in milliseconds; `None` where there is none.
    #[must_use]
    pub fn min_ms(&self) -> Option<f64> {
        self.min_nanos.map(in_ms)
    }

    /// Returns the longest, in milliseconds; `None` where there is none.
    #[must_use]
    pub fn max_ms(&self) -> Option<f64> {
        self.min_nanos.map(|_| in_ms(self.max_nanos))
    }

    /// Returns the duration, in milliseconds, that this part of them (0 to 1) is at most, by nearest rank; it is off by 1.6 % at
    /// most. `None` where there is none.
    #[must_use]
    pub fn percentile_ms(&self, part: f64) -> Option<f64> {
        let min = self.min_nanos?;
        let rank = nearest_rank(part, self.count);
        let mut below = 0_u64;
        let found = self.spread.iter().find(|(_, count)| {
            below = below.saturating_add(*count);
            below >= rank
        });
        let (number, _) = found.or(self.spread.last())?;
        // Not clamped: in a snapshot that was tampered with the shortest may be longer than the longest.
        Some(in_ms(middle_of(*number).max(min).min(self.max_nanos)))
    }

    /// Returns how many there are in each bucket of [`LATENCY_BOUNDS_MS`]: above the bound before, and at most its own.
    #[must_use]
    pub const fn buckets(&self) -> &[u64] {
        &self.bounded
    }
}

impl Fold for Latency {
    fn fold(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum_nanos = self.sum_nanos.saturating_add(other.sum_nanos);
        self.min_nanos = match (self.min_nanos, other.min_nanos) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        self.max_nanos = self.max_nanos.max(other.max_nanos);
        for (bucket, more) in self.bounded.iter_mut().zip(other.bounded) {
            *bucket = bucket.saturating_add(more);
        }
        for (part, count) in other.spread {
            self.put(part, count);
        }
    }
}

/// Returns the place, from 1, of the one that this part (0 to 1) of so many in rising order is at most.
///
/// ```
/// use lastword::views::nearest_rank;
/// assert_eq!((nearest_rank(0.95, 20), nearest_rank(0.5, 1)), (19, 1));
/// ```
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn nearest_rank(part: f64, count: u64) -> u64 {
    // Computed from whole thousandths where it can be: 0.95 x 20 is 19, and not a little more.
    let thousandths = (part.clamp(0.0, 1.0) * 1_000.0).round() as u128;
    let rank = (u128::from(count) * thousandths).div_ceil(1_000);
    u64::try_from(rank).unwrap_or(u64::MAX).clamp(1, count.max(1))
}

/// Returns the number of the part that a duration is in.
#[allow(clippy::cast_possible_truncation)]
const fn part_of(nanos: u64) -> u16 {
    if nanos >> SHORTEST_BITS == 0 {
        return 0;
    }
    let doubling = nanos.ilog2();
    if doubling >= LONGEST_BITS {
        return (((LONGEST_BITS - SHORTEST_BITS) << PARTS_BITS) + 1) as u16;
    }
    let part = (nanos >> (doubling - PARTS_BITS)) & ((1 << PARTS_BITS) - 1);
    (((doubling - SHORTEST_BITS) << PARTS_BITS) as u64 + part + 1) as u16
}

/// Returns the duration in the middle of a part.
const fn middle_of(number: u16) -> u64 {
    let Some(number) = number.checked_sub(1) else { return 1 << (SHORTEST_BITS - 1) };
    let (doubling, part) = (SHORTEST_BITS + (number as u32 >> PARTS_BITS), number as u64 & ((1 << PARTS_BITS) - 1));
    // A part's number that no duration has may stand in a snapshot.
    if doubling > LONGEST_BITS {
        return 1 << LONGEST_BITS;
    }
    let step = 1 << (doubling - PARTS_BITS);
    (1 << doubling) + part * step + step / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn latency(durations: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::default();
        durations.into_iter().for_each(|nanos| latency.add(nanos));
        latency
    }

    proptest! {
        #[test]
        fn a_percentile_is_off_by_less_than_two_percent(durations in prop::collection::vec(1_000_u64..3_600_000_000_000, 1..200)) {
            let latency = latency(durations.iter().copied());
            let mut sorted = durations.clone();
            sorted.sort_unstable();
            for part in [0.5, 0.95, 0.99, 1.0] {
                let rank = nearest_rank(part, sorted.len() as u64);
                let exact = in_ms(sorted[usize::try_from(rank).unwrap() - 1]);
                let ours = latency.percentile_ms(part).unwrap();
                prop_assert!((ours / exact - 1.0).abs() < 0.017, "{part}: {ours} of {exact}");
            }
        }

        #[test]
        fn a_part_is_above_all_shorter_ones(one: u64, another: u64) {
            prop_assert_eq!(part_of(one.min(another)) <= part_of(one.max(another)), true);
            prop_assert!(part_of(u64::MAX) < 1_200);
        }
    }

    #[test]
    fn the_mean_of_400_and_600_is_500_and_of_none_there_is_no_figure() {
        let two = latency([400_000_000, 600_000_000]);
        assert_eq!((two.mean_ms(), two.min_ms(), two.max_ms()), (Some(500.0), Some(400.0), Some(600.0)));
        let none = latency([]);
        assert_eq!((none.mean_ms(), none.min_ms(), none.max_ms(), none.percentile_ms(0.95)), (None, None, None, None));
    }

    #[test]
    fn a_bucket_counts_what_is_at_most_its_bound() {
        let latency = latency([5_000_000, 5_000_001, 60_000_000_000, u64::MAX]);
        let buckets = latency.buckets();
        assert_eq!((buckets[0], buckets[1], buckets[12], buckets[13]), (1, 1, 1, 1));
    }

    #[test]
    fn a_rank_is_the_nearest_one() {
        let p95 = |count| nearest_rank(0.95, count);
        assert_eq!([1, 5, 19, 20, 21, 99, 100].map(p95), [1, 5, 19, 19, 20, 95, 95]);
    }
}
