//! What became of the events of a session, once all sinks have settled them.
//!
//! Events are booked in the order of their numbers, so that a waiter is told exactly what became of those before its
//! target, however far the books have moved on since.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::report::{Drain, DropReason, Drops};

/// The books of a session.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Events that are booked: the flush counter.
    settled: u64,
    delivered: u64,
    dropped: Drops,
    /// Drops that are known, booked or not.
    known: Drops,
    /// Events that some sink lost and that are not booked yet.
    lost: BTreeMap<u64, DropReason>,
    waiters: Vec<Waiter>,
    next_waiter: u64,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    target: u64,
    answer: oneshot::Sender<Drain>,
}

impl Ledger {
    /// Goes on with the books of a queue of which some events were booked before, and so many of them as lost.
    pub(super) fn resumed(settled: u64, dropped: Drops) -> Self {
        let delivered = settled.saturating_sub(dropped.total());
        Self { settled, delivered, dropped, known: dropped, ..Self::default() }
    }

    /// Returns the number of events that are booked.
    pub(super) const fn settled(&self) -> u64 {
        self.settled
    }

    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) const fn dropped(&self) -> Drops {
        self.dropped
    }

    /// Returns all drops that are known, booked or not.
    pub(super) const fn known_drops(&self) -> Drops {
        self.known
    }

    /// Notes that some sink lost an event. The first reason stands.
    pub(super) fn lose(&mut self, seq: u64, reason: DropReason) {
        if seq >= self.settled && !self.lost.contains_key(&seq) {
            self.lost.insert(seq, reason);
            self.known.add(reason, 1);
        }
    }

    /// Returns whether some sink lost an event that is not booked yet.
    pub(super) fn is_lost(&self, seq: u64) -> bool {
        self.lost.contains_key(&seq)
    }

    /// Books all events before `to`, and answers those who waited for them.
    pub(super) fn settle(&mut self, to: u64) {
        while let Some(target) = self.waiters.iter().map(|waiter| waiter.target).filter(|target| *target <= to).min() {
            self.book(target);
            let (done, rest) =
                std::mem::take(&mut self.waiters).into_iter().partition(|waiter| waiter.target <= target);
            self.waiters = rest;
            let drain = self.report(target);
            for Waiter { answer, .. } in Vec::from_iter::<Vec<Waiter>>(done) {
                // Whoever has stopped waiting needs no answer.
                let _ = answer.send(drain);
            }
        }
        self.book(to);
    }

    fn book(&mut self, to: u64) {
        let count = to.saturating_sub(self.settled);
        let rest = self.lost.split_off(&to.max(self.settled));
        let lost = std::mem::replace(&mut self.lost, rest);
        lost.values().for_each(|reason| self.dropped.add(*reason, 1));
        self.delivered += count.saturating_sub(lost.len() as u64);
        self.settled += count;
    }

    /// Says what has become of the events before `target`.
    pub(super) fn report(&self, target: u64) -> Drain {
        Drain {
            delivered: self.delivered,
            dropped: self.dropped,
            spooled: 0,
            pending: target.saturating_sub(self.settled),
        }
    }

    /// Registers a waiter for the events before `target`; it is answered at once if they are booked.
    pub(super) fn wait(&mut self, target: u64) -> (u64, oneshot::Receiver<Drain>) {
        let (answer, receiver) = oneshot::channel();
        let id = self.next_waiter;
        self.next_waiter += 1;
        if target <= self.settled {
            let _ = answer.send(self.report(target));
        } else {
            self.waiters.push(Waiter { id, target, answer });
        }
        (id, receiver)
    }

    /// Lets all who wait look for themselves: nothing will be booked any more.
    pub(super) fn dismiss(&mut self) {
        self.waiters.clear();
    }

    /// Forgets a waiter that has given up.
    pub(super) fn forget(&mut self, id: u64) {
        self.waiters.retain(|waiter| waiter.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_is_told_of_the_events_before_its_target_alone() {
        let mut ledger = Ledger::default();
        let (_, mut early) = ledger.wait(10);
        let (_, mut late) = ledger.wait(20);
        ledger.lose(3, DropReason::Rejected);
        ledger.lose(12, DropReason::Poison);
        ledger.settle(25);
        let early = early.try_recv().unwrap();
        assert_eq!((early.delivered, early.dropped.total(), early.pending), (9, 1, 0));
        let late = late.try_recv().unwrap();
        assert_eq!((late.delivered, late.dropped.total(), late.pending), (18, 2, 0));
        assert_eq!((ledger.settled(), ledger.delivered(), ledger.dropped().total()), (25, 23, 2));
    }

    #[test]
    fn who_waits_for_what_is_booked_is_answered_at_once() {
        let mut ledger = Ledger::default();
        ledger.settle(5);
        let (_, mut answer) = ledger.wait(5);
        assert_eq!(answer.try_recv().unwrap().delivered, 5);
        assert_eq!(ledger.report(8).pending, 3);
    }

    #[test]
    fn an_event_that_two_sinks_lost_is_lost_once() {
        let mut ledger = Ledger::default();
        ledger.lose(0, DropReason::Rejected);
        ledger.lose(0, DropReason::Poison);
        ledger.settle(1);
        assert_eq!(
            (ledger.delivered(), ledger.dropped().get(DropReason::Rejected), ledger.dropped().total()),
            (0, 1, 1)
        );
    }
}
