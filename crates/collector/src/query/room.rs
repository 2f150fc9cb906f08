//! How much a page has room for.

use crate::limits::PAGE_BYTES_MAX;

/// A page that is being filled: of so many rows at most, and of so many bytes or of one row.
pub(super) struct Room {
    rows_max: usize,
    rows: usize,
    bytes: usize,
}

impl Room {
    /// The room of a page of so many rows.
    pub(super) const fn of_rows(rows_max: usize) -> Self {
        Self { rows_max, rows: 0, bytes: 0 }
    }

    /// Makes room for one more row of so many bytes; `false` where there is none, and the page ends before it.
    pub(super) const fn takes(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.rows == self.rows_max || (self.bytes > PAGE_BYTES_MAX && self.rows > 0) {
            return false;
        }
        self.rows += 1;
        true
    }
}
