//! Sessions in a few figures. See [`crate::query::session_sums`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::Remote;
use super::sessions::{FATAL, SUM_OF_DROPS, in_64_bits, matching, missing, state};
use crate::clickhouse::Sql;
use crate::clock;
use crate::query::session_sums::NUMBERED;
use crate::query::{Moment, QueryError, SessionQuery, SessionSums};

/// All, crashed, ended, silent, fatal, missing, lost; what was dropped, and what of that is missing.
type Row = (i64, i64, i64, i64, i64, i64, i64, BTreeMap<String, i64>, i64);

/// Adds up the sessions that a query would list.
pub(in crate::query) fn read(
    remote: &Remote,
    query: &SessionQuery,
    now_us: i64,
    silent_after: Duration,
) -> Result<SessionSums, QueryError> {
    // Which hours of which sessions have such events stands beside them.
    add_up(remote, query, clock::before(now_us, silent_after), "dropped > 0")
}

/// Adds up the sessions of which something was received since a moment, without what they dropped.
pub(in crate::query) fn of_late(
    remote: &Remote,
    since: Moment,
    now_us: i64,
    silent_after: Duration,
) -> Result<SessionSums, QueryError> {
    let query = SessionQuery { received: Some(since), ..SessionQuery::default() };
    add_up(remote, &query, clock::before(now_us, silent_after), "0")
}

/// Adds up sessions, with what was dropped in those hours of theirs that a condition chooses.
fn add_up(
    remote: &Remote,
    query: &SessionQuery,
    silent_before: i64,
    has_drops: &str,
) -> Result<SessionSums, QueryError> {
    // One that crashed is not counted as fatal as well.
    let mut sql = Sql::new(&format!(
        "SELECT toInt64(count()), toInt64(countIf(state = 'crashed')), toInt64(countIf(state = 'ended')),
                toInt64(countIf(state = 'silent')), toInt64(countIf(state = 'ended' AND fatal)),
                toInt64(least(sum(toInt128(missing)), 9223372036854775807)), toInt64(countIf(missing > 0 OR lost)),
                {}, toInt64(least(sum(least(toInt128(missing), numbered)), 9223372036854775807))
         FROM (SELECT session AS id, {FATAL} AS fatal, {} AS missing, ",
        in_64_bits("sumMap(told)"),
        missing()
    ));
    state(&mut sql, silent_before);
    sql.add(" AS state FROM sessions");
    matching(&mut sql, query, silent_before, 0);
    sql.add(&format!(
        ") AS t LEFT JOIN (
             SELECT session AS id, 1 AS lost, {SUM_OF_DROPS} AS told, arraySum(reason -> told[reason], array"
    ));
    sql.texts(NUMBERED).add(&format!(
        ") AS numbered FROM events FINAL
             WHERE (hour, session) IN (SELECT hour, session FROM sessions WHERE {has_drops}) AND notEmpty(drops)
             GROUP BY session) AS d ON d.id = t.id"
    ));
    let row: Option<Row> = remote.row(&sql)?;
    let (all, crashed, ended, silent, fatal, missing, lost, drops, in_both) = row.unwrap_or_default();
    let open = all - crashed - ended - silent;
    Ok(SessionSums { open, silent, ended, crashed, fatal, missing, lost, drops, in_both })
}
