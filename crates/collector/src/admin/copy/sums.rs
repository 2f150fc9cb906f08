//! What two stores have, so that it can be compared in whichever order they are read.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::place::{Place, Source};
use super::{AdminError, Side};
use crate::store::id_of_event;

/// The events of a store, by session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sums(BTreeMap<String, Sum>);

/// The events of a session: how many, and the sum of their hashes, which is the same in any order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    events: u64,
    hashes: u128,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}

impl Sums {
    /// Reads all events of a store. `progress` is told how many are read.
    pub(super) fn of(source: &Source, mut progress: impl FnMut(u64)) -> Result<Self, AdminError> {
        let (mut sums, mut after, mut read) = (Self::default(), 0, 0);
        loop {
            let pieces = source.events(after)?;
            let Some(last) = pieces.last() else { return Ok(sums) };
            after = last.last_row;
            for piece in pieces {
                let envelope = piece.envelope;
                let mut sum = Sum::default();
                for event in &envelope.events {
                    let body = envelope.body.get(event.range.clone()).unwrap_or_default();
                    sum.add(Sum { events: 1, hashes: hash(&envelope.session_id, body) });
                }
                read += sum.events;
                sums.0.entry(envelope.session_id).or_default().add(sum);
            }
            progress(read);
        }
    }

    /// Says of the first session that is not the same in both what it is in each; `None` if all are.
    pub(super) fn difference(&self, target: &Self) -> Option<String> {
        let sessions: std::collections::BTreeSet<&String> = self.0.keys().chain(target.0.keys()).collect();
        sessions.into_iter().find_map(|session| {
            let [source, target] = [self, target].map(|sums| sums.0.get(session).copied().unwrap_or_default());
            let told = |sum: Sum| format!("{} (checksum {:032x})", events(sum.events), sum.hashes);
            (source != target).then(|| {
                format!("session {session} has {} in the source and {} in the target", told(source), told(target))
            })
        })
    }

    /// Returns what is said of one of the two.
    pub(super) fn side(&self, place: &Place) -> Side {
        let mut all = Sum::default();
        self.0.values().for_each(|sum| all.add(*sum));
        let checksum = format!("{:032x}", all.hashes);
        Side { place: place.to_string(), events: all.events, sessions: self.0.len(), checksum }
    }
}

fn events(events: u64) -> String {
    format!("{events} {}", if events == 1 { "event" } else { "events" })
}

/// The hash of a session's event: of the id of each and of the event's text, byte for byte.
fn hash(session: &str, body: &str) -> u128 {
    let mut hash = Sha256::new();
    for text in [session, &id_of_event(body).unwrap_or_default(), body] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(events: &[(&str, &str)]) -> Sums {
        let mut sums = Sums::default();
        for (session, body) in events {
            let sum = Sum { events: 1, hashes: hash(session, body) };
            sums.0.entry((*session).to_owned()).or_default().add(sum);
        }
        sums
    }

    #[test]
    fn the_order_of_events_makes_no_difference_and_anything_else_does() {
        let (one, two, other) = (r#"{"event_id":"1"}"#, r#"{"event_id":"2"}"#, r#"{"event_id":"2" }"#);
        let source = sums(&[("a", one), ("b", one), ("b", two)]);
        let place: Place = "state".parse().unwrap();
        let target = sums(&[("b", two), ("a", one), ("b", one)]);
        assert_eq!((source.difference(&target), source.side(&place)), (None, target.side(&place)));
        for (target, expected) in [
            (sums(&[("a", one), ("b", one)]), "session b has 2 events"),
            (sums(&[("a", one), ("b", one), ("b", other)]), "session b has 2 events"),
            (sums(&[("b", one), ("b", two)]), "session a has 1 event"),
            (sums(&[("a", one), ("b", one), ("b", two), ("c", one)]), "session c has 0 events"),
        ] {
            let told = source.difference(&target).unwrap();
            assert!(told.starts_with(expected), "{told}");
            assert_ne!(source.side(&place), target.side(&place));
        }
    }
}
