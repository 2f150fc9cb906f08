//! When an event happened, among all events of all sessions.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// An order of all events that is the same wherever and whenever they are folded: by time, then by session and place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Moment {
    /// Nanoseconds since 1970, in whole microseconds: no form of an event has a finer time than the wire.
    time: u64,
    /// A number for the session's id. Two sessions with one number would be in one order all the same.
    session: u64,
    index: u64,
}

impl Moment {
    pub(crate) fn new(time: Timestamp, session_id: &str, index: u64) -> Self {
        Self { time: time.unix_nanos() / 1_000 * 1_000, session: number_of(session_id), index }
    }

    /// Returns the time on the wall, in whole microseconds.
    #[must_use]
    pub const fn time(self) -> Timestamp {
        Timestamp::from_unix_nanos(self.time)
    }

    /// Returns the place in the session.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }
}

/// Makes a number of a text, the same on every machine: eight bytes at a time, mixed by a folded multiplication.
fn number_of(text: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| {
        let product = u128::from(state ^ word).wrapping_mul(u128::from(ODD));
        #[allow(clippy::cast_possible_truncation)]
        let folded = product as u64 ^ (product >> 64) as u64;
        folded
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let start = (text.len() as u64).wrapping_add(ODD);
    let state = words.iter().fold(start, |state, word| mix(state.rotate_left(5), u64::from_le_bytes(*word)));
    mix(state.rotate_left(5), u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_the_order_of_time_then_session_then_index() {
        let moment = |nanos, session, index| Moment::new(Timestamp::from_unix_nanos(nanos), session, index);
        assert!(moment(1_000, "z", 9) < moment(2_000, "a", 0));
        assert!(moment(1_000, "a", 1) < moment(1_000, "a", 2));
        assert_eq!(moment(1_999, "a", 1), moment(1_000, "a", 1), "the wire has whole microseconds");
        assert_ne!(moment(0, "a", 0), moment(0, "b", 0));
    }

    #[test]
    fn ten_thousand_sessions_have_ten_thousand_numbers_and_a_number_is_the_same_everywhere() {
        let numbers: std::collections::HashSet<u64> = (0..10_000).map(|n| number_of(&format!("session-{n}"))).collect();
        assert_eq!(numbers.len(), 10_000);
        assert_eq!(number_of("session-123"), number_of(&String::from("session-123")));
        assert_ne!(number_of("a"), number_of("a\0"));
    }
}
