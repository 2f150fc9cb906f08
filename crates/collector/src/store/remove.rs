//! Removing events, so that nothing is left that speaks of them: their ids, their place in batches, what was counted of them.
//!
//! It goes batch by batch, each as a whole or the doomed among its events, and a step is a transaction of so many batches that requests
//! never wait long. What a trace, a run or a series of metrics came to stays as it was until the last batch with its events is gone, and
//! what has arrived of a session (its ranges) stays with the session: what was removed is not missing.
//!
//! The id of a removed event is free: whoever sends the event again stores it again.

use std::collections::HashSet;

use lastword::{EventKind, Severity};
use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Transaction, params};

use super::calls::Calls;
use super::index::{Facts, TraceId};
use super::rows::id_of;
use super::tally::Counts;
use super::{Class, blobs, exceptions, kind_bit, kind_of, of_kind, severity_bit, severity_of};
use crate::ingest::Key;

/// A batch, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    pub(super) last_row: i64,
    first_row: i64,
    session: i64,
}

/// A stored event.
pub(super) struct Stored {
    pub(super) row: i64,
    time_us: i64,
    kind: EventKind,
    severity: Severity,
    number: Option<i64>,
    pub(super) class: Class,
    pub(super) body: String,
    pub(super) facts: Option<Box<Facts>>,
}

impl Stored {
    /// Tells whether its data name this user.
    pub(super) fn is_of(&self, user: &str) -> bool {
        self.facts.as_deref().and_then(|facts| facts.user.as_deref()) == Some(user)
    }
}

/// What events are linked to.
#[derive(Default)]
struct Links {
    names: HashSet<i64>,
    traces: HashSet<TraceId>,
    runs: HashSet<Box<str>>,
    users: HashSet<Box<str>>,
}

impl Links {
    fn of<'s>(events: impl Iterator<Item = &'s Stored>) -> Self {
        let mut links = Self::default();
        for event in events {
            links.names.extend(event.number);
            let Some(facts) = event.facts.as_deref() else { continue };
            links.traces.extend(facts.trace);
            links.runs.extend(facts.run.clone());
            links.users.extend(facts.user.clone());
        }
        links
    }
}

/// Finds a batch by its last row.
pub(super) fn batch(transaction: &Transaction<'_>, last_row: i64) -> rusqlite::Result<Option<Batch>> {
    transaction
        .prepare_cached("SELECT last_row, first_row, session FROM batches WHERE last_row = ?")?
        .query_row([last_row], |row| Ok(Batch { last_row: row.get(0)?, first_row: row.get(1)?, session: row.get(2)? }))
        .optional()
}

/// Reads the events of a batch.
pub(super) fn events(transaction: &Transaction<'_>, batch: Batch) -> rusqlite::Result<Vec<Stored>> {
    let version: Option<String> = transaction
        .prepare_cached("SELECT sdk_version FROM sessions WHERE id = ?")?
        .query_row([batch.session], |row| row.get(0))
        .optional()?
        .flatten();
    let mut find = transaction.prepare_cached(
        "SELECT e.row, e.time_us, e.kind, e.severity, e.name, names.name, e.body
         FROM events e LEFT JOIN names ON names.id = e.name WHERE e.row BETWEEN ? AND ? ORDER BY e.row",
    )?;
    let rows = find.query_map([batch.first_row, batch.last_row], |row| {
        let (kind, name, body) = (kind_of(row.get(2)?), row.get::<_, Option<String>>(5)?, row.get::<_, String>(6)?);
        Ok(Stored {
            row: row.get(0)?,
            time_us: row.get(1)?,
            kind,
            severity: severity_of(row.get(3)?),
            number: row.get(4)?,
            class: Class::of(kind, name.as_deref()),
            facts: Facts::of(&body, name.as_deref(), version.as_deref()),
            body,
        })
    })?;
    rows.collect()
}

