//! What the explorer asks beside a page of events.

use super::Remote;
use crate::clickhouse::Sql;
use crate::query::{Moment, QueryError};
use crate::store::{WIDTHS_US, floor};

/// Returns names of events, those that came up last first.
pub(in crate::query) fn names(remote: &Remote, limit: usize) -> Result<Vec<String>, QueryError> {
    let mut sql = Sql::new("SELECT name FROM names GROUP BY name ORDER BY min(row) DESC LIMIT ");
    sql.number(limit as u64);
    Ok(remote.rows::<(String,)>(&sql)?.into_iter().map(|(name,)| name).collect())
}

/// Returns when the first hour begins in which there were events, and when the last one ends, by the clients' clocks.
pub(in crate::query) fn hours(remote: &Remote) -> Result<Option<(Moment, Moment)>, QueryError> {
    let width = WIDTHS_US[1];
    // What is in no hour is few, and has its time.
    let mut sql =
        Sql::new("SELECT min(first), max(last) FROM (SELECT toInt64(toUnixTimestamp(min(hour))) * 1000000 AS first, ");
    sql.add("toInt64(toUnixTimestamp(max(hour))) * 1000000 AS last FROM events WHERE hour != ").hour(0);
    sql.add(" HAVING count() > 0 UNION ALL SELECT min(time_us), max(time_us) FROM events WHERE hour = ").hour(0);
    sql.add(" HAVING count() > 0) HAVING count() > 0");
    let ends = remote.row::<(i64, i64)>(&sql)?;
    Ok(ends.map(|(first, last)| (Moment(floor(first, width)), Moment(floor(last, width).saturating_add(width)))))
}
