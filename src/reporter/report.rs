//! What a reporter says about the events it was given.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use super::drops::{DropReason, Drops};
use crate::queue::Durability;

/// What became of one event, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The event is in the queue.
    Accepted {
        /// Its place in its session, gapless from 0: its `event_session_index` on the wire.
        seq: u64,
    },
    /// The event is gone, its neighbours are not.
    Dropped(DropReason),
}

impl Admission {
    /// Returns whether the event is in the queue.
    ///
    /// ```
    /// use lastword::Reporter;
    /// assert!(!Reporter::disabled().log("hello", ()).is_accepted());
    /// ```
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

/// What became of all the events that were accepted before the call that this answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Drain {
    /// Events that the other side has.
    pub delivered: u64,
    /// Events that are lost, by reason.
    pub dropped: Drops,
    /// Events that are not delivered, and are in the spool: this process or a later one delivers them, however this one
    /// ends.
    pub spooled: u64,
    /// Events that are neither delivered nor lost yet, and would be lost with the process.
    pub pending: u64,
}

impl Drain {
    /// Returns whether every event that was accepted before the call was delivered: none is pending, none waits on
    /// disk, none was lost.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.pending == 0 && self.spooled == 0 && self.dropped.is_empty()
    }
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delivered, dropped, spooled, pending } = self;
        write!(f, "{delivered} delivered, {dropped} dropped, {spooled} spooled, {pending} pending")
    }
}

/// The reporter's books. At any moment `accepted = delivered + dropped + spooled + queued + in_flight`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Events that were taken into the queue, the reporter's own (SESSION_START, ...) among them.
    pub accepted: u64,
    /// Events that every sink has.
    pub delivered: u64,
    /// Events that were accepted and then lost by some sink, by reason.
    pub dropped: Drops,
    /// Events that this process delivers no more, and that wait in the spool for a later one.
    pub spooled: u64,
    /// Events that no sink was given yet.
    pub queued: u64,
    /// Events that were given to a sink and whose fate is not known.
    pub in_flight: u64,
    /// Events that were never accepted, by reason.
    pub refused: Drops,
    /// Texts of events in which something was taken out, replaced or cut. Values that were hidden by their names don't count.
    pub redacted: u64,
    /// Bytes of the queue that are in use.
    pub queue_bytes: u64,
    /// The books of each sink.
    pub sinks: Vec<SinkStats>,
    /// What earlier processes had left in the spool.
    pub recovered: Recovered,
}

/// What a reporter did with what earlier processes had left in its spool. It is in no other figure of the reporter's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Sessions that were taken over.
    pub sessions: u64,
    /// Of these, the ones of which nothing is left.
    pub finished: u64,
    /// Events of theirs that waited, those that say that they were recovered among them.
    pub events: u64,
    /// Of these, the ones that every sink has.
    pub delivered: u64,
    /// Of these, the ones that were lost on their way; and what was removed because the spool may hold no more.
    pub dropped: Drops,
    /// Numbers that had been given to events which can't be read: they were being written as their process ended, or were
    /// damaged.
    pub torn: u64,
    /// Files that can't be read and were moved aside.
    pub unreadable: u64,
}

/// The books of one sink.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SinkStats {
    /// The sink's name.
    pub name: String,
    /// Events that it has.
    pub delivered: u64,
    /// Events that were not for it: it was switched off, they are not on its list, or it was told to send a part of them.
    pub withheld: u64,
    /// Events that were lost on their way to it, by reason.
    pub dropped: Drops,
    /// Events that it has not settled yet: its own depth of the queue.
    pub waiting: u64,
    /// Batches that it has.
    pub batches: u64,
    /// Events in the largest of them.
    pub largest_batch: u64,
    /// Events that the next batch may have: fewer than asked for while attempts fail after a second or more.
    pub batch_size: u64,
    /// Attempts that came to an end.
    pub attempts: u64,
    /// Of these, the ones that failed.
    pub failures: u64,
    /// How long they took, all together: from the call of the sink to its answer.
    pub busy: Duration,
    /// How long the longest of them took.
    pub slowest: Duration,
}

impl SinkStats {
    /// Returns how long an attempt takes on average; none where there was none.
    #[must_use]
    pub fn mean_latency(&self) -> Option<Duration> {
        (self.attempts > 0).then(|| self.busy.div_f64(self.attempts as f64))
    }

    /// Returns how many events a batch has on average; none where there was none.
    #[must_use]
    pub fn mean_batch(&self) -> Option<f64> {
        (self.batches > 0).then(|| self.delivered as f64 / self.batches as f64)
    }
}

/// How a reporter is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// How it is, in a word.
    pub state: State,
    /// How often its actor crashed and was started again.
    pub restarts: u64,
    /// How its sinks are.
    pub sinks: Vec<SinkHealth>,
    /// What its events outlive, now.
    pub durability: Durability,
    /// Its spool; none where nobody asked for one.
    pub spool: Option<SpoolHealth>,
}

/// How the spool of a reporter is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpoolHealth {
    /// The directory.
    pub directory: PathBuf,
    /// What events were to outlive. [`Health::durability`] is what they do.
    pub asked: Durability,
    /// Why it is less than that, or what else there is to know of it; none where all is as it should be.
    pub trouble: Option<String>,
}

/// How a reporter is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Telemetry is off.
    Disabled,
    /// It takes events and delivers them.
    Running,
    /// It takes events; some sink does not.
    Impaired,
    /// It crashed too often. It takes nothing, or, with a spool, keeps what it takes for a later process.
    Degraded,
    /// It was stopped.
    Stopped,
    /// This process is a fork of the one whose reporter it is, and has none until it starts one.
    Forked,
}

/// How a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkHealth {
    /// The sink's name.
    pub name: String,
    /// How it is, in a word.
    pub state: SinkState,
    /// Why the last attempt failed, if none has succeeded since.
    pub last_error: Option<String>,
}

/// How a sink is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkState {
    /// Its last attempt succeeded, or it had none.
    Ready,
    /// Its last attempt failed, and it is tried again.
    Retrying,
    /// It does not know us; everything for it is held, and it is asked again from time to time.
    Held,
    /// It is switched off; nothing is for it.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lost_an_event_is_not_drained() {
        let mut drain = Drain { delivered: 10, ..Drain::default() };
        assert!(drain.is_drained());
        drain.dropped.add(DropReason::RetriesExhausted, 1);
        assert!(!drain.is_drained());
        assert!(!Drain { pending: 1, ..Drain::default() }.is_drained());
        assert!(!Drain { spooled: 1, ..Drain::default() }.is_drained());
    }
}
