//! How long to wait before the next attempt.
//!
//! The `backoff` crate is used for its arithmetic alone: its own jitter is off, because it can't be made to repeat, and
//! its clock never matters. No other file names it.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

use crate::limits::{
    QUADRATIC_BASE_DEFAULT, QUADRATIC_DELAY_MAX, QUADRATIC_RETRIES_DEFAULT, RETRIES_DEFAULT, RETRIES_MAX,
    RETRY_BASE_DEFAULT, RETRY_DELAY_MAX, RETRY_JITTER,
};

/// How often a batch is tried again, and how long is waited before each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub max_retries: u32,
    /// The wait before the first retry.
    pub base: Duration,
    /// How the waits that follow grow.
    pub growth: Growth,
    /// The longest wait, [`RETRY_DELAY_MAX`] at the most.
    pub longest: Duration,
}

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Growth {
    /// Each is twice the one before: `base * 2^retry`.
    Exponential,
    /// By the square of the attempt that failed: `base * attempt²`.
    Quadratic,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: RETRIES_DEFAULT,
            base: RETRY_BASE_DEFAULT,
            growth: Growth::Exponential,
            longest: RETRY_DELAY_MAX,
        }
    }
}

impl RetryPolicy {
    /// Eight attempts, with waits of 500 ms times the square of the attempt that failed, 30 s at the most.
    ///
    /// ```
    /// use lastword::retry::RetryPolicy;
    ///
    /// let waits: Vec<_> = (0..8).map(|retry| RetryPolicy::quadratic().wait(retry).as_millis()).collect();
    /// assert_eq!(waits, [500, 2_000, 4_500, 8_000, 12_500, 18_000, 24_500, 30_000]);
    /// assert!(!RetryPolicy::quadratic().is_spent(6) && RetryPolicy::quadratic().is_spent(7));
    /// ```
    #[must_use]
    pub const fn quadratic() -> Self {
        Self {
            max_retries: QUADRATIC_RETRIES_DEFAULT,
            base: QUADRATIC_BASE_DEFAULT,
            growth: Growth::Quadratic,
            longest: QUADRATIC_DELAY_MAX,
        }
    }

    /// Returns the wait before retry `retry`, the first being 0: what the other side asked for, else what the policy says
    /// and up to a tenth more. Never longer than the bound.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lastword::retry::{Jitter, RetryPolicy};
    ///
    /// let policy = RetryPolicy::default();
    /// let wait = policy.delay(2, None, &mut Jitter::new(7));
    /// assert!(wait >= Duration::from_secs(4) && wait <= Duration::from_millis(4_400));
    /// assert_eq!(policy.delay(2, Some(Duration::from_secs(9)), &mut Jitter::new(7)), Duration::from_secs(9));
    /// ```
    #[must_use]
    pub fn delay(&self, retry: u32, asked: Option<Duration>, jitter: &mut Jitter) -> Duration {
        if let Some(asked) = asked {
            return asked.min(RETRY_DELAY_MAX);
        }
        let (wait, longest) = (self.wait(retry), self.longest.min(RETRY_DELAY_MAX));
        let spread = wait.mul_f64(RETRY_JITTER * jitter.next());
        // At the bound the spread goes the other way: clients that wait longest must not come back together either.
        let later = wait.saturating_add(spread);
        if later > longest { wait.saturating_sub(spread) } else { later }
    }

    /// Returns whether that many retries are all there are.
    #[must_use]
    pub const fn is_spent(&self, retries: u32) -> bool {
        retries >= self.max_retries
    }

    /// Returns the wait before retry `retry` as the policy says it, without what is added so that clients do not come back
    /// together.
    #[must_use]
    pub fn wait(&self, retry: u32) -> Duration {
        let wait = match self.growth {
            Growth::Exponential => self.exponential(retry),
            Growth::Quadratic => {
                let attempt = retry.min(RETRIES_MAX) + 1;
                self.base.saturating_mul(attempt * attempt)
            }
        };
        wait.min(self.longest).min(RETRY_DELAY_MAX)
    }

