//! The questions about a store in ClickHouse. What is right is said where SQLite's are asked: modules and functions have the same names.
//!
//! - Events are read with `FINAL`: an event that was written twice is there once, in its first row, and whatever is counted is counted of
//!   them.
//! - The key begins with the hour, so hours are narrowed down wherever they are known. Hour 0 has what happened at no time that can be, so
//!   whoever asks for a time asks for hour 0 too.
//! - Hours that nobody writes to any more are read from what was counted of them, where a range is long ([`folds`]).
//! - Groups have several rows each, which come together in the question (`GROUP BY`).

pub(super) mod audit;
pub(super) mod band;
pub(super) mod calls;
pub(crate) mod copy;
pub(super) mod events;
pub(super) mod exceptions;
pub(super) mod explore;
pub(super) mod facts;
mod folds;
pub(super) mod groups;
pub(super) mod histogram;
mod narrow;
pub(super) mod occurrences;
mod outside;
pub(super) mod runs;
pub(super) mod series;
pub(super) mod session_sums;
pub(super) mod sessions;
pub(super) mod stats;
mod sums;
pub(super) mod told;
pub(super) mod traces;
pub(super) mod users;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::de::DeserializeOwned;

use super::QueryError;
use crate::clickhouse::{Client, Sql, watermark};
use crate::stats::Counter;
use crate::store::outside::Source;

/// A store in ClickHouse that is read.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) client: Client,
    /// Who asks, as a process that also writes; empty for others.
    identity: String,
    /// Nobody waits for its answers any more.
    is_over: Arc<AtomicBool>,
    /// Of one that asks for one answer: up to where all was stored when it was first asked.
    mark: Option<Mutex<Option<i64>>>,
    /// What reads large values that are elsewhere.
    outside: Source,
    /// When it was last found that there are none.
    has_none: Arc<Mutex<Option<Instant>>>,
    /// Statements that were sent for answers, by this and all that read the same.
    sent: Arc<Counter>,
    /// Which hours were folded when it was last asked for, by the same.
    folds: Arc<folds::Known>,
}

impl Remote {
    /// Reads the store that a client is of.
    pub(crate) fn new(client: Client, identity: String, outside: Source) -> Self {
        Self {
            client,
            identity,
            is_over: Arc::default(),
            mark: None,
            outside,
            has_none: Arc::default(),
            sent: Arc::default(),
            folds: Arc::default(),
        }
    }

    /// Returns another that reads the same store, and what it asks nothing more after once it is true.
    pub(crate) fn alone(&self) -> (Self, Arc<AtomicBool>) {
        let (mark, sent, folds) = (Some(Mutex::default()), Arc::clone(&self.sent), Arc::clone(&self.folds));
        let of_this = Self::new(self.client.clone(), self.identity.clone(), self.outside.clone());
        let alone = Self { mark, sent, folds, has_none: Arc::clone(&self.has_none), ..of_this };
        let is_over = Arc::clone(&alone.is_over);
        (alone, is_over)
    }

    /// Reads what is folded however few events it is of.
    #[cfg(test)]
    pub(super) fn of_folds(self) -> Self {
        Self { folds: Arc::new(folds::Known::with(0)), ..self }
    }

    /// Returns how many statements were sent for answers.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Returns the rows of a question.
    ///
    /// # Errors
    ///
    /// Nobody waits for them, or the server does not answer.
    pub(crate) fn rows<T: DeserializeOwned>(&self, sql: &Sql) -> Result<Vec<T>, QueryError> {
        self.go_on()?;
        Ok(self.client.rows(sql)?)
    }

    /// Returns the first row of a question, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Remote::rows`].
    pub(crate) fn row<T: DeserializeOwned>(&self, sql: &Sql) -> Result<Option<T>, QueryError> {
        self.go_on()?;
        Ok(self.client.row(sql)?)
    }

    /// Returns the row below which all rows are stored: none comes there any more. Of several writers it is that of the one that is furthest
    /// behind, as long as it says anything.
    ///
    /// # Errors
    ///
    /// As [`Remote::rows`].
    pub(crate) fn mark(&self) -> Result<i64, QueryError> {
        let ask = || -> Result<i64, QueryError> {
            self.go_on()?;
            Ok(watermark(&self.client)?)
        };
        let Some(known) = &self.mark else { return ask() };
        // Held while it is asked for: questions that are asked at once ask for it once.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = known.map_or_else(ask, Ok)?;
        *known = Some(mark);
        Ok(mark)
    }

    /// A statement may be sent, which is counted.
    fn go_on(&self) -> Result<(), QueryError> {
        if self.is_over.load(Ordering::Relaxed) {
            return Err(QueryError::TooLong);
        }
        self.sent.add(1);
        Ok(())
    }
}
