//! Exceptions, those that are alike together.

use std::collections::HashMap;

use lastword::Severity;
use rusqlite::{Transaction, params};

use super::tally::{WIDTHS_US, floor};
use crate::ingest::Exception;

/// Where and when an exception happened.
pub(super) struct Occurrence<'a> {
    pub(super) session: i64,
    pub(super) row: i64,
    pub(super) severity: Severity,
    pub(super) time_us: i64,
    /// Of the program, as far as its client tells.
    pub(super) version: Option<&'a str>,
    /// The bucket of its user.
    pub(super) bucket: Option<u8>,
}

/// Exceptions by the number of their group and by minute: what a transaction adds or takes away.
#[derive(Default)]
pub(super) struct Counts(HashMap<(i64, i64), i64>);

impl Counts {
    /// Adds `count` exceptions of a group, or takes them away.
    pub(super) fn add(&mut self, group: i64, time_us: i64, count: i64) {
        *self.0.entry((group, floor(time_us, WIDTHS_US[0]))).or_default() += count;
    }

    /// Writes all of it. What there is nothing left of is removed.
    pub(super) fn write(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut all: HashMap<(i64, i64, i64), i64> = HashMap::new();
        for ((group, minute), count) in self.0 {
            for width in WIDTHS_US {
                *all.entry((group, width, floor(minute, width))).or_default() += count;
            }
        }
        let mut add = transaction.prepare_cached(
            "INSERT INTO exception_counts (exception, width, begin, count) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        let mut remove = transaction.prepare_cached(
            "DELETE FROM exception_counts WHERE exception = ? AND width = ? AND begin = ? AND count <= 0",
        )?;
        for ((group, width, begin), count) in all {
            add.execute([group, width, begin, count])?;
            if count < 0 {
                remove.execute([group, width, begin])?;
            }
        }
        Ok(())
    }
}

/// Adds an exception to the group of those like it, whose number it returns. One that was resolved before it happened is so no longer.
pub(super) fn add(
    transaction: &Transaction<'_>,
    exception: &Exception,
    occurrence: &Occurrence<'_>,
) -> rusqlite::Result<i64> {
    let Exception { fingerprint, error_type, message } = exception;
    let Occurrence { session, row, severity, time_us, bucket, .. } = *occurrence;
    let bucket = bucket.map_or(0_i64, |bucket| 1 << bucket);
    let group: i64 = transaction
        .prepare_cached(
            "INSERT INTO exceptions
                 (fingerprint, error_type, message, severity, first_us, last_us, count, sessions, sample_row, buckets)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, 0, ?6, ?7)
             ON CONFLICT (fingerprint) DO UPDATE SET
                 count = count + 1, severity = max(severity, excluded.severity),
                 first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us),
                 buckets = buckets | excluded.buckets,
                 regressed_us = iif(resolved_us < excluded.last_us, excluded.last_us, regressed_us),
                 resolved_us = iif(resolved_us < excluded.last_us, NULL, resolved_us)
             RETURNING id",
        )?
        .query_row(params![fingerprint, error_type, message, severity as u8, time_us, row, bucket], |row| row.get(0))?;
    note(transaction, group, occurrence)?;
    let first_of_session = transaction
        .prepare_cached("INSERT OR IGNORE INTO exception_sessions (exception, session) VALUES (?, ?)")?
        .execute([group, session])?;
    if first_of_session > 0 {
        transaction.prepare_cached("UPDATE exceptions SET sessions = sessions + 1 WHERE id = ?")?.execute([group])?;
    }
    Ok(group)
}

/// Notes which row it is, and of which version.
pub(super) fn note(transaction: &Transaction<'_>, group: i64, occurrence: &Occurrence<'_>) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO exception_rows (row, exception) VALUES (?, ?)")?
        .execute([occurrence.row, group])?;
    if let Some(version) = occurrence.version {
        transaction
            .prepare_cached(
                "INSERT INTO exception_versions (exception, version, first_us, last_us, count) VALUES (?1, ?2, ?3, ?3, 1)
                 ON CONFLICT DO UPDATE SET count = count + 1,
                     first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)",
            )?
            .execute(params![group, version, occurrence.time_us])?;
    }
    Ok(())
}
