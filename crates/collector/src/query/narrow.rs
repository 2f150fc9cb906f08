//! From which events to the statement that finds them.
//!
//! The narrowest of what is indexed by batch (trace, run, user, name) is walked outside; all else is asked of each batch, then of its events.

use std::fmt::Write;

use lastword::Severity;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, ToSql};

use super::{EventQuery, Moment, Order};
use crate::limits::{NAME_BYTES_MAX, REQUEST_EVENTS_MAX};
use crate::store::{Needle, kind_bit, kind_number, severity_bit, trace_id};

/// The numbers that stand for the texts of a query.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) session: Option<i64>,
    pub(super) name: Option<i64>,
    pub(super) trace: Option<i64>,
    pub(super) run: Option<i64>,
    pub(super) user: Option<i64>,
}

impl Numbers {
    /// Looks them up; `None` if a text is unknown, so that nothing can match.
    pub(super) fn of(connection: &Connection, query: &EventQuery) -> rusqlite::Result<Option<Self>> {
        let mut numbers = Self::default();
        let trace = query.trace.as_deref().map(|trace| trace_id(trace).unwrap_or_default());
        let (name, run, user) = (cut(query.name.as_deref()), cut(query.run.as_deref()), cut(query.user.as_deref()));
        let wanted: [(&mut Option<i64>, &str, Option<&dyn ToSql>); 5] = [
            (
                &mut numbers.session,
                "SELECT id FROM sessions WHERE session_id = ?",
                query.session.as_ref().map(|session| session as &dyn ToSql),
            ),
            (&mut numbers.name, "SELECT id FROM names WHERE name = ?", name.as_ref().map(|name| name as &dyn ToSql)),
            (
                &mut numbers.trace,
                "SELECT id FROM traces WHERE trace_id = ?",
                trace.as_ref().map(|trace| trace as &dyn ToSql),
            ),
            (&mut numbers.run, "SELECT id FROM runs WHERE run_id = ?", run.as_ref().map(|run| run as &dyn ToSql)),
            (&mut numbers.user, "SELECT id FROM users WHERE user_id = ?", user.as_ref().map(|user| user as &dyn ToSql)),
        ];
        for (number, sql, text) in wanted {
            let Some(text) = text else { continue };
            *number = connection.prepare_cached(sql)?.query_row([text], |row| row.get(0)).optional()?;
            if number.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(numbers))
    }

    /// Returns the table that is walked: its name, the column of the number, the number.
    fn walked(&self) -> Option<(&'static str, &'static str, i64)> {
        let tables = [
            (self.trace, "batch_traces", "trace"),
            (self.run, "batch_runs", "run"),
            (self.user, "batch_users", "user"),
            (self.name, "batch_names", "name"),
        ];
        tables.into_iter().find_map(|(number, table, column)| Some((table, column, number?)))
    }
}

/// Returns the part of a text by which it is found.
pub(super) fn cut(text: Option<&str>) -> Option<&str> {
    text.map(|text| &text[..text.floor_char_boundary(NAME_BYTES_MAX)])
}

/// A statement and the values of its parameters, in order.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    /// What is asked of an event's data. What SQLite does not take for JSON says nothing.
    fn and_said(&mut self, field: &str, text: &str) {
        let said = format!("CASE WHEN json_valid(e.body) THEN e.body ->> '$.event_data.{field}' = ? END");
        self.and(&said, [text.to_owned().into()]);
    }
}