/// Removes the doomed among the events of a batch, and returns how many they were.
pub(super) fn from_batch(
    transaction: &Transaction<'_>,
    batch: Batch,
    is_doomed: impl Fn(&Stored) -> bool,
) -> rusqlite::Result<usize> {
    let (doomed, kept): (Vec<Stored>, Vec<Stored>) = events(transaction, batch)?.into_iter().partition(is_doomed);
    remember_row(transaction, batch.last_row)?;
    let (mut counts, mut calls, mut exceptions) = (Counts::default(), Calls::default(), exceptions::Counts::default());
    let mut remove_id = transaction.prepare_cached("DELETE FROM ids WHERE session = ? AND id = ?")?;
    let mut remove = transaction.prepare_cached("DELETE FROM events WHERE row = ?")?;
    for event in &doomed {
        counts.add(event.time_us, event.number.unwrap_or_else(|| of_kind(event.kind)), event.severity as i64, -1);
        if let Some(id) = id_of(&event.body) {
            remove_id.execute(params![batch.session, Key::new(&id, event.time_us)])?;
        }
        calls.add(event.time_us, event.facts.as_deref());
        remove.execute([event.row])?;
        blobs::remove(transaction, event.row)?;
        exception(transaction, event, batch.session, &mut exceptions)?;
    }
    counts.write(transaction)?;
    calls.take_away(transaction)?;
    exceptions.write(transaction)?;
    session(transaction, batch.session, &doomed)?;
    unlink(transaction, batch.last_row, &Links::of(doomed.iter()), &Links::of(kept.iter()))?;
    if kept.is_empty() {
        transaction.prepare_cached("DELETE FROM filters WHERE last_row = ?")?.execute([batch.last_row])?;
        transaction.prepare_cached("DELETE FROM batches WHERE last_row = ?")?.execute([batch.last_row])?;
    } else {
        shrink(transaction, batch.last_row, &kept)?;
    }
    Ok(doomed.len())
}

/// Notes that rows up to this were given, so that no later event gets one of them.
fn remember_row(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES ('last_row', ?)
             ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute([row])
        .map(drop)
}

/// Says of a batch what is left of it.
fn shrink(transaction: &Transaction<'_>, last_row: i64, kept: &[Stored]) -> rusqlite::Result<()> {
    let bits = |event: &Stored| kind_bit(event.kind) | severity_bit(event.severity) | event.class.bit();
    let mask = kept.iter().map(bits).fold(0, |mask, bits| mask | bits);
    let times = || kept.iter().map(|event| event.time_us);
    transaction
        .prepare_cached("UPDATE batches SET mask = ?, min_us = ?, max_us = ? WHERE last_row = ?")?
        .execute(params![mask, times().min(), times().max(), last_row])
        .map(drop)
}

/// Takes events away from what is counted of their session.
fn session(transaction: &Transaction<'_>, session: i64, doomed: &[Stored]) -> rusqlite::Result<()> {
    let mut severities = [0_i64; Severity::ALL.len()];
    let mut exceptions = 0;
    for event in doomed {
        severities[event.severity as usize] += 1;
        exceptions += i64::from(event.kind == EventKind::UnhandledException);
    }
    let [trace, debug, info, warning, error, critical] = severities;
    transaction
        .prepare_cached(
            "UPDATE sessions SET events = events - ?2, debug = debug - ?3, info = info - ?4, warning = warning - ?5,
                 error = error - ?6, critical = critical - ?7, exceptions = exceptions - ?8 WHERE id = ?1",
        )?
        .execute(params![
            session,
            severities.iter().sum::<i64>(),
            trace + debug,
            info,
            warning,
            error,
            critical,
            exceptions
        ])
        .map(drop)
}

