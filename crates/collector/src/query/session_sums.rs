//! Sessions in a few figures: what a first look at a range of time wants to know of them.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, Params};
use serde::Serialize;

use super::facts::row_before;
use super::sessions::{FATAL, MISSING, STATE};
use super::{Moment, QueryError};
use crate::clock;

/// Sessions in a few figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct SessionSums {
    /// Sessions that run.
    pub open: i64,
    /// Sessions that say nothing any more and have not ended.
    pub silent: i64,
    /// Sessions that have ended, those by a fatal error among them.
    pub ended: i64,
    /// Sessions whose process died.
    pub crashed: i64,
    /// Sessions that ended by a fatal error.
    pub fatal: i64,
    /// Events that never arrived, by their numbers.
    pub missing: i64,
    /// Events that clients say they dropped, by reason.
    pub drops: BTreeMap<String, i64>,
}

impl SessionSums {
    /// Returns how many sessions there are.
    #[must_use]
    pub const fn all(&self) -> i64 {
        self.open.saturating_add(self.silent).saturating_add(self.ended).saturating_add(self.crashed)
    }

    /// Returns how many crashed or ended by a fatal error.
    #[must_use]
    pub const fn failed(&self) -> i64 {
        self.crashed.saturating_add(self.fatal)
    }

    /// Returns which part of the sessions neither crashed nor ended by a fatal error, 0 to 1; `None` where there is no session.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a rate has fewer digits than a double")]
    pub fn crash_free(&self) -> Option<f64> {
        let all = self.all();
        (all > 0).then(|| all.saturating_sub(self.failed()) as f64 / all as f64)
    }
}

/// Adds up the sessions of which something was received between two moments.
pub(super) fn read(
    connection: &mut Connection,
    (since, until): (Moment, Moment),
    now_us: i64,
    silent_after: Duration,
) -> Result<SessionSums, QueryError> {
    let snapshot = connection.transaction()?;
    let range = "last_received_us >= ?2 AND first_received_us < ?3";
    let silent_before = clock::before(now_us, silent_after);
    let mut sums = add_up(&snapshot, range, (silent_before, since.0, until.0))?;
    let sql = format!(
        "SELECT d.reason, sum(d.count) FROM drops d JOIN sessions s ON s.id = d.session
         WHERE {} GROUP BY 1 ORDER BY 2 DESC",
        range.replace("?2", "?1").replace("?3", "?2")
    );
    let mut prepared = snapshot.prepare_cached(&sql)?;
    let drops = prepared.query_map((since.0, until.0), |row| Ok((row.get(0)?, row.get(1)?)))?;
    sums.drops = drops.collect::<rusqlite::Result<_>>()?;
    Ok(sums)
}

/// Adds up the sessions of which something was received since a moment, without what they dropped. They are found by their batches since
/// then: how many sessions and events were there before makes no difference.
pub(super) fn of_late(
    connection: &mut Connection,
    since: Moment,
    now_us: i64,
    silent_after: Duration,
) -> Result<SessionSums, QueryError> {
    let snapshot = connection.transaction()?;
    let row = row_before(&snapshot, since.0)?;
    let range = "id IN (SELECT session FROM batches WHERE last_row > ?3) AND last_received_us >= ?2";
    add_up(&snapshot, range, (clock::before(now_us, silent_after), since.0, row))
}

/// Adds up the sessions of a range; `?1` is as [`STATE`] has it.
fn add_up(connection: &Connection, range: &str, params: impl Params) -> Result<SessionSums, QueryError> {
    // One that crashed is not counted as fatal as well.
    let sql = format!(
        "SELECT {STATE} AS state, count(*), sum({FATAL} AND NOT recovered), sum({MISSING})
         FROM sessions WHERE {range} GROUP BY 1"
    );
    let mut sums = SessionSums::default();
    let mut prepared = connection.prepare_cached(&sql)?;
    let mut rows = prepared.query(params)?;
    while let Some(row) = rows.next()? {
        let count: i64 = row.get(1)?;
        match row.get_ref(0)?.as_str().unwrap_or_default() {
            "crashed" => sums.crashed = count,
            "ended" => sums.ended = count,
            "silent" => sums.silent = count,
            _ => sums.open = count,
        }
        sums.fatal += row.get::<_, i64>(2)?;
        sums.missing = sums.missing.saturating_add(row.get(3)?);
    }
    Ok(sums)
}
