//! The way to one sink: what it was given, what became of it, what is tried again and when.
//!
//! Arithmetic alone: no actor, no I/O, no clock of its own. Time comes in as a parameter.
//!
//! A [`Lease`] is a run of records that are on their way. Leases stand in the order of the queue, without gaps, from the
//! oldest record that this sink has not settled to the lane's cursor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ledger::Ledger;
use super::report::{DropReason, SinkHealth, SinkState, SinkStats};
use crate::event::{EventKind, Tag};
use crate::limits::{BATCH_BYTES_MAX, CRASHES_BEFORE_SPLIT, IN_FLIGHT_OPENS_AT_BATCHES};
use crate::queue::{Cursor, Peek, Ring};
use crate::retry::{Jitter, RetryPolicy};
use crate::sink::{Ack, Batch, BatchBuilder, Session, Sink, SinkError};

/// What a lane may do, with all defaults filled in.
#[derive(Debug, Clone)]
pub(super) struct LaneSettings {
    pub(super) max_batch_size: usize,
    pub(super) flush_threshold: usize,
    pub(super) flush_interval: Duration,
    pub(super) max_in_flight: usize,
    pub(super) retry: RetryPolicy,
}

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Answered(Result<Ack, SinkError>),
    Panicked(String),
}

/// The way to one sink.
pub(super) struct Lane {
    pub(super) sink: Arc<dyn Sink>,
    settings: LaneSettings,
    cursor: Cursor,
    leases: VecDeque<Lease>,
    next_lease: u64,
    /// Records before this one are not held back for company.
    flush_to: u64,
    next_tick: Instant,
    /// A record was reserved and is not there yet: look again soon.
    unpublished: bool,
    state: SinkState,
    last_error: Option<String>,
    warned: bool,
    stats: SinkStats,
    jitter: Jitter,
    /// Nothing is tried any more, for this reason.
    given_up: Option<DropReason>,
}

#[derive(Debug)]
struct Lease {
    id: u64,
    start: Cursor,
    end: Cursor,
    has_end: bool,
    stage: Stage,
    attempts: u32,
    crashes: u32,
    /// Records of it that were damaged, and so are not part of its batch.
    skipped: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Due(Instant),
    Sending,
    Settled,
}

impl Lease {
    fn new(id: u64, start: Cursor, end: Cursor, has_end: bool, due: Instant) -> Self {
        Self { id, start, end, has_end, stage: Stage::Due(due), attempts: 0, crashes: 0, skipped: Vec::new() }
    }

    const fn len(&self) -> u64 {
        self.end.seq() - self.start.seq()
    }
}

impl Lane {
    pub(super) fn new(sink: Arc<dyn Sink>, settings: LaneSettings, jitter: Jitter, now: Instant) -> Self {
        let stats = SinkStats { name: sink.name().to_owned(), ..SinkStats::default() };
        let next_tick = now + settings.flush_interval;
        Self {
            sink,
            settings,
            cursor: Cursor::default(),
            leases: VecDeque::new(),
            next_lease: 0,
            flush_to: 0,
            next_tick,
            unpublished: false,
            state: SinkState::Ready,
            last_error: None,
            warned: false,
            stats,
            jitter,
            given_up: None,
        }
    }

    /// Returns the place before which this sink has settled everything.
    pub(super) fn settled(&self) -> Cursor {
        self.leases.front().map_or(self.cursor, |lease| lease.start)
    }

    /// Returns the number of the first record that this sink was not given.
    pub(super) const fn taken(&self) -> u64 {
        self.cursor.seq()
    }

    pub(super) fn stats(&self) -> SinkStats {
        self.stats.clone()
    }

    pub(super) fn health(&self) -> SinkHealth {
        SinkHealth { name: self.stats.name.clone(), state: self.state, last_error: self.last_error.clone() }
    }

    /// How many leases there may be now: one, unless the backlog is long.
    fn window(&self, pushed: u64) -> usize {
        let backlog = pushed - self.settled().seq();
        let opens = (self.settings.max_batch_size * IN_FLIGHT_OPENS_AT_BATCHES) as u64;
        if backlog >= opens { self.settings.max_in_flight } else { 1 }
    }

    /// Returns whether new leases may be taken: not while old ones are tried again.
    fn may_take(&self, pushed: u64) -> bool {
        self.state == SinkState::Ready && self.leases.len() < self.window(pushed)
    }

