//! Hours that are too much to be folded: they are read from their events, and others are folded meanwhile.

use std::collections::HashMap;

use crate::clickhouse::Error;
use crate::clock;
use crate::limits::{FOLD_LARGE_A_TURN, FOLD_LARGE_KNOWN, FOLD_LARGE_RETRY_US};

/// The hours that are left out, each until a moment.
#[derive(Clone, Debug, Default)]
pub(in crate::store::clickhouse) struct Large {
    until_us: HashMap<u32, i64>,
    /// Steps of this turn that were too much.
    failed: usize,
}

impl Large {
    /// Begins a turn.
    pub(in crate::store::clickhouse) fn begin(&mut self) {
        self.failed = 0;
    }

    /// Returns what is left out now.
    pub(super) fn now(&mut self) -> Vec<u32> {
        let now_us = clock::now_us();
        self.until_us.retain(|_, until_us| *until_us > now_us);
        self.until_us.keys().copied().collect()
    }

    /// Leaves an hour out for a while, which is told.
    pub(super) fn leave_out(&mut self, hour: u32, why: &str) {
        if self.until_us.len() >= FOLD_LARGE_KNOWN {
            self.until_us.clear();
        }
        self.until_us.insert(hour, clock::now_us().saturating_add(FOLD_LARGE_RETRY_US));
        let hour = clock::format(i64::from(hour) * 1_000_000);
        tracing::warn!(%hour, why, "it is too much to be folded: it is counted from its events, and tried again in a day");
    }

    /// Leaves hours out which could not be counted because that is too much.
    ///
    /// # Errors
    ///
    /// It was something else, or it is so often too much that it may be the server.
    pub(super) fn failed(&mut self, hours: impl Iterator<Item = u32>, error: Error) -> Result<(), Error> {
        if !error.is_too_much() {
            return Err(error);
        }
        for hour in hours {
            self.leave_out(hour, &error.to_string());
        }
        self.failed += 1;
        if self.failed < FOLD_LARGE_A_TURN { Ok(()) } else { Err(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_takes_too_long_is_left_out_and_after_some_of_them_it_may_be_the_server() {
        let mut large = Large::default();
        large.failed([3600].into_iter(), Error::TooLong).unwrap();
        assert_eq!(large.now(), [3600]);
        let away = large.failed([7200].into_iter(), Error::Away("h".to_owned()));
        assert_eq!((away, large.now()), (Err(Error::Away("h".to_owned())), vec![3600]), "it is not the hour's fault");
        assert_eq!(large.failed([7200].into_iter(), Error::TooLong), Err(Error::TooLong));
        assert_eq!(large.now().len(), 2, "the next turn goes on with others");
        large.begin();
        large.failed([10_800].into_iter(), Error::TooLong).unwrap();
    }

    #[test]
    fn an_hour_that_was_left_out_for_long_enough_is_tried_again_and_of_many_all_are() {
        let mut large = Large::default();
        large.until_us.insert(3600, clock::now_us() - 1);
        assert_eq!(large.now(), Vec::<u32>::new());
        for hour in 0..=u32::try_from(FOLD_LARGE_KNOWN).unwrap() {
            large.leave_out(hour, "it has too many events");
        }
        assert_eq!(large.now().len(), 1);
    }
}
