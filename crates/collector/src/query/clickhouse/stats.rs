//! Events counted by minute or hour, name and severity.

use lastword::EventKind;

use super::{Remote, narrow};
use crate::clickhouse::Sql;
use crate::limits::STATS_ROWS_MAX;
use crate::query::grid::up;
use crate::query::stats::{whole, whole_minutes};
use crate::query::{Count, EventQuery, Moment, QueryError, Stats, StatsQuery};
use crate::store::{kind_number, kind_of, of_kind, severity_of};

/// Returns the counts that match: of a minute first of those without a name, then by how early their names came up.
pub(in crate::query) fn counts(remote: &Remote, query: &StatsQuery, now_us: i64) -> Result<Stats, QueryError> {
    let width = query.by.micros();
    let until = query.until.map(|until| up(until.as_micros(), width));
    let generic = kind_number(EventKind::Generic);
    let mut sql =
        Sql::new("SELECT c.begin, c.kind, c.name, c.severity, c.count FROM (SELECT time_us - positiveModulo(time_us, ");
    sql.number(width).add(") AS begin, kind, name, severity, count() AS count FROM events FINAL WHERE TRUE");
    narrow::within(&mut sql, Some(query.begin_us(now_us)), until);
    narrow::counted(&mut sql, None, query.name.as_deref(), query.severity);
    sql.add(" GROUP BY begin, kind, name, severity) AS c");
    sql.add(" LEFT JOIN (SELECT name, min(row) AS number FROM names GROUP BY name) AS n ON n.name = c.name");
    sql.add(" ORDER BY c.begin, if(c.kind = ").number(generic).add(", toInt64(n.number), ");
    // As SQLite has those that have no name.
    sql.number(of_kind(EventKind::SessionStart)).add(" - toInt64(c.kind)), c.name, c.severity LIMIT ");
    sql.number(STATS_ROWS_MAX as u64 + 1);
    let count = |(begin, kind, name, severity, count): (i64, i64, String, i64, i64)| Count {
        begin: Moment(begin),
        name: if kind == generic { name } else { kind_of(kind).as_str().to_owned() },
        severity: severity_of(severity),
        count,
    };
    Ok(whole(remote.rows(&sql)?.into_iter().map(count).collect()))
}

/// Counts the events of a query's name, kind and severity, in the minutes that begin from a moment on and up to another.
pub(in crate::query) fn sum(
    remote: &Remote,
    query: &EventQuery,
    since_us: i64,
    until_us: i64,
) -> Result<u64, QueryError> {
    let (from, to) = whole_minutes(since_us, until_us);
    let mut sql = Sql::new("SELECT count() FROM events FINAL WHERE TRUE");
    narrow::within(&mut sql, Some(from), Some(to));
    narrow::counted(&mut sql, query.kind, query.name.as_deref(), query.severity);
    Ok(remote.row::<(u64,)>(&sql)?.map_or(0, |(count,)| count))
}
