//! Calls of models and tools by the hour in which they ended: what a transaction adds or takes away, kept in memory, written once at its end.
//!
//! Calls are those that traces and runs count: spans that ended and operations, whose usage is counted once. Of an hour at most
//! [`CALL_ROWS_MAX`] models and as many tools are counted by themselves; those that come later are counted together, under an empty name.
//!
//! When an event is removed, so is its call, from where it was counted: once some calls of an hour are counted together, nothing else gets a row of its own
//! there until none of them is left. So all calls of one name, provider and version are in one place, and which that is can be seen at any time. What is left
//! is what there would be if the event had never come, but for this: which names have rows of their own in an hour of too many is decided by who came first;
//! the shortest and the longest of a row are then known as well as [`Spread`] knows them, and the last digits of a cost are those of sums of doubles.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};

use super::index::{Callee, Facts, Span, What};
use super::spread::Spread;
use super::tally::{WIDTHS_US, floor};
use crate::limits::CALL_ROWS_MAX;

/// What a transaction adds or takes away, by hour.
#[derive(Default)]
pub(super) struct Calls(HashMap<(i64, Arc<Callee>), Sum>);

/// Calls of one hour.
#[derive(Default)]
struct Sum {
    calls: i64,
    errors: i64,
    tokens_in: i64,
    tokens_out: i64,
    tokens_cached: i64,
    cost: f64,
    timed: i64,
    total_us: i64,
    min_us: i64,
    max_us: i64,
    spread: Spread,
}

impl Sum {
    fn add(&mut self, span: &Span) {
        self.calls += 1;
        self.errors += i64::from(span.failed);
        self.tokens_in = self.tokens_in.saturating_add(span.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(span.tokens_out);
        self.tokens_cached = self.tokens_cached.saturating_add(span.tokens_cached);
        self.cost += span.cost;
        let Some(took) = span.duration_us else { return };
        self.min_us = if self.timed == 0 { took } else { self.min_us.min(took) };
        self.max_us = self.max_us.max(took);
        self.timed += 1;
        self.total_us = self.total_us.saturating_add(took);
        self.spread.add(took);
    }

    /// Reads what is counted of a row, if there is one.
    fn read(transaction: &Transaction<'_>, row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        transaction
            .prepare_cached(
                "SELECT calls, errors, tokens_in, tokens_out, tokens_cached, cost, timed, total_us, min_us, max_us, spread
                 FROM calls WHERE hour = ? AND kind = ? AND name = ? AND provider = ? AND version = ?",
            )?
            .query_row(params![row.hour, row.kind, row.name, row.provider, row.version], |row| {
                let mut spread = Spread::default();
                spread.merge_encoded(row.get_ref(10)?.as_blob()?);
                Ok(Self {
                    calls: row.get(0)?,
                    errors: row.get(1)?,
                    tokens_in: row.get(2)?,
                    tokens_out: row.get(3)?,
                    tokens_cached: row.get(4)?,
                    cost: row.get(5)?,
                    timed: row.get(6)?,
                    total_us: row.get(7)?,
                    min_us: row.get(8)?,
                    max_us: row.get(9)?,
                    spread,
                })
            })
            .optional()
    }

    fn merge(&mut self, other: &Self) {
        if other.timed > 0 {
            self.min_us = if self.timed == 0 { other.min_us } else { self.min_us.min(other.min_us) };
            self.max_us = self.max_us.max(other.max_us);
        }
        self.spread.merge(&other.spread);
        self.change(other, i64::saturating_add, 1.0);
    }

    fn take_away(&mut self, other: &Self) {
        self.spread.take_away(&other.spread);
        self.change(other, |one, other| one.saturating_sub(other).max(0), -1.0);
        self.cost = self.cost.max(0.0);
        // What was the shortest or the longest may be gone.
        let (shortest_us, longest_us) = self.spread.range_us();
        (self.min_us, self.max_us) = (self.min_us.max(shortest_us).min(longest_us), self.max_us.min(longest_us));
    }

    fn change(&mut self, other: &Self, change: impl Fn(i64, i64) -> i64, sign: f64) {
        for (one, other) in [
            (&mut self.calls, other.calls),
            (&mut self.errors, other.errors),
            (&mut self.tokens_in, other.tokens_in),
            (&mut self.tokens_out, other.tokens_out),
            (&mut self.tokens_cached, other.tokens_cached),
            (&mut self.timed, other.timed),
            (&mut self.total_us, other.total_us),
        ] {
            *one = change(*one, other);
        }
        self.cost += sign * other.cost;
    }

    fn write(&self, transaction: &Transaction<'_>, row: &Row<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                row.hour,
                row.kind,
                row.name,
                row.provider,
                row.version,
                self.calls,
                self.errors,
                self.tokens_in,
                self.tokens_out,
                self.tokens_cached,
                self.cost,
                self.timed,
                self.total_us,
                self.min_us,
                self.max_us,
                self.spread.encode(),
            ])
            .map(drop)
    }
}

