//! Inserting the events of one request.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::calls::Calls;
use super::exceptions::{self, Occurrence};
use super::index::Indexed;
use super::rollup::Rollups;
use super::tally::{Counted, Tally};
use super::{Class, blobs, kind_bit, of_kind, rows, severity_bit};
use crate::ingest::{Detail, Event};
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
    pub(crate) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
    }

    /// Returns how many events there were.
    #[cfg(feature = "nats")]
    pub(crate) const fn all(self) -> usize {
        self.accepted + self.duplicates
    }
}

/// The numbers of sessions, names and rows, as the database has them. Valid until a transaction fails.
#[derive(Default)]
pub(super) struct Caches {
    /// The last row that was given to an event.
    last_row: Option<i64>,
    sessions: HashMap<String, i64>,
    names: HashMap<Box<str>, i64>,
}

/// What a transaction adds to what is known beside the events, written at its end.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) rollups: Rollups,
    pub(super) tally: Tally,
    pub(super) calls: Calls,
}

impl Sums {
    pub(super) fn write(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.rollups.write(transaction)?;
        self.tally.write(transaction)?;
        self.calls.write(transaction)
    }

    /// Takes it away: its events are removed. What sessions count of them is taken away with each batch.
    pub(super) fn take_away(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.tally.take_away(transaction)?;
        self.calls.take_away(transaction)
    }
}

/// Stores the events of a request that are not there yet, as one batch.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    caches: &mut Caches,
    sums: &mut Sums,
    indexed: &Indexed,
    received_us: i64,
) -> rusqlite::Result<Stored> {
    let Indexed { envelope, facts, filter, parts } = indexed;
    let received_us = envelope.received_us.unwrap_or(received_us);
    if envelope.events.is_empty() {
        return Ok(Stored { accepted: 0, duplicates: 0 });
    }
    let session = caches.session(transaction, &envelope.session_id, received_us)?;
    let rollup = sums.rollups.of(session, envelope, received_us);
    let new = rows::add_ids(transaction, session, &envelope.events)?;
    let mut batch = Batch::default();
    for places in new.chunks(rows::ROWS) {
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let event = &envelope.events[*place];
            let name = event.name.as_deref().map(|name| caches.name(transaction, name)).transpose()?;
            found.push((event, name));
        }
        let first = caches.rows(transaction, found.len())?;
        rows::add_events(transaction, &envelope.body, &found, first)?;
        for (((event, name), row), place) in found.into_iter().zip(first..).zip(places) {
            let facts = facts.get(*place).and_then(Option::as_deref);
            if let Some(parts) = parts.get(place) {
                blobs::add(transaction, row, parts)?;
            }
            batch.add(event, row, name);
            rollup.add(event, facts);
            let what = name.unwrap_or_else(|| of_kind(event.kind));
            sums.tally.add(Counted { session, time_us: event.time_us, severity: event.severity, what }, facts);
            sums.calls.add(event.time_us, facts);
            match event.detail.as_deref() {
                Some(Detail::Exception(exception)) => {
                    let (version, bucket) = (envelope.sdk_version.as_deref(), facts.and_then(|facts| facts.bucket));
                    let (severity, time_us) = (event.severity, event.time_us);
                    let occurrence = Occurrence { session, row, severity, time_us, version, bucket };
                    let group = exceptions::add(transaction, exception, &occurrence, received_us)?;
                    sums.tally.exception(group, &occurrence);
                }
                Some(Detail::Drops(drops)) => count_drops(transaction, session, drops)?,
                Some(Detail::Recovered { .. }) | None => {}
            }
        }
    }
    batch.write(transaction, session, envelope.sdk_version.as_deref(), received_us, filter)?;
    sums.tally.end_batch(batch.last_row);
    let accepted = batch.events;
    Ok(Stored { accepted, duplicates: envelope.events.len() - accepted })
}

impl Caches {
    /// Takes the next rows and returns the first. No row is ever given twice, also when it was the last and is removed.
    fn rows(&mut self, transaction: &Transaction<'_>, rows: usize) -> rusqlite::Result<i64> {
        let last = match self.last_row {
            Some(last) => last,
            None => transaction
                .prepare_cached(
                    "SELECT max(coalesce((SELECT max(row) FROM events), 0),
                                coalesce((SELECT value FROM meta WHERE key = 'last_row'), 0))",
                )?
                .query_row([], |row| row.get(0))?,
        };
        self.last_row = Some(last + i64::try_from(rows).unwrap_or(i64::MAX));
        Ok(last + 1)
    }

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
        let class = Class::of(event.kind, event.name.as_deref());
        self.mask |= kind_bit(event.kind) | severity_bit(event.severity) | class.bit();
        // Mostly the name is that of the event before.
        if let Some(name) = name.filter(|name| self.names.last() != Some(name)) {
            self.names.push(name);
        }
    }

    fn write(
        &mut self,
        transaction: &Transaction<'_>,
        session: i64,
        version: Option<&str>,
        received_us: i64,
        filter: &[u8],
    ) -> rusqlite::Result<()> {
        if self.events == 0 {
            return Ok(());
        }
        transaction
            .prepare_cached("INSERT INTO filters (last_row, filter) VALUES (?, ?)")?
            .execute(params![self.last_row, filter])?;
        transaction
            .prepare_cached(
                "INSERT INTO batches (last_row, first_row, session, received_us, min_us, max_us, mask, version)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.last_row,
                self.first_row,
                session,
                received_us,
                self.min_us,
                self.max_us,
                self.mask,
                version
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
