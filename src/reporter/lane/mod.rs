//! The way to one sink: what it was given, what became of it, what is tried again and when.
//!
//! Arithmetic alone: no actor, no I/O, no clock of its own. Time comes in as a parameter.
//!
//! A `Lease` is a run of records that are on their way. Leases stand in the order of the queue, without gaps, from the
//! oldest record that this sink has not settled to the lane's cursor.

mod lease;
mod outcome;
mod pace;
mod settings;
mod shed;
mod withhold;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use lease::{Lease, Stage};
pub(in crate::reporter) use outcome::{Outcome, Warning};
use pace::Pace;
pub(in crate::reporter) use settings::LaneSettings;

use super::ledger::Ledger;
use super::report::{DropReason, SinkHealth, SinkState, SinkStats};
use crate::event::{EventKind, EventView, Tag};
use crate::limits::{BATCH_BYTES_MAX, FLUSH_INTERVAL_DEFAULT, IN_FLIGHT_OPENS_AT_BATCHES, UNPUBLISHED_POLL};
use crate::queue::{Cursor, Peek, Ring};
use crate::retry::Jitter;
use crate::sink::{AllowList, Batch, BatchBuilder, Closing, Delivery, Policy, Session, SettingError, Sink, SinkError};
use crate::spool::counter;
use crate::sync::Ordering;

/// The way to one sink.
pub(super) struct Lane {
    pub(super) sink: Arc<dyn Sink>,
    /// Which of the queue's readers this is.
    place: usize,
    settings: LaneSettings,
    pace: Pace,
    cursor: Cursor,
    leases: VecDeque<Lease>,
    next_lease: u64,
    /// Records before this one are not held back for company.
    flush_to: u64,
    next_tick: Instant,
    /// The next record was reserved and is not there yet: look again soon.
    unpublished: bool,
    state: SinkState,
    last_error: Option<String>,
    warned: bool,
    warning: Option<Warning>,
    stats: SinkStats,
    jitter: Jitter,
    /// Events are for it.
    is_on: bool,
    /// It stands for a sink that is not there yet.
    is_awaited: bool,
    /// Nothing is tried any more.
    given_up: Option<GivenUp>,
}

/// What becomes of what is not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenUp {
    /// It stays where it is, for a later process.
    Left,
    /// It is lost.
    Lost(DropReason),
}

impl Lane {
    /// Makes the way to a sink, for the reader of the queue with this number, who begins at `cursor`.
    pub(super) fn new(
        sink: Arc<dyn Sink>,
        settings: LaneSettings,
        (place, cursor): (usize, Cursor),
        jitter: Jitter,
        now: Instant,
    ) -> Self {
        let stats = SinkStats { name: sink.name().to_owned(), ..SinkStats::default() };
        let next_tick = now + settings.flush_interval;
        Self {
            sink,
            place,
            pace: Pace::new(settings.max_batch_size),
            settings,
            cursor,
            leases: VecDeque::new(),
            next_lease: 0,
            flush_to: 0,
            next_tick,
            unpublished: false,
            state: SinkState::Ready,
            last_error: None,
            warned: false,
            warning: None,
            stats,
            jitter,
            is_on: true,
            is_awaited: false,
            given_up: None,
        }
    }

    /// Makes the way to a sink that is yet to come, before which events wait.
    pub(super) fn awaited(settings: LaneSettings, now: Instant) -> Self {
        let mut lane = Self::new(Arc::new(Nowhere), settings, (0, Cursor::default()), Jitter::new(0), now);
        lane.state = SinkState::Held;
        lane.last_error = Some("no sink was attached yet".to_owned());
        lane.is_awaited = true;
        lane
    }

    pub(super) const fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// Returns which of the queue's readers this is.
    pub(super) const fn place(&self) -> usize {
        self.place
    }

    /// Goes on with what a policy says of batches and of trying again.
    pub(super) fn tune(&mut self, policy: &Policy, now: Instant) {
        let LaneSettings { flush_interval: before, max_batch_size, .. } = self.settings;
        self.settings = self.settings.clone().tuned(policy);
        if self.settings.max_batch_size != max_batch_size {
            self.pace = Pace::new(self.settings.max_batch_size);
        }
        // As if it had been so since the last flush.
        let last = self.next_tick.checked_sub(before).unwrap_or(now);
        self.next_tick = last + self.settings.flush_interval;
    }

    /// Returns whether the sink takes what it is given.
    pub(super) fn is_ready(&self) -> bool {
        self.state == SinkState::Ready
    }

    /// Returns whether an attempt is under way.
    pub(super) fn is_sending(&self) -> bool {
        self.leases.iter().any(|lease| matches!(lease.stage, Stage::Sending(_)))
    }

