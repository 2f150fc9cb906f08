//! Events counted by minute or hour, name and severity.

use lastword::EventKind;

use super::folds::{Folds, HOURS, MINUTES};
use super::{Remote, folds, narrow};
use crate::clickhouse::Sql;
use crate::limits::STATS_ROWS_MAX;
use crate::query::grid::up;
use crate::query::stats::{whole, whole_minutes};
use crate::query::{Count, EventQuery, Moment, QueryError, Stats, StatsQuery, Width};
use crate::store::{kind_number, kind_of, of_kind, severity_of};

/// Returns the counts that match: of a minute first of those without a name, then by how early their names came up.
pub(in crate::query) fn counts(remote: &Remote, query: &StatsQuery, now_us: i64) -> Result<Stats, QueryError> {
    let generic = kind_number(EventKind::Generic);
    let range = (query.begin_us(now_us), query.until.map(|until| up(until.as_micros(), query.by.micros())));
    let rows = folds::rows(remote, range, now_us, |folds| statement(query, range, folds))?;
    let count = |(begin, kind, name, severity, count): (i64, i64, String, i64, i64)| Count {
        begin: Moment(begin),
        name: if kind == generic { name } else { kind_of(kind).as_str().to_owned() },
        severity: severity_of(severity),
        count,
    };
    Ok(whole(rows.into_iter().map(count).collect()))
}

fn statement(query: &StatsQuery, (since, until): (i64, Option<i64>), folds: &Folds) -> Sql {
    const COLUMNS: &str = "kind, name, severity";
    let width = query.by.micros();
    let mut sql = Sql::new("SELECT c.begin, c.kind, c.name, c.severity, c.count FROM (");
    if !folds.is_empty() {
        sql.add(&format!("SELECT begin, {COLUMNS}, sum(count) AS count FROM ("));
    }
    sql.add("SELECT time_us - positiveModulo(time_us, ").number(width).add(&format!(") AS begin, {COLUMNS}, "));
    sql.add("count() AS count FROM events FINAL WHERE TRUE");
    narrow::within(&mut sql, Some(since), until);
    narrow::counted(&mut sql, None, query.name.as_deref(), query.severity);
    folds.others(&mut sql);
    sql.add(&format!(" GROUP BY begin, {COLUMNS}"));
    if !folds.is_empty() {
        let (begin, table) = if query.by == Width::Hour { HOURS } else { MINUTES };
        sql.add(&format!(" UNION ALL SELECT {begin} AS begin, {COLUMNS}, count FROM "));
        folds.of_table(&mut sql, table);
        narrow::counted(&mut sql, None, query.name.as_deref(), query.severity);
        sql.add(&format!(") GROUP BY begin, {COLUMNS}"));
    }
    sql.add(") AS c LEFT JOIN (SELECT name, min(row) AS number FROM names GROUP BY name) AS n ON n.name = c.name");
    sql.add(" ORDER BY c.begin, if(c.kind = ").number(kind_number(EventKind::Generic)).add(", toInt64(n.number), ");
    // As SQLite has those that have no name.
    sql.number(of_kind(EventKind::SessionStart)).add(" - toInt64(c.kind)), c.name, c.severity LIMIT ");
    sql.number(STATS_ROWS_MAX as u64 + 1);
    sql
}

/// Counts the events of a query's name, kind and severity, in the minutes that begin from a moment on and up to another.
pub(in crate::query) fn sum(
    remote: &Remote,
    query: &EventQuery,
    since_us: i64,
    until_us: i64,
) -> Result<u64, QueryError> {
    let (from, to) = whole_minutes(since_us, until_us);
    let rows: Vec<(u64,)> = folds::rows(remote, (from, Some(to)), until_us, |folds| {
        let mut sql = Sql::new("SELECT count() AS count FROM events FINAL WHERE TRUE");
        narrow::within(&mut sql, Some(from), Some(to));
        narrow::counted(&mut sql, query.kind, query.name.as_deref(), query.severity);
        folds.others(&mut sql);
        if !folds.is_empty() {
            sql.add(" UNION ALL SELECT sum(count) AS count FROM ");
            folds.of_table(&mut sql, HOURS.1);
            narrow::counted(&mut sql, query.kind, query.name.as_deref(), query.severity);
        }
        sql
    })?;
    Ok(rows.into_iter().fold(0, |sum, (count,)| sum.saturating_add(count)))
}
