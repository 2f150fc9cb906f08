//! What a store needs from time to time, on a thread of its own: hours are counted, counts that nobody reads are removed, and what was removed is
//! taken off the disk. Each is a matter of statements that may take long, and events are stored and acknowledged meanwhile.
//!
//! Invariants:
//! - There is one turn at a time. All that it has of the writer's thread are the numbers of its folds, drawn when it began.
//! - It is never waited for. Where the store is closed it sends no further count, and whatever it leaves undone does no harm: what was not named is not
//!   read, and is removed by whoever looks next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use super::folds::{self, Large, Spans};
use super::{edit, remove};
use crate::clickhouse::{Client, Error, Lease};
use crate::clock;
use crate::limits::{
    FOLD_HOURS_MAX, FOLD_RETRY_INTERVAL_US, FOLD_SWEEP_INTERVAL_US, FOLD_TURN_TIME_MAX, UNMASK_INTERVAL_US,
};

/// By which key it is kept when what was removed was last taken off the disk.
const UNMASKED: &str = "unmasked";

/// What is done from time to time.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    times: Times,
    turn: Option<JoinHandle<Times>>,
    is_over: Arc<AtomicBool>,
}

/// When what was done last, as far as this process knows, and what was left out.
#[derive(Clone, Debug, Default)]
struct Times {
    large: Large,
    /// When folding failed.
    unfolded_us: i64,
    /// When it was looked for folds that don't count.
    swept_us: i64,
    /// When what was removed was taken off the disk.
    unmasked_us: i64,
}

impl Upkeep {
    /// Begins a turn, unless one is under way.
    ///
    /// # Errors
    ///
    /// The writer can't say that it is there, or there is no thread to be had.
    pub(super) fn begin(&mut self, client: &Client, lease: &mut Lease, spans: Spans) -> Result<(), Error> {
        if !self.is_done() {
            return Ok(());
        }
        let numbers = (0..FOLD_HOURS_MAX).map(|_| lease.row()).collect::<Result<Vec<i64>, Error>>()?;
        let (client, times, is_over) = (client.clone(), self.times.clone(), Arc::clone(&self.is_over));
        let turn = Turn { client, spans, numbers, times, is_over };
        let began = Builder::new().name("lastword-upkeep".to_owned()).spawn(move || turn.run());
        self.turn = Some(began.map_err(|error| Error::Away(format!("no thread can be started: {error}")))?);
        Ok(())
    }

    /// Returns whether no turn is under way, and does not wait. What came of one that has ended is known from then on.
    pub(super) fn is_done(&mut self) -> bool {
        if let Some(turn) = self.turn.take_if(|turn| turn.is_finished()) {
            match turn.join() {
                Ok(times) => self.times = times,
                Err(_) => {
                    tracing::error!("what counts hours has panicked: ranges of days are counted from their events");
                    self.times.unfolded_us = clock::now_us();
                }
            }
        }
        self.turn.is_none()
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// All that is done in one go.
struct Turn {
    client: Client,
    spans: Spans,
    /// The numbers of the folds that it may make.
    numbers: Vec<i64>,
    times: Times,
    is_over: Arc<AtomicBool>,
}

impl Turn {
    fn run(mut self) -> Times {
        let now_us = clock::now_us();
        if self.is_due(now_us, self.times.unfolded_us, FOLD_RETRY_INTERVAL_US)
            && let Err(error) = self.fold()
        {
            // What can't be folded is read from events.
            tracing::warn!(%error, "hours are not folded: ranges of days are counted from their events, which is slower");
            self.times.unfolded_us = now_us;
        }
        if self.is_due(now_us, self.times.swept_us, FOLD_SWEEP_INTERVAL_US) {
            match folds::sweep(&self.client, self.spans) {
                Ok(()) => self.times.swept_us = now_us,
                Err(error) => tracing::warn!(%error, "counts that nobody reads are not removed; it is tried again"),
            }
        }
        if self.is_due(now_us, self.times.unmasked_us, UNMASK_INTERVAL_US) {
            match self.unmask(now_us) {
                Ok(at_us) => self.times.unmasked_us = at_us,
                Err(error) => tracing::warn!(%error, "what was removed is still on the disk; it is tried again"),
            }
        }
        self.times
    }

    fn is_due(&self, now_us: i64, last_us: i64, interval_us: u64) -> bool {
        !self.is_over.load(Ordering::Relaxed) && now_us.abs_diff(last_us) >= interval_us
    }

    /// Folds hours until there are none to be folded, or it has gone on for long enough.
    fn fold(&mut self) -> Result<(), Error> {
        let (begun, mut numbers) = (Instant::now(), std::mem::take(&mut self.numbers).into_iter());
        let large = &mut self.times.large;
        large.begin();
        while begun.elapsed() < FOLD_TURN_TIME_MAX
            && folds::step(&self.client, &mut numbers, (self.spans, &mut *large), &self.is_over)?
        {}
        Ok(())
    }

    /// Has what was removed taken off the disk, if that was long ago; returns when it was.
    fn unmask(&self, now_us: i64) -> Result<i64, Error> {
        // Another process may have done it today, or this one before it was started again.
        let kept: i64 = edit::kept(&self.client, UNMASKED)?.and_then(|kept| kept.parse().ok()).unwrap_or(0);
        if now_us.abs_diff(kept) < UNMASK_INTERVAL_US {
            return Ok(kept);
        }
        remove::unmask(&self.client)?;
        edit::keep(&self.client, UNMASKED, &now_us.to_string())?;
        Ok(now_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_panicked_is_over_and_nothing_is_folded_for_a_while() {
        let turn = std::thread::spawn(|| -> Times { panic!("a count that can't be") });
        let mut upkeep = Upkeep { times: Times::default(), turn: Some(turn), is_over: Arc::default() };
        while !upkeep.is_done() {
            std::thread::yield_now();
        }
        assert!(upkeep.turn.is_none() && upkeep.times.unfolded_us > 0);
    }

    #[test]
    fn a_store_that_is_closed_tells_the_turn_that_it_is_over_and_does_not_wait_for_it() {
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let turn = std::thread::spawn(move || {
            _ = ends.recv();
            Times::default()
        });
        let upkeep = Upkeep { times: Times::default(), turn: Some(turn), is_over: Arc::default() };
        let is_over = Arc::clone(&upkeep.is_over);
        drop(upkeep);
        assert!(is_over.load(Ordering::Relaxed));
        end.send(()).unwrap();
    }
}
