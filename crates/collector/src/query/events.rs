//! Events: which ones, in which order, a page at a time.
//!
//! Batches are looked through first (see [`store`](crate::store)): those of the session, of the time, with the name, the
//! kind and the severity. Only their rows are read. Both are walked by row number, so a page costs no sort.

use std::fmt::Write;

use lastword::{EventKind, Severity};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::params::{Params, cursor};
use super::{Event, Moment, Page, ParamError, QueryError};
use crate::limits::{NAME_BYTES_MAX, PAGE_BYTES_MAX, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, REQUEST_EVENTS_MAX};
use crate::store::{kind_bit, kind_number, kind_of, severity_bit, severity_of};

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
    pub(crate) const PARAMS: &[&str] =
        &["session", "name", "kind", "severity", "since", "until", "text", "order", "limit", "after"];

    /// Reads the parameters of a URL: `session`, `name`, `kind`, `severity`, `since`, `until`, `text`, `order` (`asc`,
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
        let query = Self {
            session: params.text("session"),
            name: params.text("name"),
            kind: params.kind()?,
            severity: params.severity("severity")?,
            since: params.moment("since")?,
            until: params.moment("until")?,
            text: params.text("text"),
            limit: params.limit()?,
            order: params.order()?.unwrap_or_default(),
            after: params.text("after"),
        };
        cursor(query.after.as_deref())?;
        Ok(query)
    }
}

/// Returns a page of events.
pub(super) fn page(connection: &mut Connection, query: &EventQuery) -> Result<Page<Event>, QueryError> {
    let after = cursor(query.after.as_deref())?;
    let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
    // One snapshot, so that `resume` says exactly what this page could see.
    let snapshot = connection.transaction()?;
    let newest: i64 = snapshot.query_row("SELECT coalesce(max(last_row), 0) FROM batches", [], |row| row.get(0))?;
    let (mut items, mut bytes, mut more) = (Vec::<Event>::new(), 0, false);
    if let Some(numbers) = Numbers::of(&snapshot, query)? {
        let Statement { sql, values } = statement(query, &numbers, after, limit);
        let mut prepared = snapshot.prepare_cached(&sql)?;
        let mut rows = prepared.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let event = read(row)?;
            bytes += event.json.len();
            if items.len() == limit || (bytes > PAGE_BYTES_MAX && !items.is_empty()) {
                more = true;
                break;
            }
            items.push(event);
        }
    }
    let last = items.last().map(|event| event.row);
    let resume = match (query.order, last) {
        (Order::OldestFirst, Some(last)) if more => last,
        // A cursor of another store may lie beyond the newest row; going back would show rows twice.
        (Order::OldestFirst, _) => newest.max(after.unwrap_or(0)),
        (Order::NewestFirst, _) => newest,
    };
    let next = last.filter(|_| more).map(|row| row.to_string());
    Ok(Page { items, next, resume: Some(resume.to_string()) })
}

/// The numbers that stand for the texts of a query.
struct Numbers {
    session: Option<i64>,
    name: Option<i64>,
}

impl Numbers {
    /// Looks them up; `None` if a text is unknown, so that nothing can match.
    fn of(connection: &Connection, query: &EventQuery) -> rusqlite::Result<Option<Self>> {
        let find = |sql: &str, text: Option<&str>| -> rusqlite::Result<Option<Option<i64>>> {
            let Some(text) = text else { return Ok(Some(None)) };
            let number = connection.prepare_cached(sql)?.query_row([text], |row| row.get(0)).optional()?;
            Ok(number.map(Some))
        };
        let name = query.name.as_deref().map(|name| &name[..name.floor_char_boundary(NAME_BYTES_MAX)]);
        let session = find("SELECT id FROM sessions WHERE session_id = ?", query.session.as_deref())?;
        let name = find("SELECT id FROM names WHERE name = ?", name)?;
        Ok(session.zip(name).map(|(session, name)| Self { session, name }))
    }
}

/// A statement and the values of its parameters, in order.
struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }
}

