//! Hours that were counted once, read instead of their events: see [`crate::store`]'s `clickhouse::folds`.
//!
//! Which hours those are is known before a question, which names them with the numbers of their folds: so each hour is read from one of the two, and
//! only one. Afterwards it is asked which of them count. Folds are removed only once they don't count; where all of them still do, none was gone
//! while the question was answered, and nothing had come that they have not. So what is known before it may be out of date: it is kept for a while,
//! and asked for only where it is not. What is known of more, or of less than there is, only makes an answer slower.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;

use super::Remote;
use crate::clickhouse::Sql;
use crate::clock;
use crate::limits::{FOLD_TRIES, FOLDED_EVENTS_MIN, FOLDED_RANGE_US, FOLDS_KNOWN_MAX, FOLDS_KNOWN_US, FOLDS_READ};
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

/// What was answered last of ranges, to all that read the same store.
#[derive(Debug)]
pub(super) struct Known {
    /// The one that was asked for last is the last.
    standings: Mutex<VecDeque<Arc<Standing>>>,
    /// Held by the one that asks.
    asking: Mutex<()>,
    /// What has fewer events is counted from them.
    events_min: u64,
}

/// Which hours of a range are folded and count.
#[derive(Debug)]
struct Standing {
    /// When it was asked for.
    at_us: i64,
    /// When the first hour begins, and when the last one ends.
    hours: (i64, i64),
    folds: Vec<(u32, i64)>,
    /// How many events these hours have, folded or not.
    events: u64,
}

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
    let (known, hours) = (&remote.folds, whole_hours(range));
    let mut folds = known.first(remote, hours)?;
    for _ in 0..FOLD_TRIES {
        if folds.is_empty() {
            break;
        }
        let rows = remote.rows(&question(&folds))?;
        let now = Standing::ask(remote, hours)?;
        if folds.0.iter().all(|fold| now.folds.binary_search(fold).is_ok()) {
            return Ok(rows);
        }
        folds = known.folds(&now, hours);
    }
    remote.rows(&question(&none))
}

/// Returns when the first of the whole hours of a range begins, and when the last one ends. Hour 0 is none of them.
fn whole_hours((since_us, until_us): (i64, Option<i64>)) -> (i64, i64) {
    let width = WIDTHS_US[1];
    (up(since_us, width).max(width), until_us.map_or(i64::MAX, |until| floor(until, width)))
}

impl Default for Known {
    fn default() -> Self {
        Self::with(FOLDED_EVENTS_MIN)
    }
}

impl Known {
    /// Nothing is known yet; what has fewer events will be counted from them.
    pub(super) fn with(events_min: u64) -> Self {
        Self { standings: Mutex::default(), asking: Mutex::default(), events_min }
    }

    /// Returns what is to be read of some hours from folds: of what is known, or else asked for. A page asks several questions at once, so one asks and
    /// the others wait for that; if it was of no use to them each asks for itself, and none waits twice.
    fn first(&self, remote: &Remote, hours: (i64, i64)) -> Result<Folds, QueryError> {
        if let Some(folds) = self.of(hours, clock::now_us()) {
            return Ok(folds);
        }
        let asking = self.asking.try_lock();
        if asking.is_err() {
            drop(self.asking.lock());
        }
        match self.of(hours, clock::now_us()) {
            Some(folds) => Ok(folds),
            None => {
                let standing = Standing::ask(remote, hours)?;
                Ok(self.folds(&standing, hours))
            }
        }
    }

    /// Returns what is to be read of some hours from folds, if it is known which are there.
    fn of(&self, hours: (i64, i64), now_us: i64) -> Option<Folds> {
        let standings = self.lock();
        let known = standings.iter().rev().find(|known| {
            known.hours.0 <= hours.0 && hours.1 <= known.hours.1 && now_us.abs_diff(known.at_us) < FOLDS_KNOWN_US
        });
        known.map(|known| self.folds(known, hours))
    }

    /// Returns what is to be read of some hours from folds, of those that are there.
    fn folds(&self, standing: &Standing, (first, end): (i64, i64)) -> Folds {
        if standing.events < self.events_min {
            return Folds::default();
        }
        let within = |hour: u32| (first..end).contains(&i64::from(hour).saturating_mul(1_000_000));
        Folds(standing.folds.iter().copied().filter(|(hour, _)| within(*hour)).collect())
    }

