//! Sessions in a few figures: what a first look at a range of time wants to know of them.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use super::facts::row_before;
use super::sessions::{FATAL, MISSING, STATE};
use super::{Moment, QueryError, SessionQuery};
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
    /// Sessions of which events never arrived or were dropped.
    pub lost: i64,
    /// Events that clients say they dropped, by reason.
    pub drops: BTreeMap<String, i64>,
    /// Events that are in `missing` and in `drops`: they had a number when they were dropped.
    pub in_both: i64,
}

/// Why clients drop events that have a number already: of their session it is missing then. What finds no room in the queue, say, never got one.
/// `too_large`, `stopped` and `degraded` are of both kinds, and what a spool loses is of other sessions than the one that tells it: these are
/// taken for events without a number.
pub(super) const NUMBERED: [&str; 5] = ["retries_exhausted", "rejected", "poison", "damaged", "shed"];

/// Returns how many of the events that are missing in a session are among those that its client says it dropped.
pub(crate) fn missing_and_dropped(missing: i64, drops: &BTreeMap<String, i64>) -> i64 {
    let numbered = NUMBERED.iter().filter_map(|reason| drops.get(*reason));
    numbered.fold(0_i64, |sum, count| sum.saturating_add(*count)).min(missing).max(0)
}

impl SessionSums {
    /// Returns how many sessions there are.
    #[must_use]
    pub const fn all(&self) -> i64 {
        self.open.saturating_add(self.silent).saturating_add(self.ended).saturating_add(self.crashed)
    }

    /// Returns how many events clients say they dropped.
    #[must_use]
    pub fn dropped(&self) -> i64 {
        self.drops.values().fold(0_i64, |sum, count| sum.saturating_add(*count))
    }

    /// Returns how many events are missing of which no client says that it dropped them.
    #[must_use]
    pub const fn unexplained(&self) -> i64 {
        self.missing.saturating_sub(self.in_both)
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

/// Adds up the sessions that a query would list.
pub(super) fn read(
    connection: &mut Connection,
    query: &SessionQuery,
    now_us: i64,
    silent_after: Duration,
) -> Result<SessionSums, QueryError> {
    let snapshot = connection.transaction()?;
    let (and, values) = query.conditions_at(now_us, silent_after).parts();
    let mut sums = add_up(&snapshot, clock::before(now_us, silent_after), &and, &values)?;
    let dropped = format!("FROM drops d JOIN sessions t ON t.id = d.session WHERE 1 {and}");
    let of_each = format!("SELECT d.reason, CAST(total(d.count) AS INTEGER) {dropped} GROUP BY 1");
    let mut prepared = snapshot.prepare_cached(&of_each)?;
    let drops = prepared.query_map(params_from_iter(&values), |row| Ok((row.get(0)?, row.get(1)?)))?;
    sums.drops = drops.collect::<rusqlite::Result<_>>()?;
    let of_both = format!(
        "SELECT CAST(total(min(missing, told)) AS INTEGER) FROM (SELECT {MISSING} AS missing, CAST(total(d.count) AS INTEGER) AS told {dropped}
         AND d.reason IN ('{}') GROUP BY t.id)",
        NUMBERED.join("', '")
    );
    let mut prepared = snapshot.prepare_cached(&of_both)?;
    let in_both = prepared.query_row(params_from_iter(&values), |row| row.get::<_, Option<i64>>(0))?;
    sums.in_both = in_both.unwrap_or_default();
    // Those of which numbers are missing are counted already.
    let others = format!("SELECT count(DISTINCT t.id) {dropped} AND {MISSING} = 0");
    sums.lost += snapshot.prepare_cached(&others)?.query_row(params_from_iter(&values), |row| row.get::<_, i64>(0))?;
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
    let and = "AND t.id IN (SELECT session FROM batches WHERE last_row > ?) AND t.last_received_us >= ?";
    add_up(&snapshot, clock::before(now_us, silent_after), and, &[row.into(), since.0.into()])
}

/// Adds up the sessions that some conditions choose, without what they dropped.
fn add_up(connection: &Connection, silent_before: i64, and: &str, values: &[Value]) -> Result<SessionSums, QueryError> {
    // What clients say may be as large as can be: `sum` fails beyond the largest integer, a cast of `total` stays there. One that crashed is not
    // counted as fatal as well. Sums of one row: groups would be sorted.
    let sql = format!(
        "SELECT count(*), sum(state = 'crashed'), sum(state = 'ended'), sum(state = 'silent'), sum(state = 'ended' AND fatal),
                CAST(total(missing) AS INTEGER), sum(missing > 0)
         FROM (SELECT {STATE} AS state, {FATAL} AS fatal, {MISSING} AS missing FROM sessions t WHERE 1 {and})"
    );
    let with_state = std::iter::once(silent_before.into()).chain(values.iter().cloned());
    Ok(connection.prepare_cached(&sql)?.query_row(params_from_iter(with_state), |row| {
        let count = |at: usize| row.get::<_, Option<i64>>(at).map(Option::unwrap_or_default);
        let (crashed, ended, silent) = (count(1)?, count(2)?, count(3)?);
        let (fatal, missing, lost) = (count(4)?, count(5)?, count(6)?);
        let open = count(0)? - crashed - ended - silent;
        Ok(SessionSums { open, silent, ended, crashed, fatal, missing, lost, ..SessionSums::default() })
    })?)
}