/// By what a row is known.
struct Row<'c> {
    hour: i64,
    kind: i64,
    name: &'c str,
    provider: &'c str,
    version: &'c str,
}

impl<'c> Row<'c> {
    fn of(hour: i64, callee: &'c Callee) -> Self {
        let Callee { kind, name, provider, version } = callee;
        Self { hour, kind: *kind as i64, name, provider, version }
    }

    /// The row of those that are counted together.
    const fn of_others(hour: i64, kind: i64) -> Self {
        Self { hour, kind, name: "", provider: "", version: "" }
    }
}

impl Calls {
    /// Counts an event, if it is a call.
    pub(super) fn add(&mut self, time_us: i64, facts: Option<&Facts>) {
        let Some(Facts { what: What::End(span), .. }) = facts else { return };
        let Some(callee) = &span.callee else { return };
        self.0.entry((floor(time_us, WIDTHS_US[1]), Arc::clone(callee))).or_default().add(span);
    }

    /// Adds all of it to what is counted.
    pub(super) fn write(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        for ((hour, callee), sum) in self.0 {
            let mut row = Row::of(hour, &callee);
            let mut known = Sum::read(transaction, &row)?;
            if known.is_none() && is_full(transaction, &row)? {
                row = Row::of_others(hour, row.kind);
                known = Sum::read(transaction, &row)?;
            }
            let mut known = known.unwrap_or_default();
            known.merge(&sum);
            known.write(transaction, &row)?;
        }
        Ok(())
    }

    /// Takes all of it away from what is counted. What there is nothing left of is removed.
    pub(super) fn take_away(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        for ((hour, callee), sum) in self.0 {
            let mut row = Row::of(hour, &callee);
            let mut known = Sum::read(transaction, &row)?;
            if known.is_none() {
                row = Row::of_others(hour, row.kind);
                known = Sum::read(transaction, &row)?;
            }
            if let Some(known) = known {
                take(transaction, &row, known, &sum)?;
            }
        }
        Ok(())
    }
}

/// Tells whether an hour has no room for another row of a kind: it has as many as it may have, or some calls are counted together already.
fn is_full(transaction: &Transaction<'_>, row: &Row<'_>) -> rusqlite::Result<bool> {
    transaction
        .prepare_cached("SELECT count(*), min(name) = '' FROM calls WHERE hour = ? AND kind = ?")?
        .query_row([row.hour, row.kind], |row| {
            Ok(row.get::<_, i64>(0)? >= CALL_ROWS_MAX || row.get::<_, Option<bool>>(1)? == Some(true))
        })
}

fn take(transaction: &Transaction<'_>, row: &Row<'_>, mut known: Sum, sum: &Sum) -> rusqlite::Result<()> {
    known.take_away(sum);
    if known.calls > 0 {
        return known.write(transaction, row);
    }
    transaction
        .prepare_cached("DELETE FROM calls WHERE hour = ? AND kind = ? AND name = ? AND provider = ? AND version = ?")?
        .execute(params![row.hour, row.kind, row.name, row.provider, row.version])
        .map(drop)
}
