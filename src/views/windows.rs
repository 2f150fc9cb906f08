//! What happened lately, second by second, by the time of the events.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::table::Fold;
use crate::clock::Timestamp;
use crate::limits::VIEW_SECONDS_MAX;

/// The latest seconds in which anything happened.
///
/// Those with the largest numbers are kept, so that one event whose clock is years ahead takes one place and no more, and what is kept
/// is the same in whatever order events come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Windows {
    /// In rising order.
    seconds: VecDeque<(u64, Counts)>,
}

impl Windows {
    pub(crate) fn add(&mut self, time: Timestamp, counts: Counts) {
        self.put(time.unix_nanos() / 1_000_000_000, counts);
    }

    #[inline]
    fn put(&mut self, second: u64, counts: Counts) {
        match self.seconds.back_mut() {
            Some((last, sum)) if *last == second => sum.fold(counts),
            _ => self.put_elsewhere(second, counts),
        }
    }

    fn put_elsewhere(&mut self, second: u64, counts: Counts) {
        match self.seconds.binary_search_by_key(&second, |(second, _)| *second) {
            Ok(at) => self.seconds[at].1.fold(counts),
            Err(0) if self.seconds.len() >= VIEW_SECONDS_MAX => {}
            Err(at) => {
                self.seconds.insert(at, (second, counts));
                if self.seconds.len() > VIEW_SECONDS_MAX {
                    self.seconds.pop_front();
                }
            }
        }
    }

    /// Sums the whole seconds of a window that ends with the second of `now`.
    pub(crate) fn sum(&self, now: Timestamp, window: Duration) -> Counts {
        let last = now.unix_nanos() / 1_000_000_000;
        let first = (last + 1).saturating_sub(window.as_secs());
        let from = self.seconds.partition_point(|(second, _)| *second < first);
        let mut sum = Counts::default();
        for (_, counts) in self.seconds.range(from..).take_while(|(second, _)| *second <= last) {
            sum.fold(*counts);
        }
        sum
    }
}

impl Fold for Windows {
    fn fold(&mut self, other: Self) {
        for (second, counts) in other.seconds {
            self.put(second, counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_nanos(second * 1_000_000_000)
    }

    fn one() -> Counts {
        Counts { events: 1, ..Counts::default() }
    }

    #[test]
    fn a_window_has_the_second_of_now_and_those_before_it() {
        let mut windows = Windows::default();
        for second in [1_000, 940, 941, 1_001, 700, 701] {
            windows.add(at(second), one());
        }
        assert_eq!(windows.sum(at(1_000), Duration::from_secs(60)).events, 2, "941 and 1000");
        assert_eq!(windows.sum(at(1_000), Duration::from_secs(300)).events, 4, "701, 940, 941 and 1000");
    }

    #[test]
    fn a_clock_that_is_years_ahead_costs_one_second_of_the_window() {
        let mut windows = Windows::default();
        windows.add(Timestamp::from_unix_nanos(u64::MAX), one());
        for second in 1_000..2_000 {
            windows.add(at(second), one());
        }
        assert_eq!(windows.seconds.len(), VIEW_SECONDS_MAX);
        assert_eq!(windows.sum(at(1_999), Duration::from_secs(300)).events, 300);
    }
}
