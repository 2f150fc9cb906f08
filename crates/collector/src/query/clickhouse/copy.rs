//! All that a store has, in the order in which another one takes it over. See [`crate::query::copy`].

use std::cell::Cell;

use serde::Deserialize;

use super::outside::{self, BYTES, Parts, Text};
use super::sessions::SEEN;
use super::{Remote, audit, exceptions, users};
use crate::clickhouse::{ROW_BITS, Sql};
use crate::ingest::{Envelope, Exception, NO_INDEX};
use crate::limits::{COPY_ROWS, PAGE_BYTES_MAX, PAGE_ROWS_MAX};
use crate::query::copy::{self, Large, Piece, Unread};
use crate::query::{AuditQuery, ExceptionQuery, Moment, Page, QueryError, UserQuery};
use crate::store::beside::{Mark, Noted, Session, User};
use crate::store::outside::Wrong;
use crate::store::{id_of_event, kind_number};
use lastword::EventKind;

/// How many rows events are first looked for in: those of an hour.
const BEGIN_WIDTH: i64 = 3_600_000 << ROW_BITS;
/// The most: those of four weeks, of which a server takes what is in them at once.
const WIDTH_MAX: i64 = 24 * 28 * BEGIN_WIDTH;

/// How far events are looked for at once: as many rows as have about so many events as are wanted.
#[derive(Debug)]
pub(crate) struct Window(Cell<i64>);

impl Default for Window {
    fn default() -> Self {
        Self(Cell::new(BEGIN_WIDTH))
    }
}

#[derive(Deserialize)]
struct Row {
    row: i64,
    received_us: i64,
    session: String,
    platform: String,
    version: String,
    process: String,
    time_us: i64,
    index: i64,
    kind: i64,
    severity: i64,
    name: String,
    fingerprint: String,
    error_type: String,
    message: String,
    body: String,
    /// See [`Parts`].
    at: Vec<u32>,
    hash: Vec<Box<str>>,
    bytes: Vec<usize>,
}

/// Returns the row of the newest event up to a row, 0 where there is none.
pub(crate) fn newest(remote: &Remote, until: i64) -> Result<i64, QueryError> {
    let mut sql = Sql::new("SELECT max(row) FROM events WHERE row <= ");
    Ok(remote.row::<(i64,)>(sql.number(until))?.map_or(0, |(row,)| row))
}

/// Returns how many events there are up to a row.
pub(crate) fn count(remote: &Remote, until: i64) -> Result<u64, QueryError> {
    let mut sql = Sql::new("SELECT count() FROM events FINAL WHERE row <= ");
    Ok(remote.row::<(u64,)>(sql.number(until))?.map_or(0, |(count,)| count))
}

/// Returns the events behind a row and up to another, some thousand of them or some megabytes, whichever are fewer; none if there are no more.
pub(crate) fn events(remote: &Remote, window: &Window, after: i64, until: i64) -> Result<Vec<Piece>, Unread> {
    let mut after = after;
    while after < until {
        let width = window.0.get();
        let to = after.saturating_add(width).min(until);
        let mut sql = Sql::new("SELECT count(), min(row) FROM events WHERE row > ");
        sql.number(after).add(" AND row <= ").number(to);
        let (rows, _): (u64, i64) = remote.row(&sql)?.unwrap_or_default();
        if rows == 0 {
            // Decades without an event are not stepped through.
            let mut sql = Sql::new("SELECT min(row) FROM events WHERE row > ");
            let first = remote.row::<(i64,)>(sql.number(to).add(" AND row <= ").number(until))?.map_or(0, |(row,)| row);
            after = if first == 0 { until } else { first - 1 };
            continue;
        }
        if rows > COPY_ROWS && width > 1 {
            window.0.set(width / 2);
            continue;
        }
        if rows < COPY_ROWS / 4 {
            window.0.set((width * 2).min(WIDTH_MAX));
        }
        let pieces = pieces(whole(remote, remote.rows(&statement(after, to))?)?);
        if !pieces.is_empty() {
            return Ok(pieces);
        }
        after = to;
    }
    Ok(Vec::new())
}

