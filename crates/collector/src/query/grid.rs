//! A range of time in equal parts: the bars of a chart.

use super::Moment;
use crate::limits::CHART_PARTS_MAX;
use crate::store::{WIDTHS_US, floor};

/// A minute in microseconds.
pub(super) const MINUTE: i64 = WIDTHS_US[0];

/// An hour in microseconds.
const HOUR: i64 = WIDTHS_US[1];

/// How wide parts may be, in minutes: what clocks and calendars are made of.
const MINUTES: [i64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 10_080];

/// A range of time in equal parts, each a whole number of minutes that begins at a round time. The first and the last part may reach
/// beyond the range: what is counted of them is what lies within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    since_us: i64,
    until_us: i64,
    first_us: i64,
    step_us: i64,
    parts: usize,
}

/// The part of a minute that a range of time begins or ends with, where it is not the whole minute that is counted as events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    /// When the minute begins.
    pub(super) minute_us: i64,
    /// The part of it.
    pub(super) since_us: i64,
    pub(super) until_us: i64,
}

impl Edge {
    /// Returns when the minute ends.
    pub(super) const fn minute_end_us(&self) -> i64 {
        self.minute_us.saturating_add(MINUTE)
    }

    /// Tells whether a moment is in the part that is in the range.
    pub(super) const fn has(&self, time_us: i64) -> bool {
        self.since_us <= time_us && time_us < self.until_us
    }
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
        Self { since_us: since, until_us: until, first_us: floor(since, step_us), step_us, parts }
    }

    /// Takes in all of the minute that the range ends in: of one that ends now, since what comes while one looks is in the lists too.
    #[must_use]
    pub fn open(self) -> Self {
        Self { until_us: up(self.until_us, MINUTE), ..self }
    }

    /// Takes in all of the parts that the range begins and ends in, for a picture that nothing is held against.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self { since_us: self.first_us, until_us: self.begin(self.parts).as_micros(), ..self }
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

    /// Returns the time of a part that is in the range: from when on, and up to when.
    #[must_use]
    pub fn within(&self, part: usize) -> (Moment, Moment) {
        let (begin, end) = (self.begin(part).as_micros(), self.begin(part.saturating_add(1)).as_micros());
        (Moment::from_micros(begin.max(self.since_us)), Moment::from_micros(end.min(self.until_us)))
    }

    /// Returns the part that a moment is in, if it is in any.
    #[must_use]
    pub fn part_of(&self, moment: Moment) -> Option<usize> {
        let part = moment.as_micros().checked_sub(self.first_us)?.div_euclid(self.step_us);
        usize::try_from(part).ok().filter(|part| *part < self.parts)
    }

    /// Returns what is counted as events come of the whole minutes in the range: the width of the counts, and from which on up to which.
    /// Hours are counted at once where each part is made of hours.
    pub(super) fn counted(&self) -> Vec<(i64, i64, i64)> {
        let (from, to) = (up(self.since_us, MINUTE), floor(self.until_us, MINUTE));
        if self.step_us % HOUR == 0 { by_hours(from, to) } else { vec![(MINUTE, from, to)] }
    }

    /// Returns the parts of minutes at the ends of the range, at most two.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let edge = |minute_us: i64| Edge {
            minute_us,
            since_us: minute_us.max(self.since_us),
            until_us: minute_us.saturating_add(MINUTE).min(self.until_us),
        };
        let mut edges = vec![edge(floor(self.since_us, MINUTE)), edge(floor(self.until_us, MINUTE))];
        edges.dedup();
        edges.retain(|edge| {
            let is_whole = edge.since_us == edge.minute_us && edge.until_us == edge.minute_end_us();
            edge.since_us < edge.until_us && !is_whole
        });
        edges
    }

    /// Returns when the first part begins and how wide each is, in microseconds.
    pub(super) const fn origin_us(&self) -> (i64, i64) {
        (self.first_us, self.step_us)
    }
}

/// Returns the first moment from one on at which a minute or an hour begins.
pub(super) fn up(moment_us: i64, width_us: i64) -> i64 {
    floor(moment_us.saturating_add(width_us - 1), width_us)
}

/// Returns of what counts a time of whole minutes is made, each with its width: whole hours where there are some, minutes at both ends.
pub(super) fn by_hours(from: i64, to: i64) -> Vec<(i64, i64, i64)> {
    let (first_hour, last_hour) = (up(from, HOUR), floor(to, HOUR));
    if first_hour < last_hour {
        vec![(MINUTE, from, first_hour), (HOUR, first_hour, last_hour), (MINUTE, last_hour, to)]
    } else {
        vec![(MINUTE, from, to)]
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
    fn a_range_is_made_of_whole_minutes_and_of_parts_of_those_at_its_ends() {
        let of = |since: i64, until: i64| {
            let grid = Grid::new(Moment::from_micros(since), Moment::from_micros(until));
            let whole: i64 = grid.counted().iter().map(|(_, from, to)| (to - from).max(0)).sum();
            let parts: i64 = grid.edges().iter().map(|edge| edge.until_us - edge.since_us).sum();
            (whole, parts, grid.edges().len())
        };
        let (minute, day) = (MINUTE, 24 * HOUR);
        assert_eq!(of(0, minute), (minute, 0, 0));
        assert_eq!(of(1, minute), (0, minute - 1, 1));
        assert_eq!(of(5, 9), (0, 4, 1));
        assert_eq!(of(minute, minute + 9), (0, 9, 1));
        assert_eq!(of(minute - 3, 2 * minute + 2), (minute, 5, 2));
        assert_eq!(of(minute - 3, 9 * day + 2), (9 * day - minute, 5, 2));
        let grid = Grid::new(Moment::from_micros(7), Moment::from_micros(90 * minute + 8));
        assert_eq!(grid.within(0).0.as_micros(), 7);
        assert_eq!(grid.within(grid.parts() - 1).1.as_micros(), 90 * minute + 8);
        assert_eq!((grid.open().until_us, grid.open().edges().len()), (91 * minute, 1));
        assert!(grid.rounded().edges().is_empty());
    }

    #[test]
    fn a_moment_is_in_the_part_that_began_last() {
        let grid = grid(0, 60);
        assert_eq!(grid.part_of(grid.begin(59)), Some(59));
        assert_eq!(grid.part_of(Moment::from_micros(grid.begin(59).as_micros() - 1)), Some(58));
        assert_eq!((grid.part_of(grid.begin(60)), grid.part_of(Moment::from_micros(-1))), (None, None));
    }
}
