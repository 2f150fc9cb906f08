//! What alerts ask of groups of exceptions.

use rusqlite::Connection;

use super::Moment;

/// Returns the fingerprints of exceptions that were there up to a row, the latest first.
pub(super) fn fingerprints_until(connection: &Connection, row: i64, limit: usize) -> rusqlite::Result<Vec<String>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut known = connection
        .prepare_cached("SELECT fingerprint FROM exceptions WHERE sample_row <= ? ORDER BY id DESC LIMIT ?")?;
    known.query_map([row, limit], |row| row.get(0))?.collect()
}

/// An exception that was received again, when somebody had said that it is dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Regressed {
    pub(crate) fingerprint: String,
    pub(crate) error_type: String,
    pub(crate) message: String,
    /// The version that it was last received from.
    pub(crate) version: Option<String>,
}

/// Those that regressed at or after a moment and are not dealt with since.
pub(super) const REGRESSED_SINCE: &str = "resolved_us IS NULL AND regressed_us >= ?";

/// Returns how many groups have regressed since a moment, and the last of them.
pub(super) fn regressed(
    connection: &Connection,
    since: Moment,
    limit: usize,
) -> rusqlite::Result<(u64, Vec<Regressed>)> {
    let count = format!("SELECT count(*) FROM exceptions WHERE {REGRESSED_SINCE}");
    let count: i64 = connection.prepare_cached(&count)?.query_row([since.0], |row| row.get(0))?;
    let last = format!(
        "SELECT fingerprint, error_type, message,
                (SELECT s.sdk_version FROM batches b JOIN sessions s ON s.id = b.session
                 WHERE b.last_row >= (SELECT max(r.row) FROM exception_rows r WHERE r.exception = exceptions.id)
                 ORDER BY b.last_row LIMIT 1)
         FROM exceptions WHERE {REGRESSED_SINCE} ORDER BY regressed_us DESC, id DESC LIMIT ?"
    );
    let mut last = connection.prepare_cached(&last)?;
    let rows = last.query_map((since.0, i64::try_from(limit).unwrap_or(i64::MAX)), |row| {
        Ok(Regressed { fingerprint: row.get(0)?, error_type: row.get(1)?, message: row.get(2)?, version: row.get(3)? })
    })?;
    Ok((count.unsigned_abs(), rows.collect::<rusqlite::Result<_>>()?))
}
