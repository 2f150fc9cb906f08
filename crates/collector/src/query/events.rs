//! Events: which ones, in which order, a page at a time.
//!
//! Batches are looked through first (see [`store`](crate::store)): those of the session, of the time, with the name, the
//! kind and the severity. Only their rows are read. Both are walked by row number, so a page costs no sort.

use lastword::{EventKind, Severity};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::narrow::{self, Numbers, Statement, statement};
use super::params::{Params, cursor};
use super::room::Room;
use super::{Event, Moment, Page, ParamError, QueryError};
use crate::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use crate::store::outside::trouble;
use crate::store::{kind_of, severity_of, told_event, whole_event};

/// In which order events come: that in which they were stored, or the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The oldest first.
    OldestFirst,
    /// The newest first.
    #[default]
    NewestFirst,
}

/// Which events. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Of this session.
    pub session: Option<String>,
    /// Of this trace: 32 hexadecimal digits.
    pub trace: Option<String>,
    /// Of this run.
    pub run: Option<String>,
    /// Of the user with this id (`user_id` of its data).
    pub user: Option<String>,
    /// Of sessions of this version of their SDK.
    pub version: Option<String>,
    /// Generic events of this name.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// As bad as this, or worse.
    pub severity: Option<Severity>,
    /// Not older than this, by the client's clock.
    pub since: Option<Moment>,
    /// Older than this, by the client's clock.
    pub until: Option<Moment>,
    /// With this text anywhere in their JSON; ASCII letters match in either case.
    pub text: Option<String>,
    /// Those that come after the page that had this as its `next`, or, oldest first, as its `resume`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
    /// In this order.
    pub order: Order,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self {
            session: None,
            trace: None,
            run: None,
            user: None,
            version: None,
            name: None,
            kind: None,
            severity: None,
            since: None,
            until: None,
            text: None,
            after: None,
            limit: PAGE_ROWS_DEFAULT,
            order: Order::default(),
        }
    }
}

impl EventQuery {
    pub(crate) const PARAMS: &[&str] = &[
        "session", "trace", "run", "user", "version", "name", "kind", "severity", "since", "until", "text", "order",
        "limit", "after",
    ];

    /// Reads the parameters of a URL: `session`, `trace`, `run`, `user`, `version`, `name`, `kind`, `severity`, `since`, `until`, `text`, `order` (`asc`,
    /// `desc`), `limit`, `after` (also `cursor`). Those that are empty count as not given.
    ///
    /// # Errors
    ///
    /// A parameter is unknown, given twice or can't be read.
    ///
    /// ```
    /// use lastword_collector::query::{EventQuery, Order};
    /// let query = EventQuery::from_pairs([("session", "s-1"), ("order", "asc"), ("since", "15m")]).unwrap();
    /// assert_eq!((query.session.as_deref(), query.order), (Some("s-1"), Order::OldestFirst));
    /// let error = EventQuery::from_pairs([("limit", "many")]).unwrap_err();
    /// assert_eq!(error.to_string(), "`limit` is `many`: it must be a number from 1 to 1000");
    /// ```
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut params = Params::new(Self::PARAMS, pairs)?;
        Ok(Self {
            session: params.text("session"),
            trace: params.text("trace").map(|trace| trace.to_ascii_lowercase()),
            run: params.text("run"),
            user: params.text("user"),
            version: params.text("version"),
            name: params.text("name"),
            kind: params.kind()?,
            severity: params.severity("severity")?,
            since: params.moment("since")?,
            until: params.moment("until")?,
            text: params.text("text"),
            limit: params.limit()?,
            order: params.order()?.unwrap_or_default(),
            after: params.after()?,
        })
    }
}

/// Returns a page of events, of so many bytes or of one event.
pub(super) fn page(
    connection: &mut Connection,
    query: &EventQuery,
    bytes_max: usize,
) -> Result<Page<Event>, QueryError> {
    look(connection, query, Some(bytes_max), Text::Whole)
}

/// Returns a page of events for somebody to look at: while the object store does not answer, a text says so in place of a large value.
pub(super) fn shown(
    connection: &mut Connection,
    query: &EventQuery,
    bytes_max: usize,
) -> Result<Page<Event>, QueryError> {
    look(connection, query, Some(bytes_max), Text::Shown)
}

/// Returns a page of events without their JSON, which is most of what there is to read.
pub(super) fn heads(connection: &mut Connection, query: &EventQuery) -> Result<Page<Event>, QueryError> {
    look(connection, query, None, Text::Left)
}

/// How an event is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    /// Without its JSON.
    Left,
    /// With all of it.
    Whole,
    /// With as much of it as can be read now.
    Shown,
    /// With as much of it as can be read without asking the object store.
    Told,
}