/// Writes the statement. `CROSS JOIN` fixes the order of the walk: batches outside, their rows inside.
pub(super) fn statement(query: &EventQuery, numbers: &Numbers, after: Option<i64>, limit: usize) -> Statement {
    let walked = numbers.walked();
    let batches = walked.map_or("batches b".to_owned(), |(table, ..)| format!("{table} n CROSS JOIN batches b"));
    let batch_row = if walked.is_some() { "n.last_row" } else { "b.last_row" };
    let sql = format!(
        "SELECT e.row, e.time_us, e.idx, e.kind, e.severity, e.body, b.received_us, s.session_id, names.name,
                EXISTS (SELECT 1 FROM parts WHERE parts.row = e.row)
         FROM {batches} CROSS JOIN events e JOIN sessions s ON s.id = b.session LEFT JOIN names ON names.id = e.name
         WHERE e.row BETWEEN b.first_row AND b.last_row"
    );
    let mut statement = Statement { sql, values: Vec::new() };
    if let Some((_, column, number)) = walked {
        statement.and(&format!("n.{column} = ? AND b.last_row = n.last_row"), [number.into()]);
    }
    if let Some(name) = numbers.name {
        statement.and("e.name = ?", [name.into()]);
    }
    if let Some(session) = numbers.session {
        statement.and("b.session = ?", [session.into()]);
    }
    if let Some(version) = &query.version {
        statement.and("b.session IN (SELECT id FROM sessions WHERE sdk_version = ?)", [version.clone().into()]);
    }
    page(&mut statement, query, batch_row, after);
    narrow(&mut statement, query);
    let direction = if query.order == Order::OldestFirst { "ASC" } else { "DESC" };
    // One more than asked for tells whether there is a next page.
    let _ = write!(statement.sql, " ORDER BY {batch_row} {direction}, e.row {direction} LIMIT {}", limit + 1);
    statement
}

/// Adds where the page begins.
fn page(statement: &mut Statement, query: &EventQuery, batch_row: &str, after: Option<i64>) {
    let Some(row) = after else { return };
    match query.order {
        Order::OldestFirst => statement.and(&format!("{batch_row} > ? AND e.row > ?"), [row.into(), row.into()]),
        Order::NewestFirst => {
            // The batch that the cursor lies in ends after it, by less than a batch can have rows.
            let end = row.saturating_add(i64::try_from(REQUEST_EVENTS_MAX).unwrap_or(i64::MAX));
            statement.and(&format!("{batch_row} < ? AND e.row < ?"), [end.into(), row.into()]);
        }
    }
}

/// Adds what is asked of batches and events.
fn narrow(statement: &mut Statement, query: &EventQuery) {
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
        if Needle::new(text).is_some() {
            statement.and("may_have((SELECT filter FROM filters f WHERE f.last_row = b.last_row))", []);
        }
        // JSON has no NUL that is not escaped, and SQLite's pattern would end there and match everything.
        let condition = if text.contains('\0') {
            "FALSE AND ? IS ?"
        } else {
            "(e.body LIKE ? ESCAPE '\\' OR EXISTS (
                SELECT 1 FROM parts p JOIN blobs l ON l.id = p.blob WHERE p.row = e.row
                AND CASE l.outside WHEN 0 THEN l.text ELSE outside(l.hash, l.outside) END LIKE ? ESCAPE '\\'))"
        };
        statement.and(condition, [like(text).into(), like(text).into()]);
    }
    let said = [("trace_id", &query.trace), ("run_id", &query.run), ("user_id", &query.user)];
    for (field, text) in said.into_iter().filter_map(|(field, text)| Some((field, text.as_deref()?))) {
        statement.and_said(field, text);
    }
}

/// Lets statements on this connection ask whether a filter may have the text of this query.
pub(super) fn define(connection: &Connection, query: &EventQuery) -> rusqlite::Result<()> {
    let Some(needle) = query.text.as_deref().and_then(Needle::new) else { return Ok(()) };
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("may_have", 1, flags, move |context| {
        // A batch without a filter may have anything.
        Ok(context.get_raw(0).as_blob().map_or(true, |filter| needle.may_be_in(filter)))
    })
}

/// Makes a pattern that matches this text anywhere.
pub(super) fn like(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use rusqlite::params_from_iter;

    use super::*;

    #[test]
    fn no_page_of_events_is_sorted() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::store::migrate(&mut connection, 0).unwrap();
        crate::store::outside::Source::default().define(&connection).unwrap();
        for filter in 0..256 {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let has = |bit: i32| filter >> bit & 1 != 0;
                let number = |bit| has(bit).then_some(1);
                let numbers =
                    Numbers { session: number(0), name: number(1), trace: number(2), run: number(3), user: number(4) };
                let after = has(5).then_some(7);
                let since = has(6).then_some(Moment(5));
                let text = has(7).then(|| "timeout".to_owned());
                let query = EventQuery { order, since, text, severity: Some(Severity::Error), ..EventQuery::default() };
                define(&connection, &query).unwrap();
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
