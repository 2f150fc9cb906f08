//! The buckets of a point as views have them: upper bounds, and one bucket more.

use super::point::{Buckets, Form, Point};

/// The powers of 2 that bound the buckets of what was an exponential histogram: the same for all, so that they can be added up. From
/// a hundred-thousandth to four billion; what is beyond is in the first bucket or the last.
const LOWEST: i64 = -16;
const HIGHEST: i64 = 32;

/// Returns bounds and buckets of a point.
pub(super) fn of(form: Form, point: &Point<'_>) -> (Vec<f64>, Vec<u64>) {
    match form {
        Form::Histogram if point.bucket_counts.len() == point.explicit_bounds.len() + 1 => {
            (point.explicit_bounds.clone(), point.bucket_counts.clone())
        }
        Form::Exponential => exponential(point),
        // It says how much in all, and no more.
        _ => (Vec::new(), vec![point.count]),
    }
}

/// Returns a number by which bounds are told apart.
pub(super) fn hash(bounds: &[f64]) -> u64 {
    let bytes: Vec<u8> = bounds.iter().flat_map(|bound| bound.to_bits().to_le_bytes()).collect();
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

fn exponential(point: &Point<'_>) -> (Vec<f64>, Vec<u64>) {
    #[allow(clippy::cast_possible_truncation, reason = "the bounds are few")]
    let bounds: Vec<f64> = (LOWEST..=HIGHEST).map(|power| 2.0_f64.powi(power as i32)).collect();
    let mut buckets = vec![0_u64; bounds.len() + 1];
    let mut add = |place: usize, count: u64| {
        if let Some(bucket) = buckets.get_mut(place) {
            *bucket = bucket.saturating_add(count);
        }
    };
    // What is not above zero is at most the lowest bound.
    add(0, point.zero_count);
    point.negative.bucket_counts.iter().for_each(|count| add(0, *count));
    let Buckets { offset, bucket_counts } = &point.positive;
    for (index, count) in (*offset..).zip(bucket_counts).filter(|(_, count)| **count > 0) {
        // The bucket ends at base^(index + 1), base = 2^(2^-scale): the power of 2 at which it ends, rounded up, bounds it.
        let place = upper_power(index, point.scale).saturating_sub(LOWEST);
        add(usize::try_from(place.clamp(0, HIGHEST - LOWEST + 1)).unwrap_or(0), *count);
    }
    (bounds, buckets)
}

/// Returns the least whole power of 2 that is not below the end of a bucket.
fn upper_power(index: i64, scale: i64) -> i64 {
    const SCALE_MAX: i64 = 40;
    let end = index.saturating_add(1);
    if scale > 0 {
        let per_power = 1_i64 << scale.min(SCALE_MAX);
        return end.div_euclid(per_power) + i64::from(end.rem_euclid(per_power) > 0);
    }
    end.saturating_mul(1_i64 << (-scale.max(-SCALE_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_in_the_one_that_reaches_as_far() {
        // Scale 0: bucket `index` ends at 2^(index + 1).
        assert_eq!(upper_power(0, 0), 1);
        assert_eq!(upper_power(-1, 0), 0);
        // Scale 1: sqrt(2)^(index + 1).
        assert_eq!((upper_power(0, 1), upper_power(1, 1), upper_power(2, 1)), (1, 1, 2));
        assert_eq!((upper_power(-2, 1), upper_power(-3, 1)), (0, -1));
        // Scale -1: 4^(index + 1).
        assert_eq!((upper_power(0, -1), upper_power(1, -1)), (2, 4));
        assert_eq!(upper_power(i64::MAX, -100), i64::MAX, "bounded, whatever is said");
    }

    #[test]
    fn all_that_was_counted_is_in_some_bucket() {
        let point = Point {
            scale: 3,
            zero_count: 2,
            positive: Buckets { offset: -4_000, bucket_counts: vec![1; 8_000] },
            negative: Buckets { offset: 0, bucket_counts: vec![5] },
            ..Point::default()
        };
        let (bounds, buckets) = exponential(&point);
        assert_eq!((bounds.len() + 1, buckets.iter().sum::<u64>()), (buckets.len(), 8_007));
        assert!(bounds.len() <= lastword::limits::VIEW_BOUNDS_MAX && bounds.is_sorted());
    }
}
