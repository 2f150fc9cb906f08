//! All that a store has, in the order in which another one takes it over: see [`Beside`] for what stands beside events.

use lastword::event::names;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::ingest::tinker::detail_of;
use crate::ingest::{Detail, Envelope, Event, Exception, Key};
use crate::limits::{COPY_SPAN_US, GROUP_EVENTS_MAX, REQUEST_EVENTS_BYTES_MAX};
use crate::store::beside::{Mark, Minute, Noted, Series, Session, User};
use crate::store::outside::{Trouble, trouble};
use crate::store::{id_of_event, kind_of, severity_of, whole_event};

/// Events that were stored together, and the row of the last of them.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) last_row: i64,
    pub(crate) envelope: Envelope,
}

/// An event as it is stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) time_us: i64,
    pub(crate) index: i64,
    pub(crate) kind: i64,
    pub(crate) severity: i64,
    /// As it is indexed.
    pub(crate) name: Option<String>,
    /// Its group, if it is an exception.
    pub(crate) exception: Option<Exception>,
    /// All of its text.
    pub(crate) body: String,
}

/// Why events could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// SQLite failed.
    Store(rusqlite::Error),
    /// The server that has the store did.
    #[cfg(feature = "clickhouse")]
    Remote(super::QueryError),
    /// A large value of an event could not be.
    Large(Box<Large>),
}

/// A large value that could not be read.
#[derive(Debug)]
pub(crate) struct Large {
    pub(crate) session: String,
    /// The id of the event.
    pub(crate) event: String,
    /// Whether the object store does not have it as it was; else it did not answer.
    pub(crate) is_lost: bool,
    pub(crate) why: String,
}

#[cfg(feature = "clickhouse")]
impl From<super::QueryError> for Unread {
    fn from(error: super::QueryError) -> Self {
        Self::Remote(error)
    }
}

impl From<rusqlite::Error> for Unread {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

/// Adds an event to those that are to be stored together.
pub(crate) fn add(envelope: &mut Envelope, stored: Stored) {
    let Stored { time_us, index, kind, severity, name, exception, body } = stored;
    let (kind, severity) = (kind_of(kind), severity_of(severity));
    // There is none without an id; if there were it would be one event, whatever it was before.
    let key = Key::new(&id_of_event(&body).unwrap_or_default(), time_us);
    let told = || name.as_deref().and_then(|name| detail_of(name, &body));
    let detail = exception.map(Detail::Exception).or_else(told).map(Box::new);
    let begin = envelope.body.len();
    envelope.body.push_str(&body);
    let (range, name) = (begin..envelope.body.len(), name.map(String::into_boxed_str));
    envelope.events.push(Event { range, key, kind, severity, index, time_us, has_arrived: false, name, detail });
}

/// Returns the row of the newest event, 0 where there is none.
pub(crate) fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(last_row), 0) FROM batches", [], |row| row.get(0))
}

/// Returns how many events there are.
pub(crate) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(sum(events), 0) FROM sessions";
    let events: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(events).unwrap_or(0))
}

/// Returns the events behind a row, some thousand of them, some megabytes or some weeks, whichever are fewer.
pub(crate) fn events(connection: &Connection, after: i64) -> Result<Vec<Piece>, Unread> {
    let mut find = connection.prepare_cached(
        "SELECT b.last_row, b.first_row, b.received_us, b.version, s.session_id, s.platform, s.process_uuid
         FROM batches b JOIN sessions s ON s.id = b.session WHERE b.last_row > ? ORDER BY b.last_row",
    )?;
    let mut batches = find.query([after])?;
    let (mut pieces, mut rows, mut bytes, mut first_us) = (Vec::new(), 0, 0, None);
    while let Some(batch) = batches.next()? {
        let received_us: i64 = batch.get(2)?;
        if received_us.abs_diff(*first_us.get_or_insert(received_us)) > COPY_SPAN_US {
            break;
        }
        let envelope = Envelope {
            session_id: batch.get(4)?,
            platform: batch.get(5)?,
            sdk_version: batch.get(3)?,
            process_uuid: batch.get(6)?,
            received_us: Some(received_us),
            ..Envelope::default()
        };
        let mut piece = Piece { last_row: batch.get(0)?, envelope };
        fill(connection, batch.get(1)?, &mut piece)?;
        rows += piece.envelope.events.len();
        bytes += piece.envelope.body.len();
        pieces.push(piece);
        if rows >= GROUP_EVENTS_MAX || bytes >= REQUEST_EVENTS_BYTES_MAX {
            break;
        }
    }
    Ok(pieces)
}

