//! Counts of hours that nobody writes to any more, so that what is asked of a week does not read each event of it.
//!
//! Whoever writes events of an hour, or removes some, says so in `touched` first, with a row that is not below any row of what comes. One process
//! folds: it takes the watermark, counts an hour to which nobody has written for a while, and names the fold in `folded` last, with that watermark. A fold
//! counts as long as its watermark is above all that `touched` says of the hour; else the hour is read from its events.
//!
//! Invariants:
//! - What was written before the watermark is in the fold, as all of it was in when the count began. What comes later has touched the hour with a row that
//!   is not below that watermark, since no writer gives one below a watermark that was seen; so has a removal, before and after: with the watermark of
//!   that moment, which never becomes lower.
//! - The rows of a fold have a number of their own and are never added to. A fold that was not named is not read; the last one named of an hour
//!   has the largest number, so one that was replaced never counts again. Only those that do not count are removed, when none of
//!   them can be named any more.
//! - No name of what was removed stays in a fold. A removal touches an hour, and then removes the rows that are counted of it; whoever counted
//!   asks behind that whether the hour was touched, and removes its own. Whichever was later has found the other's.
//! - No hour is folded while a removal of events is under way in the server: whoever began it may have given it up, or died.
//! - Hour 0 has events of any time, and is never folded.
//! - An hour that is too much to be counted is left out for a while ([`Large`]), and keeps no other from being folded.

mod large;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::IntoIter;

pub(super) use large::Large;

use super::shapes::insert;
use super::{edit, regroup};
use crate::clickhouse::{Client, Error, Lease, NOW, ROW_BITS, RowBinary, Sql, row_at, us_of, watermark};
use crate::limits::{
    FOLD_AHEAD_US, FOLD_EVENTS_MAX, FOLD_HOUR_EVENTS_MAX, FOLD_HOURS_KNOWN, FOLD_QUIET_US, FOLD_STALE_US,
    FOLD_TIME_MAX_US, FOLD_TIMEOUT, FOLDS_SWEPT,
};
use crate::store::{Spread, WIDTHS_US};

/// By which key it is kept that all hours were touched which had events before hours were touched at all.
const TOUCHED: &str = "touched";
/// The tables that have what was counted.
const TABLES: [&str; 3] = ["fold_minutes", "fold_hours", "fold_calls"];
/// What is known of hours, to be grouped by hour. A fold counts if `argMax(version, fold) > max(touched)`, and it is the one that is `max(fold)`.
pub(crate) const STANDING: &str = "(SELECT hour, row AS touched, toUInt64(0) AS version, toUInt64(0) AS fold FROM touched \
     UNION ALL SELECT hour, toUInt64(0) AS touched, version, fold FROM folded)";
/// The columns of [`call_sums`].
pub(crate) const CALL_COLUMNS: &str =
    "first_row, times, errors, given, answered, cached, paid, timed, took, shortest_us, longest_us, spread";
/// Which events are calls that have ended.
pub(crate) const CALLS: &str = "what = 2 AND call > 0";

/// Returns what is counted of calls.
pub(crate) fn call_sums() -> String {
    let part = Spread::part_sql("duration_us");
    format!(
        "min(row) AS first_row, count() AS times, countIf(failed) AS errors, sum(toInt128(tokens_in)) AS given,
         sum(toInt128(tokens_out)) AS answered, sum(toInt128(tokens_cached)) AS cached, sum(cost) AS paid,
         countIf(duration_us >= 0) AS timed, sumIf(toInt128(duration_us), duration_us >= 0) AS took,
         minIf(duration_us, duration_us >= 0) AS shortest_us, max(duration_us) AS longest_us,
         sumMapIf([{part}], [toUInt64(1)], duration_us >= 0) AS spread"
    )
}

/// How long before what is done, in microseconds, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans {
    /// How far ahead a writer says that it writes to an hour.
    pub(super) ahead: i64,
    /// How long nobody may have written to an hour that is folded.
    pub(super) quiet: i64,
    /// How old what does not count is when it is removed.
    pub(super) stale: i64,
    /// Events that an hour may have which is folded.
    pub(super) events_max: u64,
}

