//! Traces: how each stands as a whole. Its events are those of [`EventQuery::trace`](super::EventQuery::trace).

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::params::Params;
use super::sums::{self, Conditions, FIGURES, Figures};
use super::{Moment, Page, ParamError, QueryError};
use crate::limits::{ID_DIGITS_MIN, PAGE_ROWS_DEFAULT};
use crate::store::trace_id;

/// Hexadecimal digits of an id.
const TRACE_DIGITS: usize = 32;

/// Which traces. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceQuery {
    /// That began in this session.
    pub session: Option<String>,
    /// Whose outermost span has this name.
    pub name: Option<String>,
    /// With an error, or without one.
    pub failed: Option<bool>,
    /// Whose outermost span took at least this many milliseconds.
    pub min_ms: Option<u64>,
    /// Of which something happened at or after this, by the client's clock.
    pub since: Option<Moment>,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

impl Default for TraceQuery {
    fn default() -> Self {
        Self {
            session: None,
            name: None,
            failed: None,
            min_ms: None,
            since: None,
            after: None,
            limit: PAGE_ROWS_DEFAULT,
        }
    }
}

impl TraceQuery {
    pub(crate) const PARAMS: &[&str] = &["session", "name", "failed", "min_ms", "since", "limit", "after"];

    /// Reads the parameters of a URL: `session`, `name`, `failed` (`true`, `false`), `min_ms`, `since`, `limit`, `after` (also `cursor`).
    ///
    /// # Errors
    ///
    /// A parameter is unknown, given twice or can't be read.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut params = Params::new(Self::PARAMS, pairs)?;
        Ok(Self {
            session: params.text("session"),
            name: params.text("name"),
            failed: params.flag("failed")?,
            min_ms: params.number("min_ms")?,
            since: params.moment("since")?,
            limit: params.limit()?,
            after: params.after()?,
        })
    }
}

/// What is known of a trace as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// The session that it was heard of in first.
    pub session_id: Option<String>,
    /// The name of its outermost span, where that has arrived.
    pub name: Option<String>,
    /// How long its outermost span took, in milliseconds, once it has ended.
    pub duration_ms: Option<f64>,
    /// When the earliest of it began, by the client's clock.
    pub first_seen: Moment,
    /// When the latest of it happened, by the client's clock.
    pub last_seen: Moment,
    /// Spans of which the start was told. Most protocols tell of ends alone.
    pub started: i64,
    /// Spans that have ended.
    pub ended: i64,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Trace {
    /// Returns how long its outermost span took, once it has ended.
    pub(crate) fn duration(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.duration_ms? / 1e3).ok()
    }
}

fn select() -> String {
    format!(
        "SELECT t.id, lower(hex(t.trace_id)), s.session_id, t.name, t.duration_us, t.first_us, t.last_us, t.started, t.ended, {FIGURES}
         FROM traces t LEFT JOIN sessions s ON s.id = t.session"
    )
}

/// Returns a page of traces, the latest to appear first.
pub(super) fn page(connection: &mut Connection, query: &TraceQuery) -> Result<Page<Trace>, QueryError> {
    let mut conditions = Conditions::default();
    conditions.since(query.since);
    conditions.and("s.session_id = ?", query.session.clone());
    conditions.and("t.name = ?", query.name.clone());
    conditions.and("(t.errors > 0) = ?", query.failed);
    let min_us = query.min_ms.map(|ms| i64::try_from(ms.saturating_mul(1000)).unwrap_or(i64::MAX));
    conditions.and("t.duration_us >= ?", min_us);
    sums::page(connection, &select(), conditions, (query.after.as_deref(), query.limit), read)
}

/// Returns all that is known of each of these traces as a whole, in their order.
pub(super) fn named(connection: &Connection, ids: &[&str]) -> rusqlite::Result<Vec<Trace>> {
    let mut find = connection.prepare_cached(&format!("{} WHERE t.trace_id = ?", select()))?;
    let ids = ids.iter().filter_map(|id| trace_id(&id.to_ascii_lowercase()));
    ids.filter_map(|id| find.query_row([id], read).optional().transpose()).collect()
}

/// Returns the ids of traces that begin with these hexadecimal digits, at most so many; none of too few digits.
pub(super) fn starting(connection: &Connection, digits: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    // A range of the index of ids.
    let Some((first, last)) = ends(digits) else { return Ok(Vec::new()) };
    let sql = "SELECT lower(hex(trace_id)) FROM traces WHERE trace_id BETWEEN ? AND ? ORDER BY trace_id LIMIT ?";
    let mut find = connection.prepare_cached(sql)?;
    find.query_map((first, last, i64::try_from(limit).unwrap_or(i64::MAX)), |row| row.get(0))?.collect()
}

/// Returns the first and the last id that begin with these hexadecimal digits; `None` of too few.
pub(super) fn ends(digits: &str) -> Option<([u8; 16], [u8; 16])> {
    let digits = digits.to_ascii_lowercase();
    if digits.len() < ID_DIGITS_MIN {
        return None;
    }
    let end = |digit: &str| trace_id(&format!("{digits}{}", digit.repeat(TRACE_DIGITS.saturating_sub(digits.len()))));
    end("0").zip(end("f"))
}

/// Returns how many milliseconds some microseconds are.
#[allow(clippy::cast_precision_loss, reason = "microseconds of a trace fit")]
pub(super) fn millis(micros: i64) -> f64 {
    micros as f64 / 1000.0
}

fn read(row: &Row<'_>) -> rusqlite::Result<Trace> {
    Ok(Trace {
        trace_id: row.get(1)?,
        session_id: row.get(2)?,
        name: row.get(3)?,
        duration_ms: row.get::<_, Option<i64>>(4)?.map(millis),
        first_seen: Moment(row.get(5)?),
        last_seen: Moment(row.get(6)?),
        started: row.get(7)?,
        ended: row.get(8)?,
        figures: Figures::read(row, 9)?,
    })
}
