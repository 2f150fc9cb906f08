//! What was lost, and why.

use std::fmt;

use crate::queue::Ring;
use crate::sync::Ordering;

/// Why an event was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(usize)]
pub enum DropReason {
    /// Telemetry is off, or the user has consented to less than this event. Not counted.
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
    /// A sink did not take it, and the queue had no room left for what others were waiting for.
    Shed,
    /// The program's own scrubber, which decides what may leave, panicked over it.
    ScrubFailed,
    /// Its name is not on the list of those that are reported.
    NotAllowed,
    /// It was left out of a sample, as the program asked.
    SampledOut,
}

impl DropReason {
    /// Every reason there is.
    pub const ALL: [Self; 17] = [
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
        Self::Shed,
        Self::ScrubFailed,
        Self::NotAllowed,
        Self::SampledOut,
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
            Self::Shed => "shed",
            Self::ScrubFailed => "scrub_failed",
            Self::NotAllowed => "not_allowed",
            Self::SampledOut => "sampled_out",
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
        for (reason, count) in self.0.into_iter().enumerate() {
            ring.counter(place + reason).store(count, Ordering::Relaxed);
        }
    }

    /// The same without those that the program asked for: nobody has to be told of them.
    pub(super) const fn unasked(mut self) -> Self {
        self.0[DropReason::NotAllowed as usize] = 0;
        self.0[DropReason::SampledOut as usize] = 0;
        self
    }

    pub(super) fn add(&mut self, reason: DropReason, count: u64) {
        let place = &mut self.0[reason as usize];
        *place = place.saturating_add(count);
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
    fn every_reason_has_its_place_here_and_in_the_document_of_the_format() {
        let document = include_str!("../../docs/spool-format.md");
        for (place, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
            assert!(document.contains(&format!("| {place} | `{reason}` |")), "{reason}");
        }
        for (first, what) in [(counter::REFUSED, "never accepted"), (counter::TOLD, "told"), (counter::DROPPED, "lost")]
        {
            let row = document.lines().find(|line| line.starts_with(&format!("| {first} to {} |", first + 19)));
            assert!(row.is_some_and(|row| row.contains(what)), "{what}");
        }
        assert!(document.contains(&format!("| {} | not 0 once SESSION_END", counter::ENDED)));
    }
}