impl Default for Spans {
    fn default() -> Self {
        Self { ahead: FOLD_AHEAD_US, quiet: FOLD_QUIET_US, stale: FOLD_STALE_US, events_max: FOLD_HOUR_EVENTS_MAX }
    }
}

/// Touches all hours that had events before hours were touched, once.
pub(super) fn begin(client: &Client) -> Result<(), Error> {
    if edit::kept(client, TOUCHED)?.is_some() {
        return Ok(());
    }
    let mut sql = Sql::new(&format!(
        "INSERT INTO touched (hour, row) SELECT DISTINCT hour, bitShiftLeft(toUInt64(intDiv({NOW}, 1000)), {ROW_BITS}) \
         FROM sessions WHERE hour > "
    ));
    client.run(sql.hour(0))?;
    edit::keep(client, TOUCHED, "all")
}

/// Up to which rows this process has said that it writes to an hour.
#[derive(Debug, Default)]
pub(super) struct Touched(HashMap<u32, i64>);

impl Touched {
    /// Says that the open block has events of these hours, the last of them with this row; for a while it need not be said again.
    pub(super) fn touch(
        &mut self,
        client: &Client,
        lease: &mut Lease,
        hours: impl Iterator<Item = u32>,
        (last, ahead_us): (i64, i64),
    ) -> Result<(), Error> {
        let is_new = |hour: &u32| *hour > 0 && self.0.get(hour).is_none_or(|row| *row < last);
        let mut hours: Vec<u32> = hours.filter(is_new).collect();
        hours.sort_unstable();
        hours.dedup();
        if hours.is_empty() {
            return Ok(());
        }
        let row = last.saturating_add(row_at(ahead_us));
        lease.keep()?;
        touch(client, &hours, row)?;
        if self.0.len().saturating_add(hours.len()) > FOLD_HOURS_KNOWN {
            self.0.clear();
        }
        self.0.extend(hours.into_iter().map(|hour| (hour, row)));
        Ok(())
    }
}

fn touch(client: &Client, hours: &[u32], row: i64) -> Result<(), Error> {
    let mut rows = RowBinary::new();
    for hour in hours {
        rows.u32(*hour).u64(row.cast_unsigned()).end_row();
    }
    insert(client, "touched", &["hour", "row"], &rows)
}

/// Returns the hours of the events for which a condition holds.
pub(super) fn hours(client: &Client, condition: &str) -> Result<Vec<u32>, Error> {
    let mut sql = Sql::new("SELECT DISTINCT toUInt32(hour) FROM events WHERE hour > ");
    sql.hour(0).add(" AND (").add(condition).add(")");
    Ok(client.rows::<(u32,)>(&sql)?.into_iter().map(|(hour,)| hour).collect())
}

/// Says that events of these hours go now. Their folds don't count any more: none that was begun has a watermark that is above the present one.
pub(super) fn open(client: &Client, hours: &[u32]) -> Result<(), Error> {
    if hours.is_empty() { Ok(()) } else { touch(client, hours, watermark(client)?) }
}

/// Removes the folds of these hours, which have names of what is removed. They were opened before.
pub(super) fn forget(client: &Client, hours: &[u32]) -> Result<(), Error> {
    if hours.is_empty() {
        return Ok(());
    }
    let mut of_hours = Sql::new("hour IN ");
    of_hours.numbers(hours.iter().copied());
    remove(client, &of_hours)
}

fn remove(client: &Client, condition: &Sql) -> Result<(), Error> {
    TABLES.into_iter().try_for_each(|table| regroup::delete_if_any(client, table, condition).map(drop))
}

/// Folds some hours, if there are any to be folded and it is not over, with numbers of which each is given once; returns whether there may be more.
pub(super) fn step(
    client: &Client,
    numbers: &mut IntoIter<i64>,
    (spans, large): (Spans, &mut Large),
    is_over: &AtomicBool,
) -> Result<bool, Error> {
    let Some(fold) = Fold::choose(client, numbers, (spans, &mut *large))? else { return Ok(false) };
    match fold.count(client, is_over) {
        Ok(true) => fold.finish(client)?,
        Ok(false) => return Ok(false),
        // What was counted of it has no name, and is swept.
        Err(error) => large.failed(fold.hours.iter().map(|(hour, _)| *hour), error)?,
    }
    Ok(true)
}

