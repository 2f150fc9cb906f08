//! What a sink that does not take anything gives up, so that the others go on to get what is new.

use tokio::time::Instant;

use super::Lane;
use super::lease::{Lease, Stage};
use crate::queue::{Cursor, Peek, Ring};
use crate::reporter::ledger::Ledger;
use crate::reporter::report::DropReason;

impl Lane {
    /// Returns whether the sink holds the queue up and can give something up: it does not take what it is given, and nothing
    /// is under way.
    pub(in crate::reporter) fn may_shed(&self) -> bool {
        !self.is_ready() && self.given_up.is_none() && !self.is_sending()
    }

    /// Gives up the oldest events, up to a place in the queue. The attempt that was to come is made with those that follow.
    pub(in crate::reporter) fn shed(&mut self, to: Cursor, ring: &Ring, ledger: &mut Ledger, now: Instant) {
        let (attempts, due) = match self.leases.front() {
            Some(Lease { attempts, stage: Stage::Due(due), .. }) => (*attempts, *due),
            _ => (0, now),
        };
        let events = to.seq() - self.settled().seq();
        for seq in self.settled().seq()..to.seq() {
            ledger.lose(seq, DropReason::Shed);
            self.stats.dropped.add(DropReason::Shed, 1);
        }
        self.leases.clear();
        self.cursor = to;
        if let Some((end, has_end)) = self.measure(ring) {
            self.leases.push_back(Lease { attempts, ..Lease::new(self.next_lease, to, end, has_end, due) });
            self.next_lease += 1;
            self.cursor = end;
        }
        self.warned = false;
        self.warn("events are lost: the sink does not take them, and the queue has no room for more", events);
    }

    /// Finds how much of the oldest a sink has to give up for half of the queue to be free, no further than to `end`.
    pub(in crate::reporter) fn to_shed(&self, ring: &Ring, end: Cursor) -> Cursor {
        let mut to = self.settled();
        while to.seq() < end.seq() && ring.is_half_full_from(to) {
            let Peek::Record(_, next) = ring.peek(to) else { break };
            to = next;
        }
        to
    }
}
