//! What is not for a sink: all events while it is switched off.

use super::Lane;
use super::lease::{Lease, Stage};
use super::{is_session_end, note_end};
use crate::queue::{Peek, Ring};
use crate::reporter::report::SinkState;

impl Lane {
    /// Returns whether events are for this sink.
    pub(in crate::reporter) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Switches the sink on or off. Off, what waits for it is not for it any more; what is under way may still arrive.
    pub(in crate::reporter) fn switch(&mut self, is_on: bool) {
        self.is_on = is_on;
        if !is_on {
            // Whatever ailed it is over: once on again, it begins anew.
            self.state = SinkState::Ready;
            self.last_error = None;
            self.warned = false;
            let waiting = self.leases.iter().filter(|lease| matches!(lease.stage, Stage::Due(_)));
            for id in waiting.map(|lease| lease.id).collect::<Vec<_>>() {
                self.withhold(id);
            }
        }
    }

    /// Settles a lease that is not for this sink.
    pub(super) fn withhold(&mut self, id: u64) {
        if let Some(lease) = self.leases.iter_mut().find(|lease| lease.id == id) {
            lease.stage = Stage::Settled;
            self.stats.withheld += lease.len();
        }
    }

    /// Passes over all that is in the queue by now, where the sink is off.
    pub(in crate::reporter) fn pass_over(&mut self, ring: &Ring) {
        let start = self.cursor;
        while let Peek::Record(record, next) = ring.peek(self.cursor) {
            if is_session_end(record.kind) {
                note_end(ring);
            }
            self.cursor = next;
        }
        self.unpublished = matches!(ring.peek(self.cursor), Peek::Unpublished);
        if self.cursor != start {
            let mut lease = Lease::new(self.next_lease, start, self.cursor, false, self.next_tick);
            lease.stage = Stage::Settled;
            self.stats.withheld += lease.len();
            self.leases.push_back(lease);
            self.next_lease += 1;
        }
    }
}
