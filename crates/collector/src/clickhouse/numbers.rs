//! Numbers of rows, when many write: 42 bits of milliseconds since 1970, 9 of the writer, 12 of a sequence.

use crate::limits::CLICKHOUSE_WRITERS_MAX;

const WRITER_SHIFT: u32 = 12;
/// The bits of a row behind its milliseconds: those of the writer and of the sequence.
pub(crate) const ROW_BITS: u32 = WRITER_SHIFT + CLICKHOUSE_WRITERS_MAX.trailing_zeros();
const SEQUENCE_MAX: i64 = (1 << WRITER_SHIFT) - 1;
/// The last millisecond that has room in a row: in the year 2109.
const MILLIS_MAX: i64 = (1 << 42) - 1;

/// Returns the first row that may be given to what is written from a moment on.
pub(crate) fn row_at(us: i64) -> i64 {
    row_of(us, 0)
}

/// Returns in which millisecond a row was written, in microseconds.
pub(crate) const fn us_of(row: i64) -> i64 {
    (row >> ROW_BITS).saturating_mul(1000)
}

/// The lowest row of a moment that a writer may give.
pub(super) fn row_of(us: i64, writer: u16) -> i64 {
    let millis = us.div_euclid(1000).clamp(0, MILLIS_MAX);
    (millis << ROW_BITS) | (i64::from(writer) << WRITER_SHIFT)
}

/// Gives rows of one writer, none lower than one before.
#[derive(Debug)]
pub(super) struct Rows {
    writer: u16,
    /// No row below it is given any more.
    floor: i64,
}

impl Rows {
    /// Begins above what was given before, by whomever.
    pub(super) fn above(writer: u16, row: i64) -> Self {
        let mut rows = Self { writer, floor: row_of(0, writer) };
        rows.raise(row);
        rows
    }

    /// Gives none any more that is not above a row.
    pub(super) fn raise(&mut self, row: i64) {
        if row >= self.floor {
            // The next millisecond: the rest of this one belongs to rows that may be above ours.
            self.floor = row_of(((row >> ROW_BITS) + 1).saturating_mul(1000), self.writer);
        }
    }

    /// Returns the row that would be next; from now on all are that or above it.
    pub(super) fn next(&mut self, now_us: i64) -> i64 {
        self.floor = self.floor.max(row_of(now_us, self.writer));
        self.floor
    }

    /// Gives a row. Beyond what a millisecond has, those of the next are taken.
    pub(super) fn give(&mut self, now_us: i64) -> i64 {
        let row = self.next(now_us);
        self.floor = if row & SEQUENCE_MAX < SEQUENCE_MAX {
            row + 1
        } else {
            row_of(((row >> ROW_BITS) + 1).saturating_mul(1000), self.writer)
        };
        row
    }
}

#[cfg(test)]
mod tests {
    use super::{MILLIS_MAX, Rows, row_at, row_of, us_of};

    #[test]
    fn rows_of_a_moment_begin_with_its_millisecond() {
        let now_us = 1_795_672_661_000_999;
        assert_eq!(row_at(now_us), 1_795_672_661_000 << 21);
        assert_eq!((row_at(-1), row_at(999)), (0, 0));
    }

    #[test]
    fn a_row_is_behind_the_moment_at_which_it_was_written() {
        let moment = 1_795_704_792_726_122;
        assert_eq!(us_of(row_at(moment)), 1_795_704_792_726_000);
        assert_eq!((row_at(-1), us_of(0)), (0, 0));
        assert!(row_at(i64::MAX) > row_at(moment) && us_of(i64::MAX) == MILLIS_MAX * 1_000);
    }

    #[test]
    fn a_row_is_above_all_before_whatever_the_clock_does() {
        let mut rows = Rows::above(7, 0);
        let mut last = 0;
        for now_us in [5_000_000, 5_000_000, 4_000_000, 5_000_999, 5_001_000, 0, i64::MAX, 0, i64::MIN] {
            let row = rows.give(now_us);
            assert!(row > last, "{row} {last}");
            assert_eq!((row >> 12) & 511, 7);
            last = row;
        }
    }

    #[test]
    fn more_rows_than_a_millisecond_has_are_those_of_the_next() {
        let mut rows = Rows::above(511, 0);
        let given: Vec<i64> = (0..10_000).map(|_| rows.give(1_795_166_434_502_124)).collect();
        assert!(given.is_sorted_by(|a, b| a < b));
        assert!(given.iter().all(|row| (row >> 12) & 511 == 511 && *row > 0));
        assert_eq!(given[0], row_of(1_795_166_434_502_124, 511));
        assert_eq!((given[9_999] >> 21) - (given[0] >> 21), 2);
    }

    #[test]
    fn rows_begin_above_those_of_others() {
        let other = row_of(9_000_000, 500) + 5;
        let mut rows = Rows::above(3, other);
        assert!(rows.give(1_000_000) > other);
        let said = rows.next(20_000_000);
        assert_eq!(said, row_of(20_000_000, 3));
        assert_eq!(rows.give(0), said);
    }
}
