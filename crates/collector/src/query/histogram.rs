//! How many events there were over time, by severity: what a chart shows of any range.

use lastword::{EventKind, Severity};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use super::grid::{Edge, MINUTE};
use super::narrow::{Numbers, Statement, statement};
use super::{BySeverity, EventQuery, Grid, Moment, QueryError, stats};
use crate::limits::EDGE_EVENTS_MAX;
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
        let bin = |part| {
            let (begin, end) = grid.within(part);
            Self::new(begin, end, BySeverity::default())
        };
        (0..grid.parts()).map(bin).collect()
    }
}

/// Returns one for each part, the earliest first.
///
/// Whole minutes are read from what is counted as events come. Of the minutes that the range begins and ends in only a part may be in it:
/// there the events are asked, as a list of them is, unless they are too many.
pub(super) fn bins(connection: &mut Connection, query: &HistogramQuery) -> Result<Vec<Bin>, QueryError> {
    // One snapshot, so that the events are those that were counted.
    let snapshot = connection.transaction()?;
    let grid = &query.grid;
    let mut bins = Bin::of(grid);
    for range in grid.counted() {
        for (moment, severity, count) in counts(&snapshot, query, range)? {
            add(&mut bins, grid, moment, severity, count);
        }
    }
    for edge in grid.edges() {
        let counts = counts(&snapshot, query, (MINUTE, edge.minute_us, edge.minute_end_us()))?;
        let there = counts.iter().fold(0_i64, |sum, (_, _, count)| sum.saturating_add(*count));
        match usize::try_from(there) {
            Ok(0) => {}
            Ok(there) if there <= EDGE_EVENTS_MAX => {
                for (moment, severity) in events_of(&snapshot, query, &edge, there)? {
                    add(&mut bins, grid, moment, severity, 1);
                }
            }
            _ => {
                for (_, severity, count) in counts {
                    add(&mut bins, grid, edge.since_us, severity, count);
                }
            }
        }
    }
    Ok(bins)
}

/// Counts events of a severity in the part that a moment is in.
pub(super) fn add(bins: &mut [Bin], grid: &Grid, moment: i64, severity: Severity, count: i64) {
    if let Some(bin) = grid.part_of(Moment(moment)).and_then(|part| bins.get_mut(part)) {
        bin.by_severity.add(severity, count);
    }
}

/// Reads what is counted of one width, from a moment on up to another: when each part of the chart's begins, and what is in it.
fn counts(
    connection: &Connection,
    query: &HistogramQuery,
    (width, from, to): (i64, i64, i64),
) -> rusqlite::Result<Vec<(i64, Severity, i64)>> {
    let (first, step) = query.grid.origin_us();
    let mut sql = "SELECT min(begin), severity, sum(count) FROM counts
                   WHERE width = ? AND begin >= ? AND begin < ? AND severity >= ?"
        .to_owned();
    let severity = query.severity.map_or(0, |severity| i64::from(severity as u8));
    let mut values: Vec<Value> = [width, from, to, severity].map(Value::from).into();
    stats::narrow(&mut sql, &mut values, query.kind, query.name.as_deref());
    sql.push_str(" GROUP BY (begin - ?) / ?, severity");
    values.extend([first, step].map(Value::from));
    let mut prepared = connection.prepare_cached(&sql)?;
    let rows = prepared.query_map(params_from_iter(values), |row| {
        Ok((row.get::<_, i64>(0)?, severity_of(row.get(1)?), row.get::<_, i64>(2)?))
    })?;
    rows.collect()
}

/// Reads the events of a part of a minute that has so many, the latest first: once as many were seen as it has, no other is looked for.
fn events_of(
    connection: &Connection,
    query: &HistogramQuery,
    edge: &Edge,
    there: usize,
) -> rusqlite::Result<Vec<(i64, Severity)>> {
    let of_minute = EventQuery {
        name: query.name.clone(),
        kind: query.kind,
        severity: query.severity,
        since: Some(Moment(edge.minute_us)),
        until: Some(Moment(edge.minute_end_us())),
        ..EventQuery::default()
    };
    let Some(numbers) = Numbers::of(connection, &of_minute)? else { return Ok(Vec::new()) };
    // It asks for one more than it is told.
    let Statement { sql, values } = statement(&of_minute, &numbers, None, there.saturating_sub(1));
    let mut prepared = connection.prepare_cached(&sql.replacen("e.body", "''", 1))?;
    let rows =
        prepared.query_map(params_from_iter(values), |row| Ok((row.get::<_, i64>(1)?, severity_of(row.get(4)?))))?;
    let all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|(moment, _)| edge.has(*moment)).collect())
}
