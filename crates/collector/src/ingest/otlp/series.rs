//! What was seen of cumulative series, so that what they rose by can be said.
//!
//! A cumulative point says how much there was since a start. What views add up is how much there was since the point before, so the
//! last points of each series are kept, in memory, within a bound.
//!
//! # Rules
//!
//! - **A series that began while we looked** counts from its start: its first point says all that there was. One that had begun before, or
//!   does not say when, only says from where on to count, so that what was counted before a restart of the collector is not counted
//!   again. What it rose by while the collector was down, and between the last point before and the first one after, is not counted.
//! - **A series that starts anew**, by its start or because it fell, counts from there.
//! - **A point that is sent again** says the same as before: it is told by its time, and those before it are kept.
//! - **A point that comes late**, after one of a later time, adds nothing: the later one has counted it.
//! - **A point that could not be stored** is forgotten, so that the next one counts what it would have counted.
//! - Where there is no room, the series that were heard of longest ago are forgotten; they are as those that had begun before.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock;
use crate::limits::{SERIES_KEPT_MAX, SERIES_POINTS_KEPT};

/// When a point is, and since when it counts, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) start: u64,
    pub(super) time: u64,
}

/// How much there was since the start.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Total {
    Number(f64),
    /// Of a histogram, with a number for its bounds.
    Spread {
        count: u64,
        sum: f64,
        bounds: u64,
        buckets: Vec<u64>,
    },
}

/// The cumulative series that were seen.
#[derive(Debug)]
pub(crate) struct SeriesState(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// Since when nothing was missed, in nanoseconds since 1970.
    begin: u64,
    series: HashMap<u128, Series>,
    /// Rises with each point, so that it can be told which series was heard of last.
    turn: u64,
}

#[derive(Debug, Default)]
struct Series {
    /// By time.
    seen: VecDeque<(Point, Total)>,
    turn: u64,
}

/// The points that a request brought, to be forgotten if they are not stored.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Taken(Vec<(u128, u64)>);

impl SeriesState {
    /// Begins to look, at a moment.
    pub(crate) fn new(now_us: i64) -> Self {
        Self(Mutex::new(Inner { begin: nanos(now_us), series: HashMap::new(), turn: 0 }))
    }

    /// Returns what there was since the point before, and how many nanoseconds ago that was; `None` where it can't be said.
    pub(super) fn delta(&self, key: u128, at: Point, total: Total, taken: &mut Taken) -> Option<(Total, u64)> {
        let mut inner = self.lock();
        inner.turn += 1;
        let (turn, begin) = (inner.turn, inner.begin);
        inner.make_room(key);
        let series = inner.series.entry(key).or_default();
        series.turn = turn;
        let place = series.seen.partition_point(|(seen, _)| seen.time < at.time);
        let is_known = series.seen.get(place).is_some_and(|(seen, _)| seen.time == at.time);
        if !is_known && place < series.seen.len() {
            return None;
        }
        let delta = match place.checked_sub(1).and_then(|before| series.seen.get(before)) {
            Some((before, base)) => Some(total.since(at, *before, base)),
            None => (at.start != 0 && at.start >= begin).then(|| (total.clone(), at.time.saturating_sub(at.start))),
        };
        if !is_known {
            taken.0.push((key, at.time));
            series.seen.push_back((at, total));
            if series.seen.len() > SERIES_POINTS_KEPT {
                series.seen.pop_front();
            }
        }
        delta
    }

