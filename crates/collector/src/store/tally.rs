//! What a transaction adds to all that is counted and grouped beside sessions: kept in memory, written once at its end.

use std::collections::HashMap;

use lastword::Severity;
use rusqlite::{Transaction, params};

use super::exceptions::{self, Occurrence};
use super::groups::{self, RunSum, Sum as _, TraceSum, UserSum};
use super::index::{Facts, TraceId, What};
use super::left::Left;
use super::series::Points;

/// The widths of counts in microseconds: a minute and an hour.
pub(crate) const WIDTHS_US: [i64; 2] = [60_000_000, 3_600_000_000];

/// What a transaction adds.
#[derive(Default)]
pub(super) struct Tally {
    counts: Counts,
    traces: HashMap<TraceId, TraceSum>,
    runs: HashMap<Box<str>, RunSum>,
    users: HashMap<Box<str>, UserSum>,
    points: Points,
    exceptions: exceptions::Counts,
    /// What the present batch has events of.
    touched: Vec<Touched>,
}

enum Touched {
    Trace(TraceId),
    Run(Box<str>),
    User(Box<str>),
}

/// A new event, as far as it is counted.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    pub(super) session: i64,
    pub(super) time_us: i64,
    pub(super) severity: Severity,
    /// The number of its name, or what [`of_kind`](super::of_kind) says.
    pub(super) what: i64,
}

impl Tally {
    /// Counts a new event.
    pub(super) fn add(&mut self, event: Counted, facts: Option<&Facts>) {
        self.counts.add(event.time_us, event.what, event.severity as i64);
        let Some(facts) = facts else { return };
        if let Some(trace) = facts.trace {
            self.traces.entry(trace).or_insert_with(|| TraceSum::new(event)).add(event, facts);
            if !matches!(self.touched.last(), Some(Touched::Trace(last)) if *last == trace) {
                self.touched.push(Touched::Trace(trace));
            }
        }
        if let Some(run) = &facts.run {
            self.runs.entry(run.clone()).or_insert_with(|| RunSum::new(event)).add(event, facts);
            if !matches!(self.touched.last(), Some(Touched::Run(last)) if last == run) {
                self.touched.push(Touched::Run(run.clone()));
            }
        }
        if let Some(user) = &facts.user {
            self.users.entry(user.clone()).or_insert_with(|| UserSum::new(event)).add(event, facts);
            if !matches!(self.touched.last(), Some(Touched::User(last)) if last == user) {
                self.touched.push(Touched::User(user.clone()));
            }
        }
        if let What::Metrics(points) = &facts.what {
            self.points.add(event.time_us, points);
        }
    }

    /// Counts an exception of a group.
    pub(super) fn exception(&mut self, group: i64, occurrence: &Occurrence<'_>) {
        self.exceptions.add(group, occurrence);
    }

    /// Notes that the events that were added since the last one are those of this batch.
    pub(super) fn end_batch(&mut self, last_row: i64) {
        for touched in self.touched.drain(..) {
            let batches = match touched {
                Touched::Trace(trace) => self.traces.get_mut(&trace).map(|sum| &mut sum.batches),
                Touched::Run(run) => self.runs.get_mut(&run).map(|sum| &mut sum.batches),
                Touched::User(user) => self.users.get_mut(&user).map(|sum| &mut sum.batches),
            };
            if let Some(batches) = batches.filter(|batches| batches.last() != Some(&last_row)) {
                batches.push(last_row);
            }
        }
    }

    /// Writes all of it.
    pub(super) fn write(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.counts.write(transaction, 1)?;
        groups::write(transaction, self.traces)?;
        groups::write(transaction, self.runs)?;
        groups::write(transaction, self.users)?;
        self.exceptions.write(transaction)?;
        self.points.write(transaction)
    }

    /// Takes all of it away from what is known: its events are removed, and the batches that have none any more.
    pub(super) fn take_away(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.counts.write(transaction, -1)?;
        let mut left = Left::default();
        left.take_away(transaction, self.traces)?;
        left.take_away(transaction, self.runs)?;
        left.take_away(transaction, self.users)?;
        self.exceptions.take_away(transaction)?;
        self.points.take_away(transaction)
    }
}

/// Events by minute, name and severity.
#[derive(Default)]
struct Counts {
    sums: HashMap<(i64, i64, i64), i64>,
    /// The last one: mostly the next event is of the same minute, name and severity.
    last: Option<((i64, i64, i64), i64)>,
}

impl Counts {
    /// Adds an event.
    fn add(&mut self, time_us: i64, what: i64, severity: i64) {
        let key = (floor(time_us, WIDTHS_US[0]), what, severity);
        match &mut self.last {
            Some((last, sum)) if *last == key => *sum += 1,
            _ => {
                if let Some((key, sum)) = self.last.replace((key, 1)) {
                    *self.sums.entry(key).or_default() += sum;
                }
            }
        }
    }

    /// Adds all of it, or takes it away. What there is nothing left of is removed.
    fn write(mut self, transaction: &Transaction<'_>, sign: i64) -> rusqlite::Result<()> {
        if let Some((key, sum)) = self.last.take() {
            *self.sums.entry(key).or_default() += sum;
        }
        let mut all: HashMap<(i64, i64, i64, i64), i64> = HashMap::new();
        for ((minute, what, severity), count) in self.sums {
            for width in WIDTHS_US {
                *all.entry((width, floor(minute, width), what, severity)).or_default() += sign * count;
            }
        }
        let mut add = transaction.prepare_cached(
            "INSERT INTO counts (width, begin, what, severity, count) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        let mut remove = transaction.prepare_cached(
            "DELETE FROM counts WHERE width = ? AND begin = ? AND what = ? AND severity = ? AND count <= 0",
        )?;
        for ((width, begin, what, severity), count) in all {
            add.execute(params![width, begin, what, severity, count])?;
            if count < 0 {
                remove.execute(params![width, begin, what, severity])?;
            }
        }
        Ok(())
    }
}

/// Returns when the minute or the hour of a moment began.
pub(crate) fn floor(time_us: i64, width_us: i64) -> i64 {
    time_us.saturating_sub(time_us.rem_euclid(width_us))
}