/// Returns whether no removal of events is under way.
fn none_goes(client: &Client) -> Result<bool, Error> {
    // To write anew what was removed before changes no count.
    let sql = format!(
        "SELECT latest_fail_reason FROM {} WHERE table = 'events' AND command NOT LIKE '%APPLY DELETED MASK%' \
         ORDER BY latest_fail_reason DESC LIMIT 1",
        client.mutations()
    );
    match client.row::<(String,)>(&Sql::new(&sql))? {
        Some((why,)) if !why.is_empty() => {
            Err(Error::Refused { code: 0, message: format!("a removal of events does not come to its end: {why}") })
        }
        found => Ok(found.is_none()),
    }
}

/// Hours that are being folded.
#[derive(Debug)]
pub(super) struct Fold {
    /// All below this was in when it was begun.
    version: i64,
    /// The hours, each with the number of its fold.
    hours: Vec<(u32, i64)>,
}

impl Fold {
    /// Chooses hours that nobody has written to for a while, the latest first, and takes a number for each.
    pub(super) fn choose(
        client: &Client,
        numbers: &mut IntoIter<i64>,
        (spans, large): (Spans, &mut Large),
    ) -> Result<Option<Self>, Error> {
        // In this order: what is removed later has touched its hours with a row that is not below this.
        let version = watermark(client)?;
        if numbers.as_slice().is_empty() || !none_goes(client)? {
            return Ok(None);
        }
        let mut sql = Sql::new(&format!("SELECT toUInt32(hour) FROM {STANDING} WHERE hour > "));
        sql.hour(0);
        let left_out = large.now();
        if !left_out.is_empty() {
            sql.add(" AND hour NOT IN ").numbers(left_out);
        }
        sql.add(" GROUP BY hour HAVING max(touched) > 0 AND max(touched) < ");
        sql.number(version.saturating_sub(row_at(spans.quiet)));
        sql.add(" AND argMax(version, fold) <= max(touched) ORDER BY hour DESC LIMIT ").number(numbers.len() as u64);
        let quiet: Vec<(u32,)> = client.rows(&sql)?;
        if quiet.is_empty() {
            return Ok(None);
        }
        let mut sql = Sql::new("SELECT toUInt32(hour), count() FROM events WHERE hour IN ");
        sql.numbers(quiet.iter().map(|(hour,)| *hour)).add(" GROUP BY hour");
        let counts: HashMap<u32, u64> = client.rows::<(u32, u64)>(&sql)?.into_iter().collect();
        let (mut events, mut hours) = (0_u64, Vec::new());
        for (hour,) in quiet {
            let count = counts.get(&hour).copied().unwrap_or(0);
            if count > spans.events_max {
                large.leave_out(hour, &format!("it has {count} events"));
                continue;
            }
            events = events.saturating_add(count);
            if events > FOLD_EVENTS_MAX && !hours.is_empty() {
                break;
            }
            let Some(number) = numbers.next() else { break };
            hours.push((hour, number));
        }
        Ok((!hours.is_empty()).then_some(Self { version, hours }))
    }

    /// Counts what is in them, and returns whether all of it was counted before it was over. Nobody reads it yet.
    pub(super) fn count(&self, client: &Client, is_over: &AtomicBool) -> Result<bool, Error> {
        let one = ("count", "count()");
        let calls = call_sums();
        // Each of the events: of a cluster what was only just written need not be where it is asked for.
        for (table, key, (columns, values), which) in [
            ("fold_minutes", "minute_us, kind, name, severity", one, "TRUE"),
            ("fold_hours", "kind, name, severity", one, "TRUE"),
            ("fold_calls", "call, callee, provider, version", (CALL_COLUMNS, calls.as_str()), CALLS),
        ] {
            if is_over.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let mut sql = Sql::new(&format!("INSERT INTO {table} (hour, fold, {key}, {columns}) "));
            sql.add("WITH time_us - positiveModulo(time_us, ").number(WIDTHS_US[0]).add(") AS minute_us SELECT hour, ");
            self.number(&mut sql).add(&format!(" AS fold, {key}, {values} FROM events FINAL WHERE {which} AND "));
            self.of_hours(&mut sql).add(&format!(" GROUP BY hour, {key}"));
            client.run_within(&sql, FOLD_TIMEOUT)?;
        }
        Ok(!is_over.load(Ordering::Relaxed))
    }

