//! How much is stored, and where in it a moment is.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::QueryError;

/// How much is stored. What can't be told is `None`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) database_bytes: Option<u64>,
    pub(crate) log_bytes: Option<u64>,
    pub(crate) sessions: Option<u64>,
    pub(crate) exceptions: Option<u64>,
    /// The disk that the data is on.
    pub(crate) disk_bytes: Option<u64>,
    pub(crate) disk_free_bytes: Option<u64>,
}

impl Facts {
    /// Asks the files, and the disk that they are on.
    pub(super) fn of_files(database: &Path) -> Self {
        let bytes = |path: &Path| std::fs::metadata(path).ok().map(|file| file.len());
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let (disk_bytes, disk_free_bytes) = disk(database).unzip();
        let (database_bytes, log_bytes) = (bytes(database), bytes(Path::new(&log)));
        Self { database_bytes, log_bytes, disk_bytes, disk_free_bytes, ..Self::default() }
    }

    /// Counts what is in the tables.
    pub(super) fn count(&mut self, connection: &Connection) -> Result<(), QueryError> {
        let count = |sql: &str| -> rusqlite::Result<Option<u64>> {
            let count: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            Ok(u64::try_from(count).ok())
        };
        self.sessions = count("SELECT count(*) FROM sessions")?;
        self.exceptions = count("SELECT count(*) FROM exceptions")?;
        Ok(())
    }
}

/// Returns the size of the disk that a file is on, and what is free of it for us, in bytes.
#[cfg(unix)]
#[allow(clippy::useless_conversion, reason = "some systems have narrower types")]
pub(super) fn disk(path: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let block = u64::from(disk.f_frsize);
    Some((u64::from(disk.f_blocks).saturating_mul(block), u64::from(disk.f_bavail).saturating_mul(block)))
}

#[cfg(not(unix))]
pub(super) fn disk(_: &Path) -> Option<(u64, u64)> {
    None
}

/// Asks whether the database answers.
pub(super) fn ping(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT 1", [], |_| Ok(()))
}

/// Returns the last row that was received before a moment; 0 where there is none. Batches are in the order in which they were
/// received, so it is found by halving, without an index on the time.
pub(super) fn row_before(connection: &Connection, received_us: i64) -> rusqlite::Result<i64> {
    let mut at_or_after = connection
        .prepare_cached("SELECT last_row, received_us FROM batches WHERE last_row >= ? ORDER BY last_row LIMIT 1")?;
    let newest: i64 =
        connection.prepare_cached("SELECT coalesce(max(last_row), 0) FROM batches")?.query_row([], |row| row.get(0))?;
    // All rows up to `low` were received before; those above `high` were not.
    let (mut low, mut high) = (0, newest);
    while low < high {
        let middle = low + (high - low) / 2 + 1;
        let found = at_or_after.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((last_row, received)) if i64::lt(&received, &received_us) => low = i64::max(last_row, middle),
            _ => high = middle - 1,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_found_between_the_batches_around_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::store::migrate(&mut connection, 0).unwrap();
        assert_eq!(row_before(&connection, 5).unwrap(), 0);
        for (first, last, received) in [(1, 10, 100), (11, 11, 200), (12, 40, 200), (41, 50, 300)] {
            let sql = "INSERT INTO batches VALUES (?, ?, 1, ?, 0, 0, 0, NULL)";
            connection.execute(sql, [last, first, received]).unwrap();
        }
        let rows = [(100, 0), (101, 10), (200, 10), (201, 40), (300, 40), (301, 50), (900, 50)];
        for (moment, row) in rows {
            assert_eq!(row_before(&connection, moment).unwrap(), row, "{moment}");
        }
    }
}
