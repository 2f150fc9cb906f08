//! What alerts ask of groups of exceptions.

use std::collections::HashMap;

use super::Remote;
use super::exceptions::{GROUPS, MARKED, OF_GROUPS};
use super::sums::texts;
use crate::clickhouse::Sql;
use crate::query::{Moment, QueryError, Regressed};

/// Returns the fingerprints of exceptions that were there up to a row, the latest first.
pub(in crate::query) fn fingerprints_until(remote: &Remote, row: i64, limit: usize) -> Result<Vec<String>, QueryError> {
    let mut sql = Sql::new("SELECT fingerprint FROM occurrences GROUP BY fingerprint HAVING min(row) <= ");
    sql.number(row).add(&format!(" ORDER BY min(row) DESC LIMIT {limit}"));
    texts(remote, &sql)
}

/// Returns how many groups have regressed since a moment, and the last of them.
pub(in crate::query) fn regressed(
    remote: &Remote,
    since: Moment,
    limit: usize,
) -> Result<(u64, Vec<Regressed>), QueryError> {
    let mut sql = Sql::new("SELECT fingerprint, type, message, last_session, count() OVER () FROM");
    sql.add(GROUPS).add(MARKED).add(OF_GROUPS).add(" WHERE regressed_us > 0 AND regressed_us >= ").number(since.0);
    // One at least, which says how many there are.
    sql.add(&format!(" ORDER BY regressed_us DESC, number DESC LIMIT {}", limit.max(1)));
    let found: Vec<(String, String, String, String, u64)> = remote.rows(&sql)?;
    let count = found.first().map_or(0, |(.., count)| *count);
    let versions = versions(remote, found.iter().take(limit).map(|(_, _, _, session, _)| session.as_str()))?;
    let last = found.into_iter().take(limit).map(|(fingerprint, error_type, message, session, _)| Regressed {
        fingerprint,
        error_type,
        message,
        version: versions.get(&session).cloned(),
    });
    Ok((count, last.collect()))
}

/// Returns the versions of sessions that are known of them.
fn versions<'s>(
    remote: &Remote,
    sessions: impl Iterator<Item = &'s str>,
) -> Result<HashMap<String, String>, QueryError> {
    let mut sql = Sql::new("SELECT session, argMaxMerge(version) AS said FROM sessions WHERE session IN ");
    sql.texts(sessions).add(" GROUP BY session HAVING said != ''");
    let found: Vec<(String, String)> = remote.rows(&sql)?;
    Ok(found.into_iter().collect())
}