    /// Forgets points that were not stored.
    pub(crate) fn forget(&self, taken: &Taken) {
        let mut inner = self.lock();
        for (key, time) in &taken.0 {
            if let Some(series) = inner.series.get_mut(key) {
                series.seen.retain(|(seen, _)| seen.time != *time);
                if series.seen.is_empty() {
                    inner.series.remove(key);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Forgets the half that was heard of longest ago, where a new series would be too many.
    fn make_room(&mut self, key: u128) {
        if self.series.len() < SERIES_KEPT_MAX || self.series.contains_key(&key) {
            return;
        }
        let mut turns: Vec<u64> = self.series.values().map(|series| series.turn).collect();
        let middle = turns.len() / 2;
        let (_, median, _) = turns.select_nth_unstable(middle);
        let median = *median;
        self.series.retain(|_, series| series.turn > median);
        // By our clock: a sender's may say anything.
        self.begin = self.begin.max(nanos(clock::now_us()));
    }
}

impl Total {
    fn since(&self, at: Point, before: Point, base: &Self) -> (Self, u64) {
        let is_new_start = at.start != before.start && at.start >= before.time;
        if is_new_start {
            return (self.clone(), at.time.saturating_sub(at.start));
        }
        let delta = self.minus(base).unwrap_or_else(|| self.clone());
        (delta, at.time.saturating_sub(before.time))
    }

    /// Returns what it is more; `None` where it is less, and so began anew.
    fn minus(&self, base: &Self) -> Option<Self> {
        match (self, base) {
            (Self::Number(total), Self::Number(base)) if total >= base => Some(Self::Number(total - base)),
            (
                Self::Spread { count, sum, bounds, buckets },
                Self::Spread { count: base_count, sum: base_sum, bounds: base_bounds, buckets: base_buckets },
            ) if bounds == base_bounds && buckets.len() == base_buckets.len() => Some(Self::Spread {
                count: count.checked_sub(*base_count)?,
                sum: sum - base_sum,
                bounds: *bounds,
                buckets: buckets
                    .iter()
                    .zip(base_buckets)
                    .map(|(more, less)| more.checked_sub(*less))
                    .collect::<Option<_>>()?,
            }),
            _ => None,
        }
    }
}

fn nanos(moment_us: i64) -> u64 {
    u64::try_from(moment_us).unwrap_or(0).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    /// The collector began at second 100.
    fn state() -> SeriesState {
        SeriesState::new(100_000_000)
    }

    fn rise(state: &SeriesState, start: u64, time: u64, total: f64) -> Option<f64> {
        let at = Point { start: start * SECOND, time: time * SECOND };
        match state.delta(1, at, Total::Number(total), &mut Taken::default())?.0 {
            Total::Number(number) => Some(number),
            Total::Spread { .. } => None,
        }
    }

    #[test]
    fn a_series_that_began_while_we_looked_counts_from_its_start() {
        let state = state();
        assert_eq!(rise(&state, 110, 120, 5.0), Some(5.0));
        assert_eq!(rise(&state, 110, 130, 7.0), Some(2.0));
    }

    #[test]
    fn a_series_that_had_begun_before_counts_from_its_second_point() {
        for start in [0, 50] {
            let state = state();
            assert_eq!(rise(&state, start, 120, 500.0), None, "it was counted before the restart");
            assert_eq!(rise(&state, start, 130, 507.0), Some(7.0));
        }
    }

    #[test]
    fn a_series_that_starts_anew_counts_from_there() {
        let state = state();
        rise(&state, 110, 120, 5.0);
        assert_eq!(rise(&state, 125, 130, 3.0), Some(3.0), "by its start");
        assert_eq!(rise(&state, 125, 140, 1.0), Some(1.0), "because it fell");
    }

    #[test]
    fn a_point_that_is_sent_again_says_the_same_and_one_that_is_late_says_nothing() {
        let state = state();
        rise(&state, 110, 120, 5.0);
        assert_eq!(rise(&state, 110, 120, 5.0), Some(5.0));
        assert_eq!(rise(&state, 110, 140, 9.0), Some(4.0));
        assert_eq!(rise(&state, 110, 140, 9.0), Some(4.0));
        assert_eq!(rise(&state, 110, 130, 7.0), None);
        assert_eq!(rise(&state, 110, 150, 10.0), Some(1.0));
    }

    #[test]
    fn what_was_not_stored_is_counted_by_the_next_point() {
        let state = state();
        rise(&state, 110, 120, 5.0);
        let mut taken = Taken::default();
        let at = Point { start: 110 * SECOND, time: 130 * SECOND };
        assert!(state.delta(1, at, Total::Number(7.0), &mut taken).is_some());
        state.forget(&taken);
        assert_eq!(rise(&state, 110, 140, 9.0), Some(4.0));
    }

    #[test]
    fn a_point_that_was_stored_stays_when_sending_it_again_fails() {
        let state = state();
        rise(&state, 110, 120, 5.0);
        let mut again = Taken::default();
        let at = Point { start: 110 * SECOND, time: 120 * SECOND };
        assert!(state.delta(1, at, Total::Number(5.0), &mut again).is_some());
        state.forget(&again);
        assert_eq!(rise(&state, 110, 130, 7.0), Some(2.0));
    }

    #[test]
    fn series_are_kept_within_a_bound_and_none_is_counted_twice() {
        let state = state();
        for key in 0..=SERIES_KEPT_MAX as u128 {
            let at = Point { start: 110 * SECOND, time: 120 * SECOND };
            let _ = state.delta(key, at, Total::Number(5.0), &mut Taken::default());
        }
        assert!(state.lock().series.len() <= SERIES_KEPT_MAX);
        let at = Point { start: 110 * SECOND, time: 130 * SECOND };
        assert_eq!(state.delta(0, at, Total::Number(6.0), &mut Taken::default()), None, "it was forgotten, with its 5");
    }

    #[test]
    fn histograms_are_told_bucket_by_bucket() {
        let state = state();
        let spread = |count, sum, buckets: &[u64]| Total::Spread { count, sum, bounds: 1, buckets: buckets.to_vec() };
        let at = |time: u64| Point { start: 110 * SECOND, time: time * SECOND };
        let mut taken = Taken::default();
        assert!(state.delta(1, at(120), spread(3, 6.0, &[1, 2]), &mut taken).is_some());
        let (delta, since) = state.delta(1, at(130), spread(5, 16.0, &[1, 4]), &mut taken).unwrap();
        assert_eq!((delta, since), (spread(2, 10.0, &[0, 2]), 10 * SECOND));
        let (anew, _) = state.delta(1, at(140), spread(6, 17.0, &[0, 6]), &mut taken).unwrap();
        assert_eq!(anew, spread(6, 17.0, &[0, 6]), "a bucket that falls is one that began anew");
    }
}
