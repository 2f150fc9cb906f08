//! Both clocks for one reading, where a thread asks for them often.
//!
//! A thread keeps what the two clocks showed when it last looked at both. For a millisecond from then on it reads the monotonic
//! clock alone: as far as that has gone on, so has the clock on the wall. That the wall clock was set, or that the machine has slept,
//! is seen a millisecond later than it could be, and no duration is touched by it.

use std::cell::Cell;

use super::{Instant, Timestamp, read};

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) wall: Timestamp,
    pub(crate) instant: Instant,
}

/// For how long one clock says what the other shows, in nanoseconds: less than what anybody compares clocks by, and long enough that
/// spans that are begun one after another need one reading each.
const KEPT_NANOS: u64 = 1_000_000;

/// Readings that lie further apart are not of one moment: the thread was held up between them. In nanoseconds.
const ONE_MOMENT_NANOS: u64 = 2_000;

thread_local! {
    /// What both clocks showed at one moment, the monotonic one first: at none so far.
    static KEPT: Cell<(u64, u64)> = const { Cell::new((1 << 63, 0)) };
}

impl Moment {
    /// Reads the clocks of the system.
    #[inline]
    pub(super) fn of_system() -> Self {
        let now = read::monotonic();
        let (then, wall) = KEPT.get();
        let passed = now.wrapping_sub(then);
        let wall = if passed < KEPT_NANOS { wall + passed } else { look_at_both(now) };
        Self { wall: Timestamp(wall), instant: Instant(now) }
    }
}

/// Returns the time on the wall, and keeps it beside that of the other clock.
#[cold]
fn look_at_both(now: u64) -> u64 {
    let wall = read::wall();
    if read::monotonic().saturating_sub(now) < ONE_MOMENT_NANOS {
        KEPT.set((now, wall));
    }
    wall
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_on_both_clocks_whether_it_was_read_or_worked_out() {
        for _ in 0..1_000 {
            let before = (read::monotonic(), read::wall());
            let moment = Moment::of_system();
            let after = (read::monotonic(), read::wall());
            assert!((before.0..=after.0).contains(&moment.instant.0));
            // A millisecond, and as much again as the clock may be set by meanwhile without anybody asking.
            let slack = 2 * KEPT_NANOS;
            assert!((before.1 - slack..=after.1 + slack).contains(&moment.wall.unix_nanos()));
        }
    }

    #[test]
    fn what_is_kept_too_long_is_read_again() {
        KEPT.set((read::monotonic() - KEPT_NANOS, 7));
        assert!(Moment::of_system().wall.unix_nanos() > 1_000_000_000);
    }
}
