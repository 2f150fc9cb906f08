//! Exceptions of one group: how many over time, and each of them, the latest first.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::events::by_row;
use super::grid::{Edge, MINUTE};
use super::params::cursor;
use super::room::Room;
use super::{Event, Grid, Moment, Order, Page, QueryError};
use crate::limits::{EDGE_EVENTS_MAX, EXCEPTION_PLATFORMS_MAX, EXCEPTION_SESSIONS_SEEN, PAGE_ROWS_MAX};

/// How many exceptions of a group happened in a part of a range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OverTime {
    /// When it began.
    pub begin: Moment,
    /// When it ended.
    pub end: Moment,
    /// Its exceptions.
    pub count: i64,
}

/// One exception of a group, and the rows of those beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) event: Event,
    pub(crate) newer: Option<i64>,
    pub(crate) older: Option<i64>,
}

/// The exceptions of a session: those that groups have, whatever kind of event they came as. One that no group knows is not looked through.
const OF_SESSION: &str = "
    FROM batches b CROSS JOIN exception_rows r
    WHERE b.session = (SELECT s.id FROM sessions s WHERE s.session_id = ?1
                       AND EXISTS (SELECT 1 FROM exception_sessions x WHERE x.session = s.id))
      AND r.row BETWEEN b.first_row AND b.last_row";

/// Returns the rows of a session's exceptions, at most so many.
pub(super) fn rows_of_session(
    connection: &Connection,
    session: &str,
    order: Order,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    let direction = if order == Order::OldestFirst { "ASC" } else { "DESC" };
    let sql = format!("SELECT r.row {OF_SESSION} ORDER BY b.last_row {direction}, r.row {direction} LIMIT {limit}");
    let mut find = connection.prepare_cached(&sql)?;
    find.query_map([session], |row| row.get(0))?.collect()
}

/// Returns for each of these groups how many there were in each part of a range of time, the earliest first: whole minutes by what is counted as
/// they come, the parts of minutes at its ends by the exceptions themselves, unless these are too many.
pub(super) fn over_time(
    connection: &mut Connection,
    fingerprints: &[&str],
    grid: &Grid,
) -> Result<Vec<Vec<OverTime>>, QueryError> {
    let snapshot = connection.transaction()?;
    Ok(fingerprints.iter().map(|group| of_group(&snapshot, group, grid)).collect::<rusqlite::Result<_>>()?)
}

fn of_group(connection: &Connection, fingerprint: &str, grid: &Grid) -> rusqlite::Result<Vec<OverTime>> {
    let mut parts = parts(grid);
    let Some(group) = connection
        .prepare_cached("SELECT id FROM exceptions WHERE fingerprint = ?")?
        .query_row([fingerprint], |row| row.get::<_, i64>(0))
        .optional()?
    else {
        return Ok(parts);
    };
    let mut add = |moment: i64, count: i64| add(&mut parts, grid, moment, count);
    for range in grid.counted() {
        for (moment, count) in counts(connection, group, range)? {
            add(moment, count);
        }
    }
    for edge in grid.edges() {
        let minute = (MINUTE, edge.minute_us, edge.minute_end_us());
        let there = counts(connection, group, minute)?.iter().fold(0_i64, |sum, (_, count)| sum.saturating_add(*count));
        if usize::try_from(there).is_ok_and(|there| there > EDGE_EVENTS_MAX) {
            add(edge.since_us, there);
        } else if there > 0 {
            for moment in times(connection, group, &edge, there)? {
                add(moment, 1);
            }
        }
    }
    Ok(parts)
}

/// Returns the parts of a range of time, nothing of which is counted yet.
pub(super) fn parts(grid: &Grid) -> Vec<OverTime> {
    let part = |part| {
        let (begin, end) = grid.within(part);
        OverTime { begin, end, count: 0 }
    };
    (0..grid.parts()).map(part).collect()
}

/// Adds to the part that a moment is in.
pub(super) fn add(parts: &mut [OverTime], grid: &Grid, moment: i64, count: i64) {
    if let Some(part) = grid.part_of(Moment(moment)).and_then(|part| parts.get_mut(part)) {
        part.count = part.count.saturating_add(count);
    }
}

