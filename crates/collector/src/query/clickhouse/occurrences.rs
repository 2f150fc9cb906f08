//! Exceptions of one group: how many over time, and each of them, the latest first.

use std::collections::HashMap;

use super::Remote;
use super::events::{self, HEAD, Stored};
use super::narrow::{direction, of_session as put_session, within};
use super::outside::BYTES;
use crate::clickhouse::Sql;
use crate::limits::{EXCEPTION_PLATFORMS_MAX, EXCEPTION_SESSIONS_SEEN, PAGE_BYTES_MAX, PAGE_ROWS_MAX};
use crate::query::occurrences::{Grouped, add, parts};
use crate::query::params::cursor;
use crate::query::room::Room;
use crate::query::{Event, Grid, Occurrence, Order, OverTime, Page, QueryError};

/// An event that is an exception, and the fingerprint of its group. Its JSON may not be with it.
pub(super) type Found = (String, Stored);

/// Begins a question for so many exceptions. They come with their JSON, unless it is uncommonly large: all of it together is no more than a page has.
fn select(rows: usize, is_final: bool) -> Sql {
    let room = PAGE_BYTES_MAX / rows.max(1);
    let here = |column: &str, none: &str| format!("if({BYTES} <= {room}, {column}, {none})");
    let parts = ["`parts.at`", "`parts.hash`", "`parts.bytes`"].map(|column| here(column, "[]"));
    let head = HEAD.strip_suffix("'', [], [], []").unwrap_or(HEAD);
    let columns = format!("{head}{}, {}", here("body", "''"), parts.join(", "));
    Sql::new(&format!(
        "SELECT fingerprint, tuple({columns}) FROM events {} WHERE fingerprint != ''",
        if is_final { "FINAL" } else { "" }
    ))
}

/// Returns the exceptions that another question has the keys of, at most so many, the latest to be stored first.
pub(super) fn of_keys(remote: &Remote, rows: usize, keys: &Sql) -> Result<Vec<Found>, QueryError> {
    // Of what is there twice the first one counts. Keys are whole, so nothing has to be merged to see which that is: it takes a quarter of the time.
    let mut sql = select(rows, false);
    sql.add(" AND (hour, session, time_us, id) IN (").add(keys.as_str());
    sql.add(") ORDER BY row LIMIT 1 BY hour, session, time_us, id");
    let mut found: Vec<Found> = remote.rows(&sql)?;
    found.reverse();
    Ok(found)
}

/// Returns an exception with its JSON; `None` where it is removed meanwhile.
pub(super) fn whole(remote: &Remote, (_, stored): Found) -> Result<Option<Event>, QueryError> {
    let event = stored.whole(remote)?;
    if event.json.is_empty() { events::by_row(remote, event.row) } else { Ok(Some(event)) }
}

/// Returns for each of these groups how many there were in each part of a range of time, the earliest first.
pub(in crate::query) fn over_time(
    remote: &Remote,
    fingerprints: &[&str],
    grid: &Grid,
) -> Result<Vec<Vec<OverTime>>, QueryError> {
    let none = parts(grid);
    let mut all = vec![none.clone(); fingerprints.len()];
    let (Some(first), Some(last), false) = (none.first(), none.last(), fingerprints.is_empty()) else { return Ok(all) };
    let (origin, step) = grid.origin_us();
    let mut sql = Sql::new("SELECT fingerprint, min(time_us), count() FROM occurrences FINAL WHERE fingerprint IN ");
    sql.texts(fingerprints);
    within(&mut sql, Some(first.begin.0), Some(last.end.0));
    sql.add(" GROUP BY fingerprint, intDiv(time_us - ").number(origin).add(", ").number(step).add(")");
    let mut groups: HashMap<&str, _> = fingerprints.iter().copied().zip(&mut all).collect();
    for (fingerprint, moment, count) in remote.rows::<(String, i64, i64)>(&sql)? {
        if let Some(parts) = groups.get_mut(&*fingerprint) {
            add(parts, grid, moment, count);
        }
    }
    Ok(all)
}

