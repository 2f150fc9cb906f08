//! Events. A page is looked for in steps of time, until it is full; its order is that of rows, which begin with the time at which they were
//! written.

use lastword::EventKind;
use serde::Deserialize;

use super::Remote;
use super::narrow::{self, Steps, direction};
use super::outside::{self, BYTES, Parts, Text};
use crate::clickhouse::{Sql, us_of};
use crate::clock;
use crate::limits::EVENTS_STEP;
use crate::query::events::Filling;
use crate::query::params::cursor;
use crate::query::{Event, EventQuery, Moment, Order, Page, QueryError};
use crate::store::{WIDTHS_US, kind_of, severity_of};

/// The columns of an event, in the order of [`Stored`].
pub(super) const WHOLE: &str =
    "row, time_us, idx, kind, severity, received_us, session, name, body, `parts.at`, `parts.hash`, `parts.bytes`";

/// Those of an event without its JSON.
pub(super) const HEAD: &str = "row, time_us, idx, kind, severity, received_us, session, name, '', [], [], []";

/// An event as it is stored.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    row: i64,
    time_us: i64,
    index: i64,
    kind: i64,
    severity: i64,
    received_us: i64,
    session: String,
    name: String,
    pub(super) body: String,
    /// See [`Parts`].
    at: Vec<u32>,
    hash: Vec<Box<str>>,
    bytes: Vec<usize>,
}

impl Stored {
    /// Returns what of it is elsewhere.
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts { at: &self.at, hash: &self.hash, bytes: &self.bytes }
    }

    /// Returns the event, which has all of its text now.
    fn event(self) -> Event {
        let kind = kind_of(self.kind);
        Event {
            row: self.row,
            time: Moment(self.time_us),
            index: self.index,
            kind,
            severity: severity_of(self.severity),
            json: self.body,
            received: Moment(self.received_us),
            session_id: self.session,
            name: (kind == EventKind::Generic).then_some(self.name),
        }
    }

    /// Returns the event with its large values.
    pub(super) fn whole(self, remote: &Remote) -> Result<Event, QueryError> {
        let mut all = [self];
        put_back(remote, &mut all, &mut Text::Whole)?;
        let [stored] = all;
        Ok(stored.event())
    }
}

/// Returns events with their large values, which are read together.
pub(super) fn whole(remote: &Remote, mut all: Vec<Stored>, text: &mut Text) -> Result<Vec<Event>, QueryError> {
    put_back(remote, &mut all, text)?;
    Ok(all.into_iter().map(Stored::event).collect())
}

fn put_back(remote: &Remote, all: &mut [Stored], text: &mut Text) -> Result<(), QueryError> {
    let events = all.iter_mut().map(|Stored { body, at, hash, bytes, .. }| (body, Parts { at, hash, bytes }));
    Ok(outside::put_back(remote, events, text)?)
}

/// Returns a page of events, of so many bytes or of one event.
pub(in crate::query) fn page(remote: &Remote, query: &EventQuery, bytes_max: usize) -> Result<Page<Event>, QueryError> {
    look(remote, query, Some(bytes_max), Text::Whole)
}

/// Returns a page of events for somebody to look at: while the object store does not answer, a text says so in place of a large value.
pub(in crate::query) fn shown(
    remote: &Remote,
    query: &EventQuery,
    bytes_max: usize,
) -> Result<Page<Event>, QueryError> {
    look(remote, query, Some(bytes_max), Text::Shown)
}

/// Returns a page of events without their JSON.
pub(in crate::query) fn heads(remote: &Remote, query: &EventQuery) -> Result<Page<Event>, QueryError> {
    look(remote, query, None, Text::Left)
}

fn look(
    remote: &Remote,
    query: &EventQuery,
    json_bytes_max: Option<usize>,
    mut text: Text,
) -> Result<Page<Event>, QueryError> {
    let after = cursor(query.after.as_deref())?;
    // Asked for first: what is stored meanwhile is seen by whoever goes on from here.
    let mark = remote.mark()?;
    let mut filling = Filling::new(query.limit, json_bytes_max);
    // Where there are none, the index of texts says which events are to be looked at.
    let in_values = query.text.is_some() && remote.has_outside()?;
    if narrow::may_match(query) {
        for range in steps(remote, query, after, mark)? {
            let asked = Asked { query, in_values };
            fill(remote, asked, range, &mut filling, &mut text)?;
            if filling.is_full {
                break;
            }
        }
    }
    Ok(filling.end(query.order, mark.saturating_sub(1), after))
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Asked<'q> {
    query: &'q EventQuery,
    /// Whether the text may be in values that are elsewhere, which the server can't look into.
    in_values: bool,
}

/// Adds what is in some rows, until the page is full. Where a text is looked for, all events are read that have values elsewhere, and those that turn
/// out not to have it make room for others.
fn fill(
    remote: &Remote,
    asked: Asked<'_>,
    (mut from, mut to): (i64, i64),
    filling: &mut Filling,
    text: &mut Text,
) -> Result<(), QueryError> {
    let query = asked.query;
    loop {
        let sql = statement(asked, (from, to), filling.room.left(), *text != Text::Left);
        let mut all: Vec<Stored> = remote.rows(&sql)?;
        // What was said of its bytes may be more than there are.
        let is_sure = all.iter().all(|stored| stored.at.is_empty());
        let last = all.last().map(|stored| stored.row);
        if let Some(needle) = query.text.as_deref().filter(|_| asked.in_values) {
            outside::keep_with(remote, &mut all, needle)?;
        }
        for event in whole(remote, all, text)? {
            if !filling.is_full {
                filling.add(event);
            }
        }
        let Some(last) = last.filter(|_| !is_sure && !filling.is_full) else { return Ok(()) };
        match query.order {
            Order::OldestFirst => from = last.saturating_add(1),
            Order::NewestFirst => to = last,
        }
    }
}