fn fill(connection: &Connection, first_row: i64, piece: &mut Piece) -> Result<(), Unread> {
    let mut find = connection.prepare_cached(
        "SELECT e.row, e.time_us, e.idx, e.kind, e.severity, names.name, e.body, x.fingerprint, x.error_type, x.message
         FROM events e LEFT JOIN names ON names.id = e.name
         LEFT JOIN exception_rows r ON r.row = e.row LEFT JOIN exceptions x ON x.id = r.exception
         WHERE e.row BETWEEN ? AND ? ORDER BY e.row",
    )?;
    let mut rows = find.query([first_row, piece.last_row])?;
    while let Some(row) = rows.next()? {
        let stored = Stored {
            time_us: row.get(1)?,
            index: row.get(2)?,
            kind: row.get(3)?,
            severity: row.get(4)?,
            name: row.get(5)?,
            exception: exception(row)?,
            body: whole(connection, row, &piece.envelope.session_id)?,
        };
        add(&mut piece.envelope, stored);
    }
    Ok(())
}

/// Returns an event with its large values, wherever they are.
fn whole(connection: &Connection, row: &Row<'_>, session: &str) -> Result<String, Unread> {
    whole_event(connection, row.get(0)?, row.get(6)?).map_err(|error| {
        let (is_lost, why) = match trouble(&error) {
            None => return Unread::Store(error),
            Some(Trouble::Lost(why)) => (true, why.to_owned()),
            Some(Trouble::Away(why)) => (false, why.to_owned()),
        };
        // What an event is known by is never taken out of it.
        let stored: String = row.get(6).unwrap_or_default();
        let event = id_of_event(&stored).unwrap_or_default();
        Unread::Large(Box::new(Large { session: session.to_owned(), event, is_lost, why }))
    })
}

fn exception(row: &Row<'_>) -> rusqlite::Result<Option<Exception>> {
    let Some(fingerprint) = row.get(7)? else { return Ok(None) };
    Ok(Some(Exception { fingerprint, error_type: row.get(8)?, message: row.get(9)? }))
}

/// A page of what is beside the events, and the number of the last of it.
type Numbered<T> = Vec<(i64, T)>;

/// Returns sessions, as they were numbered.
pub(crate) fn sessions(connection: &Connection, after: i64) -> rusqlite::Result<Numbered<Session>> {
    let mut ranges = connection.prepare_cached("SELECT low, high FROM ranges WHERE session = ? ORDER BY low")?;
    let mut drops = connection.prepare_cached("SELECT reason, count FROM drops WHERE session = ? ORDER BY reason")?;
    let mut find = connection.prepare_cached(&format!(
        "SELECT id, session_id, platform, sdk_version, process_uuid, first_received_us, last_received_us,
             first_us, last_us, end_index, critical_index, recovered, signal
         FROM sessions WHERE id > ? ORDER BY id LIMIT {GROUP_EVENTS_MAX}",
    ))?;
    let mut read = |row: &Row<'_>| {
        let number: i64 = row.get(0)?;
        let (first_us, last_us): (Option<i64>, Option<i64>) = (row.get(7)?, row.get(8)?);
        let session = Session {
            id: row.get(1)?,
            platform: row.get(2)?,
            version: row.get(3)?,
            process: row.get(4)?,
            received_us: (row.get(5)?, row.get(6)?),
            times_us: first_us.zip(last_us),
            end_index: row.get(9)?,
            critical_index: row.get(10)?,
            recovered: row.get(11)?,
            signal: row.get(12)?,
            ranges: ranges
                .query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?,
            drops: Some(
                drops.query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?,
            ),
        };
        Ok((number, session))
    };
    find.query_map([after], &mut read)?.collect()
}

