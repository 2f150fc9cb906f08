//! The block of memory that a queue lives in.
//!
//! The only `unsafe` of the library is in this file.

use crate::sync::AtomicU64;

/// A block of 64-bit words, all zero to begin with.
#[derive(Debug)]
pub struct Block(Box<[AtomicU64]>);

impl Block {
    /// Takes a block from the heap. Its pages are only asked for: memory that is never written to is never used.
    #[cfg(not(lastword_loom))]
    #[must_use]
    #[allow(unsafe_code)]
    pub fn on_heap(words: usize) -> Self {
        let block = Box::<[AtomicU64]>::new_zeroed_slice(words);
        // SAFETY: `AtomicU64` has the same representation as `u64`, for which all bytes zero is the value 0.
        Self(unsafe { block.assume_init() })
    }

    /// Takes a block from the heap, for a model of few words.
    #[cfg(lastword_loom)]
    #[must_use]
    pub fn on_heap(words: usize) -> Self {
        Self((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    /// Returns the words.
    #[inline]
    #[must_use]
    pub fn words(&self) -> &[AtomicU64] {
        &self.0
    }
}