/// Returns in which rows a page is looked for.
fn steps(remote: &Remote, query: &EventQuery, after: Option<i64>, mark: i64) -> Result<Steps, QueryError> {
    let now_us = clock::now_us();
    let is_narrow = narrow::is_narrow(query, now_us);
    let (from, to) = match query.order {
        Order::NewestFirst => (0, after.unwrap_or_else(|| narrow::newest_end(mark, now_us))),
        // Beyond the mark rows come that are before others.
        Order::OldestFirst => (after.map_or(0, |row| row.saturating_add(1)), mark),
    };
    if is_narrow || query.order == Order::NewestFirst || to.saturating_sub(from) <= narrow::rows_of(EVENTS_STEP) {
        return Ok(Steps::new(query.order, (from, to), mark, is_narrow));
    }
    // Decades without an event are not stepped through.
    let mut sql = Sql::new("SELECT min(row) FROM events WHERE row >= ");
    sql.number(from);
    let first = remote.row::<(i64,)>(&sql)?.map_or(0, |(row,)| row);
    // It is 0 of none.
    let from = if first == 0 { to } else { first };
    Ok(Steps::new(query.order, (from, to), mark, false))
}

/// Writes the statement for the rows from one on, before another.
fn statement(
    Asked { query, in_values }: Asked<'_>,
    (from, to): (i64, i64),
    (rows, bytes): (usize, usize),
    with_json: bool,
) -> Sql {
    let direction = direction(query.order);
    let mut sql = Sql::new("");
    if with_json {
        // Each with the bytes of those before it: a thousand events may be more than can be read.
        sql.add("SELECT ").add(WHOLE).add(" FROM (SELECT ").add(WHOLE);
        sql.add(", sum(").add(BYTES).add(") OVER (ORDER BY row ").add(direction);
        sql.add(" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - (").add(BYTES).add(") AS before FROM (");
    }
    sql.add("SELECT ");
    match query.text.as_deref().filter(|_| in_values && !with_json) {
        None => _ = sql.add(if with_json { WHOLE } else { HEAD }),
        // Values are looked into of those that don't have it in what is here.
        Some(text) => {
            let mut is_here = Sql::new("lower(body) LIKE ");
            is_here.containing(text);
            let part = |name: &str| format!("if({}, [], `parts.{name}`)", is_here.as_str());
            sql.add(&HEAD.replacen("[], [], []", &["at", "hash", "bytes"].map(part).join(", "), 1));
        }
    }
    sql.add(" FROM events FINAL WHERE row >= ").number(from).add(" AND row < ").number(to);
    narrow::matching(&mut sql, query, in_values);
    sql.add(" ORDER BY row ").add(direction).add(" LIMIT ").number(rows as u64);
    if with_json {
        sql.add(")) WHERE before <= ").number(bytes as u64).add(" ORDER BY row ").add(direction);
    }
    sql
}

/// Returns the event of a row. It is looked for in the hours in which it was written, since nearly all are written when they happen; then in
/// all.
pub(in crate::query) fn by_row(remote: &Remote, row: i64) -> Result<Option<Event>, QueryError> {
    let mut all = Sql::new("SELECT ");
    all.add(WHOLE).add(" FROM events FINAL WHERE row = ").number(row);
    let written_us = us_of(row);
    let mut near = all.clone();
    near.add(" AND hour IN (").hour(written_us).add(", ").hour(written_us.saturating_sub(WIDTHS_US[1])).add(")");
    for mut sql in [near, all] {
        if let Some(stored) = remote.row::<Stored>(sql.add(" LIMIT 1"))? {
            return stored.whole(remote).map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_of_one_statement_a_step_and_bounded_in_bytes() {
        let query = EventQuery { session: Some("s'1".to_owned()), limit: 2, ..EventQuery::default() };
        let asked = Asked { query: &query, in_values: false };
        let head = statement(asked, (5, 9), Filling::new(query.limit, None).room.left(), false);
        assert_eq!(
            head.as_str(),
            format!(
                "SELECT {HEAD} FROM events FINAL WHERE row >= 5 AND row < 9 AND session = 's\\'1' \
                 AND hour IN (SELECT hour FROM sessions WHERE session = 's\\'1') ORDER BY row DESC LIMIT 3"
            )
        );
        let whole = statement(asked, (5, 9), Filling::new(query.limit, Some(100)).room.left(), true);
        assert!(whole.as_str().ends_with(" LIMIT 3)) WHERE before <= 100 ORDER BY row DESC"), "{}", whole.as_str());
    }

    #[test]
    fn an_event_is_read_from_its_columns() {
        let of = |kind: i64| {
            let json = format!(r#"[7, 1, 2, {kind}, 4, 3, "s", "", "{{}}", [], [], []]"#);
            serde_json::from_str::<Stored>(&json).unwrap()
        };
        assert_eq!((of(3).row, of(3).index, of(3).body.as_str()), (7, 2, "{}"));
        assert_eq!(kind_of(of(1).kind), EventKind::SessionEnd);
    }
}