/// Writes the statement. `CROSS JOIN` fixes the order of the walk: batches outside, their rows inside.
fn statement(query: &EventQuery, numbers: &Numbers, after: Option<i64>, limit: usize) -> Statement {
    let batches = if numbers.name.is_some() { "batch_names n CROSS JOIN batches b" } else { "batches b" };
    let batch_row = if numbers.name.is_some() { "n.last_row" } else { "b.last_row" };
    let sql = format!(
        "SELECT e.row, e.time_us, e.idx, e.kind, e.severity, e.body, b.received_us, s.session_id, names.name
         FROM {batches} CROSS JOIN events e JOIN sessions s ON s.id = b.session LEFT JOIN names ON names.id = e.name
         WHERE e.row BETWEEN b.first_row AND b.last_row"
    );
    let mut statement = Statement { sql, values: Vec::new() };
    if let Some(name) = numbers.name {
        statement.and("n.name = ? AND b.last_row = n.last_row AND e.name = ?", [name.into(), name.into()]);
    }
    if let Some(session) = numbers.session {
        statement.and("b.session = ?", [session.into()]);
    }
    if let Some(row) = after {
        match query.order {
            Order::OldestFirst => {
                statement.and(&format!("{batch_row} > ? AND e.row > ?"), [row.into(), row.into()]);
            }
            Order::NewestFirst => {
                // The batch that the cursor lies in ends after it, by less than a batch can have rows.
                let end = row.saturating_add(i64::try_from(REQUEST_EVENTS_MAX).unwrap_or(i64::MAX));
                statement.and(&format!("{batch_row} < ? AND e.row < ?"), [end.into(), row.into()]);
            }
        }
    }
    if let Some(Moment(since)) = query.since {
        statement.and("b.max_us >= ? AND e.time_us >= ?", [since.into(), since.into()]);
    }
    if let Some(Moment(until)) = query.until {
        statement.and("b.min_us < ? AND e.time_us < ?", [until.into(), until.into()]);
    }
    if let Some(kind) = query.kind {
        statement.and("b.mask & ? <> 0 AND e.kind = ?", [kind_bit(kind).into(), kind_number(kind).into()]);
    }
    if let Some(severity) = query.severity {
        let bits: i64 =
            Severity::ALL.into_iter().filter(|other| *other >= severity).map(severity_bit).fold(0, |a, b| a | b);
        statement.and("b.mask & ? <> 0 AND e.severity >= ?", [bits.into(), i64::from(severity as u8).into()]);
    }
    if let Some(text) = &query.text {
        // JSON has no NUL that is not escaped, and SQLite's pattern would end there and match everything.
        let condition = if text.contains('\0') { "e.body LIKE ? AND FALSE" } else { "e.body LIKE ? ESCAPE '\\'" };
        statement.and(condition, [like(text).into()]);
    }
    let direction = if query.order == Order::OldestFirst { "ASC" } else { "DESC" };
    // One more than asked for tells whether there is a next page.
    let _ = write!(statement.sql, " ORDER BY {batch_row} {direction}, e.row {direction} LIMIT {}", limit + 1);
    statement
}

/// Makes a pattern that matches this text anywhere.
fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        row: row.get(0)?,
        time: Moment(row.get(1)?),
        index: row.get(2)?,
        kind: kind_of(row.get(3)?),
        severity: severity_of(row.get(4)?),
        json: row.get(5)?,
        received: Moment(row.get(6)?),
        session_id: row.get(7)?,
        name: row.get(8)?,
    })
}

/// Returns the event of a row.
pub(super) fn by_row(connection: &Connection, row: i64) -> rusqlite::Result<Option<Event>> {
    connection
        .prepare_cached(
            "SELECT e.row, e.time_us, e.idx, e.kind, e.severity, e.body, b.received_us, s.session_id, names.name
             FROM events e JOIN sessions s ON s.id = b.session LEFT JOIN names ON names.id = e.name
             JOIN batches b ON b.last_row = (SELECT min(last_row) FROM batches WHERE last_row >= ?1)
             WHERE e.row = ?1",
        )?
        .query_row([row], read)
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_of_events_is_sorted() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::store::migrate(&mut connection, 0).unwrap();
        for filter in 0..16 {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let numbers = Numbers { session: (filter & 1 != 0).then_some(1), name: (filter & 2 != 0).then_some(1) };
                let after = (filter & 4 != 0).then_some(7);
                let since = (filter & 8 != 0).then_some(Moment(5));
                let query = EventQuery { order, since, severity: Some(Severity::Error), ..EventQuery::default() };
                let Statement { sql, values } = statement(&query, &numbers, after, 10);
                let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                let steps = plan.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
                let steps: Vec<String> = steps.map(Result::unwrap).collect();
                assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}\n{steps:#?}");
                assert!(steps.iter().any(|step| step.starts_with("SEARCH e USING INTEGER PRIMARY KEY")), "{steps:#?}");
            }
        }
    }

    #[test]
    fn a_text_is_looked_for_as_it_is() {
        assert_eq!(like(r"50%_\"), r"%50\%\_\\%");
    }
}
