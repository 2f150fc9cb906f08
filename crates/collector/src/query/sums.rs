//! What traces and runs have in common: figures, and pages of them, the latest to appear first.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use serde::Serialize;

use super::params::cursor;
use super::{Moment, Page, QueryError};
use crate::limits::PAGE_ROWS_MAX;

/// The figures of a trace or of a run, as its events have said them. They stay when events are removed for their age, until the last is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// Events of it.
    pub events: i64,
    /// Spans that failed, and other events that say of an error.
    pub errors: i64,
    /// Calls of models.
    pub model_calls: i64,
    /// Calls of tools.
    pub tool_calls: i64,
    /// Tokens that models were given.
    pub tokens_in: i64,
    /// Tokens that models answered.
    pub tokens_out: i64,
    /// What the calls cost, in dollars.
    pub cost: f64,
}

/// The columns of figures, in the order in which [`Figures::read`] takes them.
pub(super) const FIGURES: &str = "t.events, t.errors, t.model_calls, t.tool_calls, t.tokens_in, t.tokens_out, t.cost";

impl Figures {
    /// Reads figures that begin at a column.
    pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            events: row.get(at)?,
            errors: row.get(at + 1)?,
            model_calls: row.get(at + 2)?,
            tool_calls: row.get(at + 3)?,
            tokens_in: row.get(at + 4)?,
            tokens_out: row.get(at + 5)?,
            cost: row.get(at + 6)?,
        })
    }
}

/// What is asked of each row of `t`.
#[derive(Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    pub(super) fn and(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        let Some(value) = value else { return };
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.push(value.into());
    }

    /// Puts a value before all others: that of a `?` in what stands before the conditions.
    pub(super) fn behind(mut self, value: impl Into<Value>) -> Self {
        self.values.insert(0, value.into());
        self
    }

    /// Returns what stands behind a `WHERE` that has something already, and the values of its `?`.
    pub(super) fn parts(self) -> (String, Vec<Value>) {
        (self.sql, self.values)
    }

    pub(super) fn since(&mut self, since: Option<Moment>) {
        self.and("t.last_us >= ?", since.map(Moment::as_micros));
    }
}

/// Returns a page of rows, whose number is their first column.
pub(super) fn page<T>(
    connection: &Connection,
    select: &str,
    mut conditions: Conditions,
    (after, limit): (Option<&str>, usize),
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Page<T>, QueryError> {
    conditions.and("t.id < ?", cursor(after)?);
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    let sql = format!("{select} WHERE 1 {} ORDER BY t.id DESC LIMIT {}", conditions.sql, limit + 1);
    let mut prepared = connection.prepare_cached(&sql)?;
    let rows =
        prepared.query_map(params_from_iter(conditions.values), |row| Ok((row.get::<_, i64>(0)?, read(row)?)))?;
    Ok(page_of(rows.collect::<rusqlite::Result<_>>()?, limit))
}

/// Makes a page of rows with their numbers, of which one more than it may have was asked for.
pub(super) fn page_of<T>(mut found: Vec<(i64, T)>, limit: usize) -> Page<T> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(id, _)| id.to_string());
    Page { items: found.into_iter().map(|(_, item)| item).collect(), next, resume: None }
}
