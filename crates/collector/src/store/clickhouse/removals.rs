//! Removals, one after the other, beside what is stored: what deletes is waited for, which may take minutes, and events are stored and acknowledged
//! meanwhile.
//!
//! Invariants:
//! - Of two removals of this process one is under way: each makes groups anew of what is left, and would put in what the other is about to remove.
//! - What is removed was there when it was asked for: what is stored from then on has later rows. Where these have to go too, they go at the end, while
//!   nothing is stored.
//! - A group of a block may be deleted before the events of that block are in. So whoever deletes groups waits until no block is being written, and makes
//!   them anew of events after that. What goes at the end can't go between the look-up of a block and its insert either: a session would be heard of
//!   again by events that are known, and are gone.
//! - It needs nothing of the writer's: where it has to say a row, it is the watermark. Nothing waits for it when the process ends; what was begun is begun
//!   again from the events, which go last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use tokio::sync::oneshot;

use super::remove::Remover;
use crate::clickhouse::{Error, Sql};
use crate::store::WriteError;
use crate::store::erase::{Step, Target};

/// What comes between blocks of this process, of which those of one commit are looked up and written at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Between(Arc<Mutex<()>>);

impl Between {
    /// Waits until none is being written; none is, until what is returned is dropped.
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is stored while a removal goes on.
#[derive(Clone, Debug)]
pub(super) struct Meanwhile {
    pub(super) blocks: Between,
    /// It has rows from this on, as far as this process stores it.
    pub(super) since: i64,
}

impl Meanwhile {
    /// Of what a condition holds for: what was there when it was asked for.
    pub(super) fn earlier(&self, of: &Sql) -> Sql {
        let mut earlier = of.clone();
        earlier.add(" AND row < ").number(self.since);
        earlier
    }

    /// Likewise, what has come since.
    pub(super) fn later(&self, of: &Sql) -> Sql {
        let mut later = of.clone();
        later.add(" AND row >= ").number(self.since);
        later
    }
}

/// Does removals, each in its turn.
#[derive(Debug, Default)]
pub(super) struct Removals(Arc<Mutex<()>>);

impl Removals {
    /// Begins a step of a removal, and returns where it says what it has done.
    ///
    /// # Errors
    ///
    /// There is no thread to be had.
    pub(super) fn begin(
        &self,
        remover: Remover,
        target: Target,
        after: i64,
    ) -> Result<oneshot::Receiver<Result<Step, WriteError>>, Error> {
        let (tell, told) = oneshot::channel();
        let turns = Arc::clone(&self.0);
        let run = move || {
            let _turn = turns.lock().unwrap_or_else(PoisonError::into_inner);
            // An error: whoever asked for it has gone.
            drop(tell.send(remover.step(&target, after).map_err(WriteError::from)));
        };
        let began = Builder::new().name("lastword-removal".to_owned()).spawn(run);
        began.map_err(|error| Error::Away(format!("no thread can be started: {error}")))?;
        Ok(told)
    }
}
