//! A range of time in equal parts: the bars of a chart.

use super::Moment;
use crate::limits::CHART_PARTS_MAX;
use crate::store::{WIDTHS_US, floor};

/// A minute in microseconds.
const MINUTE: i64 = WIDTHS_US[0];

/// An hour in microseconds.
const HOUR: i64 = WIDTHS_US[1];

/// How wide parts may be, in minutes: what clocks and calendars are made of.
const MINUTES: [i64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 10_080];

/// A range of time in equal parts, each a whole number of minutes that begins at a round time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    first_us: i64,
    step_us: i64,
    parts: usize,
}

impl Grid {
    /// Divides the time from one moment to another into at most 60 parts, none shorter than a minute.
    #[must_use]
    pub fn new(since: Moment, until: Moment) -> Self {
        Self::of_steps(since, until, 0)
    }

    /// Divides it into parts none of which is shorter than an hour, for what is counted by hours.
    #[must_use]
    pub fn of_hours(since: Moment, until: Moment) -> Self {
        Self::of_steps(since, until, 60)
    }

    fn of_steps(since: Moment, until: Moment, minutes_min: i64) -> Self {
        let most = i64::try_from(CHART_PARTS_MAX).unwrap_or(i64::MAX);
        let (since, until) = (since.as_micros(), until.as_micros().max(since.as_micros().saturating_add(1)));
        let parts = |step: i64| (until.saturating_sub(1).saturating_sub(floor(since, step)) / step).saturating_add(1);
        let fits = MINUTES
            .into_iter()
            .filter(|minutes| *minutes >= minutes_min)
            .map(|minutes| minutes * MINUTE)
            .find(|step| parts(*step) <= most);
        // Of centuries the parts are as wide as they need to be.
        let step_us =
            fits.unwrap_or_else(|| (until.saturating_sub(since) / (most - 1) / HOUR + 1).saturating_mul(HOUR));
        let parts = usize::try_from(parts(step_us).clamp(1, most)).unwrap_or(1);
        Self { first_us: floor(since, step_us), step_us, parts }
    }

    /// Returns how many parts there are.
    #[must_use]
    pub const fn parts(&self) -> usize {
        self.parts
    }

    /// Returns when a part begins. That of the number of parts is when the last one ends.
    #[must_use]
    pub fn begin(&self, part: usize) -> Moment {
        let part = i64::try_from(part).unwrap_or(i64::MAX);
        Moment::from_micros(self.first_us.saturating_add(part.saturating_mul(self.step_us)))
    }

    /// Returns the part that a moment is in, if it is in any.
    #[must_use]
    pub fn part_of(&self, moment: Moment) -> Option<usize> {
        let part = moment.as_micros().checked_sub(self.first_us)?.div_euclid(self.step_us);
        usize::try_from(part).ok().filter(|part| *part < self.parts)
    }

    /// Returns the widest of what is counted of which each part is made: a minute or an hour, in microseconds.
    pub(super) const fn source_us(&self) -> i64 {
        if self.step_us % WIDTHS_US[1] == 0 { WIDTHS_US[1] } else { WIDTHS_US[0] }
    }

    /// Returns when the first part begins and how wide each is, in microseconds.
    pub(super) const fn origin_us(&self) -> (i64, i64) {
        (self.first_us, self.step_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(since_minute: i64, until_minute: i64) -> Grid {
        Grid::new(Moment::from_micros(since_minute * MINUTE), Moment::from_micros(until_minute * MINUTE))
    }

    #[test]
    fn parts_are_round_and_not_too_many() {
        for (since, until, step, parts) in
            [(0, 60, 1, 60), (1, 62, 2, 31), (0, 1440, 30, 48), (7, 1447, 30, 49), (0, 43_200, 720, 60), (5, 5, 1, 1)]
        {
            let grid = grid(since, until);
            assert_eq!((grid.step_us / MINUTE, grid.parts()), (step, parts), "{since} to {until}");
            assert_eq!(grid.first_us % grid.step_us, 0);
            assert!(grid.part_of(Moment::from_micros(since * MINUTE)) == Some(0));
        }
    }

    #[test]
    fn parts_of_hours_begin_and_end_with_hours() {
        let hours = Grid::of_hours(Moment::from_micros(7 * MINUTE), Moment::from_micros(121 * MINUTE));
        assert_eq!((hours.first_us, hours.step_us / MINUTE, hours.parts()), (0, 60, 3));
        let month = Grid::of_hours(Moment::from_micros(0), Moment::from_micros(43_200 * MINUTE));
        assert_eq!((month.step_us / MINUTE, month.parts()), (720, 60));
    }

    #[test]
    fn any_two_moments_make_a_grid() {
        for (since, until) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (0, i64::MAX), (i64::MAX, i64::MAX)] {
            let grid = Grid::new(Moment::from_micros(since), Moment::from_micros(until));
            assert!((1..=CHART_PARTS_MAX).contains(&grid.parts()) && grid.step_us > 0, "{grid:?}");
            assert!(grid.begin(0) <= grid.begin(grid.parts()));
        }
    }

    #[test]
    fn a_moment_is_in_the_part_that_began_last() {
        let grid = grid(0, 60);
        assert_eq!(grid.part_of(grid.begin(59)), Some(59));
        assert_eq!(grid.part_of(Moment::from_micros(grid.begin(59).as_micros() - 1)), Some(58));
        assert_eq!((grid.part_of(grid.begin(60)), grid.part_of(Moment::from_micros(-1))), (None, None));
    }
}
