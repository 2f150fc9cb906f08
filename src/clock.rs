//! The only reader of time and maker of ids.
//!
//! Everything else is given a [`Clock`], so that a test can say what time it is. Wall time ([`Timestamp`]) says when
//! something happened; durations come from the monotonic clock ([`Instant`]) and are never negative.

mod both;
mod draw;
mod read;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use both::Moment;
pub(crate) use draw::{draw_span_id, draw_trace_id};

/// A moment on the wall clock, in nanoseconds since 1970-01-01T00:00:00Z. Moments before that are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Makes a timestamp of nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }

    /// Returns how much later this moment is than `earlier`; zero if it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the whole milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

/// A moment on the monotonic clock, for durations alone, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// Returns how much later this moment is than `earlier`; zero if it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns how many milliseconds later this moment is than `earlier`; zero if it is not.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // From 104 days on a nanosecond is no longer told apart.
    pub const fn millis_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e6
    }

    /// Returns the moment that much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Where time and ids come from.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows what `nanos` holds, in nanoseconds since 1970-01-01T00:00:00Z, on both scales.
    #[must_use]
    pub const fn manual(nanos: Arc<AtomicU64>) -> Self {
        Self(Source::Manual(nanos))
    }

    /// Returns the time on the wall.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp(read::wall()),
            Source::Manual(nanos) => Timestamp(nanos.load(Ordering::Relaxed)),
        }
    }

    /// Returns the moment for measuring durations.
    #[inline]
    #[must_use]
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Source::System => Instant(read::monotonic()),
            Source::Manual(nanos) => Instant(nanos.load(Ordering::Relaxed)),
        }
    }

    /// Returns the time on the wall and the moment for measuring durations, for what is mostly one reading.
    #[inline]
    pub(crate) fn moment(&self) -> Moment {
        match &self.0 {
            Source::System => Moment::of_system(),
            Source::Manual(nanos) => {
                let nanos = nanos.load(Ordering::Relaxed);
                Moment { wall: Timestamp(nanos), instant: Instant(nanos) }
            }
        }
    }
}

/// Returns the moment on the clock of the runtime's timers, which a test may pause.
pub(crate) fn timer_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Returns a new random number of 64 bits.
#[must_use]
pub fn random_u64() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    // A version 4 UUID has fixed bits in both halves; what is fixed in one is random in the other.
    high ^ low.rotate_left(32)
}

/// Returns a new random id (UUID version 4).
#[must_use]
pub fn random_id() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_shows_what_it_was_set_to() {
        let nanos = Arc::new(AtomicU64::new(1_500_000));
        let clock = Clock::manual(Arc::clone(&nanos));
        let before = clock.instant();
        assert_eq!(clock.now().unix_millis(), 1);
        nanos.fetch_add(250_000_000, Ordering::Relaxed);
        assert_eq!(clock.instant().since(before), Duration::from_millis(250));
        assert_eq!(before.since(clock.instant()), Duration::ZERO, "a duration is never negative");
    }

    #[test]
    fn random_numbers_do_not_repeat() {
        let numbers: std::collections::HashSet<u64> = (0..1_000).map(|_| random_u64()).collect();
        assert_eq!(numbers.len(), 1_000);
    }
}
