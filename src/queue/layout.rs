//! Where things stand in the block of a queue: see the layout in the module's documentation.

/// What every block begins with: `lastword` as its bytes stand in the file, on a machine that is little-endian.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"lastword");
/// The version of the format. Another one is nobody's to read but its own writer's.
pub(super) const VERSION: u64 = 2;

/// Words before the data.
#[cfg(not(lastword_loom))]
pub(super) const HEADER_WORDS: usize = 2048;
#[cfg(lastword_loom)]
pub(super) const HEADER_WORDS: usize = 10;

/// Counters that the host keeps in a queue.
pub const COUNTERS: usize = 64;
/// Readers whose places a queue remembers.
pub const READERS_MAX: usize = 16;
/// Bytes of the text that says whose queue it is.
#[cfg(not(lastword_loom))]
pub(super) const LABEL_BYTES_MAX: usize = (HEADER_WORDS - at::LABEL) * 8;

// Words that are written by different sides stand on cache lines of their own.
#[cfg(not(lastword_loom))]
pub(super) mod at {
    pub(in crate::queue) const MAGIC: usize = 0;
    pub(in crate::queue) const VERSION: usize = 1;
    pub(in crate::queue) const NONCE: usize = 2;
    pub(in crate::queue) const DATA_WORDS: usize = 3;
    pub(in crate::queue) const LABEL_SIZE: usize = 4;
    pub(in crate::queue) const HEAD: usize = 64;
    pub(in crate::queue) const TAIL_UNITS: usize = 128;
    pub(in crate::queue) const TAIL_SEQ: usize = 129;
    pub(in crate::queue) const FULL_AT: usize = 130;
    /// Each three words: units, sequence, check.
    pub(in crate::queue) const TAILS_SAVED: [usize; 2] = [136, 140];
    pub(in crate::queue) const WAKE_AT: usize = 192;
    pub(in crate::queue) const COUNTERS: usize = 256;
    pub(in crate::queue) const READERS: usize = 320;
    /// The signal that ended the process, where it said so.
    pub(in crate::queue) const CAUSE: usize = 384;
    pub(in crate::queue) const LABEL: usize = 512;
}
#[cfg(lastword_loom)]
pub(super) mod at {
    pub(in crate::queue) const MAGIC: usize = 0;
    pub(in crate::queue) const VERSION: usize = 1;
    pub(in crate::queue) const NONCE: usize = 2;
    pub(in crate::queue) const DATA_WORDS: usize = 3;
    pub(in crate::queue) const HEAD: usize = 4;
    pub(in crate::queue) const TAIL_UNITS: usize = 5;
    pub(in crate::queue) const TAIL_SEQ: usize = 6;
    pub(in crate::queue) const FULL_AT: usize = 7;
    pub(in crate::queue) const WAKE_AT: usize = 8;
    pub(in crate::queue) const COUNTERS: usize = 9;
}
