//! What a reporter says of itself when it is asked.

#[cfg(any(test, feature = "testing"))]
use super::handle::Reporter;
use super::lane::Lane;
use super::report::{Health, Recovered, SinkState, State as HealthState, Stats};
use super::shared::{Gate, Shared};
use crate::privacy::Redactor;
#[cfg(any(test, feature = "testing"))]
use crate::queue::Peek;
#[cfg(any(test, feature = "testing"))]
use crate::sink::{Batch, BatchBuilder};

impl Shared {
    pub(super) fn stats(&self, recovered: Recovered) -> Stats {
        let state = self.state();
        let accepted = state.left_at.unwrap_or_else(|| self.ring.pushed());
        let settled = state.ledger.settled();
        let taken = state.lanes.iter().map(Lane::taken).max().unwrap_or(settled);
        let mut stats = Stats {
            accepted,
            delivered: state.ledger.delivered(),
            dropped: state.ledger.dropped(),
            spooled: 0,
            queued: accepted - taken,
            in_flight: taken - settled,
            refused: self.refused(),
            redacted: self.settings.redactor.as_ref().map_or(0, Redactor::changed),
            queue_bytes: self.ring.used_bytes(),
            sinks: state.lanes.iter().map(|lane| lane.stats(accepted)).collect(),
            recovered,
        };
        if self.gate() == Gate::Keeping || (self.gate() == Gate::Stopped && self.keeps()) {
            stats.spooled = std::mem::take(&mut stats.queued);
            if !state.lanes.iter().any(Lane::is_sending) {
                stats.spooled += std::mem::take(&mut stats.in_flight);
            }
        }
        stats
    }

    pub(super) fn health(&self) -> Health {
        let durability = self.durability();
        if self.is_foreign() {
            return Health { state: HealthState::Forked, restarts: 0, sinks: Vec::new(), durability, spool: None };
        }
        let state = self.state();
        let sinks: Vec<_> = state.lanes.iter().map(Lane::health).collect();
        let state_of = match self.gate() {
            Gate::Open if sinks.iter().all(|sink| sink.state == SinkState::Ready) => HealthState::Running,
            Gate::Open => HealthState::Impaired,
            Gate::Keeping | Gate::Degraded => HealthState::Degraded,
            Gate::Stopped => HealthState::Stopped,
        };
        Health { state: state_of, restarts: state.restarts, sinks, durability, spool: self.keeping.health() }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Reporter {
    /// Returns what is in the queue: events that some sink has not settled. `None` where telemetry is off.
    pub(crate) fn pending(&self) -> Option<Batch> {
        let shared = &self.inner().filter(|inner| !inner.shared.is_foreign())?.shared;
        // Held, so that nothing is freed while it is read.
        let state = shared.state();
        let mut cursor = state.lanes.iter().map(Lane::settled).min_by_key(|cursor| cursor.seq())?;
        let mut pending = BatchBuilder::new(std::sync::Arc::clone(&shared.session));
        while let Peek::Record(record, next) = shared.ring.peek(cursor) {
            // What is damaged is left out, as it is of a batch.
            let read = |out: &mut Vec<u8>| if shared.ring.read(&record, out) { Ok(()) } else { Err(()) };
            let _ = pending.push(record.seq, record.kind, read);
            cursor = next;
        }
        Some(pending.build())
    }
}
