//! Bringing a group of exceptions to what is left of it, when exceptions are removed: nothing that only they said stays in it.
//!
//! Counts, versions, sessions, severity and buckets of users are exact, for each is counted as it is added. The text is that of the first exception
//! that is left. When the first and the last happened is read from the rows that are left, up to [`REGROUP_ROWS`] in a step of removing; of groups with more
//! than that the group's are known by the minute, and those of its versions lie within the group's. Of a group that was resolved, and came back by what is
//! removed, is known still that it came back.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::blobs;
use super::tally::WIDTHS_US;
use crate::ingest::Exception;
use crate::limits::REGROUP_ROWS;

/// Takes so many exceptions out of each group, whose rows are gone and are counted no more beside it.
pub(super) fn settle(transaction: &Transaction<'_>, groups: HashMap<i64, i64>) -> rusqlite::Result<()> {
    let mut rows = REGROUP_ROWS;
    for (group, count) in groups {
        let left: Option<(i64, i64)> = transaction
            .prepare_cached("UPDATE exceptions SET count = count - ?2 WHERE id = ?1 RETURNING count, sample_row")?
            .query_row([group, count], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((left, sample)) = left else { continue };
        if left <= 0 {
            transaction.prepare_cached("DELETE FROM exceptions WHERE id = ?")?.execute([group])?;
            continue;
        }
        tell_worst(transaction, group)?;
        tell_first(transaction, group, sample)?;
        if left <= rows {
            rows -= left;
            tell_times(transaction, group)?;
        } else {
            tell_minutes(transaction, group)?;
        }
    }
    Ok(())
}

/// Says of a group the worst severity and the buckets of users that are counted of it.
pub(super) fn tell_worst(transaction: &Transaction<'_>, group: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE exceptions SET
                 severity = coalesce((SELECT -1 - min(what) FROM exception_tallies WHERE exception = ?1 AND what < 0), severity),
                 buckets = (SELECT coalesce(sum(1 << what), 0) FROM exception_tallies WHERE exception = ?1 AND what >= 0)
             WHERE id = ?1",
        )?
        .execute([group])
        .map(drop)
}

/// Says of a group what the first exception says that is left of it, if the one that said it is gone.
fn tell_first(transaction: &Transaction<'_>, group: i64, sample: i64) -> rusqlite::Result<()> {
    let first: Option<(i64, String)> = transaction
        .prepare_cached(
            "SELECT e.row, e.body FROM events e
             WHERE e.row = (SELECT min(row) FROM exception_rows WHERE exception = ?1) AND e.row <> ?2",
        )?
        .query_row([group, sample], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((row, body)) = first else { return Ok(()) };
    let message = Exception::of_event(&blobs::inside(transaction, row, body)?).map(|exception| exception.message);
    transaction
        .prepare_cached("UPDATE exceptions SET sample_row = ?, message = ? WHERE id = ?")?
        .execute(params![row, message.unwrap_or_default(), group])
        .map(drop)
}

/// Says when the first and the last of a group happened, and of each version of it, by all that are left.
fn tell_times(transaction: &Transaction<'_>, group: i64) -> rusqlite::Result<()> {
    let mut find = transaction.prepare_cached(
        "SELECT b.version, min(e.time_us), max(e.time_us) FROM exception_rows r JOIN events e ON e.row = r.row
         JOIN batches b ON b.last_row = (SELECT last_row FROM batches WHERE last_row >= r.row ORDER BY last_row LIMIT 1)
         WHERE r.exception = ? GROUP BY b.version",
    )?;
    let mut of_version = transaction.prepare_cached(
        "UPDATE exception_versions SET first_us = ?, last_us = ? WHERE exception = ? AND version = ?",
    )?;
    let mut rows = find.query([group])?;
    let mut times: Option<(i64, i64)> = None;
    while let Some(row) = rows.next()? {
        let (version, first, last): (Option<String>, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if let Some(version) = version {
            of_version.execute(params![first, last, group, version])?;
        }
        times = Some(times.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
    }
    let Some((first, last)) = times else { return Ok(()) };
    transaction
        .prepare_cached("UPDATE exceptions SET first_us = ?2, last_us = ?3 WHERE id = ?1")?
        .execute([group, first, last])
        .map(drop)
}

/// Says in which minutes the first and the last of a group happened, if it was said that they happened before or after.
fn tell_minutes(transaction: &Transaction<'_>, group: i64) -> rusqlite::Result<()> {
    let minute = WIDTHS_US[0];
    let (first, last): (i64, i64) = transaction
        .prepare_cached(
            "SELECT coalesce(min(begin), 0), coalesce(max(begin), 0) + ?2 - 1 FROM exception_counts
             WHERE exception = ?1 AND width = ?2",
        )?
        .query_row([group, minute], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for sql in [
        "UPDATE exceptions SET first_us = max(first_us, ?2), last_us = min(last_us, ?3)
         WHERE id = ?1",
        "UPDATE exception_versions SET first_us = max(first_us, ?2), last_us = min(last_us, ?3)
         WHERE exception = ?1 AND (first_us < ?2 OR last_us > ?3)",
    ] {
        transaction.prepare_cached(sql)?.execute([group, first, last])?;
    }
    Ok(())
}