    /// Remembers an answer, and forgets what it is the later one of.
    fn keep(&self, standing: Arc<Standing>) {
        let mut standings = self.lock();
        standings.retain(|known| known.hours.0 < standing.hours.0 || standing.hours.1 < known.hours.1);
        if standings.len() >= FOLDS_KNOWN_MAX {
            standings.pop_front();
        }
        standings.push_back(standing);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Standing>>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Asks for it, and has it known.
    fn ask(remote: &Remote, (first, end): (i64, i64)) -> Result<Arc<Self>, QueryError> {
        let at_us = clock::now_us();
        let within = |sql: &mut Sql| _ = sql.add("hour >= ").hour(first).add(" AND hour < ").hour(end);
        let mut sql = Sql::new("SELECT toUInt32(hour), toInt64(max(fold)), (SELECT count() FROM events WHERE ");
        within(&mut sql);
        sql.add(&format!(") FROM {STANDING} WHERE "));
        within(&mut sql);
        sql.add(" GROUP BY hour HAVING argMax(version, fold) > max(touched) ORDER BY hour DESC LIMIT ");
        let rows: Vec<(u32, i64, u64)> = remote.rows(sql.number(FOLDS_READ))?;
        let events = rows.first().map_or(0, |(_, _, events)| *events);
        let mut folds: Vec<(u32, i64)> = rows.into_iter().map(|(hour, fold, _)| (hour, fold)).collect();
        folds.sort_unstable();
        // There may be more before the first of so many.
        let is_cut = u64::try_from(folds.len()).is_ok_and(|folds| folds >= FOLDS_READ);
        let cut = folds.first().filter(|_| is_cut).map(|(hour, _)| i64::from(*hour).saturating_mul(1_000_000));
        let standing = Arc::new(Self { at_us, hours: (cut.unwrap_or(first), end), folds, events });
        remote.folds.keep(Arc::clone(&standing));
        Ok(standing)
    }
}

impl Folds {
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
    #[test]
    fn what_was_answered_of_a_range_is_known_of_those_within_it_for_a_while_and_the_last_of_it_counts() {
        let hour = WIDTHS_US[1];
        let standing = |at_us: i64, (first, end): (i64, i64), folds: &[(u32, i64)], events: u64| {
            Arc::new(Standing { at_us, hours: (first * hour, end * hour), folds: folds.to_vec(), events })
        };
        let known = Known::with(100);
        let of =
            |(first, end): (i64, i64), now_us: i64| known.of((first * hour, end * hour), now_us).map(|folds| folds.0);
        assert_eq!(of((1, 9), 0), None);
        known.keep(standing(7, (1, 9), &[(3600, 11), (7200, 12), (14_400, 13)], 100));
        assert_eq!(of((1, 9), 8), Some(vec![(3600, 11), (7200, 12), (14_400, 13)]));
        assert_eq!(of((2, 4), 8), Some(vec![(7200, 12)]), "up to where the range ends");
        assert_eq!((of((0, 9), 8), of((1, 10), 8)), (None, None), "of what was not asked for");
        let late = i64::try_from(FOLDS_KNOWN_US).unwrap() + 7;
        assert_eq!((of((1, 9), late - 1).is_some(), of((1, 9), late), of((1, 9), 7 - late)), (true, None, None));
        known.keep(standing(9, (2, 5), &[(7200, 14)], 100));
        assert_eq!(of((2, 5), 9), Some(vec![(7200, 14)]));
        assert_eq!(of((1, 5), 9), Some(vec![(3600, 11), (7200, 12), (14_400, 13)]));
        known.keep(standing(10, (1, 9), &[(3600, 15)], 99));
        assert_eq!(of((2, 5), 10), Some(vec![]), "few events are read themselves");
        assert_eq!(known.lock().len(), 1);
        for end in 10..30 {
            known.keep(standing(10, (end, end + 1), &[], 0));
        }
        assert_eq!(known.lock().len(), FOLDS_KNOWN_MAX);
    }

    #[test]
    fn the_whole_hours_of_a_range_are_those_that_it_has_from_their_beginning_to_their_end() {
        let hour = WIDTHS_US[1];
        assert_eq!(whole_hours((hour + 1, Some(9 * hour - 1))), (2 * hour, 8 * hour));
        assert_eq!(whole_hours((2 * hour, Some(9 * hour))), (2 * hour, 9 * hour));
        assert_eq!(whole_hours((i64::MIN, None)), (hour, i64::MAX), "hour 0 is none");
    }
}
