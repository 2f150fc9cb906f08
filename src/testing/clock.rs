use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// A clock that shows the time that it is set to. Its clones are the same clock.
///
/// ```
/// use std::time::Duration;
/// use lastword::clock::Timestamp;
/// use lastword::testing::ManualClock;
///
/// let by_hand = ManualClock::new(Timestamp::from_unix_nanos(0));
/// let clock = by_hand.clock();
/// by_hand.advance(Duration::from_millis(5));
/// assert_eq!(clock.now().unix_millis(), 5);
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Makes a clock that shows this time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(now.unix_nanos())))
    }

    /// Returns the clock for those who only read it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::manual(Arc::clone(&self.0))
    }

    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets the time, back too: wall clocks do that.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_nanos(), Ordering::Relaxed);
    }
}