    /// Returns the place before which this sink has settled everything.
    pub(super) fn settled(&self) -> Cursor {
        self.leases.front().map_or(self.cursor, |lease| lease.start)
    }

    /// Returns the number of the first record that this sink was not given.
    pub(super) const fn taken(&self) -> u64 {
        self.cursor.seq()
    }

    /// Returns its figures, where so many events were pushed.
    pub(super) fn stats(&self, pushed: u64) -> SinkStats {
        let waiting = pushed.saturating_sub(self.settled().seq());
        SinkStats { waiting, batch_size: self.pace.events() as u64, ..self.stats.clone() }
    }

    pub(super) fn health(&self) -> SinkHealth {
        let state = if self.is_on { self.state } else { SinkState::Off };
        SinkHealth { name: self.stats.name.clone(), state, last_error: self.last_error.clone() }
    }

    /// How many leases there may be now: one, unless the backlog is long.
    fn window(&self, pushed: u64) -> usize {
        let backlog = pushed - self.settled().seq();
        let opens = (self.settings.max_batch_size * IN_FLIGHT_OPENS_AT_BATCHES) as u64;
        if backlog >= opens { self.settings.max_in_flight } else { 1 }
    }

    /// Returns whether new leases may be taken: not while old ones are tried again.
    fn may_take(&self, pushed: u64) -> bool {
        self.state == SinkState::Ready && self.given_up.is_none() && self.leases.len() < self.window(pushed)
    }

    /// Returns whether [`Self::take`] would find something, were it called with the same.
    pub(super) fn would_take(&self, pushed: u64, flush_to: u64, now: Instant) -> bool {
        let waiting = pushed - self.cursor.seq();
        let wanted = waiting >= self.settings.flush_threshold as u64
            || self.cursor.seq() < flush_to.max(self.flush_to)
            || now >= self.next_tick;
        waiting > 0 && wanted && self.may_take(pushed)
    }

    /// Takes what there is to take.
    pub(super) fn take(&mut self, ring: &Ring, flush_to: u64, now: Instant) {
        let pushed = ring.pushed();
        self.unpublished = false;
        self.flush_to = self.flush_to.max(flush_to);
        if now >= self.next_tick {
            self.flush_to = pushed;
            self.next_tick = now + self.settings.flush_interval;
        }
        let waiting = pushed - self.cursor.seq();
        if waiting >= self.settings.flush_threshold as u64 {
            // Whole batches, where the threshold is that much: the rest waits for company.
            let batch = self.pace.events().min(self.settings.flush_threshold) as u64;
            self.flush_to = self.flush_to.max(pushed - waiting % batch);
        }
        while self.cursor.seq() < self.flush_to.min(pushed) && self.may_take(pushed) {
            let Some((end, has_end)) = self.measure(ring) else { return };
            self.leases.push_back(Lease::new(self.next_lease, self.cursor, end, has_end, now));
            self.next_lease += 1;
            self.cursor = end;
        }
    }

    /// Finds where the next batch ends, if there is one.
    fn measure(&mut self, ring: &Ring) -> Option<(Cursor, bool)> {
        let (mut end, mut bytes, mut has_end) = (self.cursor, 0, false);
        while end.seq() - self.cursor.seq() < self.pace.events() as u64 {
            match ring.peek(end) {
                Peek::Record(record, next) => {
                    bytes += record.len;
                    if bytes > BATCH_BYTES_MAX && end != self.cursor {
                        break;
                    }
                    has_end |= is_session_end(record.kind);
                    end = next;
                }
                Peek::Unpublished => {
                    self.unpublished = true;
                    break;
                }
                Peek::Empty => break,
            }
        }
        if has_end {
            note_end(ring);
        }
        (end != self.cursor).then_some((end, has_end))
    }

    /// Picks the lease that is to be sent next, if one is due. The end of the session leaves only when everything before
    /// it has arrived.
    pub(super) fn next_due(&self, pushed: u64, now: Instant) -> Option<u64> {
        if self.given_up.is_some() {
            return None;
        }
        let sending = self.leases.iter().filter(|lease| matches!(lease.stage, Stage::Sending(_))).count();
        let window = self.window(pushed);
        if sending >= window {
            return None;
        }
        let mut behind = false;
        for lease in &self.leases {
            match lease.stage {
                Stage::Due(at) if at <= now && !(lease.has_end && behind) => return Some(lease.id),
                Stage::Settled => {}
                // One after another: what follows must not arrive before what waits to be tried again.
                Stage::Due(_) if window == 1 => return None,
                Stage::Due(_) | Stage::Sending(_) => behind = true,
            }
        }
        None
    }