/// Returns a page of the exceptions of a group, the latest to be stored first.
pub(in crate::query) fn page(
    remote: &Remote,
    fingerprint: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<Event>, QueryError> {
    let (after, limit) = (cursor(after)?.unwrap_or(i64::MAX), limit.clamp(1, PAGE_ROWS_MAX));
    let mut keys = Sql::new("SELECT hour, session, time_us, id FROM occurrences FINAL WHERE fingerprint = ");
    keys.text(fingerprint).add(" AND row < ").number(after).add(&format!(" ORDER BY row DESC LIMIT {}", limit + 1));
    let (mut items, mut room, mut next) = (Vec::<Event>::new(), Room::of_rows(limit), None);
    for found in of_keys(remote, limit + 1, &keys)? {
        let Some(event) = whole(remote, found)? else { continue };
        if !room.takes(event.json.len()) {
            next = items.last().map(|event| event.row.to_string());
            break;
        }
        items.push(event);
    }
    Ok(Page { items, next, resume: None })
}

/// Returns the exception of a group that has this row, or is the latest before it.
pub(in crate::query) fn at(remote: &Remote, fingerprint: &str, row: i64) -> Result<Option<Occurrence>, QueryError> {
    let of_group = " FROM occurrences FINAL WHERE fingerprint = ";
    let mut sql = Sql::new("WITH (SELECT max(row)");
    sql.add(of_group).text(fingerprint).add(" AND row <= ").number(row).add(") AS found");
    sql.add(" SELECT found, minIf(row, row > found), maxIf(row, row < found)").add(of_group).text(fingerprint);
    let Some((found, newer, older)) = remote.row::<(i64, i64, i64)>(&sql)? else { return Ok(None) };
    let mut key = Sql::new("SELECT hour, session, time_us, id");
    key.add(of_group).text(fingerprint).add(" AND row = ").number(found);
    let event = of_keys(remote, 1, &key)?.into_iter().next().map(|found| whole(remote, found)).transpose()?.flatten();
    let Some(event) = event else { return Ok(None) };
    // No row is 0: there is none then.
    let told = |row: i64| (row != 0).then_some(row);
    Ok(Some(Occurrence { event, newer: told(newer), older: told(older) }))
}

/// Returns on which platforms a group happened, by how many of its latest sessions, the most first.
pub(in crate::query) fn platforms(remote: &Remote, fingerprint: &str) -> Result<Vec<(String, i64)>, QueryError> {
    let mut sql = Sql::new(
        "SELECT ran_on, count() AS times FROM (
             SELECT argMaxMerge(platform) AS ran_on, min(row) AS number FROM sessions
             WHERE session IN (SELECT session FROM occurrences WHERE fingerprint = ",
    );
    sql.text(fingerprint);
    sql.add(&format!(
        ") GROUP BY session ORDER BY number DESC LIMIT {EXCEPTION_SESSIONS_SEEN}
         ) WHERE ran_on != '' GROUP BY ran_on ORDER BY times DESC, ran_on LIMIT {EXCEPTION_PLATFORMS_MAX}"
    ));
    remote.rows(&sql)
}

/// Returns the fingerprint of the group that an event is an exception of.
pub(in crate::query) fn group_of(remote: &Remote, row: i64) -> Result<Option<String>, QueryError> {
    let mut sql = Sql::new("SELECT fingerprint FROM events WHERE row = ");
    sql.number(row).add(" LIMIT 1");
    let found: Option<(String,)> = remote.row(&sql)?;
    Ok(found.map(|(fingerprint,)| fingerprint).filter(|fingerprint| !fingerprint.is_empty()))
}

/// Returns how many exceptions of any group a session had, and the last of them, the latest to be stored first.
pub(in crate::query) fn of_session(remote: &Remote, session: &str, limit: usize) -> Result<(i64, Grouped), QueryError> {
    let mut sql = Sql::new("SELECT count() FROM events FINAL WHERE fingerprint != ''");
    put_session(&mut sql, session);
    let (count,) = remote.row::<(i64,)>(&sql)?.unwrap_or_default();
    if count == 0 {
        return Ok((0, Vec::new()));
    }
    let mut sql = select(limit, true);
    put_session(&mut sql, session);
    sql.add(&format!(" ORDER BY row DESC LIMIT {limit}"));
    let found: Vec<Found> = remote.rows(&sql)?;
    let mut events = Vec::with_capacity(found.len());
    for found in found {
        let fingerprint = found.0.clone();
        if let Some(event) = whole(remote, found)? {
            events.push((event, Some(fingerprint)));
        }
    }
    Ok((count, events))
}

/// Returns the exceptions of a session without their JSON, at most so many.
pub(super) fn heads_of_session(
    remote: &Remote,
    session: &str,
    order: Order,
    limit: usize,
) -> Result<Vec<Event>, QueryError> {
    let mut sql = Sql::new(&format!("SELECT {HEAD} FROM events FINAL WHERE fingerprint != ''"));
    put_session(&mut sql, session);
    sql.add(&format!(" ORDER BY row {} LIMIT {limit}", direction(order)));
    remote.rows::<Stored>(&sql)?.into_iter().map(|stored| stored.whole(remote)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_of_exceptions_comes_with_them_as_far_as_a_page_has_room_for_it() {
        let sql = select(2, true);
        assert!(sql.as_str().starts_with("SELECT fingerprint, tuple(row, "), "{}", sql.as_str());
        assert!(
            sql.as_str().contains(", if(length(body) + arraySum(`parts.bytes`) <= 8388608, body, ''), if("),
            "{}",
            sql.as_str()
        );
        assert!(select(0, true).as_str().contains("<= 16777216,"));
    }
}
