//! Exceptions, those that are alike together.
//!
//! What is counted of a group beside the group itself (minutes, versions, sessions, severities, buckets of users) is added up in memory and written
//! once a transaction, by [`Counts`], which takes it away in the same way when exceptions are removed: see [`regroup`](super::regroup).

use std::collections::HashMap;

use lastword::Severity;
use rusqlite::{OptionalExtension, Transaction, params};

use super::regroup;
use super::tally::{WIDTHS_US, floor};
use crate::ingest::Exception;
use crate::limits::SESSION_GROUPS_MAX;

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

/// Exceptions by the number of their group: what a transaction adds or takes away.
#[derive(Default)]
pub(super) struct Counts {
    groups: HashMap<i64, i64>,
    minutes: HashMap<(i64, i64), i64>,
    sessions: HashMap<(i64, i64), i64>,
    versions: HashMap<(i64, Box<str>), Version>,
    /// By severity (-1 and below) and by bucket of users (0 and above).
    tallies: HashMap<(i64, i64), i64>,
}

/// Exceptions of a group in one version.
struct Version {
    count: i64,
    first_us: i64,
    last_us: i64,
}

impl Counts {
    /// Counts an exception of a group.
    pub(super) fn add(&mut self, group: i64, occurrence: &Occurrence<'_>) {
        let Occurrence { session, severity, time_us, version, bucket, row: _ } = *occurrence;
        *self.groups.entry(group).or_default() += 1;
        *self.minutes.entry((group, floor(time_us, WIDTHS_US[0]))).or_default() += 1;
        *self.sessions.entry((group, session)).or_default() += 1;
        *self.tallies.entry((group, -1 - severity as i64)).or_default() += 1;
        if let Some(bucket) = bucket {
            *self.tallies.entry((group, i64::from(bucket))).or_default() += 1;
        }
        if let Some(version) = version {
            let new = Version { count: 0, first_us: time_us, last_us: time_us };
            let known = self.versions.entry((group, version.into())).or_insert(new);
            known.count += 1;
            (known.first_us, known.last_us) = (known.first_us.min(time_us), known.last_us.max(time_us));
        }
    }

