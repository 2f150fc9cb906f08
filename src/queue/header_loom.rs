//! The header of a model's queue: nobody finds it, so nothing is kept in it but what compiles.

use super::cursor::Cursor;
use super::layout::at;
use super::ring::Ring;
use crate::sync::AtomicU64;

#[allow(missing_docs, clippy::unused_self, reason = "header.rs has those that do something")]
impl Ring {
    pub(super) const fn save_tail(&self, _: Cursor) {}

    pub(super) const fn begin_tails(&self, _: Cursor) {}

    #[must_use]
    pub fn counter(&self, _: usize) -> &AtomicU64 {
        self.word(at::COUNTERS)
    }

    pub const fn save_reader(&self, _: usize, _: Cursor) -> bool {
        false
    }
}