/// Takes an exception out of its group.
fn exception(
    transaction: &Transaction<'_>,
    event: &Stored,
    session: i64,
    counts: &mut exceptions::Counts,
) -> rusqlite::Result<()> {
    let group: Option<i64> = transaction
        .prepare_cached("DELETE FROM exception_rows WHERE row = ? RETURNING exception")?
        .query_row([event.row], |row| row.get(0))
        .optional()?;
    let Some(group) = group else { return Ok(()) };
    counts.add(group, event.time_us, -1);
    let left: i64 = transaction
        .prepare_cached(
            "UPDATE exceptions SET count = count - 1, sample_row = iif(sample_row = ?2, coalesce(
                 (SELECT min(row) FROM exception_rows WHERE exception = ?1), sample_row), sample_row)
             WHERE id = ?1 RETURNING count",
        )?
        .query_row([group, event.row], |row| row.get(0))?;
    transaction
        .prepare_cached(
            "UPDATE exception_versions SET count = count - 1 WHERE exception = ?1
             AND version = (SELECT sdk_version FROM sessions WHERE id = ?2)",
        )?
        .execute([group, session])?;
    transaction
        .prepare_cached("DELETE FROM exception_versions WHERE exception = ? AND count <= 0")?
        .execute([group])?;
    if left <= 0 {
        for table in ["exception_versions", "exception_sessions"] {
            transaction.prepare_cached(&format!("DELETE FROM {table} WHERE exception = ?"))?.execute([group])?;
        }
        transaction.prepare_cached("DELETE FROM exceptions WHERE id = ?")?.execute([group])?;
    }
    Ok(())
}

/// Takes a batch out of what it has no events of any more, and removes what has no batch any more.
fn unlink(transaction: &Transaction<'_>, last_row: i64, gone: &Links, kept: &Links) -> rusqlite::Result<()> {
    let mut name = transaction.prepare_cached("DELETE FROM batch_names WHERE name = ? AND last_row = ?")?;
    // Names are what clients say, so they are as many as hostile ones want: none outlives its last event.
    let mut forget = transaction
        .prepare_cached("DELETE FROM names WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM batch_names WHERE name = ?1)")?;
    for number in gone.names.difference(&kept.names) {
        name.execute([*number, last_row])?;
        forget.execute([*number])?;
    }
    for trace in gone.traces.difference(&kept.traces) {
        unlink_one(transaction, last_row, ["traces", "trace_id", "batch_traces", "trace"], trace)?;
    }
    for run in gone.runs.difference(&kept.runs) {
        unlink_one(transaction, last_row, ["runs", "run_id", "batch_runs", "run"], run)?;
    }
    for user in gone.users.difference(&kept.users) {
        unlink_one(transaction, last_row, ["users", "user_id", "batch_users", "user"], user)?;
    }
    Ok(())
}

/// Takes a batch out of one of them.
pub(super) fn unlink_one(
    transaction: &Transaction<'_>,
    last_row: i64,
    [table, key, batches, column]: [&str; 4],
    id: &dyn ToSql,
) -> rusqlite::Result<()> {
    let number: Option<i64> = transaction
        .prepare_cached(&format!("SELECT id FROM {table} WHERE {key} = ?"))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(number) = number else { return Ok(()) };
    transaction
        .prepare_cached(&format!("DELETE FROM {batches} WHERE {column} = ? AND last_row = ?"))?
        .execute([number, last_row])?;
    // Whoever said yes or no keeps that word.
    let unless = if table == "users" { "AND changed_us IS NULL" } else { "" };
    transaction
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE id = ?1 {unless} AND NOT EXISTS (SELECT 1 FROM {batches} WHERE {column} = ?1)"
        ))?
        .execute([number])
        .map(drop)
}

/// Removes a session without events, and all that is known of it.
pub(super) fn forget_session(transaction: &Transaction<'_>, session: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE exceptions SET sessions = sessions - 1
             WHERE id IN (SELECT exception FROM exception_sessions WHERE session = ?)",
        )?
        .execute([session])?;
    for table in ["exception_sessions", "ids", "ranges", "drops"] {
        transaction.prepare_cached(&format!("DELETE FROM {table} WHERE session = ?"))?.execute([session])?;
    }
    transaction.prepare_cached("DELETE FROM sessions WHERE id = ?")?.execute([session]).map(drop)
}