    /// Returns whether [`Self::take`] would find something, were it called with the same.
    pub(super) fn would_take(&self, pushed: u64, flush_to: u64) -> bool {
        let waiting = pushed - self.cursor.seq();
        let wanted = waiting >= self.settings.flush_threshold as u64 || self.cursor.seq() < flush_to.max(self.flush_to);
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
            let batch = self.settings.max_batch_size.min(self.settings.flush_threshold) as u64;
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
        while end.seq() - self.cursor.seq() < self.settings.max_batch_size as u64 {
            match ring.peek(end) {
                Peek::Record(record, next) => {
                    let ends_session = is_session_end(record.kind);
                    bytes += record.len;
                    // The end of the session leaves only when everything before it has arrived.
                    if (ends_session && !self.leases.is_empty()) || (bytes > BATCH_BYTES_MAX && end != self.cursor) {
                        break;
                    }
                    has_end |= ends_session;
                    end = next;
                }
                Peek::Unpublished => {
                    self.unpublished = true;
                    break;
                }
                Peek::Empty => break,
            }
        }
        (end != self.cursor).then_some((end, has_end))
    }

    /// Picks the lease that is to be sent next, if one is due.
    pub(super) fn next_due(&self, pushed: u64, now: Instant) -> Option<u64> {
        let sending = self.leases.iter().filter(|lease| lease.stage == Stage::Sending).count();
        if sending >= self.window(pushed) {
            return None;
        }
        let mut behind = false;
        for lease in &self.leases {
            match lease.stage {
                Stage::Due(at) if at <= now && !(lease.has_end && behind) => return Some(lease.id),
                Stage::Settled => {}
                Stage::Due(_) | Stage::Sending => behind = true,
            }
        }
        None
    }

    /// Makes the batch of a lease. Damaged records are left out; `None` where nothing is left, or the lease is gone.
    pub(super) fn build(&mut self, id: u64, ring: &Ring, session: &Arc<Session>, ledger: &mut Ledger) -> Option<Batch> {
        let lease = self.leases.iter_mut().find(|lease| lease.id == id)?;
        lease.skipped.clear();
        let mut builder = BatchBuilder::new(Arc::clone(session));
        let mut cursor = lease.start;
        while cursor != lease.end {
            let Peek::Record(record, next) = ring.peek(cursor) else { break };
            let read = |out: &mut Vec<u8>| if ring.read(&record, out) { Ok(()) } else { Err(()) };
            if builder.push(record.seq, record.kind, read).is_err() {
                lease.skipped.push(record.seq);
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
    pub(super) fn sent(&mut self, id: u64) {
        if let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) {
            lease.stage = Stage::Sending;
        }
    }

    /// Notes what an attempt came to.
    pub(super) fn finish(&mut self, id: u64, outcome: Outcome, ring: &Ring, ledger: &mut Ledger, now: Instant) {
        let error = match outcome {
            Outcome::Answered(Ok(ack)) => return self.delivered(id, &ack, ledger),
            Outcome::Answered(Err(error)) => error,
            Outcome::Panicked(reason) => return self.crashed(id, &reason, ring, ledger, now),
        };
        self.stats.failures += 1;
        self.last_error = Some(error.to_string());
        if let Some(reason) = self.given_up {
            return self.drop_lease(id, reason, ledger);
        }
        match error {
            SinkError::Transient { retry_after, .. } => self.retry(id, retry_after, ledger, now),
            SinkError::Rejected { .. } => self.split(id, DropReason::Rejected, ring, ledger, now),
            SinkError::TooLarge => self.split(id, DropReason::TooLarge, ring, ledger, now),
            SinkError::Unauthorized { .. } => self.hold(id, now),
        }
    }

    fn delivered(&mut self, id: u64, ack: &Ack, ledger: &mut Ledger) {
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) else { return };
        lease.stage = Stage::Settled;
        let sent = (lease.start.seq()..lease.end.seq()).filter(|seq| !lease.skipped.contains(seq));
        let mut refused = 0;
        if !ack.refused().is_empty() {
            for (_, seq) in sent.enumerate().filter(|(place, _)| ack.refused().contains(place)) {
                ledger.lose(seq, DropReason::Rejected);
                refused += 1;
            }
        }
        let skipped = lease.skipped.len() as u64;
        self.stats.delivered += lease.len() - refused - skipped;
        self.stats.dropped.add(DropReason::Rejected, refused);
        self.stats.dropped.add(DropReason::Damaged, skipped);
        self.stats.batches += 1;
        self.state = SinkState::Ready;
        self.last_error = None;
        self.warned = false;
    }

    fn retry(&mut self, id: u64, retry_after: Option<Duration>, ledger: &mut Ledger, now: Instant) {
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) else { return };
        lease.attempts += 1;
        if self.settings.retry.is_spent(lease.attempts - 1) {
            let count = lease.len();
            self.drop_lease(id, DropReason::RetriesExhausted, ledger);
            self.state = SinkState::Ready;
            return self.warn("events are lost: the last attempt to deliver them failed as those before", count);
        }
        lease.stage = Stage::Due(now + self.settings.retry.delay(lease.attempts - 1, retry_after, &mut self.jitter));
        self.state = SinkState::Retrying;
    }