    fn exponential(&self, retry: u32) -> Duration {
        let base = self.base.min(RETRY_DELAY_MAX);
        let mut backoff = ExponentialBackoff {
            current_interval: base,
            initial_interval: base,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: RETRY_DELAY_MAX,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        // A retry beyond the bound waits as long as the one at it: from there on nothing doubles any more.
        let waits = std::iter::from_fn(|| backoff.next_backoff());
        waits.take(retry.min(RETRIES_MAX) as usize + 1).last().unwrap_or(RETRY_DELAY_MAX).min(RETRY_DELAY_MAX)
    }
}

/// Random numbers that repeat, given the same start (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Jitter(u64);

impl Jitter {
    /// Starts a series; another number starts another one.
    #[must_use]
    pub const fn new(start: u64) -> Self {
        Self(start)
    }

    /// Returns the next number, from 0 up to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // 32 bits are more than a wait needs, and go into an `f64` without loss.
        f64::from((z >> 32) as u32) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn waits_double_from_the_base_to_the_bound() {
        let policy = RetryPolicy::default();
        let waits: Vec<_> = (0..9).map(|retry| policy.exponential(retry)).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60].map(seconds));
        assert_eq!(policy.exponential(u32::MAX), RETRY_DELAY_MAX);
    }

    #[test]
    fn the_quadratic_waits_are_those_of_the_golden_table() {
        let policy = RetryPolicy::quadratic();
        let waits: Vec<_> = (0..10).map(|retry| policy.wait(retry).as_millis()).collect();
        assert_eq!(waits, [500, 2_000, 4_500, 8_000, 12_500, 18_000, 24_500, 30_000, 30_000, 30_000]);
        assert_eq!(policy.wait(u32::MAX), seconds(30));
        assert_eq!([6, 7].map(|retries| policy.is_spent(retries)), [false, true], "eight attempts");
        let spread = (0..1_000).map(|start| policy.delay(7, None, &mut Jitter::new(start))).max().unwrap();
        assert!(spread <= seconds(30), "{spread:?}");
    }

    #[test]
    fn the_spread_is_a_tenth_at_most_and_never_passes_the_bound() {
        let policy = RetryPolicy::default();
        let mut jitter = Jitter::new(1);
        for retry in (0..20).cycle().take(10_000) {
            let (plain, wait) = (policy.wait(retry), policy.delay(retry, None, &mut jitter));
            if plain == RETRY_DELAY_MAX {
                assert!(wait >= plain.mul_f64(0.9) && wait <= plain, "{wait:?}");
            } else {
                assert!(wait >= plain && wait <= plain.mul_f64(1.1), "{wait:?}");
            }
        }
    }

    #[test]
    fn the_same_start_gives_the_same_waits_and_another_one_others() {
        let waits = |start| {
            let mut jitter = Jitter::new(start);
            (0..5).map(|retry| RetryPolicy::default().delay(retry, None, &mut jitter)).collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    #[test]
    fn what_the_other_side_asks_for_wins_up_to_the_bound() {
        let (policy, mut jitter) = (RetryPolicy::default(), Jitter::new(1));
        assert_eq!(policy.delay(0, Some(seconds(7)), &mut jitter), seconds(7));
        assert_eq!(policy.delay(9, Some(Duration::from_millis(5)), &mut jitter), Duration::from_millis(5));
        assert_eq!(policy.delay(0, Some(seconds(3_600)), &mut jitter), RETRY_DELAY_MAX);
    }

    #[test]
    fn a_base_of_zero_never_waits_and_a_base_beyond_the_bound_waits_for_the_bound() {
        let of_base = |base| RetryPolicy { base, ..RetryPolicy::default() };
        assert_eq!(of_base(Duration::ZERO).delay(5, None, &mut Jitter::new(1)), Duration::ZERO);
        assert_eq!(of_base(Duration::MAX).exponential(0), RETRY_DELAY_MAX);
    }

    #[test]
    fn three_retries_are_spent_after_the_third() {
        let policy = RetryPolicy::default();
        assert_eq!([0, 2, 3, 4].map(|retries| policy.is_spent(retries)), [false, false, true, true]);
        assert!(RetryPolicy { max_retries: 0, ..policy }.is_spent(0));
    }
}
