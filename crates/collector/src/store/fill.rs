//! Filling tables that are new in a format from the events that are there.

use std::time::Instant;

use rusqlite::{OptionalExtension, Transaction, params};

use super::calls::Calls;
use super::exceptions::{self, Occurrence};
use super::index::{Facts, filter_of};
use super::rows::id_of;
use super::tally::{Counted, Tally};
use super::{Class, blobs, kind_of, of_kind, regroup, severity_of};
use crate::ingest::{Exception, Key};
use crate::limits::{FILL_ROWS, PROGRESS_INTERVAL};
use lastword::EventKind;
use lastword::event::names;

/// A batch that is there.
struct Batch {
    last_row: i64,
    first_row: i64,
    session: i64,
    version: Option<String>,
}

/// An event that is there.
struct Stored {
    row: i64,
    time_us: i64,
    kind: EventKind,
    severity: lastword::Severity,
    number: Option<i64>,
    name: Option<String>,
    body: String,
}

/// Takes out of every event what is indexed since format 3.
pub(super) fn index(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    each_step(transaction, |batches| {
        let mut tally = Tally::default();
        for batch in batches {
            index_batch(transaction, &mut tally, batch)?;
        }
        tally.write(transaction)
    })
}

/// Takes out of every event its id, in the form that it has since format 4.
pub(super) fn ids(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut find = transaction.prepare("SELECT time_us, body FROM events WHERE row BETWEEN ? AND ?")?;
    let mut add = transaction.prepare("INSERT OR IGNORE INTO ids (session, id) VALUES (?, ?)")?;
    each_step(transaction, |batches| {
        for batch in batches {
            let mut events = find.query([batch.first_row, batch.last_row])?;
            while let Some(event) = events.next()? {
                if let Some(id) = id_of(event.get_ref(1)?.as_str()?) {
                    add.execute(params![batch.session, Key::new(&id, event.get(0)?)])?;
                }
            }
        }
        Ok(())
    })
}

/// Counts calls of models and tools, and what is counted of exceptions beside their groups, as it is counted since format 7.
pub(super) fn counted(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut find = transaction.prepare(
        "SELECT e.row, e.time_us, e.severity, names.name, e.body, r.exception
         FROM events e LEFT JOIN names ON names.id = e.name LEFT JOIN exception_rows r ON r.row = e.row
         WHERE e.row BETWEEN ? AND ? AND (names.name IN (?, ?) OR r.exception IS NOT NULL)",
    )?;
    each_step(transaction, |batches| {
        let (mut calls, mut exceptions) = (Calls::default(), exceptions::Counts::default());
        for batch in batches {
            let (session, version) = (batch.session, batch.version.as_deref());
            let mut events = find.query(params![batch.first_row, batch.last_row, names::SPAN_END, names::OPERATION])?;
            while let Some(event) = events.next()? {
                let (row, time_us, severity) = (event.get(0)?, event.get(1)?, severity_of(event.get(2)?));
                let (name, body) =
                    (event.get::<_, Option<String>>(3)?, blobs::inside(transaction, row, event.get(4)?)?);
                let facts = Facts::of(&body, name.as_deref(), version);
                calls.add(time_us, facts.as_deref());
                if let Some(group) = event.get(5)? {
                    let bucket = facts.as_deref().and_then(|facts| facts.bucket);
                    exceptions.add(group, &Occurrence { session, row, severity, time_us, version, bucket });
                }
            }
        }
        calls.write(transaction)?;
        exceptions.write(transaction)
    })?;
    let mut groups = transaction.prepare("SELECT id FROM exceptions")?;
    let mut groups = groups.query([])?;
    while let Some(group) = groups.next()? {
        regroup::tell_worst(transaction, group.get(0)?)?;
    }
    Ok(())
}

/// Goes through all batches in steps of some thousand events, and tells how far it is.
fn each_step(
    transaction: &Transaction<'_>,
    mut step: impl FnMut(&[Batch]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let newest: i64 = transaction.query_row("SELECT coalesce(max(last_row), 0) FROM batches", [], |row| row.get(0))?;
    let (mut after, mut told) = (0, Instant::now());
    loop {
        let batches = batches(transaction, after)?;
        let Some(last) = batches.last() else { return Ok(()) };
        after = last.last_row;
        step(&batches)?;
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            tracing::info!(
                row = after,
                of = newest,
                "the store is brought up to date; it takes events when that is done"
            );
        }
    }
}

/// Returns the next batches, of some thousand events together.
fn batches(transaction: &Transaction<'_>, after: i64) -> rusqlite::Result<Vec<Batch>> {
    let mut find = transaction.prepare_cached(
        "SELECT b.last_row, b.first_row, b.session, s.sdk_version FROM batches b JOIN sessions s ON s.id = b.session
         WHERE b.last_row > ? ORDER BY b.last_row",
    )?;
    let mut rows = find.query([after])?;
    let (mut batches, mut events) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let batch = Batch { last_row: row.get(0)?, first_row: row.get(1)?, session: row.get(2)?, version: row.get(3)? };
        events += batch.last_row - batch.first_row + 1;
        batches.push(batch);
        if events >= FILL_ROWS {
            break;
        }
    }
    Ok(batches)
}

fn index_batch(transaction: &Transaction<'_>, tally: &mut Tally, batch: &Batch) -> rusqlite::Result<()> {
    let events = events(transaction, batch)?;
    let mut classes = 0;
    for event in &events {
        let Stored { time_us, kind, severity, number, .. } = *event;
        let facts = Facts::of(&event.body, event.name.as_deref(), batch.version.as_deref());
        let what = number.unwrap_or_else(|| of_kind(kind));
        tally.add(Counted { session: batch.session, time_us, severity, what }, facts.as_deref());
        classes |= Class::of(kind, event.name.as_deref()).bit();
        if let Some(exception) = Exception::of_event(&event.body) {
            note_row(transaction, &exception, event.row)?;
        }
    }
    tally.end_batch(batch.last_row);
    transaction
        .prepare_cached("UPDATE batches SET mask = mask | ? WHERE last_row = ?")?
        .execute([classes, batch.last_row])?;
    transaction
        .prepare_cached("INSERT INTO filters (last_row, filter) VALUES (?, ?)")?
        .execute(params![batch.last_row, filter_of(events.iter().map(|event| event.body.as_str()))])?;
    Ok(())
}

fn events(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<Vec<Stored>> {
    let mut find = transaction.prepare_cached(
        "SELECT e.row, e.time_us, e.kind, e.severity, e.name, names.name, e.body
         FROM events e LEFT JOIN names ON names.id = e.name WHERE e.row BETWEEN ? AND ? ORDER BY e.row",
    )?;
    let rows = find.query_map([batch.first_row, batch.last_row], |row| {
        Ok(Stored {
            row: row.get(0)?,
            time_us: row.get(1)?,
            kind: kind_of(row.get(2)?),
            severity: severity_of(row.get(3)?),
            number: row.get(4)?,
            name: row.get(5)?,
            body: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Notes the row of an exception with the group that it was counted in.
fn note_row(transaction: &Transaction<'_>, exception: &Exception, row: i64) -> rusqlite::Result<()> {
    let group: Option<i64> = transaction
        .prepare_cached("SELECT id FROM exceptions WHERE fingerprint = ?")?
        .query_row([&exception.fingerprint], |row| row.get(0))
        .optional()?;
    group.map_or(Ok(()), |group| exceptions::note_row(transaction, group, row))
}
