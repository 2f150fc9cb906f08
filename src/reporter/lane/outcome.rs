//! What an attempt came to, and so what becomes of its lease.

use std::time::Duration;

use tokio::time::Instant;

use super::lease::{Lease, Stage};
use super::{GivenUp, Lane, is_session_end};
use crate::limits::{CRASHES_BEFORE_SPLIT, RETRY_DELAY_MAX};
use crate::queue::{Peek, Ring};
use crate::reporter::ledger::Ledger;
use crate::reporter::report::{DropReason, SinkState};
use crate::sink::{Ack, SinkError};
use crate::sync::say;

/// What an attempt came to.
#[derive(Debug)]
pub(in crate::reporter) enum Outcome {
    Answered(Result<Ack, SinkError>),
    Panicked(String),
}

/// What the program is to be warned of.
#[derive(Debug)]
pub(in crate::reporter) struct Warning {
    what: &'static str,
    sink: String,
    events: u64,
    reason: String,
}

impl Lane {
    /// Notes what an attempt came to.
    pub(in crate::reporter) fn finish(
        &mut self,
        id: u64,
        outcome: Outcome,
        ring: &Ring,
        ledger: &mut Ledger,
        now: Instant,
    ) {
        self.time(id, matches!(outcome, Outcome::Answered(Ok(_))), now);
        let error = match outcome {
            Outcome::Answered(Ok(ack)) => return self.delivered(id, &ack, ledger),
            Outcome::Answered(Err(error)) => error,
            Outcome::Panicked(reason) => return self.crashed(id, &reason, ring, ledger, now),
        };
        self.stats.failures += 1;
        self.last_error = Some(error.to_string());
        if !self.is_on {
            return self.withhold(id);
        }
        if let Some(given_up) = self.given_up {
            return self.let_go(id, given_up, ledger, now);
        }
        match error {
            SinkError::Transient { retry_after, .. } => self.retry(id, retry_after, ring, ledger, now),
            SinkError::Rejected { .. } => self.split(id, DropReason::Rejected, ring, ledger, now),
            SinkError::TooLarge => self.split(id, DropReason::TooLarge, ring, ledger, now),
            SinkError::Unauthorized { .. } => self.hold(id, now),
        }
    }

    /// Notes how long an attempt took.
    fn time(&mut self, id: u64, is_taken: bool, now: Instant) {
        let lease = self.leases.iter().find(|lease| lease.id == id);
        if let Some(Stage::Sending(since)) = lease.map(|lease| lease.stage) {
            let took = now.saturating_duration_since(since);
            self.stats.attempts += 1;
            self.stats.busy = self.stats.busy.saturating_add(took);
            self.stats.slowest = self.stats.slowest.max(took);
            self.pace.note(took, is_taken);
        }
    }