    fn hold(&mut self, id: u64, now: Instant) {
        if let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) {
            lease.stage = Stage::Due(now + self.settings.flush_interval);
            self.state = SinkState::Held;
            self.warn("events are held: check the key", 0);
        }
    }

    /// Tries a lease again that made somebody panic; after that in halves, until what causes it is alone.
    pub(super) fn crashed(&mut self, id: u64, reason: &str, ring: &Ring, ledger: &mut Ledger, now: Instant) {
        self.stats.failures += 1;
        self.last_error = Some(format!("panicked: {reason}"));
        if let Some(reason) = self.given_up {
            return self.drop_lease(id, reason, ledger);
        }
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) else { return };
        lease.crashes += 1;
        if lease.crashes < CRASHES_BEFORE_SPLIT {
            lease.stage = Stage::Due(now);
        } else {
            self.split(id, DropReason::Poison, ring, ledger, now);
        }
    }

    /// Halves a lease; drops it where it is one event.
    fn split(&mut self, id: u64, reason: DropReason, ring: &Ring, ledger: &mut Ledger, now: Instant) {
        let Some(place) = self.leases.iter().position(|lease| lease.id == id) else { return };
        let lease = &self.leases[place];
        if lease.len() <= 1 {
            self.drop_lease(id, reason, ledger);
            self.state = SinkState::Ready;
            return self.warn("an event is lost: it is not acceptable to the other side", 1);
        }
        let (start, end, has_end) = (lease.start, lease.end, lease.has_end);
        let (mut middle, mut first_has_end) = (start, false);
        while middle.seq() - start.seq() < lease.len() / 2 {
            let Peek::Record(record, next) = ring.peek(middle) else { break };
            first_has_end |= is_session_end(record.kind);
            middle = next;
        }
        let second = Lease::new(self.next_lease + 1, middle, end, has_end && !first_has_end, now);
        self.leases[place] = Lease::new(self.next_lease, start, middle, first_has_end, now);
        self.leases.insert(place + 1, second);
        self.next_lease += 2;
        self.state = SinkState::Ready;
    }

    fn drop_lease(&mut self, id: u64, reason: DropReason, ledger: &mut Ledger) {
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) else { return };
        lease.stage = Stage::Settled;
        for seq in lease.start.seq()..lease.end.seq() {
            let reason = if lease.skipped.contains(&seq) { DropReason::Damaged } else { reason };
            self.stats.dropped.add(reason, 1);
            ledger.lose(seq, reason);
        }
    }

    /// Gives up on everything that is not under way; what is under way is not tried again.
    pub(super) fn abandon(&mut self, ring: &Ring, reason: DropReason, ledger: &mut Ledger) {
        self.given_up = Some(reason);
        while let Peek::Record(_, next) = ring.peek(self.cursor) {
            self.leases.push_back(Lease::new(self.next_lease, self.cursor, next, false, self.next_tick));
            self.next_lease += 1;
            self.cursor = next;
        }
        let waiting = self.leases.iter().filter(|lease| matches!(lease.stage, Stage::Due(_)));
        for id in waiting.map(|lease| lease.id).collect::<Vec<_>>() {
            self.drop_lease(id, reason, ledger);
        }
    }

    /// Lets go of what is settled at the front.
    pub(super) fn settle(&mut self) {
        while self.leases.front().is_some_and(|lease| lease.stage == Stage::Settled) {
            self.leases.pop_front();
        }
    }

    /// Returns when there is something to do again, if nobody calls before.
    pub(super) fn due(&self, now: Instant) -> Instant {
        let mut due = self.next_tick;
        for lease in &self.leases {
            // A lease that is due already waits for a place, and what frees one calls.
            if let Stage::Due(at) = lease.stage
                && at > now
            {
                due = due.min(at);
            }
        }
        if self.unpublished { due.min(now + crate::limits::UNPUBLISHED_POLL) } else { due }
    }

    /// Returns how many records must have been pushed before this lane has more to do.
    pub(super) fn wants_more_than(&self, pushed: u64) -> u64 {
        if self.may_take(pushed) { self.cursor.seq() + self.settings.flush_threshold as u64 - 1 } else { u64::MAX }
    }

    fn warn(&mut self, what: &str, events: u64) {
        // Once, until something is delivered again.
        if !std::mem::replace(&mut self.warned, true) {
            let reason = self.last_error.as_deref().unwrap_or_default();
            tracing::warn!(target: "lastword", sink = self.stats.name, events, reason, "{what}");
        }
    }
}

fn is_session_end(kind: u32) -> bool {
    Tag::from_u32(kind).is_some_and(|tag| tag.kind == EventKind::SessionEnd)
}
