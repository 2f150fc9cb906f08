//! The callers' side: an event is taken, or it is said why not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use super::report::{Admission, DropReason, Drops};
use super::shared::{Gate, Shared};
use crate::clock::Timestamp;
use crate::event::{EncodeError, Encoder, Tag};
use crate::limits::EVENT_BYTES_MAX;
use crate::queue::{Class, PushError, Pushed};
use crate::spool::counter;

impl Shared {
    /// Takes an event of this moment that `write` encodes behind its time, or says why not.
    #[inline]
    pub(super) fn admit(
        &self,
        class: Class,
        tag: Tag,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
    ) -> Admission {
        self.admit_at(class, tag, || self.clock.now(), write)
    }

    /// The same for an event whose time is asked for once there is room for it.
    #[inline]
    pub(super) fn admit_at(
        &self,
        class: Class,
        tag: Tag,
        time: impl FnOnce() -> Timestamp,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
    ) -> Admission {
        // Room is looked for before the clock is read: a full queue costs nearly nothing.
        if !self.takes_events() || (class == Class::Ordinary && !self.ring.has_room()) {
            return self.refuse(self.why_closed());
        }
        let mut encoder = Encoder::screened(self.settings.screen());
        encoder.time(time());
        // `Serialize`, `Display` and `Debug` are the user's: a panic of theirs costs this event, not the caller.
        let written = catch_unwind(AssertUnwindSafe(|| write(&mut encoder)));
        let tag = Tag { marked: encoder.is_marked(), ..tag };
        match (written, encoder.finish()) {
            (Ok(Ok(())), Ok(bytes)) => self.push(class, tag, bytes),
            (_, finished) => self.refuse(why_not_encoded(finished.err().as_ref())),
        }
    }

    /// Returns which share of the events of its name this one is, where that is not all of them; or that it is not reported.
    #[inline]
    pub(super) fn pass(&self, name: &str) -> Result<Option<f64>, Admission> {
        match &self.settings.intake {
            None => Ok(None),
            Some(intake) => intake.pass(name).map_err(|reason| self.refuse(reason)),
        }
    }

    #[inline]
    pub(super) fn push(&self, class: Class, tag: Tag, bytes: &[u8]) -> Admission {
        if bytes.len() > EVENT_BYTES_MAX {
            return self.refuse(DropReason::TooLarge);
        }
        self.pushed(self.ring.push(class, tag.to_u32(), bytes))
    }

    #[inline]
    pub(super) fn pushed(&self, pushed: Result<Pushed, PushError>) -> Admission {
        match pushed {
            Ok(Pushed { seq, wake, half_full }) => {
                if half_full {
                    self.make_room();
                } else if wake {
                    self.nudge.notify_one();
                }
                if self.gate() > Gate::Keeping {
                    return self.book_latecomer(seq);
                }
                Admission::Accepted { seq }
            }
            Err(PushError::Full) => self.refuse(DropReason::QueueFull),
            Err(PushError::TooLarge) => self.refuse(DropReason::TooLarge),
        }
    }

    /// Books what came in as the gate was closed: the reporter may have ended before.
    #[cold]
    fn book_latecomer(&self, seq: u64) -> Admission {
        let reason = self.why_closed();
        self.nudge.notify_one();
        let state = &mut *self.state();
        if let Some(left_at) = state.left_at {
            // What was pushed by then counts as kept already, though it may have been copied too late.
            return if seq < left_at { Admission::Dropped(reason) } else { self.refuse(reason) };
        }
        state.give_up(&self.ring, reason);
        // What is still being written before it is given up later, and it with that.
        let waits = !self.keeps() && state.lanes.iter().any(|lane| lane.taken() <= seq);
        let is_lost = waits || state.ledger.is_lost(seq);
        self.settle(state);
        if is_lost { Admission::Dropped(reason) } else { Admission::Accepted { seq } }
    }

    pub(super) fn why_closed(&self) -> DropReason {
        if self.is_foreign() {
            return DropReason::Forked;
        }
        match self.gate() {
            Gate::Open | Gate::Keeping => DropReason::QueueFull,
            Gate::Degraded => DropReason::Degraded,
            Gate::Stopped => DropReason::Stopped,
        }
    }

    /// Asks for a flush where the queue may fill before as many events are there as start one.
    #[cold]
    fn make_room(&self) {
        if self.flush_to() < self.ring.pushed() {
            self.flush();
        }
    }

    pub(super) fn refuse(&self, reason: DropReason) -> Admission {
        if reason == DropReason::Forked {
            // The counters are the other process's too.
            return Admission::Dropped(reason);
        }
        if reason == DropReason::QueueFull {
            self.make_room();
        }
        self.ring.counter(counter::REFUSED + reason as usize).fetch_add(1, Ordering::Relaxed);
        Admission::Dropped(reason)
    }

    pub(super) fn refused(&self) -> Drops {
        Drops::saved(&self.ring, counter::REFUSED)
    }
}

/// Says why an event that could not be encoded is not taken.
pub(super) fn why_not_encoded(error: Option<&EncodeError>) -> DropReason {
    match error {
        Some(EncodeError::Screen) => DropReason::ScrubFailed,
        _ => DropReason::InvalidData,
    }
}
