//! How many events there were over time, by severity. All of them are counted, those of the minutes at the ends too.

use super::folds::{HOURS, MINUTES};
use super::{Remote, folds, narrow};
use crate::clickhouse::Sql;
use crate::query::histogram::add;
use crate::query::{Bin, HistogramQuery, Moment, QueryError};
use crate::store::{WIDTHS_US, severity_of};

/// Returns one for each part, the earliest first.
pub(in crate::query) fn bins(remote: &Remote, query: &HistogramQuery) -> Result<Vec<Bin>, QueryError> {
    let grid = &query.grid;
    let (first_us, step_us) = grid.origin_us();
    let (Moment(since), _) = grid.within(0);
    let (_, Moment(until)) = grid.within(grid.parts().saturating_sub(1));
    let by_part = |moment: &str| format!("intDiv({moment} - ({first_us}), {step_us}), severity");
    let (begin, table) = if step_us % WIDTHS_US[1] == 0 { HOURS } else { MINUTES };
    let rows = folds::rows::<(i64, i64, i64)>(remote, (since, Some(until)), until, |folds| {
        let mut sql = Sql::new("SELECT min(time_us), severity, count() FROM events FINAL WHERE TRUE");
        narrow::within(&mut sql, Some(since), Some(until));
        narrow::counted(&mut sql, query.kind, query.name.as_deref(), query.severity);
        folds.others(&mut sql);
        sql.add(" GROUP BY ").add(&by_part("time_us"));
        if !folds.is_empty() {
            sql.add(&format!(" UNION ALL SELECT min({begin}), severity, sum(count) FROM "));
            folds.of_table(&mut sql, table);
            narrow::counted(&mut sql, query.kind, query.name.as_deref(), query.severity);
            sql.add(" GROUP BY ").add(&by_part(begin));
        }
        sql
    })?;
    let mut bins = Bin::of(grid);
    for (moment, severity, count) in rows {
        add(&mut bins, grid, moment, severity_of(severity), count);
    }
    Ok(bins)
}
