//! How many events there were over time, by severity: what a chart shows of any range.

use lastword::{EventKind, Severity};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use super::{BySeverity, Grid, Moment, QueryError, stats};
use crate::store::severity_of;

/// Which events to count, over which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramQuery {
    /// The time, by the clients' clocks, and its parts.
    pub grid: Grid,
    /// Of generic events of this name.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// As bad as this, or worse.
    pub severity: Option<Severity>,
}

/// How many events a part of a range of time had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Bin {
    /// When it began.
    pub begin: Moment,
    /// When it ended.
    pub end: Moment,
    /// Its events.
    pub by_severity: BySeverity,
}

impl Bin {
    pub(crate) const fn new(begin: Moment, end: Moment, by_severity: BySeverity) -> Self {
        Self { begin, end, by_severity }
    }

    /// Returns one for each part of a range of time, without events.
    pub(super) fn of(grid: &Grid) -> Vec<Self> {
        let bin = |part| Self::new(grid.begin(part), grid.begin(part + 1), BySeverity::default());
        (0..grid.parts()).map(bin).collect()
    }
}

/// Returns one for each part, the earliest first.
pub(super) fn bins(connection: &Connection, query: &HistogramQuery) -> Result<Vec<Bin>, QueryError> {
    let grid = &query.grid;
    let (first, step) = grid.origin_us();
    let mut sql =
        "SELECT (begin - ?) / ?, severity, sum(count) FROM counts WHERE width = ? AND begin >= ? AND begin < ?
                   AND severity >= ?"
            .to_owned();
    let severity = query.severity.map_or(0, |severity| i64::from(severity as u8));
    let end = grid.begin(grid.parts()).as_micros();
    let mut values: Vec<Value> = [first, step, grid.source_us(), first, end, severity].map(Value::from).into();
    stats::narrow(&mut sql, &mut values, query.kind, query.name.as_deref());
    sql.push_str(" GROUP BY 1, 2");
    let mut bins = Bin::of(grid);
    let mut prepared = connection.prepare_cached(&sql)?;
    let mut rows = prepared.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let part = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
        if let Some(bin) = bins.get_mut(part) {
            bin.by_severity.add(severity_of(row.get(1)?), row.get(2)?);
        }
    }
    Ok(bins)
}
