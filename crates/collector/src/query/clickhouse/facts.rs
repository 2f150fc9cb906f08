//! How much is stored, and where in it a moment is.

use serde::Deserialize;

use super::Remote;
use crate::admin::{Info, Outside, TableSize};
use crate::clickhouse::{Sql, row_at, schema};
use crate::limits::HEALTH_TIMEOUT;
use crate::query::{Facts, Moment, QueryError};
use crate::store::outside_place;

/// Counts of groups, each counted once however many rows it has.
#[derive(Debug, Default, Deserialize)]
struct Groups {
    sessions: i64,
    exceptions: i64,
    traces: i64,
    runs: i64,
    series: i64,
    users: i64,
}

/// Asks whether the server answers.
pub(in crate::query) fn ping(remote: &Remote) -> Result<(), QueryError> {
    Ok(remote.client.ping()?)
}

/// Returns how much is stored; what can't be told is left out. The disk is another machine's.
pub(in crate::query) fn measured(remote: &Remote) -> Facts {
    let mut facts = Facts::default();
    if let Err(error) = measure(remote, &mut facts) {
        tracing::warn!(%error, "what is stored can't be counted");
    }
    facts
}

fn measure(remote: &Remote, facts: &mut Facts) -> Result<(), QueryError> {
    // Whoever scrapes metrics wants them also while the store hangs.
    let client = remote.client.patient(HEALTH_TIMEOUT);
    let number = |sql: &str| -> Result<Option<u64>, QueryError> {
        Ok(client.row::<(u64,)>(&Sql::new(sql))?.map(|(number,)| number))
    };
    facts.sessions = number("SELECT uniqExact(session) FROM sessions")?;
    facts.exceptions = number("SELECT uniqExact(fingerprint) FROM occurrences")?;
    facts.database_bytes = Some(bytes_of(&sizes(remote)?));
    Ok(())
}

/// Returns what there is in the store. What a database in one file has beside (a log, room that is free in it) there is none of.
pub(in crate::query) fn info(remote: &Remote) -> Result<Info, QueryError> {
    let events = Sql::new(
        "SELECT count(), uniqExact(session, received_us), minOrNull(received_us), maxOrNull(received_us) FROM events FINAL",
    );
    let events = remote.row::<(i64, i64, Option<i64>, Option<i64>)>(&events)?;
    // Those of a session that were received at once came in one request.
    let (events, batches, oldest, newest) = events.unwrap_or_default();
    let groups = Sql::new(
        "SELECT (SELECT uniqExact(session) FROM sessions), (SELECT uniqExact(fingerprint) FROM occurrences), \
         (SELECT uniqExact(trace) FROM traces), (SELECT uniqExact(run) FROM runs), \
         (SELECT uniqExact(series) FROM series), (SELECT uniqExact(user) FROM users)",
    );
    let Groups { sessions, exceptions, traces, runs, series, users } =
        remote.row::<Groups>(&groups)?.unwrap_or_default();
    let tables = sizes(remote)?;
    let bytes = bytes_of(&tables);
    Ok(Info {
        path: remote.client.location().to_string().into(),
        format: schema::FORMAT,
        bytes,
        log_bytes: 0,
        used_bytes: bytes,
        gives_back: true,
        outside: outside(remote)?,
        events,
        batches,
        sessions,
        exceptions,
        traces,
        runs,
        series,
        users,
        oldest: oldest.map(Moment),
        newest: newest.map(Moment),
        tables,
    })
}

/// Returns how many large values are elsewhere, if some are.
fn outside(remote: &Remote) -> Result<Option<Outside>, QueryError> {
    let Some(place) = outside_place(&remote.client)? else { return Ok(None) };
    let sql = "SELECT count(), sum(bytes) FROM (SELECT DISTINCT name, bytes FROM events ARRAY JOIN `parts.hash` AS name, `parts.bytes` AS bytes)";
    let (values, bytes) = remote.row::<(i64, i64)>(&Sql::new(sql))?.unwrap_or_default();
    Ok((values > 0).then_some(Outside { url: place.url, values, bytes }))
}

/// Returns the size of each table, the largest first.
fn sizes(remote: &Remote) -> Result<Vec<TableSize>, QueryError> {
    let sizes = format!(
        "SELECT table, sum(bytes_on_disk) AS bytes FROM {} GROUP BY table ORDER BY bytes DESC, table",
        remote.client.parts()
    );
    let rows = remote.rows::<(String, i64)>(&Sql::new(&sizes))?.into_iter();
    Ok(rows.map(|(name, bytes)| TableSize { name, bytes }).collect())
}

fn bytes_of(tables: &[TableSize]) -> u64 {
    tables.iter().fold(0_i64, |sum, table| sum.saturating_add(table.bytes)).unsigned_abs()
}

/// Returns a row before all that was received from a moment on, and not before what was received earlier and is stored. Rows have the time at
/// which they were written, which is after that.
pub(in crate::query) fn row_before(remote: &Remote, received_us: i64) -> Result<i64, QueryError> {
    // What is on its way may have been received at any time.
    let last = remote.mark()?.saturating_sub(1);
    let mut sql = Sql::new("SELECT min(row) FROM events WHERE row >= ");
    sql.number(row_at(received_us)).add(" AND received_us >= ").number(received_us).add(" HAVING count() > 0");
    let first = remote.row::<(i64,)>(&sql)?;
    Ok(first.map_or(last, |(row,)| row.saturating_sub(1).min(last)))
}
