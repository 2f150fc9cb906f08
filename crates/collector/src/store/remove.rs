//! Removing events, so that nothing is left that speaks of them: their ids, their place in batches, what was counted of them.
//!
//! It goes batch by batch, each as a whole or the doomed among its events, and a step is a transaction of so many batches that requests
//! never wait long. What was counted of its events is added up and taken away at its end, as it was added when they came: see
//! [calls](super::calls), [traces, runs and users](super::left), [exceptions](super::regroup) and [points](super::series). What has arrived of a session (its
//! ranges), and from when to when it went, stays with the session: what was removed is not missing.
//!
//! The id of a removed event is free: whoever sends the event again stores it again.

use std::collections::HashSet;

use lastword::event::names;
use lastword::{EventKind, Severity};
use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Transaction, params};

use super::batch::Sums;
use super::exceptions::Occurrence;
use super::index::{Facts, TraceId, filter_of};
use super::rows::id_of;
use super::tally::Counted;
use super::{Class, blobs, exceptions, kind_bit, kind_of, of_kind, severity_bit, severity_of};
use crate::ingest::Key;

/// A batch, as far as it matters here.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) last_row: i64,
    first_row: i64,
    session: i64,
    /// Of the program, as the request said it.
    version: Option<String>,
}

/// A stored event.
pub(super) struct Stored {
    pub(super) row: i64,
    time_us: i64,
    kind: EventKind,
    severity: Severity,
    number: Option<i64>,
    pub(super) class: Class,
    /// Whether it is the one that says who uses the program.
    says_user: bool,
    pub(super) body: String,
    /// The event as it came, if values were taken out of it; without those that are outside of the store.
    whole: Option<String>,
    /// Whether it has such.
    has_outside: bool,
    pub(super) facts: Option<Box<Facts>>,
}

impl Stored {
    /// Tells whether its data name this user.
    pub(super) fn is_of(&self, user: &str) -> bool {
        self.facts.as_deref().and_then(|facts| facts.user.as_deref()) == Some(user)
    }

    /// Returns it as far as it is counted.
    pub(super) fn counted(&self, batch: &Batch) -> Counted {
        let what = self.number.unwrap_or_else(|| of_kind(self.kind));
        Counted { session: batch.session, time_us: self.time_us, severity: self.severity, what }
    }

    /// Returns it as an exception.
    fn occurrence<'b>(&self, batch: &'b Batch) -> Occurrence<'b> {
        let bucket = self.facts.as_deref().and_then(|facts| facts.bucket);
        let (row, severity, time_us) = (self.row, self.severity, self.time_us);
        Occurrence { session: batch.session, row, severity, time_us, version: batch.version.as_deref(), bucket }
    }

    /// Notes that it is stored with another text.
    pub(super) fn tell_anew(&mut self, transaction: &Transaction<'_>, body: String) -> rusqlite::Result<()> {
        if self.whole.is_some() {
            self.whole = Some(blobs::inside(transaction, self.row, body.clone())?);
        }
        self.body = body;
        Ok(())
    }

    /// Returns all of its text.
    fn text(&self) -> &str {
        self.whole.as_deref().unwrap_or(&self.body)
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
        .prepare_cached("SELECT last_row, first_row, session, version FROM batches WHERE last_row = ?")?
        .query_row([last_row], |row| {
            Ok(Batch { last_row: row.get(0)?, first_row: row.get(1)?, session: row.get(2)?, version: row.get(3)? })
        })
        .optional()
}