/// Reads events, with so many bytes of JSON or without any.
fn look(
    connection: &mut Connection,
    query: &EventQuery,
    json_bytes_max: Option<usize>,
    mut text: Text,
) -> Result<Page<Event>, QueryError> {
    let after = cursor(query.after.as_deref())?;
    narrow::define(connection, query)?;
    let mut filling = Filling::new(query.limit, json_bytes_max);
    // One snapshot, so that `resume` says exactly what this page could see.
    let snapshot = connection.transaction()?;
    let newest: i64 = snapshot.query_row("SELECT coalesce(max(last_row), 0) FROM batches", [], |row| row.get(0))?;
    if let Some(numbers) = Numbers::of(&snapshot, query)? {
        let Statement { sql, values } = statement(query, &numbers, after, filling.room.rows_max());
        // The column; what is looked for in the text stands behind it.
        let sql = if json_bytes_max.is_some() { sql } else { sql.replacen("e.body", "''", 1) };
        let mut prepared = snapshot.prepare_cached(&sql)?;
        let mut rows = prepared.query(params_from_iter(values))?;
        while !filling.is_full
            && let Some(row) = rows.next()?
        {
            filling.add(match read(&snapshot, row, text) {
                Err(error) if text == Text::Shown && trouble(&error).is_some() => {
                    tracing::warn!(%error, "events are shown without it");
                    // It is not waited for again with each event.
                    text = Text::Told;
                    read(&snapshot, row, text)?
                }
                event => event?,
            });
        }
    }
    Ok(filling.end(query.order, newest, after))
}

/// A page that is filled event by event, as long as there is room.
pub(super) struct Filling {
    items: Vec<Event>,
    pub(super) room: Room,
    /// There was an event more than it may have.
    pub(super) is_full: bool,
}

impl Filling {
    /// Begins a page; without a bound of bytes its events have no JSON.
    pub(super) fn new(limit: usize, bytes_max: Option<usize>) -> Self {
        let room = Room::of(limit.clamp(1, PAGE_ROWS_MAX), bytes_max.unwrap_or(usize::MAX));
        Self { items: Vec::new(), room, is_full: false }
    }

    /// Adds the next event. One that there is no room for says that the page is full.
    pub(super) fn add(&mut self, event: Event) {
        if self.room.takes(event.json.len()) {
            self.items.push(event);
        } else {
            self.is_full = true;
        }
    }

    /// Returns the page, where all rows up to `newest` could be seen.
    pub(super) fn end(self, order: Order, newest: i64, after: Option<i64>) -> Page<Event> {
        let last = self.items.last().map(|event| event.row);
        let resume = match (order, last) {
            (Order::OldestFirst, Some(last)) if self.is_full => last,
            // A cursor of another store may lie beyond the newest row; going back would show rows twice.
            (Order::OldestFirst, _) => newest.max(after.unwrap_or(0)),
            (Order::NewestFirst, _) => newest,
        };
        let next = last.filter(|_| self.is_full).map(|row| row.to_string());
        Page { items: self.items, next, resume: Some(resume.to_string()) }
    }
}

/// Reads an event, with its JSON or as a head alone.
fn read(connection: &Connection, row: &Row<'_>, text: Text) -> rusqlite::Result<Event> {
    let (number, mut json): (i64, String) = (row.get(0)?, row.get(5)?);
    if text != Text::Left && row.get(9)? {
        let read = if text == Text::Told { told_event } else { whole_event };
        json = read(connection, number, json)?;
    }
    Ok(Event {
        row: number,
        time: Moment(row.get(1)?),
        index: row.get(2)?,
        kind: kind_of(row.get(3)?),
        severity: severity_of(row.get(4)?),
        json,
        received: Moment(row.get(6)?),
        session_id: row.get(7)?,
        name: row.get(8)?,
    })
}

/// Finds the event of a row.
const BY_ROW: &str = "
    SELECT e.row, e.time_us, e.idx, e.kind, e.severity, e.body, b.received_us, s.session_id, names.name,
           EXISTS (SELECT 1 FROM parts WHERE parts.row = e.row)
    FROM events e JOIN sessions s ON s.id = b.session LEFT JOIN names ON names.id = e.name
    JOIN batches b ON b.last_row = (SELECT min(last_row) FROM batches WHERE last_row >= ?1)
    WHERE e.row = ?1";

/// Returns the event of a row.
pub(super) fn by_row(connection: &Connection, row: i64) -> rusqlite::Result<Option<Event>> {
    connection.prepare_cached(BY_ROW)?.query_row([row], |row| read(connection, row, Text::Whole)).optional()
}

/// Returns the event of a row without its JSON.
pub(super) fn head_by_row(connection: &Connection, row: i64) -> rusqlite::Result<Option<Event>> {
    let head = BY_ROW.replacen("e.body", "''", 1);
    connection.prepare_cached(&head)?.query_row([row], |row| read(connection, row, Text::Left)).optional()
}
