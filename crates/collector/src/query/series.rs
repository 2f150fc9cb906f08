//! Series of metrics, and their points by minute.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::params::Params;
use super::sums::{self, Conditions};
use super::{Moment, Page, ParamError, QueryError};
use crate::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};

/// Which series. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuery {
    /// Of this name.
    pub name: Option<String>,
    /// With a point at or after this, by the client's clock.
    pub since: Option<Moment>,
    /// Those that come after the page that had this as its `next`.
    pub after: Option<String>,
    /// At most this many, 1 to 1000.
    pub limit: usize,
}

impl Default for SeriesQuery {
    fn default() -> Self {
        Self { name: None, since: None, after: None, limit: PAGE_ROWS_DEFAULT }
    }
}

impl SeriesQuery {
    pub(crate) const PARAMS: &[&str] = &["name", "since", "limit", "after"];

    /// Reads the parameters of a URL: `name`, `since`, `limit`, `after` (also `cursor`).
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
            name: params.text("name"),
            since: params.moment("since")?,
            limit: params.limit()?,
            after: params.after()?,
        })
    }
}

/// A series of a metric: a name with labels, the same for whatever session reports it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Series {
    /// By which its points are asked for.
    pub id: i64,
    /// The metric's name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of its values.
    pub unit: Option<String>,
    /// A JSON object of texts.
    pub labels: Box<RawValue>,
    /// When its last point was, by the client's clock.
    pub last_seen: Moment,
    /// The value of that point: what was added, the value, or the sum.
    pub last: f64,
}

/// The points of a series in one minute.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Minute {
    /// When the minute began.
    pub begin: Moment,
    /// How many values there were.
    pub count: i64,
    /// What was added, of a counter; of a histogram the sum of its values.
    pub sum: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The last one that arrived.
    pub last: f64,
}

const SELECT: &str = "SELECT t.id, t.name, t.type, t.unit, t.labels, t.last_us, t.last FROM series t";

/// Returns a page of series, the latest to appear first.
pub(super) fn page(connection: &mut Connection, query: &SeriesQuery) -> Result<Page<Series>, QueryError> {
    let mut conditions = Conditions::default();
    conditions.since(query.since);
    conditions.and("t.name = ?", query.name.clone());
    sums::page(connection, SELECT, conditions, (query.after.as_deref(), query.limit), read)
}

/// Returns a series.
fn one(connection: &Connection, id: i64) -> Result<Option<Series>, QueryError> {
    Ok(connection.prepare_cached(&format!("{SELECT} WHERE t.id = ?"))?.query_row([id], read).optional()?)
}

/// Returns a series and its points by minute, `None` if there is no such series.
pub(super) fn points(
    connection: &mut Connection,
    series: i64,
    since: Option<Moment>,
    until: Option<Moment>,
) -> Result<Option<(Series, Page<Minute>)>, QueryError> {
    let snapshot = connection.transaction()?;
    let Some(found) = one(&snapshot, series)? else { return Ok(None) };
    Ok(Some((found, minutes(&snapshot, series, since, until)?)))
}

/// Returns the points of a series by minute, the earliest first, at most 1000; the minute where they go on.
fn minutes(
    connection: &Connection,
    series: i64,
    since: Option<Moment>,
    until: Option<Moment>,
) -> Result<Page<Minute>, QueryError> {
    let mut find = connection.prepare_cached(
        "SELECT minute, count, sum, min, max, last FROM points WHERE series = ? AND minute >= ? AND minute < ?
         ORDER BY minute LIMIT ?",
    )?;
    let (since, until) = range_of(since, until);
    let limit = i64::try_from(PAGE_ROWS_MAX + 1).unwrap_or(i64::MAX);
    let rows = find.query_map(params![series, since, until, limit], |row| {
        Ok(Minute {
            begin: Moment(row.get(0)?),
            count: row.get(1)?,
            sum: row.get(2)?,
            min: row.get(3)?,
            max: row.get(4)?,
            last: row.get(5)?,
        })
    })?;
    Ok(minutes_of(rows.collect::<rusqlite::Result<_>>()?))
}

/// Returns from which minute on, and up to which moment, minutes begin that are in a range of time.
pub(super) fn range_of(since: Option<Moment>, until: Option<Moment>) -> (i64, i64) {
    let since = since.map_or(i64::MIN, |since| crate::store::floor(since.as_micros(), crate::store::WIDTHS_US[0]));
    (since, until.map_or(i64::MAX, Moment::as_micros))
}

/// Makes a page of minutes, of which one more than it may have was asked for.
pub(super) fn minutes_of(mut items: Vec<Minute>) -> Page<Minute> {
    let next = (items.len() > PAGE_ROWS_MAX).then(|| items.pop()).flatten().map(|minute| minute.begin.to_string());
    Page { items, next, resume: None }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Series> {
    let labels: String = row.get(4)?;
    Ok(Series {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        unit: row.get(3)?,
        // They were written as JSON.
        labels: RawValue::from_string(labels).unwrap_or_default(),
        last_seen: Moment(row.get(5)?),
        last: row.get(6)?,
    })
}