    fn delivered(&mut self, id: u64, ack: &Ack, ledger: &mut Ledger) {
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) else { return };
        lease.stage = Stage::Settled;
        let is_sent = |seq: &u64| !lease.skipped.contains(seq) && !lease.withheld.contains(seq);
        let sent = (lease.start.seq()..lease.end.seq()).filter(is_sent);
        let (mut refused, mut withheld) = (0, lease.withheld.len() as u64);
        if !ack.refused().is_empty() || !ack.withheld().is_empty() {
            for (place, seq) in sent.enumerate() {
                if ack.refused().contains(&place) {
                    ledger.lose(seq, DropReason::Rejected);
                    refused += 1;
                } else if ack.withheld().contains(&place) {
                    withheld += 1;
                }
            }
        }
        let skipped = lease.skipped.len() as u64;
        self.stats.delivered += lease.len() - refused - skipped - withheld;
        self.stats.withheld += withheld;
        self.stats.dropped.add(DropReason::Rejected, refused);
        self.stats.dropped.add(DropReason::Damaged, skipped);
        self.stats.batches += 1;
        self.stats.largest_batch = self.stats.largest_batch.max(lease.len() - skipped - lease.withheld.len() as u64);
        self.state = SinkState::Ready;
        self.last_error = None;
        self.warned = false;
    }

    fn retry(&mut self, id: u64, retry_after: Option<Duration>, ring: &Ring, ledger: &mut Ledger, now: Instant) {
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) else { return };
        lease.attempts = lease.attempts.saturating_add(1);
        if self.settings.retry.is_spent(lease.attempts - 1) {
            let count = lease.len();
            if ring.durability().outlives_process() {
                // Nothing is lost by waiting: the sink is asked again from time to time.
                let asked = retry_after.unwrap_or_default().min(RETRY_DELAY_MAX);
                lease.stage = Stage::Due(now + asked.max(self.settings.flush_interval));
                self.state = SinkState::Retrying;
                return self
                    .warn("events are kept: the sink does not take them, and is asked again now and then", count);
            }
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
    pub(in crate::reporter) fn crashed(
        &mut self,
        id: u64,
        reason: &str,
        ring: &Ring,
        ledger: &mut Ledger,
        now: Instant,
    ) {
        self.stats.failures += 1;
        self.last_error = Some(format!("panicked: {reason}"));
        if let Some(given_up) = self.given_up {
            return self.let_go(id, given_up, ledger, now);
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

    pub(super) fn drop_lease(&mut self, id: u64, reason: DropReason, ledger: &mut Ledger) {
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) else { return };
        lease.stage = Stage::Settled;
        self.stats.withheld += lease.withheld.len() as u64;
        for seq in (lease.start.seq()..lease.end.seq()).filter(|seq| !lease.withheld.contains(seq)) {
            let reason = if lease.skipped.contains(&seq) { DropReason::Damaged } else { reason };
            self.stats.dropped.add(reason, 1);
            ledger.lose(seq, reason);
        }
    }

    /// Deals with what came back after everything was given up on.
    fn let_go(&mut self, id: u64, given_up: GivenUp, ledger: &mut Ledger, now: Instant) {
        match given_up {
            GivenUp::Lost(reason) => self.drop_lease(id, reason, ledger),
            GivenUp::Left => {
                if let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) {
                    lease.stage = Stage::Due(now);
                }
            }
        }
    }

    /// Leaves everything that is not under way where it is; what is under way is not tried again.
    pub(in crate::reporter) const fn leave(&mut self) {
        self.given_up = Some(GivenUp::Left);
    }

    /// Gives up on everything that is not under way; what is under way is not tried again.
    pub(in crate::reporter) fn abandon(&mut self, ring: &Ring, reason: DropReason, ledger: &mut Ledger) {
        self.given_up = Some(GivenUp::Lost(reason));
        let start = self.cursor;
        while let Peek::Record(_, next) = ring.peek(self.cursor) {
            self.cursor = next;
        }
        if self.cursor != start {
            // One lease, however long: each is looked for among all others.
            self.leases.push_back(Lease::new(self.next_lease, start, self.cursor, false, self.next_tick));
            self.next_lease += 1;
        }
        let waiting = self.leases.iter().filter(|lease| matches!(lease.stage, Stage::Due(_)));
        for id in waiting.map(|lease| lease.id).collect::<Vec<_>>() {
            self.drop_lease(id, reason, ledger);
        }
    }

    pub(super) fn warn(&mut self, what: &'static str, events: u64) {
        // Once, until something is delivered again.
        if !std::mem::replace(&mut self.warned, true) {
            let (sink, reason) = (self.stats.name.clone(), self.last_error.clone().unwrap_or_default());
            self.warning = Some(Warning { what, sink, events, reason });
        }
    }

    /// Returns what there is to warn of.
    pub(in crate::reporter) const fn take_warning(&mut self) -> Option<Warning> {
        self.warning.take()
    }
}

impl Warning {
    /// Gives it to whoever listens: code of the program's, so not while a lock is held, and guarded.
    pub(in crate::reporter) fn give(&self) {
        let Self { what, sink, events, reason } = self;
        say(|| tracing::warn!(target: "lastword", sink, events, reason, "{what}"));
    }
}