fn statement(after: i64, to: i64) -> Sql {
    const COLUMNS: &str = "row, received_us, session, platform, version, process, time_us, idx, kind, severity, name, fingerprint, \
                           error_type, error_message, body, `parts.at`, `parts.hash`, `parts.bytes`";
    let mut sql = Sql::new(&format!(
        "SELECT {COLUMNS} FROM (SELECT {COLUMNS}, sum({BYTES}) OVER (ORDER BY row ROWS BETWEEN UNBOUNDED PRECEDING \
         AND CURRENT ROW) - ({BYTES}) AS before FROM events FINAL WHERE row > "
    ));
    sql.number(after).add(" AND row <= ").number(to);
    sql.add(") WHERE before <= ").number(PAGE_BYTES_MAX as u64).add(" ORDER BY row");
    sql
}

/// Puts large values back into events.
fn whole(remote: &Remote, mut rows: Vec<Row>) -> Result<Vec<Row>, Unread> {
    if put_back(remote, &mut rows).is_ok() {
        return Ok(rows);
    }
    // Which of them it is.
    for row in &mut rows {
        // What an event is known by is never taken out of it.
        let event = id_of_event(&row.body).unwrap_or_default();
        let (is_lost, why) = match put_back(remote, std::slice::from_mut(row)) {
            Ok(()) => continue,
            Err(Wrong::Lost(why)) => (true, why),
            Err(Wrong::Away(why)) => (false, why),
        };
        return Err(Unread::Large(Box::new(Large { session: row.session.clone(), event, is_lost, why })));
    }
    Ok(rows)
}

fn put_back(remote: &Remote, rows: &mut [Row]) -> Result<(), Wrong> {
    let events = rows.iter_mut().map(|Row { body, at, hash, bytes, .. }| (body, Parts { at, hash, bytes }));
    outside::put_back(remote, events, &mut Text::Whole)
}

/// Puts those together again that came together.
fn pieces(rows: Vec<Row>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for row in rows {
        let said = |text: String| (!text.is_empty()).then_some(text);
        let [platform, version, process] = [row.platform, row.version, row.process].map(said);
        let is_of = |piece: &&mut Piece| {
            let envelope = &piece.envelope;
            envelope.session_id == row.session
                && envelope.received_us == Some(row.received_us)
                && (&envelope.platform, &envelope.sdk_version, &envelope.process_uuid)
                    == (&platform, &version, &process)
        };
        let is_exception = !row.fingerprint.is_empty();
        let stored = copy::Stored {
            time_us: row.time_us,
            index: row.index,
            kind: row.kind,
            severity: row.severity,
            name: (row.kind == kind_number(EventKind::Generic)).then_some(row.name),
            exception: is_exception.then_some(Exception {
                fingerprint: row.fingerprint,
                error_type: row.error_type,
                message: row.message,
            }),
            body: row.body,
        };
        if let Some(piece) = pieces.last_mut().filter(is_of) {
            piece.last_row = row.row;
            copy::add(&mut piece.envelope, stored);
            continue;
        }
        let mut envelope = Envelope {
            session_id: row.session,
            platform,
            sdk_version: version,
            process_uuid: process,
            received_us: Some(row.received_us),
            ..Envelope::default()
        };
        copy::add(&mut envelope, stored);
        pieces.push(Piece { last_row: row.row, envelope });
    }
    pieces
}

#[derive(Deserialize)]
struct Known {
    number: i64,
    id: String,
    platform: Option<String>,
    version: Option<String>,
    process: Option<String>,
    first_received_us: i64,
    last_received_us: i64,
    first_us: i64,
    last_us: i64,
    end_index: i64,
    critical_index: i64,
    recovered: bool,
    signal: Option<String>,
    ranges: Vec<(i64, i64)>,
}

