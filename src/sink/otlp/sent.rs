//! What of a batch is at the other side while the rest of it is not.
//!
//! Logs and spans go to two places. When the logs of a batch are there and its spans are not, the reporter hands all of it
//! over again: the same batch, or a part of it, or one that begins elsewhere. OTLP does not know a record that it has
//! already, so what was sent is remembered by the number of each event in its session, not by the batch.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::limits::OTLP_HALVES_MAX;
use crate::sync::lock;

/// Batches whose logs are at the other side, the oldest first. Where there are too many, the oldest is forgotten: its logs
/// are then sent twice.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<VecDeque<Half>>);

/// The events of a batch whose logs are at the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Half {
    /// Which queue they are of.
    pub(super) nonce: u64,
    /// The first event of the batch.
    pub(super) first: u64,
    /// The last event of the batch.
    pub(super) last: u64,
    /// Those of them that the other side refused.
    pub(super) refused: Vec<u64>,
}

impl Half {
    pub(super) const fn holds(&self, index: u64) -> bool {
        self.first <= index && index <= self.last
    }
}

impl Sent {
    /// Returns what is at the other side of a queue.
    pub(super) fn of(&self, nonce: u64) -> Vec<Half> {
        lock(&self.0).iter().filter(|half| half.nonce == nonce).cloned().collect()
    }

    pub(super) fn remember(&self, half: Half) {
        let mut halves = lock(&self.0);
        if halves.len() >= OTLP_HALVES_MAX {
            halves.pop_front();
        }
        halves.push_back(half);
    }

    /// Forgets what nobody will ask for again: all of these events are at the other side. Of a batch that was halved, one half
    /// is forgotten, whichever comes first.
    pub(super) fn forget(&self, nonce: u64, first: u64, last: u64) {
        lock(&self.0).retain_mut(|half| {
            if half.nonce != nonce {
                return true;
            }
            if half.holds(first) && first == half.first {
                half.first = last.saturating_add(1);
            } else if half.holds(last) && last == half.last {
                half.last = first.saturating_sub(1);
            }
            half.first <= half.last && !(first <= half.first && half.last <= last)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(first: u64, last: u64) -> Half {
        Half { nonce: 1, first, last, refused: Vec::new() }
    }

    #[test]
    fn what_is_delivered_as_a_whole_is_forgotten() {
        let sent = Sent::default();
        sent.remember(half(0, 9));
        sent.remember(Half { nonce: 2, ..half(0, 9) });
        sent.forget(1, 0, 9);
        assert_eq!((sent.of(1).len(), sent.of(2).len()), (0, 1), "another queue is another matter");
    }

    #[test]
    fn the_halves_of_a_batch_are_forgotten_in_any_order() {
        for order in [[(0, 4), (5, 9)], [(5, 9), (0, 4)]] {
            let sent = Sent::default();
            sent.remember(half(0, 9));
            let [(first, last), rest] = order;
            sent.forget(1, first, last);
            let left = sent.of(1);
            assert!(left.len() == 1 && (rest.0..=rest.1).all(|index| left[0].holds(index)));
            assert!((first..=last).all(|index| !left[0].holds(index)));
            sent.forget(1, rest.0, rest.1);
            assert!(sent.of(1).is_empty());
        }
    }

    #[test]
    fn a_single_event_at_the_very_beginning_is_forgotten_too() {
        let sent = Sent::default();
        sent.remember(half(0, 0));
        sent.forget(1, 0, 0);
        assert!(sent.of(1).is_empty());
    }

    #[test]
    fn there_are_never_more_than_the_bound() {
        let sent = Sent::default();
        for index in 0..2 * OTLP_HALVES_MAX as u64 {
            sent.remember(half(index, index));
        }
        let left = sent.of(1);
        assert_eq!((left.len(), left[0].first), (OTLP_HALVES_MAX, OTLP_HALVES_MAX as u64));
    }
}
