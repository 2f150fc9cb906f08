//! Hours that were counted once, read instead of their events: see [`crate::store`]'s `clickhouse::folds`.
//!
//! Which hours those are is asked first, and each question names them with the numbers of their folds: so each hour is read from one of the two, and
//! only one. Afterwards it is asked again. Folds are removed only once they don't count; where all of them still do, none was gone
//! while the question was answered.

use serde::de::DeserializeOwned;

use super::Remote;
use crate::clickhouse::Sql;
use crate::limits::{FOLD_TRIES, FOLDED_RANGE_US, FOLDS_READ};
use crate::query::QueryError;
use crate::query::grid::up;
use crate::store::{STANDING, WIDTHS_US, floor};

/// An hour, in seconds.
const HOUR: u32 = 3600;
/// What is counted by the hour: when each began, and where.
pub(super) const HOURS: (&str, &str) = ("toInt64(toUnixTimestamp(hour)) * 1000000", "fold_hours");
/// What is counted by the minute.
pub(super) const MINUTES: (&str, &str) = ("minute_us", "fold_minutes");

/// Hours that are not read from events, each with the number of its fold.
#[derive(Debug, Default)]
pub(super) struct Folds(Vec<(u32, i64)>);

/// Asks a question of a range of time that is told which hours it need not count.
///
/// # Errors
///
/// As [`Remote::rows`].
pub(super) fn rows<T: DeserializeOwned>(
    remote: &Remote,
    range: (i64, Option<i64>),
    now_us: i64,
    question: impl Fn(&Folds) -> Sql,
) -> Result<Vec<T>, QueryError> {
    let (since_us, until_us) = range;
    let none = Folds::default();
    if until_us.unwrap_or(now_us).saturating_sub(since_us) <= FOLDED_RANGE_US {
        return remote.rows(&question(&none));
    }
    let mut folds = Folds::of(remote, range)?;
    for _ in 0..FOLD_TRIES {
        if folds.is_empty() {
            break;
        }
        let rows = remote.rows(&question(&folds))?;
        let now = Folds::of(remote, range)?;
        if folds.0.iter().all(|fold| now.0.binary_search(fold).is_ok()) {
            return Ok(rows);
        }
        folds = now;
    }
    remote.rows(&question(&none))
}

impl Folds {
    /// Asks which hours of a range are folded and count, of those that are in it as a whole.
    fn of(remote: &Remote, (since_us, until_us): (i64, Option<i64>)) -> Result<Self, QueryError> {
        let mut sql = Sql::new(&format!("SELECT toUInt32(hour), toInt64(max(fold)) FROM {STANDING} WHERE hour > "));
        sql.hour(0).add(" AND hour >= ").hour(up(since_us, WIDTHS_US[1]));
        if let Some(until) = until_us {
            sql.add(" AND hour < ").hour(floor(until, WIDTHS_US[1]));
        }
        sql.add(" GROUP BY hour HAVING argMax(version, fold) > max(touched) ORDER BY hour DESC LIMIT ");
        let mut folds: Vec<(u32, i64)> = remote.rows(sql.number(FOLDS_READ))?;
        folds.sort_unstable();
        Ok(Self(folds))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds that events are of none of these hours. By ranges, since an index knows of a list only whether something is in it, and not what lies between.
    pub(super) fn others(&self, sql: &mut Sql) {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (hour, _) in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if last.saturating_add(HOUR) == *hour => *last = *hour,
                _ => runs.push((*hour, *hour)),
            }
        }
        for (first, last) in runs {
            let us = |hour: u32| i64::from(hour).saturating_mul(1_000_000);
            sql.add(" AND (hour < ").hour(us(first)).add(" OR hour > ").hour(us(last)).add(")");
        }
    }

    /// Adds a table and, behind a `WHERE`, which rows of it are these folds.
    pub(super) fn of_table<'s>(&self, sql: &'s mut Sql, table: &str) -> &'s mut Sql {
        sql.add(table).add(" WHERE hour IN ").numbers(self.0.iter().map(|(hour, _)| *hour));
        sql.add(" AND fold IN ").numbers(self.0.iter().map(|(_, fold)| *fold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_follow_each_other_are_left_out_together() {
        let folds = Folds(vec![(3600, 11), (7200, 12), (14_400, 13)]);
        let mut sql = Sql::new("");
        folds.others(&mut sql);
        let first = " AND (hour < toDateTime(3600, 'UTC') OR hour > toDateTime(7200, 'UTC'))";
        let second = " AND (hour < toDateTime(14400, 'UTC') OR hour > toDateTime(14400, 'UTC'))";
        assert_eq!(sql.as_str(), format!("{first}{second}"));
        let mut sql = Sql::new("");
        folds.of_table(&mut sql, "fold_hours");
        assert_eq!(sql.as_str(), "fold_hours WHERE hour IN (3600, 7200, 14400) AND fold IN (11, 12, 13)");
    }
}
