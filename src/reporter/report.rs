//! What a reporter says about the events it was given.

use std::fmt;
use std::path::PathBuf;

use crate::queue::{Durability, Ring};
use crate::sync::Ordering;

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

/// Why an event was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(usize)]
pub enum DropReason {
    /// Telemetry is off. Not counted.
    Disabled,
    /// The queue had no room for it.
    QueueFull,
    /// It was larger than an event may be, or than the other side takes.
    TooLarge,
    /// Its data can't be serialised, or is no object.
    InvalidData,
    /// The last attempt to deliver it failed, as those before.
    RetriesExhausted,
    /// The other side does not take it, now or ever.
    Rejected,
    /// Delivering it made the sink or the reporter panic, again and again.
    Poison,
    /// Its bytes in the queue were damaged.
    Damaged,
    /// The reporter was stopped before it could be delivered, or had been stopped when it was logged.
    Stopped,
    /// The reporter had crashed too often to go on.
    Degraded,
    /// The process is a fork of the one whose reporter it is.
    Forked,
    /// A process had left it in the spool, and the spool had no room for it any more.
    SpoolFull,
    /// A process had left it in the spool, and nobody had delivered it for too long.
    SpoolExpired,
    /// The program's own scrubber, which decides what may leave, panicked over it.
    ScrubFailed,
}

impl DropReason {
    /// Every reason there is.
    pub const ALL: [Self; 14] = [
        Self::Disabled,
        Self::QueueFull,
        Self::TooLarge,
        Self::InvalidData,
        Self::RetriesExhausted,
        Self::Rejected,
        Self::Poison,
        Self::Damaged,
        Self::Stopped,
        Self::Degraded,
        Self::Forked,
        Self::SpoolFull,
        Self::SpoolExpired,
        Self::ScrubFailed,
    ];

    /// Returns the reason's name, as it is told to the server.
    ///
    /// ```
    /// assert_eq!(lastword::DropReason::QueueFull.as_str(), "queue_full");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::QueueFull => "queue_full",
            Self::TooLarge => "too_large",
            Self::InvalidData => "invalid_data",
            Self::RetriesExhausted => "retries_exhausted",
            Self::Rejected => "rejected",
            Self::Poison => "poison",
            Self::Damaged => "damaged",
            Self::Stopped => "stopped",
            Self::Degraded => "degraded",
            Self::Forked => "forked",
            Self::SpoolFull => "spool_full",
            Self::SpoolExpired => "spool_expired",
            Self::ScrubFailed => "scrub_failed",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How many events were dropped, by reason. Compares with a number as their total does.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    /// Returns how many were dropped for that reason.
    #[must_use]
    pub const fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// Returns how many were dropped, for whatever reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    /// Returns whether none was dropped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Goes through the reasons for which any was dropped.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// Reads what a session keeps in its queue, from a place on.
    pub(super) fn saved(ring: &Ring, place: usize) -> Self {
        Self(std::array::from_fn(|reason| ring.counter(place + reason).load(Ordering::Relaxed)))
    }

    /// Keeps it in the queue, from a place on.
    pub(super) fn save(&self, ring: &Ring, place: usize) {
        (place..).zip(self.0).for_each(|(place, count)| ring.counter(place).store(count, Ordering::Relaxed));
    }

    pub(super) fn add(&mut self, reason: DropReason, count: u64) {
        self.0[reason as usize] = self.0[reason as usize].saturating_add(count);
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
        self
    }

    pub(super) fn minus(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine = mine.saturating_sub(theirs));
        self
    }
}

impl PartialEq<u64> for Drops {
    fn eq(&self, total: &u64) -> bool {
        self.total() == *total
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(reason, count)| (reason.as_str(), count))).finish()
    }
}

impl fmt::Display for Drops {
    /// `0`, or the total and what it is made of: `3 (queue_full 2, rejected 1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.total())?;
        for (place, (reason, count)) in self.iter().enumerate() {
            write!(f, "{}{reason} {count}", if place == 0 { " (" } else { ", " })?;
        }
        if self.is_empty() { Ok(()) } else { f.write_str(")") }
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
    /// Events that were lost on their way to it, by reason.
    pub dropped: Drops,
    /// Batches that it has.
    pub batches: u64,
    /// Attempts that failed.
    pub failures: u64,
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::counter;

    #[test]
    fn drops_say_what_they_are_made_of() {
        let mut drops = Drops::default();
        assert_eq!((drops.to_string(), drops == 0), ("0".into(), true));
        drops.add(DropReason::Rejected, 1);
        drops.add(DropReason::QueueFull, 2);
        assert_eq!(drops.to_string(), "3 (queue_full 2, rejected 1)");
        assert_eq!(format!("{drops:?}"), r#"{"queue_full": 2, "rejected": 1}"#);
        assert_eq!(drops, 3);
    }

    #[test]
    fn what_lost_an_event_is_not_drained() {
        let mut drain = Drain { delivered: 10, ..Drain::default() };
        assert!(drain.is_drained());
        drain.dropped.add(DropReason::RetriesExhausted, 1);
        assert!(!drain.is_drained());
        assert!(!Drain { pending: 1, ..Drain::default() }.is_drained());
        assert!(!Drain { spooled: 1, ..Drain::default() }.is_drained());
    }

    #[test]
    fn every_reason_has_its_place_here_and_in_the_document_of_the_format() {
        let document = include_str!("../../docs/spool-format.md");
        for (place, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
            assert!(document.contains(&format!("| {place} | `{reason}` |")), "{reason}");
        }
        for (first, what) in [(counter::REFUSED, "never accepted"), (counter::TOLD, "told"), (counter::DROPPED, "lost")]
        {
            let row = document.lines().find(|line| line.starts_with(&format!("| {first} to {} |", first + 15)));
            assert!(row.is_some_and(|row| row.contains(what)), "{what}");
        }
        assert!(document.contains(&format!("| {} | not 0 once SESSION_END", counter::ENDED)));
    }
}
