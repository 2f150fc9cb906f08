//! Series of metrics, and their points by minute. See [`crate::query::series`].

use serde_json::value::RawValue;

use super::Remote;
use super::sums::Bounds;
use crate::clickhouse::Sql;
use crate::limits::PAGE_ROWS_MAX;
use crate::query::series::{minutes_of, range_of};
use crate::query::{Minute, Moment, Page, QueryError, Series, SeriesQuery};
use crate::store::WIDTHS_US;

/// A series. Several may have begun with one event, so the row of that is no number of theirs.
const SELECT: &str =
    "SELECT toInt64(series), toString(name), multiIf(kind = 0, 'counter', kind = 1, 'gauge', 'histogram'),
        nullIf(argMaxMerge(unit), ''), labels, max(last_us), argMaxMerge(last) FROM series WHERE 1";
const GROUP: &str = " GROUP BY name, kind, labels, series HAVING 1";

/// Its id, name, kind, unit and labels, the moment of its last point and that point.
type Row = (i64, String, String, Option<String>, String, i64, f64);

/// The beginning of a minute, how many points, their sum, the least, the greatest, the last.
type MinuteRow = (i64, i64, f64, f64, f64, f64);

/// Returns a page of series, the latest to appear first.
pub(in crate::query) fn page(remote: &Remote, query: &SeriesQuery) -> Result<Page<Series>, QueryError> {
    let bounds = Bounds::of(query.after.as_deref(), query.limit)?;
    let mut sql = Sql::new(SELECT);
    if let Some(name) = &query.name {
        sql.add(" AND name = ").text(name);
    }
    sql.add(GROUP);
    if let Some(Moment(since)) = query.since {
        sql.add(" AND max(last_us) >= ").number(since);
    }
    if let Some(after) = bounds.after() {
        let mut first = Sql::new("SELECT toInt64(min(row)) FROM series WHERE series = ");
        first.number(after).add(" GROUP BY series");
        // One that is gone has no place that anything could stand behind.
        let Some((row,)) = remote.row::<(i64,)>(&first)? else { return Ok(bounds.page(Vec::new())) };
        sql.add(" AND (min(row), series) < (").number(row).add(", ").number(after).add(")");
    }
    bounds.order(&mut sql, "(min(row), series)");
    let rows: Vec<Row> = remote.rows(&sql)?;
    Ok(bounds.page(rows.into_iter().map(|row| (row.0, series(row))).collect()))
}

/// Returns a series.
fn one(remote: &Remote, id: i64) -> Result<Option<Series>, QueryError> {
    let mut sql = Sql::new(SELECT);
    sql.add(" AND series = ").number(id).add(GROUP);
    Ok(remote.row(&sql)?.map(series))
}

/// Returns a series and its points by minute, `None` if there is no such series.
pub(in crate::query) fn points(
    remote: &Remote,
    series: i64,
    since: Option<Moment>,
    until: Option<Moment>,
) -> Result<Option<(Series, Page<Minute>)>, QueryError> {
    let Some(found) = one(remote, series)? else { return Ok(None) };
    Ok(Some((found, minutes(remote, series, since, until)?)))
}

/// Returns the points of a series by minute, the earliest first, at most 1000; the minute where they go on.
fn minutes(
    remote: &Remote,
    series: i64,
    since: Option<Moment>,
    until: Option<Moment>,
) -> Result<Page<Minute>, QueryError> {
    let (from, to) = range_of(since, until);
    let minute = format!("time_us - positiveModulo(time_us, {})", WIDTHS_US[0]);
    let mut sql = Sql::new(&format!(
        "SELECT {minute} AS begin, toInt64(least(sum(toInt128(n)), 9223372036854775807)), sum(total), min(least_), max(most),
                argMax(value, (received_us, time_us, row, place))
         FROM (SELECT * FROM events FINAL WHERE what = 4"
    ));
    // Hour 0 are times that are out of range.
    if since.is_some() {
        sql.add(" AND (hour >= ").hour(from).add(" OR hour = ").hour(0).add(")");
    }
    if until.is_some() {
        sql.add(" AND (hour <= ").hour(to).add(" OR hour = ").hour(0).add(")");
    }
    sql.add(&format!(" AND {minute} >= ")).number(from).add(&format!(" AND {minute} < ")).number(to);
    sql.add(
        ") ARRAY JOIN `points.name` AS named, `points.kind` AS of_kind, `points.labels` AS labelled, `points.count` AS n,
                      `points.sum` AS total, `points.min` AS least_, `points.max` AS most, `points.last` AS value,
                      arrayEnumerate(`points.name`) AS place
         WHERE (toString(named), of_kind, labelled) IN (SELECT toString(name), kind, labels FROM series WHERE series = ",
    );
    sql.number(series).add(&format!(") GROUP BY begin ORDER BY begin LIMIT {}", PAGE_ROWS_MAX + 1));
    let rows: Vec<MinuteRow> = remote.rows(&sql)?;
    let minute =
        |(begin, count, sum, min, max, last): MinuteRow| Minute { begin: Moment(begin), count, sum, min, max, last };
    Ok(minutes_of(rows.into_iter().map(minute).collect()))
}

fn series((id, name, kind, unit, labels, last_us, last): Row) -> Series {
    // They were written as JSON.
    let labels = RawValue::from_string(labels).unwrap_or_default();
    Series { id, name, kind, unit, labels, last_seen: Moment(last_us), last }
}
