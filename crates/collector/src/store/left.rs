//! Bringing traces, runs and users to what is left of them, when some of their events are removed.
//!
//! They are made anew of the events that are left, up to [`REGROUP_ROWS`] in a step of removing. Of those that have more, figures are taken away and what
//! was said of them (the name of a trace, how a run ended) is not known any more if it is a removed event that said so; from when to when they went
//! stays until fewer are left.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction};

use super::groups::{self, Sum};
use super::index::Facts;
use super::remove;
use super::tally::Counted;
use crate::limits::REGROUP_ROWS;

/// The batches that were read again in a step.
pub(super) struct Left {
    /// How many more rows may be read.
    rows: i64,
    batches: HashMap<i64, Vec<(Counted, Box<Facts>)>>,
}

impl Default for Left {
    fn default() -> Self {
        Self { rows: REGROUP_ROWS, batches: HashMap::new() }
    }
}

impl Left {
    /// Takes sums of removed events away from the groups of a table. Those that have no batch any more are gone already.
    pub(super) fn take_away<S: Sum>(
        &mut self,
        transaction: &Transaction<'_>,
        sums: HashMap<S::Id, S>,
    ) -> rusqlite::Result<()> {
        for (id, gone) in sums {
            let found = transaction.prepare_cached(S::FIND)?.query_row([&id], |row| row.get(0)).optional()?;
            let Some(number) = found else { continue };
            let Some(batches) = self.read::<S>(transaction, number)? else {
                subtract(transaction, number, id, gone)?;
                continue;
            };
            let mut left: Option<S> = None;
            for (event, facts) in batches.iter().filter_map(|last_row| self.batches.get(last_row)).flatten() {
                if S::id_of(facts) == Some(&id) {
                    left.get_or_insert_with(|| S::new(*event)).add(*event, facts);
                }
            }
            transaction.prepare_cached(S::EMPTY)?.execute([number])?;
            groups::write(transaction, left.map(|left| (id, left)).into_iter().collect())?;
        }
        Ok(())
    }

    /// Reads the batches with events of a group, unless they are too many.
    fn read<S: Sum>(&mut self, transaction: &Transaction<'_>, number: i64) -> rusqlite::Result<Option<Vec<i64>>> {
        let mut find = transaction.prepare_cached(S::BATCHES)?;
        let batches: Vec<(i64, i64)> = find
            .query_map([number, REGROUP_ROWS + 1], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let unread = batches.iter().filter(|(last_row, _)| !self.batches.contains_key(last_row));
        let rows = unread.fold(0_i64, |sum, (_, rows)| sum.saturating_add(*rows));
        if rows > self.rows {
            return Ok(None);
        }
        self.rows -= rows;
        for (last_row, _) in &batches {
            if self.batches.contains_key(last_row) {
                continue;
            }
            if let Some(batch) = remove::batch(transaction, *last_row)? {
                let events = remove::events(transaction, &batch)?.into_iter();
                let known = events.filter_map(|event| Some((event.counted(&batch), event.facts?)));
                self.batches.insert(*last_row, known.collect());
            }
        }
        Ok(Some(batches.into_iter().map(|(last_row, _)| last_row).collect()))
    }
}

fn subtract<S: Sum>(transaction: &Transaction<'_>, number: i64, id: S::Id, mut gone: S) -> rusqlite::Result<()> {
    if gone.negate() {
        transaction.prepare_cached(S::UNTELL)?.execute([number])?;
    }
    groups::write(transaction, HashMap::from([(id, gone)]))
}
