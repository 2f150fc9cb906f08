//! Some records on their way to one sink.

use tokio::time::Instant;

use crate::queue::Cursor;

/// A run of records that are on their way.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) id: u64,
    pub(super) start: Cursor,
    pub(super) end: Cursor,
    pub(super) has_end: bool,
    pub(super) stage: Stage,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    /// Records of it that were damaged, and so are not part of its batch.
    pub(super) skipped: Vec<u64>,
    /// Records of it that are not for this sink.
    pub(super) withheld: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Due(Instant),
    /// It is under way, since then.
    Sending(Instant),
    Settled,
}

impl Lease {
    pub(super) fn new(id: u64, start: Cursor, end: Cursor, has_end: bool, due: Instant) -> Self {
        Self {
            id,
            start,
            end,
            has_end,
            stage: Stage::Due(due),
            attempts: 0,
            crashes: 0,
            skipped: Vec::new(),
            withheld: Vec::new(),
        }
    }

    pub(super) const fn len(&self) -> u64 {
        self.end.seq() - self.start.seq()
    }
}