/// Returns sessions, as they were numbered.
pub(crate) fn sessions(remote: &Remote, after: i64) -> Result<Vec<(i64, Session)>, QueryError> {
    let mut sql = Sql::new(&format!(
        "SELECT number, session, platform, version, process, first_received, last_received, first, last, end, critical,
             is_recovered, signal,
             if(empty(seen), [], arrayMap(run -> (run[1], run[-1]), arraySplit((one, step) -> step > 1, seen, arrayDifference(seen))))
         FROM (SELECT toInt64(min(row)) AS number, session, nullIf(argMaxMerge(sessions.platform), '') AS platform,
                 nullIf(argMaxMerge(sessions.version), '') AS version, nullIf(argMaxMerge(sessions.process), '') AS process,
                 min(first_received_us) AS first_received, max(last_received_us) AS last_received, min(first_us) AS first,
                 max(last_us) AS last, max(end_index) AS end, min(critical_index) AS critical,
                 toBool(max(recovered)) AS is_recovered, nullIf(argMinMerge(sessions.signal), '') AS signal, {SEEN} AS seen
               FROM sessions GROUP BY session HAVING number > "
    ));
    sql.number(after).add(&format!(" ORDER BY number LIMIT {PAGE_ROWS_MAX})"));
    sql.add(" ORDER BY number");
    let session = |known: Known| {
        let session = Session {
            id: known.id,
            platform: known.platform,
            version: known.version,
            process: known.process,
            received_us: (known.first_received_us, known.last_received_us),
            times_us: (known.first_us <= known.last_us).then_some((known.first_us, known.last_us)),
            end_index: (known.end_index != NO_INDEX).then_some(known.end_index),
            critical_index: (known.critical_index != i64::MAX).then_some(known.critical_index),
            recovered: known.recovered,
            signal: known.signal,
            ranges: known.ranges,
            // What was dropped is what the events say.
            drops: None,
        };
        (known.number, session)
    };
    Ok(remote.rows(&sql)?.into_iter().map(session).collect())
}

/// Returns all users, as they were numbered.
pub(crate) fn users(remote: &Remote) -> Result<Vec<User>, QueryError> {
    let all = all(|after| users::page(remote, &UserQuery { after, limit: PAGE_ROWS_MAX, ..UserQuery::default() }))?;
    let moment = |moment: Option<Moment>| moment.map(Moment::as_micros);
    let user = |user: crate::query::User| User {
        id: user.user_id,
        opted_in: user.telemetry_opt_in,
        changed_us: moment(user.changed),
        times_us: moment(user.first_seen).zip(moment(user.last_seen)),
    };
    Ok(all.into_iter().map(user).collect())
}

/// Returns how it stands with all groups of exceptions.
pub(crate) fn marks(remote: &Remote) -> Result<Vec<Mark>, QueryError> {
    let query = |after| ExceptionQuery { after, limit: PAGE_ROWS_MAX, ..ExceptionQuery::default() };
    let all = all(|after| exceptions::page(remote, &query(after)))?;
    let mark = |group: crate::query::ExceptionGroup| Mark {
        fingerprint: group.fingerprint,
        resolved_us: group.resolved_at.map(Moment::as_micros),
        regressed_us: group.regressed_at.map(Moment::as_micros),
    };
    Ok(all.into_iter().map(mark).collect())
}

/// Returns all entries of the audit trail, the oldest first.
pub(crate) fn trail(remote: &Remote) -> Result<Vec<Noted>, QueryError> {
    let all = all(|after| audit::page(remote, &AuditQuery { after, limit: PAGE_ROWS_MAX, ..AuditQuery::default() }))?;
    let entry = |(number, entry): (i64, crate::query::AuditEntry)| Noted {
        number,
        time_us: entry.time.as_micros(),
        actor: entry.actor,
        address: entry.address,
        action: entry.action,
        description: entry.description,
        metadata: entry.metadata.get().to_owned(),
        request_id: entry.request_id,
    };
    Ok((1..).zip(all).map(entry).collect())
}

/// Returns what all pages have, the last one first.
fn all<T>(mut page: impl FnMut(Option<String>) -> Result<Page<T>, QueryError>) -> Result<Vec<T>, QueryError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let Page { items, next, .. } = page(after)?;
        all.extend(items);
        after = next;
        if after.is_none() {
            all.reverse();
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_came_together_are_put_together_again() {
        let row = |row: i64, session: &str, received_us: i64| {
            let json = format!(
                r#"[{row}, {received_us}, "{session}", "", "1.0", "", 5, 0, 3, 2, "n", "", "", "", "{{\"event_id\":\"{row}\"}}", [], [], []]"#
            );
            serde_json::from_str::<Row>(&json).unwrap()
        };
        let pieces = pieces(vec![row(1, "a", 7), row(2, "a", 7), row(3, "b", 7), row(4, "a", 7), row(5, "a", 8)]);
        let shape: Vec<_> = pieces.iter().map(|piece| (piece.last_row, piece.envelope.events.len())).collect();
        assert_eq!(shape, [(2, 2), (3, 1), (4, 1), (5, 1)]);
        assert_eq!(pieces[0].envelope.received_us, Some(7));
        assert_eq!(&pieces[0].envelope.body[pieces[0].envelope.events[1].range.clone()], r#"{"event_id":"2"}"#);
        assert_eq!((&pieces[0].envelope.platform, pieces[0].envelope.sdk_version.as_deref()), (&None, Some("1.0")));
    }
}