    /// Adds all of it to what is counted beside the groups.
    pub(super) fn write(mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if self.groups.is_empty() {
            return Ok(());
        }
        for ((group, session), count) in std::mem::take(&mut self.sessions) {
            if let Some(bucket) = add_session(transaction, group, session, count)? {
                *self.tallies.entry((group, bucket)).or_default() += 1;
            }
        }
        let mut add = transaction.prepare_cached(
            "INSERT INTO exception_versions (exception, version, first_us, last_us, count) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET count = count + excluded.count,
                 first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)",
        )?;
        for ((group, version), Version { count, first_us, last_us }) in std::mem::take(&mut self.versions) {
            add.execute(params![group, version, first_us, last_us, count])?;
        }
        self.change(transaction, 1)
    }

    /// Takes all of it away from what is counted, and brings the groups to what is left of them.
    pub(super) fn take_away(mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        if self.groups.is_empty() {
            return Ok(());
        }
        for ((group, session), count) in std::mem::take(&mut self.sessions) {
            if let Some(bucket) = remove_session(transaction, group, session, count)? {
                *self.tallies.entry((group, bucket)).or_default() += 1;
            }
        }
        let mut change = transaction
            .prepare_cached("UPDATE exception_versions SET count = count - ? WHERE exception = ? AND version = ?")?;
        let mut remove = transaction
            .prepare_cached("DELETE FROM exception_versions WHERE exception = ? AND version = ? AND count <= 0")?;
        for ((group, version), Version { count, .. }) in std::mem::take(&mut self.versions) {
            change.execute(params![count, group, version])?;
            remove.execute(params![group, version])?;
        }
        let groups = std::mem::take(&mut self.groups);
        self.change(transaction, -1)?;
        regroup::settle(transaction, groups)
    }

    /// Adds minutes, hours and tallies, or takes them away. What there is nothing left of is removed.
    fn change(self, transaction: &Transaction<'_>, sign: i64) -> rusqlite::Result<()> {
        let mut all: HashMap<(i64, i64, i64), i64> = HashMap::new();
        for ((group, minute), count) in self.minutes {
            for width in WIDTHS_US {
                *all.entry((group, width, floor(minute, width))).or_default() += sign * count;
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
        for ((group, what), count) in self.tallies {
            tally(transaction, group, what, sign * count)?;
        }
        Ok(())
    }
}

/// Adds to a tally of a group, or takes away from it.
fn tally(transaction: &Transaction<'_>, group: i64, what: i64, count: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO exception_tallies (exception, what, count) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?
        .execute([group, what, count])?;
    if count < 0 {
        transaction
            .prepare_cached("DELETE FROM exception_tallies WHERE exception = ? AND what = ? AND count <= 0")?
            .execute([group, what])?;
    }
    Ok(())
}

/// Counts exceptions of a session in a group; if they are its first there, returns the bucket of the session's user, which is one more of the group.
fn add_session(transaction: &Transaction<'_>, group: i64, session: i64, count: i64) -> rusqlite::Result<Option<i64>> {
    let known = transaction
        .prepare_cached("UPDATE exception_sessions SET count = count + ? WHERE exception = ? AND session = ?")?
        .execute([count, group, session])?;
    if known > 0 {
        return Ok(None);
    }
    let bucket: Option<i64> = transaction
        .prepare_cached("SELECT bucket FROM sessions WHERE id = ?")?
        .query_row([session], |row| row.get(0))
        .optional()?
        .flatten();
    transaction
        .prepare_cached("INSERT INTO exception_sessions (exception, session, count, bucket) VALUES (?, ?, ?, ?)")?
        .execute(params![group, session, count, bucket])?;
    transaction
        .prepare_cached("UPDATE exceptions SET sessions = sessions + 1, buckets = buckets | ?2 WHERE id = ?1")?
        .execute(params![group, bucket.map_or(0, |bucket| 1_i64 << bucket)])?;
    Ok(bucket)
}

/// Takes exceptions of a session out of a group; if there are no others, returns the bucket that was counted with them.
fn remove_session(
    transaction: &Transaction<'_>,
    group: i64,
    session: i64,
    count: i64,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached("UPDATE exception_sessions SET count = count - ? WHERE exception = ? AND session = ?")?
        .execute([count, group, session])?;
    let gone: Option<Option<i64>> = transaction
        .prepare_cached("SELECT bucket FROM exception_sessions WHERE exception = ? AND session = ? AND count <= 0")?
        .query_row([group, session], |row| row.get(0))
        .optional()?;
    let Some(bucket) = gone else { return Ok(None) };
    transaction
        .prepare_cached("DELETE FROM exception_sessions WHERE exception = ? AND session = ?")?
        .execute([group, session])?;
    transaction.prepare_cached("UPDATE exceptions SET sessions = sessions - 1 WHERE id = ?")?.execute([group])?;
    Ok(bucket)
}

/// Notes the bucket of a session's user, which the session says once: it counts for exceptions that do not say it themselves. The first one said
/// stays, so that nobody can have groups counted anew again and again.
pub(super) fn add_user(transaction: &Transaction<'_>, session: i64, bucket: u8) -> rusqlite::Result<()> {
    let is_new = transaction
        .prepare_cached("UPDATE sessions SET bucket = ? WHERE id = ? AND bucket IS NULL")?
        .execute((bucket, session))?;
    if is_new == 0 {
        return Ok(());
    }
    for group in groups_of(transaction, session, "IS NULL")? {
        transaction
            .prepare_cached("UPDATE exception_sessions SET bucket = ? WHERE exception = ? AND session = ?")?
            .execute((bucket, group, session))?;
        tally(transaction, group, bucket.into(), 1)?;
        // Added, not told anew: what the transaction has added to the group so far is not in its tallies yet.
        transaction
            .prepare_cached("UPDATE exceptions SET buckets = buckets | ? WHERE id = ?")?
            .execute([1_i64 << bucket, group])?;
    }
    Ok(())
}

/// Forgets the bucket of a session's user, if it is this one: the event that said so is removed.
pub(super) fn remove_user(transaction: &Transaction<'_>, session: i64, bucket: u8) -> rusqlite::Result<()> {
    let was_known = transaction
        .prepare_cached("UPDATE sessions SET bucket = NULL WHERE id = ? AND bucket = ?")?
        .execute((session, bucket))?;
    if was_known == 0 {
        return Ok(());
    }
    for group in groups_of(transaction, session, "IS NOT NULL")? {
        transaction
            .prepare_cached("UPDATE exception_sessions SET bucket = NULL WHERE exception = ? AND session = ?")?
            .execute([group, session])?;
        tally(transaction, group, bucket.into(), -1)?;
        regroup::tell_worst(transaction, group)?;
    }
    Ok(())
}

/// Returns the groups of a session whose bucket is, or is not, counted with it.
fn groups_of(transaction: &Transaction<'_>, session: i64, bucket: &str) -> rusqlite::Result<Vec<i64>> {
    transaction
        .prepare_cached(&format!(
            "SELECT exception FROM exception_sessions WHERE session = ? AND bucket {bucket} LIMIT {SESSION_GROUPS_MAX}"
        ))?
        .query_map([session], |row| row.get(0))?
        .collect()
}

/// Adds an exception that was received to the group of those like it, whose number it returns. One that was resolved before is so no
/// longer, whatever its client's clock says: a slow one would hide that it is back.
pub(super) fn add(
    transaction: &Transaction<'_>,
    exception: &Exception,
    occurrence: &Occurrence<'_>,
    received_us: i64,
) -> rusqlite::Result<i64> {
    let Exception { fingerprint, error_type, message } = exception;
    let Occurrence { row, severity, time_us, bucket, .. } = *occurrence;
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
                 regressed_us = iif(resolved_us IS NULL, regressed_us, ?8), resolved_us = NULL
             RETURNING id",
        )?
        .query_row(
            params![fingerprint, error_type, message, severity as u8, time_us, row, bucket, received_us],
            |row| row.get(0),
        )?;
    note_row(transaction, group, row)?;
    Ok(group)
}

/// Notes of which group the exception in a row is.
pub(super) fn note_row(transaction: &Transaction<'_>, group: i64, row: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO exception_rows (row, exception) VALUES (?, ?)")?
        .execute([row, group])
        .map(drop)
}

/// Forgets the exception in a row, and returns of which group it was.
pub(super) fn remove_row(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached("DELETE FROM exception_rows WHERE row = ? RETURNING exception")?
        .query_row([row], |row| row.get(0))
        .optional()
}
