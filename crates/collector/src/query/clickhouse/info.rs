//! What there is in a store, and which settings were in force.

use serde::Deserialize;

use super::super::{Moment, QueryError};
use super::Remote;
use crate::admin::{Info, TableSize};
use crate::clickhouse::Sql;
use crate::store::FORMAT;
use crate::store::trail::What;

/// Counts of groups, each counted once however many rows it has.
#[derive(Debug, Deserialize)]
struct Groups {
    sessions: i64,
    exceptions: i64,
    traces: i64,
    runs: i64,
    series: i64,
    users: i64,
}

/// Returns what there is in the store. What a database in one file has beside (a log, room that is free in it) there is none of.
pub(in crate::query) fn of(remote: &Remote, sizes: bool) -> Result<Info, QueryError> {
    let events = Sql::new(
        "SELECT count(), uniqExact(session, received_us), minOrNull(received_us), maxOrNull(received_us) FROM events FINAL",
    );
    let events = remote.client.row::<(i64, i64, Option<i64>, Option<i64>)>(&events)?;
    let (events, batches, oldest, newest) = events.unwrap_or_default();
    let groups = Sql::new(
        "SELECT (SELECT uniqExact(session) FROM sessions), (SELECT uniqExact(fingerprint) FROM occurrences), \
         (SELECT uniqExact(trace) FROM traces), (SELECT uniqExact(run) FROM runs), \
         (SELECT uniqExact(series) FROM series), (SELECT uniqExact(user) FROM users)",
    );
    let nothing = Groups { sessions: 0, exceptions: 0, traces: 0, runs: 0, series: 0, users: 0 };
    let groups = remote.client.row::<Groups>(&groups)?.unwrap_or(nothing);
    let tables = tables(remote)?;
    let bytes = tables.iter().fold(0_i64, |sum, table| sum.saturating_add(table.bytes)).unsigned_abs();
    Ok(Info {
        path: remote.client.location().to_string().into(),
        format: FORMAT,
        bytes,
        log_bytes: 0,
        used_bytes: bytes,
        gives_back: true,
        events,
        batches,
        sessions: groups.sessions,
        exceptions: groups.exceptions,
        traces: groups.traces,
        runs: groups.runs,
        series: groups.series,
        users: groups.users,
        oldest: oldest.map(Moment),
        newest: newest.map(Moment),
        tables: if sizes { tables } else { Vec::new() },
    })
}

/// Returns the size of each table, the largest first.
fn tables(remote: &Remote) -> Result<Vec<TableSize>, QueryError> {
    let sql = Sql::new(
        "SELECT table, sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database = currentDatabase() \
         GROUP BY table ORDER BY bytes DESC, table",
    );
    let rows = remote.client.rows::<(String, i64)>(&sql)?.into_iter();
    Ok(rows.map(|(name, bytes)| TableSize { name, bytes }).collect())
}

/// Returns what is known to be in force, by name.
pub(in crate::query) fn known(remote: &Remote, kind: What) -> Result<Vec<(String, String)>, QueryError> {
    let prefix = format!("{} ", kind.as_str());
    let mut sql = Sql::new("SELECT substring(key, ");
    sql.number(prefix.len() as u64 + 1).add("), value FROM kept FINAL WHERE startsWith(key, ").text(&prefix);
    sql.add(") ORDER BY key");
    Ok(remote.client.rows(&sql)?)
}
