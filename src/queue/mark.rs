//! How far something is wanted: a number that only grows, by which those who push tell the reader, and the other way round.

use crate::sync::{AtomicU64, Ordering};

/// A number that only grows. Two are used beside a queue: up to which record it is to be flushed, and how far it is closed.
///
/// **Closing**: whoever closes raises the mark and then reads the push counter by [`Ring::wake_at`](super::Ring::wake_at),
/// a write to the head; whoever pushes writes to the head and then looks at the mark. So a push that the closing side did not
/// count sees that it came too late.
#[derive(Debug, Default)]
pub struct Mark(AtomicU64);

impl Mark {
    /// Raises the mark, if it is not as high already.
    pub fn raise(&self, to: u64) {
        self.0.fetch_max(to, Ordering::AcqRel);
    }

    /// Returns how high it is; what was done before it was raised is seen.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Returns how high it is, for nearly nothing, and without order.
    #[inline]
    #[must_use]
    pub fn glance(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
