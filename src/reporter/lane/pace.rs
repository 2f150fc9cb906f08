//! How many events a batch has: fewer where the other side, or the way there, is slow to fail.

use std::time::Duration;

use crate::limits::{ATTEMPT_SLOW_FROM, PACE_EVENTS_MIN};

/// How many events the next batch may have.
///
/// A batch that is not taken after a long while may have been too much for the network or for the server: the next one has
/// half as many. One that is taken at once says that twice as many may be. A batch that was handed over once stays as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    most: usize,
    events: usize,
}

impl Pace {
    pub(super) const fn new(most: usize) -> Self {
        Self { most, events: most }
    }

    pub(super) const fn events(self) -> usize {
        self.events
    }

    /// Notes how long an attempt took.
    pub(super) fn note(&mut self, took: Duration, is_taken: bool) {
        match (took >= ATTEMPT_SLOW_FROM, is_taken) {
            (true, false) => self.events = (self.events / 2).max(PACE_EVENTS_MIN.min(self.most)),
            (false, true) => self.events = self.events.saturating_mul(2).min(self.most),
            // A quick no says nothing about size, and neither does a slow yes.
            (true, true) | (false, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_failure_halves_and_a_quick_success_doubles() {
        let mut pace = Pace::new(100);
        let mut after = |took: Duration, is_taken| {
            pace.note(took, is_taken);
            pace.events()
        };
        let (slow, quick) = (ATTEMPT_SLOW_FROM, ATTEMPT_SLOW_FROM / 2);
        assert_eq!([after(slow, false), after(slow, false), after(quick, false), after(slow, true)], [50, 25, 25, 25]);
        assert_eq!([after(slow, false), after(slow, false), after(slow, false)], [12, 10, 10]);
        assert_eq!([after(quick, true), after(quick, true), after(quick, true), after(quick, true)], [20, 40, 80, 100]);
        let mut small = Pace::new(3);
        small.note(slow, false);
        assert_eq!(small.events(), 3);
    }
}
