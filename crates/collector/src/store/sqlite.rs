//! The store in one SQLite database: [`Engine`] in terms of transactions.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::batch::{self, Caches, Stored, Sums};
use super::beside::{self, Beside};
use super::engine::Engine;
use super::erase::{self, Removal, Target};
use super::index::Indexed;
use super::place::Place;
use super::queue::WriteError;
use super::trail::{Entry, InForce, What, Who};
use super::{audit, blobs, consent, open, retention};
use crate::clock;

/// A database that this process alone writes.
pub(super) struct Database {
    connection: Connection,
    place: Place,
    caches: Caches,
    newest: Option<i64>,
}

impl Database {
    pub(super) fn new(connection: Connection, place: Place) -> Self {
        Self { connection, place, caches: Caches::default(), newest: None }
    }

    /// Changes something that is no event. It may remove what had a number.
    fn edit<T>(&mut self, change: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, WriteError> {
        self.caches = Caches::default();
        Ok(change(&mut self.connection)?)
    }

    /// Writes requests as one transaction. When this returns it is on disk, or nothing of it is.
    fn insert(&mut self, requests: &[&[Indexed]]) -> rusqlite::Result<Vec<Stored>> {
        let received_us = clock::now_us();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut sums = Sums::default();
        let mut stored = Vec::with_capacity(requests.len());
        for request in requests {
            let mut sum = Stored::default();
            for indexed in *request {
                sum.add(batch::insert(&transaction, &mut self.caches, &mut sums, indexed, received_us)?);
            }
            stored.push(sum);
        }
        sums.write(&transaction)?;
        let newest =
            transaction.prepare_cached("SELECT max(last_row) FROM batches")?.query_row([], |row| row.get(0))?;
        transaction.commit()?;
        self.newest = newest;
        Ok(stored)
    }
}

impl Engine for Database {
    fn commit(&mut self, requests: &[&[Indexed]]) -> Result<Vec<Stored>, WriteError> {
        let stored = self.insert(requests);
        if stored.is_err() {
            // Of what the transaction has numbered nothing is there.
            self.caches = Caches::default();
        }
        Ok(stored?)
    }

    fn newest(&mut self) -> Option<i64> {
        self.newest
    }

    fn is_there(&self) -> bool {
        self.place.is_there()
    }

    fn close(self: Box<Self>) {
        // Leaves one file instead of three. If it fails the log stays, and is as good.
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the store was not closed cleanly; nothing is lost");
        }
    }

    fn opt_in(&mut self, who: &Who, user: &str) -> Result<(), WriteError> {
        let entry = Entry::opt_in(who, user);
        let store = |connection: &Connection| consent::store(connection, user, true).map(Some);
        self.edit(|connection| audit::with(connection, &entry, store)).map(drop)
    }

    fn resolve(&mut self, who: &Who, fingerprint: &str, resolved: bool) -> Result<bool, WriteError> {
        let entry = Entry::resolve(who, fingerprint, resolved);
        let mark = |connection: &Connection| Ok(consent::resolve(connection, fingerprint, resolved)?.then_some(()));
        Ok(self.edit(|connection| audit::with(connection, &entry, mark))?.is_some())
    }

    fn note_removal(&mut self, who: &Who, target: &Target) -> Result<(), WriteError> {
        self.edit(|connection| erase::note_removal(connection, who, target))
    }

    fn remove(&mut self, target: &Target, after: i64) -> Result<Removal, WriteError> {
        self.edit(|connection| erase::step(connection, target, after)).map(Removal::Done)
    }

    fn remove_points(&mut self, before_us: i64, after: i64) -> Result<Option<i64>, WriteError> {
        self.edit(|connection| erase::points(connection, before_us, after))
    }

    fn remove_audit(&mut self, before_us: i64) -> Result<(), WriteError> {
        self.edit(|connection| audit::remove_before(connection, before_us)).map(drop)
    }

    fn unnamed(&mut self, max: usize) -> Result<Vec<Box<str>>, WriteError> {
        Ok(blobs::unnamed(&self.connection, max)?)
    }

    fn forget_unnamed(&mut self, hashes: &[Box<str>]) -> Result<(), WriteError> {
        Ok(blobs::forget_unnamed(&mut self.connection, hashes)?)
    }

    fn named(&mut self, hashes: Vec<Box<str>>) -> Result<HashSet<Box<str>>, WriteError> {
        Ok(blobs::named(&self.connection, hashes)?)
    }

    fn give_back(&mut self) -> Result<bool, WriteError> {
        self.edit(retention::give_back)
    }

    fn settle(&mut self) -> Result<bool, WriteError> {
        self.edit(|connection| retention::checkpoint(connection))
    }

    fn observe(&mut self, kind: What, in_force: &[InForce]) -> Result<(), WriteError> {
        self.edit(|connection| audit::observe(connection, kind, in_force))
    }

    fn reload(&mut self, settings: &[InForce]) -> Result<(), WriteError> {
        self.edit(|connection| audit::reload(connection, settings))
    }

    fn name(&mut self) -> Result<String, WriteError> {
        self.edit(open::name)
    }

    fn begin_cursor(&mut self, key: &str, first: i64) -> Result<i64, WriteError> {
        self.edit(|connection| {
            let sql = "SELECT value FROM meta WHERE key = ?";
            let known: Option<i64> = connection.query_row(sql, [key], |row| row.get(0)).optional()?;
            if known.is_none() {
                connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, first))?;
            }
            Ok(known.unwrap_or(first))
        })
    }

    fn keep_cursor(&mut self, key: &str, row: i64) -> Result<(), WriteError> {
        self.edit(|connection| connection.execute("UPDATE meta SET value = ? WHERE key = ?", (row, key))).map(drop)
    }

    fn take_over(&mut self, beside: &Beside) -> Result<(), WriteError> {
        self.edit(|connection| beside::take_over(connection, beside))
    }
}
