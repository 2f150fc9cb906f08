//! How much a page has room for.

use crate::limits::PAGE_BYTES_MAX;

/// A page that is being filled: of so many rows at most, and of so many bytes or of one row.
pub(super) struct Room {
    rows_max: usize,
    bytes_max: usize,
    rows: usize,
    bytes: usize,
}

impl Room {
    /// The room of a page of so many rows.
    pub(super) const fn of_rows(rows_max: usize) -> Self {
        Self::of(rows_max, PAGE_BYTES_MAX)
    }

    /// The room of a page of so many rows and bytes.
    pub(super) const fn of(rows_max: usize, bytes_max: usize) -> Self {
        Self { rows_max, bytes_max, rows: 0, bytes: 0 }
    }

    /// How many rows it may have.
    pub(super) const fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// How many rows are to be looked for, of which the last only tells that there are more, and for how many bytes there is room.
    #[cfg(feature = "clickhouse")]
    pub(super) const fn left(&self) -> (usize, usize) {
        (self.rows_max + 1 - self.rows, self.bytes_max.saturating_sub(self.bytes))
    }

    /// Makes room for one more row of so many bytes; `false` where there is none, and the page ends before it.
    pub(super) const fn takes(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.rows == self.rows_max || (self.bytes > self.bytes_max && self.rows > 0) {
            return false;
        }
        self.rows += 1;
        true
    }
}