/// Reads what is counted of a group by one width, from a moment on up to another.
fn counts(
    connection: &Connection,
    group: i64,
    (width, from, to): (i64, i64, i64),
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut prepared = connection.prepare_cached(
        "SELECT begin, count FROM exception_counts WHERE exception = ? AND width = ? AND begin >= ? AND begin < ?",
    )?;
    prepared.query_map((group, width, from, to), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Reads when the exceptions of a group happened in a part of a minute that has so many of them.
fn times(connection: &Connection, group: i64, edge: &Edge, there: i64) -> rusqlite::Result<Vec<i64>> {
    // Once as many were seen as the minute has, no other is looked for.
    let mut prepared = connection.prepare_cached(
        "SELECT e.time_us FROM batches b CROSS JOIN exception_rows r CROSS JOIN events e
         WHERE b.max_us >= ?1 AND b.min_us < ?2 AND r.row BETWEEN b.first_row AND b.last_row AND r.exception = ?3
           AND e.row = r.row AND e.time_us >= ?1 AND e.time_us < ?2
         ORDER BY b.last_row DESC LIMIT ?4",
    )?;
    let rows = prepared.query_map((edge.minute_us, edge.minute_end_us(), group, there), |row| row.get::<_, i64>(0))?;
    let all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|moment| edge.has(*moment)).collect())
}

/// Returns a page of the exceptions of a group, the latest to be stored first.
pub(super) fn page(
    connection: &mut Connection,
    fingerprint: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<Event>, QueryError> {
    let (after, limit) = (cursor(after)?.unwrap_or(i64::MAX), limit.clamp(1, PAGE_ROWS_MAX));
    let snapshot = connection.transaction()?;
    let mut prepared = snapshot.prepare_cached(
        "SELECT row FROM exception_rows WHERE exception = (SELECT id FROM exceptions WHERE fingerprint = ?) AND row < ?
         ORDER BY row DESC LIMIT ?",
    )?;
    let mut rows = prepared.query((fingerprint, after, i64::try_from(limit + 1).unwrap_or(i64::MAX)))?;
    let (mut items, mut room, mut next) = (Vec::<Event>::new(), Room::of_rows(limit), None);
    while let Some(row) = rows.next()? {
        let Some(event) = by_row(&snapshot, row.get(0)?)? else { continue };
        if !room.takes(event.json.len()) {
            next = items.last().map(|event| event.row.to_string());
            break;
        }
        items.push(event);
    }
    Ok(Page { items, next, resume: None })
}

/// Returns the exception of a group that has this row, or is the latest before it.
pub(super) fn at(connection: &mut Connection, fingerprint: &str, row: i64) -> Result<Option<Occurrence>, QueryError> {
    let snapshot = connection.transaction()?;
    let beside = |what: &str, condition: &str, row: i64| {
        let sql = format!(
            "SELECT {what}(row) FROM exception_rows
             WHERE exception = (SELECT id FROM exceptions WHERE fingerprint = ?) AND row {condition} ?"
        );
        snapshot.prepare_cached(&sql)?.query_row((fingerprint, row), |row| row.get::<_, Option<i64>>(0))
    };
    let Some(row) = beside("max", "<=", row)? else { return Ok(None) };
    let Some(event) = by_row(&snapshot, row)? else { return Ok(None) };
    Ok(Some(Occurrence { event, newer: beside("min", ">", row)?, older: beside("max", "<", row)? }))
}

/// Returns on which platforms a group happened, by how many of its latest sessions, the most first.
pub(super) fn platforms(connection: &Connection, fingerprint: &str) -> Result<Vec<(String, i64)>, QueryError> {
    let sql = format!(
        "SELECT s.platform, count(*) FROM (
             SELECT session FROM exception_sessions WHERE exception = (SELECT id FROM exceptions WHERE fingerprint = ?)
             ORDER BY session DESC LIMIT {EXCEPTION_SESSIONS_SEEN}
         ) AS of JOIN sessions s ON s.id = of.session
         WHERE s.platform IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {EXCEPTION_PLATFORMS_MAX}"
    );
    let mut prepared = connection.prepare_cached(&sql)?;
    let rows = prepared.query_map([fingerprint], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the fingerprint of the group that an event is an exception of.
pub(super) fn group_of(connection: &Connection, row: i64) -> Result<Option<String>, QueryError> {
    Ok(connection
        .prepare_cached(
            "SELECT x.fingerprint FROM exception_rows r JOIN exceptions x ON x.id = r.exception WHERE r.row = ?",
        )?
        .query_row([row], |row| row.get(0))
        .optional()?)
}

/// Exceptions, each with the fingerprint of its group.
pub(crate) type Grouped = Vec<(Event, Option<String>)>;

/// Returns how many exceptions of any group a session had, and the last of them, the latest to be stored first.
pub(super) fn of_session(
    connection: &mut Connection,
    session: &str,
    limit: usize,
) -> Result<(i64, Grouped), QueryError> {
    let snapshot = connection.transaction()?;
    let count = format!("SELECT count(*) {OF_SESSION}");
    let count = snapshot.prepare_cached(&count)?.query_row([session], |row| row.get(0))?;
    let rows = rows_of_session(&snapshot, session, Order::NewestFirst, limit)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(event) = by_row(&snapshot, row)? {
            found.push((event, group_of(&snapshot, row)?));
        }
    }
    Ok((count, found))
}
