//! What was measured of late, in parts of a window.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::{ALERT_SLOTS, ALERT_SPREAD_STEP};

/// Numbers of the last while.
#[derive(Debug)]
pub(super) struct Window {
    length_us: i64,
    slot_us: i64,
    slots: BTreeMap<i64, Slot>,
}

/// What was measured in a part of the window, or in all of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Slot {
    pub(super) count: u64,
    /// Of a ratio: of how many.
    pub(super) among: u64,
    pub(super) sum: f64,
    pub(super) max: Option<f64>,
    /// How many are of about the same size.
    spread: BTreeMap<i32, u64>,
    /// How many are no more than 0.
    none: u64,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let length_us = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        Self { length_us, slot_us: (length_us / ALERT_SLOTS).max(1), slots: BTreeMap::new() }
    }

    /// Returns the part that a moment is in; `None` if it is over.
    pub(super) fn slot(&mut self, time_us: i64) -> Option<&mut Slot> {
        let number = time_us.div_euclid(self.slot_us);
        let first = self.slots.last_key_value().map_or(number, |(newest, _)| *newest) - ALERT_SLOTS;
        if number < first {
            return None;
        }
        if number - ALERT_SLOTS > first {
            self.slots = self.slots.split_off(&(number - ALERT_SLOTS));
        }
        Some(self.slots.entry(number).or_default())
    }

    /// Returns all that was measured in the window that ends at a moment.
    pub(super) fn sum(&self, now_us: i64) -> Slot {
        let first = now_us.saturating_sub(self.length_us).div_euclid(self.slot_us) + 1;
        let last = now_us.div_euclid(self.slot_us);
        let mut sum = Slot::default();
        if first <= last {
            self.slots.range(first..=last).for_each(|(_, slot)| sum.add(slot));
        }
        sum
    }
}

impl Slot {
    /// Returns what counts come to of which nothing else is known.
    pub(super) fn of(count: u64, among: u64) -> Self {
        Self { count, among, ..Self::default() }
    }

    /// Takes a number into account.
    pub(super) fn put(&mut self, number: f64) {
        self.count += 1;
        self.sum += number;
        self.max = Some(self.max.map_or(number, |max| max.max(number)));
        match part_of(number) {
            Some(part) => *self.spread.entry(part).or_default() += 1,
            None => self.none += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.among += other.among;
        self.sum += other.sum;
        self.max = self.max.into_iter().chain(other.max).reduce(f64::max);
        self.none += other.none;
        other.spread.iter().for_each(|(part, count)| *self.spread.entry(*part).or_default() += count);
    }

    /// Returns what this part of the numbers (0 to 1) is at most, off by 2 % at most.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub(super) fn percentile(&self, part: f64) -> Option<f64> {
        let max = self.max?;
        let rank = ((part * self.count as f64).ceil() as u64).max(1);
        let mut below = self.none;
        if below >= rank {
            return Some(0.0);
        }
        let found = self.spread.iter().find(|(_, count)| {
            below += **count;
            below >= rank
        });
        Some(found.map_or(max, |(part, _)| ALERT_SPREAD_STEP.powi(*part + 1).min(max)))
    }
}

/// Returns among which numbers of about the same size it is.
#[allow(clippy::cast_possible_truncation, reason = "a logarithm of a finite float is small")]
fn part_of(number: f64) -> Option<i32> {
    (number > 0.0).then(|| (number.ln() / ALERT_SPREAD_STEP.ln()).floor() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn what_is_older_than_the_window_counts_no_more() {
        let mut window = Window::new(Duration::from_secs(60));
        for second in 0..200 {
            window.slot(second * SECOND).unwrap().count += 1;
        }
        assert_eq!(window.sum(199 * SECOND).count, 60);
        assert_eq!(window.sum(229 * SECOND).count, 30);
        assert_eq!(window.sum(900 * SECOND).count, 0);
        assert!(window.slot(0).is_none() && window.slots.len() <= 122);
    }

    #[test]
    fn a_percentile_is_off_by_two_percent_at_most() {
        let mut slot = Slot::default();
        (1..=1000).for_each(|number| slot.put(f64::from(number)));
        for (part, right) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = slot.percentile(part).unwrap();
            assert!((found - right).abs() <= right * 0.02, "{part}: {found}");
        }
        assert_eq!(Slot::default().percentile(0.5), None);
    }
}