    /// Makes the batch of a lease. Damaged records are left out; `None` where nothing is left, or the lease is gone.
    pub(super) fn build(&mut self, id: u64, ring: &Ring, session: &Arc<Session>, ledger: &mut Ledger) -> Option<Batch> {
        let lease = self.leases.iter_mut().find(|lease| lease.id == id)?;
        lease.skipped.clear();
        lease.withheld.clear();
        let allow = self.settings.allow.as_ref();
        let mut builder = BatchBuilder::new(Arc::clone(session)).fields(self.settings.fields);
        let mut cursor = lease.start;
        while cursor != lease.end {
            let Peek::Record(record, next) = ring.peek(cursor) else { break };
            // Numbers that were given to what another process could not finish.
            lease.skipped.extend(cursor.seq()..record.seq);
            let read = |out: &mut Vec<u8>| {
                let start = out.len();
                if !ring.read(&record, out) {
                    return Err(LeftOut::Damaged);
                }
                if allow.is_some_and(|allow| !is_allowed(allow, record.kind, &out[start..])) {
                    return Err(LeftOut::Withheld);
                }
                Ok(())
            };
            match builder.push(record.seq, record.kind, read) {
                Ok(()) => {}
                Err(LeftOut::Damaged) => lease.skipped.push(record.seq),
                Err(LeftOut::Withheld) => lease.withheld.push(record.seq),
            }
            cursor = next;
        }
        for seq in &lease.skipped {
            ledger.lose(*seq, DropReason::Damaged);
        }
        if builder.is_empty() {
            self.drop_lease(id, DropReason::Damaged, ledger);
            return None;
        }
        Some(builder.build())
    }

    /// Notes that a lease is under way.
    pub(super) fn sent(&mut self, id: u64, now: Instant) {
        if let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) {
            lease.stage = Stage::Sending(now);
        }
    }

    /// Lets go of what is settled at the front.
    pub(super) fn settle(&mut self) {
        while self.leases.front().is_some_and(|lease| lease.stage == Stage::Settled) {
            self.leases.pop_front();
        }
    }

    /// Returns when there is something to do again, for an actor that looked at that moment, if nobody calls before.
    pub(super) fn due(&self, looked: Instant) -> Instant {
        if self.given_up.is_some() {
            // What is under way calls when it comes back.
            return looked + FLUSH_INTERVAL_DEFAULT;
        }
        let mut due = self.next_tick;
        for lease in &self.leases {
            // A lease that was due then waits for a place, and what frees one calls.
            if let Stage::Due(at) = lease.stage
                && at > looked
            {
                due = due.min(at);
            }
        }
        if self.unpublished { due.min(looked + UNPUBLISHED_POLL) } else { due }
    }

    /// Returns how many records must have been pushed before this lane has more to do.
    pub(super) fn wants_more_than(&self, pushed: u64) -> u64 {
        // A record that is not there yet is looked for in a while.
        if !self.unpublished && self.may_take(pushed) {
            self.cursor.seq() + self.settings.flush_threshold as u64 - 1
        } else {
            u64::MAX
        }
    }
}

/// Stands for a sink that is yet to come. It is never given anything.
struct Nowhere;

impl Sink for Nowhere {
    fn name(&self) -> &'static str {
        "nowhere"
    }

    fn policy(&self) -> Policy {
        Policy::default()
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, _: &'a Batch) -> Delivery<'a> {
        Box::pin(std::future::ready(Err(SinkError::Unauthorized { reason: "there is no sink".to_owned() })))
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(std::future::ready(()))
    }
}

/// Why a record is no part of the batch of its lease.
enum LeftOut {
    Damaged,
    /// It is not for this sink.
    Withheld,
}

/// Returns whether an event is on a list. One that can't be read is left to the sink, which says so.
fn is_allowed(allow: &AllowList, kind: u32, bytes: &[u8]) -> bool {
    let view = Tag::from_u32(kind).and_then(|tag| EventView::read(tag, bytes).ok());
    view.is_none_or(|view| allow.allows(&view))
}

/// Notes that the end of the session was seen, before it can be freed: then nobody could see it any more.
fn note_end(ring: &Ring) {
    let ended = ring.counter(counter::ENDED);
    if ended.load(Ordering::Acquire) == 0 {
        ended.store(counter::BY_ITSELF, Ordering::Release);
    }
}

fn is_session_end(kind: u32) -> bool {
    Tag::from_u32(kind).is_some_and(|tag| tag.kind == EventKind::SessionEnd)
}
