//! Inserting the events of one request.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::rollup::Rollups;
use super::{kind_bit, rows, severity_bit};
use crate::ingest::{Detail, Envelope, Event, Exception};
use crate::limits::WRITER_CACHE_ENTRIES;

/// What became of a request's good events.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Events that were not there before.
    pub(crate) accepted: usize,
    /// Events that were there already.
    pub(crate) duplicates: usize,
}

impl Stored {
    /// Adds what became of other events.
    pub(super) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
    }
}

/// The numbers of sessions and names, as the database has them. Valid until a transaction fails.
#[derive(Default)]
pub(super) struct Caches {
    sessions: HashMap<String, i64>,
    names: HashMap<Box<str>, i64>,
}

/// Stores the events of a request that are not there yet, as one batch.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    caches: &mut Caches,
    rollups: &mut Rollups,
    envelope: &Envelope,
    received_us: i64,
) -> rusqlite::Result<Stored> {
    if envelope.events.is_empty() {
        return Ok(Stored { accepted: 0, duplicates: 0 });
    }
    let session = caches.session(transaction, &envelope.session_id, received_us)?;
    let rollup = rollups.of(session, envelope);
    let new = rows::add_ids(transaction, session, &envelope.events)?;
    let mut batch = Batch::default();
    for events in new.chunks(rows::ROWS) {
        let mut found = Vec::with_capacity(events.len());
        for event in events {
            let name = event.name.as_deref().map(|name| caches.name(transaction, name)).transpose()?;
            found.push((*event, name));
        }
        let first = rows::add_events(transaction, &envelope.body, &found)?;
        for ((event, name), row) in found.into_iter().zip(first..) {
            batch.add(event, row, name);
            rollup.add(event);
            match event.detail.as_deref() {
                Some(Detail::Exception(exception)) => group(transaction, exception, event, session, row)?,
                Some(Detail::Drops(drops)) => count_drops(transaction, session, drops)?,
                Some(Detail::Recovered { .. }) | None => {}
            }
        }
    }
    batch.write(transaction, session, received_us)?;
    let accepted = batch.events;
    Ok(Stored { accepted, duplicates: envelope.events.len() - accepted })
}

impl Caches {
    /// Returns a session's number, which it gets here if it has none.
    fn session(&mut self, transaction: &Transaction<'_>, id: &str, received_us: i64) -> rusqlite::Result<i64> {
        if let Some(number) = self.sessions.get(id) {
            return Ok(*number);
        }
        let known = transaction
            .prepare_cached("SELECT id FROM sessions WHERE session_id = ?")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => transaction
                .prepare_cached(
                    "INSERT INTO sessions (session_id, first_received_us, last_received_us) VALUES (?1, ?2, ?2)",
                )?
                .insert(params![id, received_us])?,
        };
        if self.sessions.len() >= WRITER_CACHE_ENTRIES {
            self.sessions.clear();
        }
        self.sessions.insert(id.to_owned(), number);
        Ok(number)
    }

    /// Returns a name's number, which it gets here if it has none.
    fn name(&mut self, transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.names.get(name) {
            return Ok(*number);
        }
        let known = transaction
            .prepare_cached("SELECT id FROM names WHERE name = ?")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => transaction.prepare_cached("INSERT INTO names (name) VALUES (?)")?.insert([name])?,
        };
        if self.names.len() >= WRITER_CACHE_ENTRIES {
            self.names.clear();
        }
        self.names.insert(name.into(), number);
        Ok(number)
    }
}

/// The new events of a request, which are neighbours in `events`.
#[derive(Default)]
struct Batch {
    events: usize,
    first_row: i64,
    last_row: i64,
    min_us: i64,
    max_us: i64,
    mask: i64,
    names: Vec<i64>,
}

impl Batch {
    fn add(&mut self, event: &Event, row: i64, name: Option<i64>) {
        if self.events == 0 {
            (self.first_row, self.min_us, self.max_us) = (row, event.time_us, event.time_us);
        }
        self.events += 1;
        self.last_row = row;
        self.min_us = self.min_us.min(event.time_us);
        self.max_us = self.max_us.max(event.time_us);
        self.mask |= kind_bit(event.kind) | severity_bit(event.severity);
        // Mostly the name is that of the event before.
        if let Some(name) = name.filter(|name| self.names.last() != Some(name)) {
            self.names.push(name);
        }
    }

    fn write(&mut self, transaction: &Transaction<'_>, session: i64, received_us: i64) -> rusqlite::Result<()> {
        if self.events == 0 {
            return Ok(());
        }
        transaction
            .prepare_cached(
                "INSERT INTO batches (last_row, first_row, session, received_us, min_us, max_us, mask)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.last_row,
                self.first_row,
                session,
                received_us,
                self.min_us,
                self.max_us,
                self.mask
            ])?;
        self.names.sort_unstable();
        self.names.dedup();
        let mut add = transaction.prepare_cached("INSERT INTO batch_names (name, last_row) VALUES (?, ?)")?;
        for name in &self.names {
            add.execute([*name, self.last_row])?;
        }
        Ok(())
    }
}

/// Adds an exception to the group of those like it.
fn group(
    transaction: &Transaction<'_>,
    exception: &Exception,
    event: &Event,
    session: i64,
    row: i64,
) -> rusqlite::Result<()> {
    let Exception { fingerprint, error_type, message } = exception;
    let group: i64 = transaction
        .prepare_cached(
            "INSERT INTO exceptions
                 (fingerprint, error_type, message, severity, first_us, last_us, count, sessions, sample_row)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, 0, ?6)
             ON CONFLICT (fingerprint) DO UPDATE SET
                 count = count + 1, severity = max(severity, excluded.severity),
                 first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)
             RETURNING id",
        )?
        .query_row(params![fingerprint, error_type, message, event.severity as u8, event.time_us, row], |row| {
            row.get(0)
        })?;
    let first_of_session = transaction
        .prepare_cached("INSERT OR IGNORE INTO exception_sessions (exception, session) VALUES (?, ?)")?
        .execute([group, session])?;
    if first_of_session > 0 {
        transaction.prepare_cached("UPDATE exceptions SET sessions = sessions + 1 WHERE id = ?")?.execute([group])?;
    }
    Ok(())
}

/// Adds to what a session's client said that it dropped.
fn count_drops(transaction: &Transaction<'_>, session: i64, drops: &[(String, i64)]) -> rusqlite::Result<()> {
    // A count that would overflow stays at the largest: an integer column takes no other.
    let mut add = transaction.prepare_cached(
        "INSERT INTO drops (session, reason, count) VALUES (?, ?, ?) ON CONFLICT DO UPDATE
         SET count = iif(count > 9223372036854775807 - excluded.count, 9223372036854775807, count + excluded.count)",
    )?;
    for (reason, count) in drops {
        add.execute(params![session, reason, count])?;
    }
    Ok(())
}
