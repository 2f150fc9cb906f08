//! What is kept in the header of a queue for whoever finds it: the tail, places of readers, counters, a label.

use super::cursor::Cursor;
use super::layout::{COUNTERS, LABEL_BYTES_MAX, READERS_MAX, at};
use super::record;
use super::recover::Unreadable;
use super::ring::Ring;
use crate::sync::{AtomicU64, Ordering};

/// Reads from the words of a header whose queue it is.
pub(super) fn label_in(header: &[AtomicU64]) -> Result<Vec<u8>, Unreadable> {
    let size = header.get(at::LABEL_SIZE).map_or(0, |size| size.load(Ordering::Acquire));
    let (crc, len) = record::halves(size);
    let len = usize::try_from(len).ok().filter(|len| *len <= LABEL_BYTES_MAX).ok_or(Unreadable::Label)?;
    let words = header.get(at::LABEL..at::LABEL + len.div_ceil(8)).ok_or(Unreadable::Label)?;
    let mut label: Vec<u8> = words.iter().flat_map(|word| word.load(Ordering::Acquire).to_le_bytes()).collect();
    label.truncate(len);
    if crc32c::crc32c(&label) == crc { Ok(label) } else { Err(Unreadable::Label) }
}

impl Ring {
    /// Keeps the tail: in two places by turns, so that one of them is whole whenever the process ends.
    pub(super) fn save_tail(&self, cursor: Cursor) {
        let units = at::TAILS_SAVED.map(|place| self.word(place).load(Ordering::Relaxed));
        self.save_tail_at(at::TAILS_SAVED[usize::from(units[1] < units[0])], cursor);
    }

    /// Keeps the first tail of a queue, in both places.
    pub(super) fn begin_tails(&self, cursor: Cursor) {
        at::TAILS_SAVED.into_iter().for_each(|place| self.save_tail_at(place, cursor));
    }

    fn save_tail_at(&self, place: usize, cursor: Cursor) {
        for (offset, value) in [cursor.units, cursor.seq, cursor.check()].into_iter().enumerate() {
            self.word(place + offset).store(value, Ordering::Release);
        }
    }

    /// Returns a counter of the host's, of which there are [`COUNTERS`].
    #[inline]
    #[must_use]
    pub fn counter(&self, place: usize) -> &AtomicU64 {
        self.word(at::COUNTERS + place % COUNTERS)
    }

    /// Keeps how far a reader of the host's has come; the tail is never ahead of any of them. Returns whether that is news.
    pub fn save_reader(&self, place: usize, cursor: Cursor) -> bool {
        if place >= READERS_MAX {
            return false;
        }
        let before = self.word(at::READERS + 2 * place).swap(cursor.units, Ordering::AcqRel);
        self.word(at::READERS + 2 * place + 1).store(cursor.seq, Ordering::Release);
        before != cursor.units
    }

    /// Returns how far a reader of the host's had come.
    #[must_use]
    pub fn reader(&self, place: usize) -> Cursor {
        if place >= READERS_MAX {
            return self.tail();
        }
        let word = |offset: usize| self.word(at::READERS + 2 * place + offset).load(Ordering::Acquire);
        Cursor { units: word(0), seq: word(1) }
    }

    /// Returns what says whose queue it is; nothing where nobody said so.
    ///
    /// # Errors
    ///
    /// It is damaged.
    pub fn label(&self) -> Result<Vec<u8>, Unreadable> {
        label_in(self.block().words())
    }

    /// Says whose queue it is, before anything is pushed; returns whether there is room for so much.
    pub(super) fn set_label(&self, label: &[u8]) -> bool {
        if label.len() > LABEL_BYTES_MAX {
            return false;
        }
        for (word, bytes) in self.block().words()[at::LABEL..].iter().zip(label.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(whole), Ordering::Release);
        }
        let size = u64::from(crc32c::crc32c(label)) << 32 | label.len() as u64;
        self.word(at::LABEL_SIZE).store(size, Ordering::Release);
        true
    }
}
