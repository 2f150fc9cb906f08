//! How many events there were over time, by severity. All of them are counted, those of the minutes at the ends too.

use super::{Remote, narrow};
use crate::clickhouse::Sql;
use crate::query::histogram::add;
use crate::query::{Bin, HistogramQuery, Moment, QueryError};
use crate::store::severity_of;

/// Returns one for each part, the earliest first.
pub(in crate::query) fn bins(remote: &Remote, query: &HistogramQuery) -> Result<Vec<Bin>, QueryError> {
    let grid = &query.grid;
    let (first_us, step_us) = grid.origin_us();
    let (Moment(since), _) = grid.within(0);
    let (_, Moment(until)) = grid.within(grid.parts().saturating_sub(1));
    let mut sql = Sql::new("SELECT min(time_us), severity, count() FROM events FINAL WHERE TRUE");
    narrow::within(&mut sql, Some(since), Some(until));
    narrow::counted(&mut sql, query.kind, query.name.as_deref(), query.severity);
    sql.add(" GROUP BY intDiv(time_us - (").number(first_us).add("), ").number(step_us).add("), severity");
    let mut bins = Bin::of(grid);
    for (moment, severity, count) in remote.rows::<(i64, i64, i64)>(&sql)? {
        add(&mut bins, grid, moment, severity_of(severity), count);
    }
    Ok(bins)
}