/// Reads the events of a batch.
pub(super) fn events(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<Vec<Stored>> {
    let rows = [batch.first_row, batch.last_row];
    let has_parts: bool = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM parts WHERE row BETWEEN ? AND ?)")?
        .query_row(rows, |row| row.get(0))?;
    let mut find = transaction.prepare_cached(
        "SELECT e.row, e.time_us, e.kind, e.severity, e.name, names.name, e.body,
                EXISTS (SELECT 1 FROM parts p JOIN blobs b ON b.id = p.blob WHERE p.row = e.row AND b.outside > 0)
         FROM events e LEFT JOIN names ON names.id = e.name WHERE e.row BETWEEN ? AND ? ORDER BY e.row",
    )?;
    let mut found = find.query(rows)?;
    let mut events = Vec::new();
    while let Some(row) = found.next()? {
        let (number, kind, body) = (row.get(0)?, kind_of(row.get(2)?), row.get::<_, String>(6)?);
        let name: Option<String> = row.get(5)?;
        // What is known of an event was read before its large values were taken out.
        let whole = has_parts.then(|| blobs::inside(transaction, number, body.clone())).transpose()?;
        let text = whole.as_ref().unwrap_or(&body);
        events.push(Stored {
            row: number,
            time_us: row.get(1)?,
            kind,
            severity: severity_of(row.get(3)?),
            number: row.get(4)?,
            class: Class::of(kind, name.as_deref()),
            says_user: name.as_deref() == Some(names::SESSION_USER),
            facts: Facts::of(text, name.as_deref(), batch.version.as_deref()),
            has_outside: row.get(7)?,
            body,
            whole,
        });
    }
    Ok(events)
}

/// Removes the doomed among the events of a batch, and returns how many they were. What is counted of them is added to `gone`.
pub(super) fn from_batch(
    transaction: &Transaction<'_>,
    gone: &mut Sums,
    batch: &Batch,
    is_doomed: impl Fn(&Stored) -> bool,
) -> rusqlite::Result<usize> {
    let (doomed, kept): (Vec<Stored>, Vec<Stored>) = events(transaction, batch)?.into_iter().partition(is_doomed);
    remember_row(transaction, batch.last_row)?;
    let mut remove_id = transaction.prepare_cached("DELETE FROM ids WHERE session = ? AND id = ?")?;
    let mut remove = transaction.prepare_cached("DELETE FROM events WHERE row = ?")?;
    for event in &doomed {
        let facts = event.facts.as_deref();
        gone.tally.add(event.counted(batch), facts);
        gone.calls.add(event.time_us, facts);
        if let Some(id) = id_of(&event.body) {
            remove_id.execute(params![batch.session, Key::new(&id, event.time_us)])?;
        }
        remove.execute([event.row])?;
        blobs::remove(transaction, event.row)?;
        if let Some(group) = exceptions::remove_row(transaction, event.row)? {
            gone.tally.exception(group, &event.occurrence(batch));
        }
        if let Some(bucket) = facts.and_then(|facts| facts.bucket).filter(|_| event.says_user) {
            exceptions::remove_user(transaction, batch.session, bucket)?;
        }
    }
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

/// Says of a batch what is left of it. What is removed is not found by a search either.
fn shrink(transaction: &Transaction<'_>, last_row: i64, kept: &[Stored]) -> rusqlite::Result<()> {
    let bits = |event: &Stored| kind_bit(event.kind) | severity_bit(event.severity) | event.class.bit();
    let mask = kept.iter().map(bits).fold(0, |mask, bits| mask | bits);
    let times = || kept.iter().map(|event| event.time_us);
    transaction
        .prepare_cached("UPDATE batches SET mask = ?, min_us = ?, max_us = ? WHERE last_row = ?")?
        .execute(params![mask, times().min(), times().max(), last_row])?;
    tell_filter(transaction, last_row, kept)
}

/// Says which texts may be in the events of a batch. Where not all of them are known here it goes on to say what it said: each text that is asked for
/// is looked for in the events themselves.
pub(super) fn tell_filter(transaction: &Transaction<'_>, last_row: i64, events: &[Stored]) -> rusqlite::Result<()> {
    if events.iter().any(|event| event.has_outside) {
        return Ok(());
    }
    transaction
        .prepare_cached("UPDATE filters SET filter = ? WHERE last_row = ?")?
        .execute(params![filter_of(events.iter().map(Stored::text)), last_row])
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
    for table in ["ids", "ranges", "drops"] {
        transaction.prepare_cached(&format!("DELETE FROM {table} WHERE session = ?"))?.execute([session])?;
    }
    transaction.prepare_cached("DELETE FROM sessions WHERE id = ?")?.execute([session]).map(drop)
}