    /// Adds which hours it is.
    fn of_hours<'s>(&self, sql: &'s mut Sql) -> &'s mut Sql {
        sql.add("hour IN ").numbers(self.hours.iter().map(|(hour, _)| *hour))
    }

    /// Adds the number of the fold of an hour.
    fn number<'s>(&self, sql: &'s mut Sql) -> &'s mut Sql {
        let list = |numbers: Vec<String>| numbers.join(", ");
        let hours = list(self.hours.iter().map(|(hour, _)| hour.to_string()).collect());
        let folds = list(self.hours.iter().map(|(_, fold)| fold.to_string()).collect());
        let folds = format!("arrayMap(fold -> toUInt64(fold), [{folds}])");
        sql.add(&format!("transform(toUInt32(hour), [{hours}], {folds}, toUInt64(0))"))
    }

    /// Has readers take what was counted, but of hours that were touched meanwhile: that would not count, may have names of what was removed, and goes.
    pub(super) fn finish(self, client: &Client) -> Result<(), Error> {
        let mut sql = Sql::new("SELECT DISTINCT toUInt32(hour) FROM touched WHERE ");
        self.of_hours(&mut sql).add(" AND row >= ").number(self.version);
        let touched: HashSet<u32> = client.rows::<(u32,)>(&sql)?.into_iter().map(|(hour,)| hour).collect();
        let Self { version, hours } = self;
        let (gone, left): (Vec<_>, Vec<_>) = hours.into_iter().partition(|(hour, _)| touched.contains(hour));
        Self { version, hours: left }.name(client)?;
        if gone.is_empty() {
            return Ok(());
        }
        // Those alone that were not named and will not be.
        let mut condition = Sql::new("");
        Self { version, hours: gone.clone() }.of_hours(&mut condition).add(" AND fold IN ");
        remove(client, condition.numbers(gone.into_iter().map(|(_, fold)| fold)))
    }

    /// Has readers take what was counted; unless that took so long, by the clock of the server, that it may have been removed as one that nobody names.
    pub(super) fn name(&self, client: &Client) -> Result<(), Error> {
        let Some(first) = self.hours.iter().map(|(_, fold)| *fold).min() else { return Ok(()) };
        let lines: String = self.hours.iter().map(|(hour, fold)| format!("[{hour}, {fold}]\n")).collect();
        let mut sql = Sql::new("INSERT INTO folded (hour, version, fold) SELECT toDateTime(hour, 'UTC'), toUInt64(");
        sql.number(self.version).add("), fold FROM format(JSONCompactEachRow, 'hour UInt32, fold UInt64', ");
        sql.text(&lines).add(&format!(") WHERE {NOW} < ")).number(us_of(first).saturating_add(FOLD_TIME_MAX_US));
        client.run_within(&sql, FOLD_TIMEOUT)
    }
}

/// Removes what was counted and does not count: of folds that were never named, of those that were replaced, and of hours that were touched since.
/// What does not count never does again, once it can't be named.
pub(super) fn sweep(client: &Client, spans: Spans) -> Result<(), Error> {
    for table in TABLES {
        let mut sql = Sql::new(&format!("SELECT DISTINCT fold FROM {table} WHERE fold < "));
        sql.add(&format!("bitShiftLeft(toUInt64(intDiv({NOW} - ")).number(spans.stale);
        sql.add(&format!(", 1000)), {ROW_BITS}) AND fold NOT IN "));
        sql.add(&format!(
            "(SELECT max(fold) FROM {STANDING} GROUP BY hour HAVING argMax(version, fold) > max(touched)) LIMIT "
        ));
        sql.number(FOLDS_SWEPT);
        let stale: Vec<(u64,)> = client.rows(&sql)?;
        if !stale.is_empty() {
            let mut sql = Sql::new(&format!("DELETE FROM {} WHERE fold IN ", client.changed(table)));
            client.run(sql.numbers(stale.into_iter().map(|(fold,)| fold)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
