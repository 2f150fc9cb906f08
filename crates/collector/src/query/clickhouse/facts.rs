//! How much is stored, and where in it a moment is.

use super::super::{Facts, QueryError};
use super::{Remote, row_at};
use crate::clickhouse::Sql;

/// Counts what is in the tables, and what they take.
pub(in crate::query) fn count(remote: &Remote) -> Result<Facts, QueryError> {
    let number = |sql: &str| -> Result<Option<u64>, QueryError> {
        Ok(remote.client.row::<(u64,)>(&Sql::new(sql))?.map(|(number,)| number))
    };
    let (disk_bytes, disk_free_bytes) = disk(remote)?.unzip();
    Ok(Facts {
        database_bytes: number(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()",
        )?,
        log_bytes: None,
        sessions: number("SELECT uniqExact(session) FROM sessions")?,
        exceptions: number("SELECT uniqExact(fingerprint) FROM occurrences")?,
        disk_bytes,
        disk_free_bytes,
    })
}

/// Returns the size of the disks that the data is on, and what is free of them, in bytes; nothing of what has no size.
pub(in crate::query) fn disk(remote: &Remote) -> Result<Option<(u64, u64)>, QueryError> {
    let sql = Sql::new(
        "SELECT sum(total_space), sum(free_space) FROM system.disks WHERE type = 'Local' AND name IN \
         (SELECT disk_name FROM system.parts WHERE active AND database = currentDatabase()) HAVING count() > 0",
    );
    Ok(remote.client.row::<(u64, u64)>(&sql)?)
}

/// Returns a row before all that was received from a moment on, and not before what was received earlier and is stored. Rows have the time at
/// which they were written, which is after that.
pub(in crate::query) fn row_before(remote: &Remote, received_us: i64) -> Result<i64, QueryError> {
    // What is on its way may have been received at any time.
    let last = remote.mark()?.saturating_sub(1);
    let mut sql = Sql::new("SELECT min(row) FROM events WHERE row >= ");
    sql.number(row_at(received_us)).add(" AND received_us >= ").number(received_us).add(" HAVING count() > 0");
    let first = remote.client.row::<(i64,)>(&sql)?;
    Ok(first.map_or(last, |(row,)| row.saturating_sub(1).min(last)))
}