/// Returns users, as they were numbered.
pub(crate) fn users(connection: &Connection, after: i64) -> rusqlite::Result<Numbered<User>> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT id, user_id, telemetry_opt_in, changed_us, first_us, last_us FROM users WHERE id > ? ORDER BY id LIMIT {GROUP_EVENTS_MAX}",
    ))?;
    let read = |row: &Row<'_>| {
        let (first_us, last_us): (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
        let times_us = first_us.zip(last_us);
        Ok((row.get(0)?, User { id: row.get(1)?, opted_in: row.get(2)?, changed_us: row.get(3)?, times_us }))
    };
    find.query_map([after], read)?.collect()
}

/// Returns how it stands with groups of exceptions.
pub(crate) fn marks(connection: &Connection, after: i64) -> rusqlite::Result<Numbered<Mark>> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT id, fingerprint, resolved_us, regressed_us FROM exceptions WHERE id > ? ORDER BY id LIMIT {GROUP_EVENTS_MAX}",
    ))?;
    let read = |row: &Row<'_>| {
        Ok((row.get(0)?, Mark { fingerprint: row.get(1)?, resolved_us: row.get(2)?, regressed_us: row.get(3)? }))
    };
    find.query_map([after], read)?.collect()
}

/// Returns the next series of metrics with its points.
pub(crate) fn series(connection: &Connection, after: i64) -> rusqlite::Result<Numbered<Series>> {
    let mut find = connection.prepare_cached(
        "SELECT id, name, type, unit, labels, last_us, last FROM series WHERE id > ? ORDER BY id LIMIT 1",
    )?;
    let mut points = connection
        .prepare_cached("SELECT minute, count, sum, min, max, last FROM points WHERE series = ? ORDER BY minute")?;
    let point = |row: &Row<'_>| {
        let (begin_us, count, sum) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Minute { begin_us, count, sum, min: row.get(3)?, max: row.get(4)?, last: row.get(5)? })
    };
    let found = find
        .query_row([after], |row| {
            let number: i64 = row.get(0)?;
            let series = Series {
                name: row.get(1)?,
                kind: row.get(2)?,
                unit: row.get(3)?,
                labels: row.get(4)?,
                last_us: row.get(5)?,
                last: row.get(6)?,
                points: points.query_map([number], point)?.collect::<rusqlite::Result<_>>()?,
            };
            Ok((number, series))
        })
        .optional()?;
    Ok(found.into_iter().collect())
}

/// Returns how many points of metrics are older than every event with metrics: their events were removed. Others of which that is so are not
/// counted.
pub(crate) fn points_without_events(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM points WHERE minute + 60000000 <= coalesce(
                   (SELECT min(b.min_us) FROM batch_names n JOIN batches b ON b.last_row = n.last_row
                    WHERE n.name = (SELECT id FROM names WHERE name = ?)), 9223372036854775807)";
    let points: i64 = connection.query_row(sql, [names::METRICS], |row| row.get(0))?;
    Ok(u64::try_from(points).unwrap_or(0))
}

/// Returns entries of the audit trail, the oldest first.
pub(crate) fn trail(connection: &Connection, after: i64) -> rusqlite::Result<Numbered<Noted>> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT id, time_us, actor, address, action, description, metadata, request_id FROM audit
         WHERE id > ? ORDER BY id LIMIT {GROUP_EVENTS_MAX}",
    ))?;
    let read = |row: &Row<'_>| {
        let (number, time_us, actor, address) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (action, description, metadata, request_id) = (row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
        Ok((number, Noted { number, time_us, actor, address, action, description, metadata, request_id }))
    };
    find.query_map([after], read)?.collect()
}
