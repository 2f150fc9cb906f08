//! The questions about a store in ClickHouse. What is right is said where SQLite's are asked: modules and functions have the same names.
//!
//! - Events are read with `FINAL`: an event that was written twice is there once, in its first row, and whatever is counted is counted of
//!   them.
//! - The key begins with the hour, so hours are narrowed down wherever they are known. Hour 0 has what happened at no time that can be, so
//!   whoever asks for a time asks for hour 0 too.
//! - Groups have several rows each, which come together in the question (`GROUP BY`).

pub(super) mod audit;
pub(super) mod band;
pub(super) mod calls;
pub(super) mod events;
pub(super) mod exceptions;
pub(super) mod explore;
pub(super) mod facts;
pub(super) mod find;
pub(super) mod groups;
pub(super) mod histogram;
pub(super) mod info;
mod narrow;
pub(super) mod occurrences;
pub(super) mod runs;
pub(super) mod series;
pub(super) mod session_sums;
pub(super) mod sessions;
pub(super) mod stats;
pub(super) mod told;
pub(super) mod traces;
pub(super) mod users;

use super::QueryError;
use crate::clickhouse::{Client, Sql};
use crate::clock;
use crate::limits::CLICKHOUSE_WRITER_SILENT;

/// Bits of a row behind its milliseconds: the writer's number, and which of its rows of that millisecond it is.
const BITS_BEHIND_TIME: u32 = 21;
/// The last millisecond that a row can have.
const LAST_MS: i64 = (1 << 42) - 1;

/// A store in ClickHouse that is read.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) client: Client,
}

impl Remote {
    /// Begins to read a store.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or has none in this database.
    pub(crate) fn open(client: Client) -> Result<Self, QueryError> {
        let remote = Self { client };
        remote.mark()?;
        Ok(remote)
    }

    /// Returns the row below which all rows are stored: none comes there any more. Of several writers it is that of the one that is furthest
    /// behind, as long as it says anything.
    pub(crate) fn mark(&self) -> Result<i64, QueryError> {
        let mut sql = Sql::new("SELECT count(), min(open_row) FROM writers FINAL WHERE at_us > ");
        sql.number(clock::before(clock::now_us(), CLICKHOUSE_WRITER_SILENT));
        match self.client.row::<(i64, i64)>(&sql)? {
            Some((writers, open_row)) if writers > 0 => Ok(open_row),
            // Nobody writes, so nothing is on its way.
            _ => {
                let newest = self.client.row::<(i64,)>(&Sql::new("SELECT max(row) FROM events"))?;
                Ok(newest.map_or(1, |(row,)| row.saturating_add(1)))
            }
        }
    }
}

/// Returns the first row that may be given to what is written from a moment on.
fn row_at(us: i64) -> i64 {
    us.div_euclid(1_000).clamp(0, LAST_MS) << BITS_BEHIND_TIME
}

/// Returns in which millisecond a row was written, in microseconds.
const fn us_of(row: i64) -> i64 {
    (row >> BITS_BEHIND_TIME).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_behind_the_moment_at_which_it_was_written() {
        let moment = 1_795_704_792_726_122;
        assert_eq!(us_of(row_at(moment)), 1_795_704_792_726_000);
        assert_eq!((row_at(-1), us_of(0)), (0, 0));
        assert!(row_at(i64::MAX) > row_at(moment) && us_of(i64::MAX) == LAST_MS * 1_000);
    }
}
