//! Push, peek, free.

use super::mapping::Block;
use super::record::{self, First, PAYLOAD_BYTES_MAX, Record, words_of};
use crate::sync::{AtomicU64, Ordering};

const MAGIC: u64 = u64::from_le_bytes(*b"lastword");
const VERSION: u64 = 1;
#[cfg(not(lastword_loom))]
const HEADER_WORDS: usize = 512;
#[cfg(lastword_loom)]
const HEADER_WORDS: usize = 8;
// Words that are written by different sides stand on cache lines of their own.
#[cfg(not(lastword_loom))]
mod at {
    pub(super) const HEAD: usize = 64;
    pub(super) const TAIL_UNITS: usize = 128;
    pub(super) const TAIL_SEQ: usize = 129;
    pub(super) const FULL_AT: usize = 130;
    pub(super) const WAKE_AT: usize = 192;
}
#[cfg(lastword_loom)]
mod at {
    pub(super) const HEAD: usize = 4;
    pub(super) const TAIL_UNITS: usize = 5;
    pub(super) const TAIL_SEQ: usize = 6;
    pub(super) const WAKE_AT: usize = 7;
    pub(super) const FULL_AT: usize = 3;
}

/// The queue of one session. See the module's documentation.
#[derive(Debug)]
pub struct Ring {
    block: Block,
    nonce: u64,
    /// Words of data, less one: a power of two less one.
    mask: u64,
    ordinary: Room,
    reserved: Room,
}

/// How much a class of pushes may use.
#[derive(Debug, Clone, Copy)]
struct Room {
    units: u64,
    records: u64,
}

/// Which room a push may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// All but the reserve.
    Ordinary,
    /// The reserve too: for the end of a session, and for what the reporter itself has to say.
    Reserved,
}

/// What the queue did with a record that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the reader may have to be woken"]
pub struct Pushed {
    /// The number of the first record that was pushed.
    pub seq: u64,
    /// The reader asked to be woken at this record.
    pub wake: bool,
    /// With this, more than half of the room for ordinary records is in use, and without it was not.
    pub half_full: bool,
}

/// Why the queue did not take a record. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// There is no room now.
    #[error("the queue is full")]
    Full,
    /// There will never be room for so long a record.
    #[error("the record is too long for the queue")]
    TooLarge,
}

/// A place between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    units: u64,
    seq: u64,
}

impl Cursor {
    /// Returns the number of the record that comes next.
    #[must_use]
    pub const fn seq(self) -> u64 {
        self.seq
    }
}

/// What stands at a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// A record, and the place behind it.
    Record(Record, Cursor),
    /// A place was taken here, and the record is still being written.
    Unpublished,
    /// Nothing yet.
    Empty,
}

impl Ring {
    /// Makes a queue of at least `bytes` of records (rounded up to a power of two) that never holds more than `bytes`,
    /// `records` records, and beyond that the reserve.
    ///
    /// The caller has checked both against [`crate::limits`].
    #[must_use]
    pub fn new(bytes: usize, records: usize, reserve_bytes: usize, reserve_records: usize, nonce: u64) -> Self {
        let data = (bytes / 8).next_power_of_two();
        let block = Block::on_heap(HEADER_WORDS + data);
        for (word, value) in block.words().iter().zip([MAGIC, VERSION, nonce, data as u64]) {
            word.store(value, Ordering::Relaxed);
        }
        block.words()[at::WAKE_AT].store(u64::MAX, Ordering::Relaxed);
        block.words()[at::FULL_AT].store(u64::MAX, Ordering::Relaxed);
        let units = (bytes / 8) as u64;
        let reserved = Room { units, records: (records + reserve_records) as u64 };
        let ordinary = Room { units: units.saturating_sub((reserve_bytes / 8) as u64), records: records as u64 };
        Self { block, nonce, mask: data as u64 - 1, ordinary, reserved }
    }

    /// Returns the queue's random number.
    #[must_use]
    pub const fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Returns whether the queue may have room for one more small record, for nearly nothing: so that a full queue costs
    /// its callers no clock reading and no encoding.
    ///
    /// It looks only at what the reader writes, and the push that filled the queue: to read the head, which every push
    /// writes, would take its cache line from the other callers.
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.word(at::TAIL_SEQ).load(Ordering::Relaxed) != self.word(at::FULL_AT).load(Ordering::Relaxed)
    }

    /// Returns the number of records that were ever pushed: the number of the next one.
    #[inline]
    #[must_use]
    pub fn pushed(&self) -> u64 {
        self.ends().1.seq
    }

    /// Returns the number of records that were ever freed.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.word(at::TAIL_SEQ).load(Ordering::Acquire)
    }

    /// Returns the bytes in use, padding included.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        let (tail, head) = self.ends();
        head.units.saturating_sub(tail.units) * 8
    }

    /// Pushes one record.
    ///
    /// Does not allocate, wait or call anything: it may be used anywhere, a panic hook and a signal handler included.
    ///
    /// # Errors
    ///
    /// There is no room; nothing was written.
    #[inline]
    pub fn push(&self, class: Class, kind: u32, payload: &[u8]) -> Result<Pushed, PushError> {
        self.push_all(class, [(kind, payload)])
    }

    /// Pushes some records, one after another with nothing between them, or none of them.
    ///
    /// # Errors
    ///
    /// There is no room for all of them; nothing was written.
    #[inline]
    pub fn push_all<const N: usize>(&self, class: Class, records: [(u32, &[u8]); N]) -> Result<Pushed, PushError> {
        let room = match class {
            Class::Ordinary => self.ordinary,
            Class::Reserved => self.reserved,
        };
        let mut words = [0; N];
        for (words, (_, payload)) in words.iter_mut().zip(&records) {
            // Half of the room: the padding before it may take as much as the record.
            if payload.len() > PAYLOAD_BYTES_MAX || words_of(payload.len()) > room.units / 2 {
                return Err(PushError::TooLarge);
            }
            *words = words_of(payload.len());
        }
        let (start, half_full) = self.reserve(room, &words)?;
        let (mut units, mut seq) = (start.units, start.seq);
        for ((kind, payload), words) in records.into_iter().zip(words) {
            units = self.pad(units, words);
            self.write(units, seq, kind, payload);
            units += words;
            seq += 1;
        }
        let wake_at = self.word(at::WAKE_AT);
        let wake = seq > wake_at.load(Ordering::Relaxed) && wake_at.swap(u64::MAX, Ordering::AcqRel) != u64::MAX;
        Ok(Pushed { seq: start.seq, wake, half_full })
    }

    /// Takes a place for records of so many words each. Returns it, and whether that made the queue more than half full.
    #[inline]
    fn reserve<const N: usize>(&self, room: Room, words: &[u64; N]) -> Result<(Cursor, bool), PushError> {
        let head_word = self.word(at::HEAD);
        loop {
            let tail = self.tail();
            let packed = head_word.load(Ordering::Acquire);
            let head = extend(packed, tail);
            let mut end = head.units;
            for &words in words {
                end = self.placed(end, words) + words;
            }
            if end - tail.units > room.units || head.seq + N as u64 - tail.seq > room.records {
                // With a tail that has moved on meanwhile, this says nothing.
                if self.tail() == tail {
                    self.note_if_full(head, tail);
                    return Err(PushError::Full);
                }
                continue;
            }
            let next = Cursor { units: end, seq: head.seq + N as u64 };
            if head_word.compare_exchange_weak(packed, pack(next), Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                self.note_if_full(next, tail);
                return Ok((head, self.is_half_full(next, tail) && !self.is_half_full(head, tail)));
            }
        }
    }

    /// Keeps whether, with the tail where it is, there is no room behind `head` for even a small record. The head only
    /// grows, so that stays true until the tail moves.
    #[inline]
    fn note_if_full(&self, head: Cursor, tail: Cursor) {
        let is_full = head.seq - tail.seq >= self.ordinary.records
            || head.units - tail.units + record::HEADER_WORDS >= self.ordinary.units;
        if is_full {
            self.word(at::FULL_AT).store(tail.seq, Ordering::Relaxed);
        }
    }

    #[inline]
    const fn is_half_full(&self, head: Cursor, tail: Cursor) -> bool {
        head.seq - tail.seq > self.ordinary.records / 2 || head.units - tail.units > self.ordinary.units / 2
    }

    /// Returns where a record of so many words stands that is to begin at `units` or behind it.
    #[inline]
    const fn placed(&self, units: u64, words: u64) -> u64 {
        let rest = self.mask + 1 - (units & self.mask);
        if words > rest { units + rest } else { units }
    }

    /// Writes padding where the record does not fit before the end of the data; returns where it stands.
    #[inline]
    fn pad(&self, units: u64, words: u64) -> u64 {
        let placed = self.placed(units, words);
        if placed != units {
            self.data(units).store(record::padding(units), Ordering::Release);
        }
        placed
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn write(&self, units: u64, seq: u64, kind: u32, payload: &[u8]) {
        let words = words_of(payload.len());
        let start = (units & self.mask) as usize + HEADER_WORDS;
        // One bounds check for the whole record.
        let Some([first, second, third, rest @ ..]) = self.block.words().get(start..start + words as usize) else {
            debug_assert!(false, "a record is placed within the data");
            return;
        };
        first.store(record::reserved(units, payload.len()), Ordering::Relaxed);
        let crc = crc32c::crc32c_append(record::crc_seed(self.nonce, units, seq, kind, payload.len()), payload);
        second.store(u64::from(kind) << 32 | u64::from(crc), Ordering::Relaxed);
        third.store(seq, Ordering::Relaxed);
        let (whole, left) = payload.as_chunks::<8>();
        for (word, bytes) in rest.iter().zip(whole) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        if !left.is_empty() {
            let mut bytes = [0; 8];
            bytes[..left.len()].copy_from_slice(left);
            rest[whole.len()].store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        first.store(record::committed(units, payload.len()), Ordering::Release);
    }

    /// Returns the place of the oldest record that was not freed.
    #[must_use]
    pub fn tail(&self) -> Cursor {
        // The sequence is read first and written last: it may be older than the units, which only makes room look less.
        let seq = self.word(at::TAIL_SEQ).load(Ordering::Acquire);
        Cursor { units: self.word(at::TAIL_UNITS).load(Ordering::Acquire), seq }
    }

    /// Looks at what stands at a cursor. For the reader alone.
    #[must_use]
    pub fn peek(&self, mut cursor: Cursor) -> Peek {
        loop {
            let head = self.ends().1;
            if head.units <= cursor.units {
                return Peek::Empty;
            }
            let first = self.data(cursor.units).load(Ordering::Acquire);
            match record::parse(first, cursor.units) {
                First::Other => return Peek::Unpublished,
                First::Padding => cursor.units += self.mask + 1 - (cursor.units & self.mask),
                First::Committed { len } => {
                    let second = self.data(cursor.units + 1).load(Ordering::Relaxed);
                    // The halves of the word.
                    #[allow(clippy::cast_possible_truncation)]
                    let (kind, crc) = ((second >> 32) as u32, second as u32);
                    let record = Record { seq: cursor.seq, kind, len, units: cursor.units, crc };
                    return Peek::Record(record, Cursor { units: cursor.units + words_of(len), seq: cursor.seq + 1 });
                }
            }
        }
    }

    /// Appends the payload of a record to `out`; returns whether it is what was pushed. For the reader alone, before
    /// the record is freed.
    #[must_use]
    pub fn read(&self, record: &Record, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.reserve(record.len.next_multiple_of(8));
        let first = record.units + record::HEADER_WORDS;
        for unit in first..record.units + words_of(record.len) {
            out.extend_from_slice(&self.data(unit).load(Ordering::Relaxed).to_le_bytes());
        }
        out.truncate(start + record.len);
        let seed = record::crc_seed(self.nonce, record.units, record.seq, record.kind, record.len);
        crc32c::crc32c_append(seed, &out[start..]) == record.crc
    }

    /// Frees all records before a cursor. For the reader alone.
    pub fn free(&self, cursor: Cursor) {
        self.word(at::TAIL_UNITS).store(cursor.units, Ordering::Release);
        self.word(at::TAIL_SEQ).store(cursor.seq, Ordering::Release);
    }

    /// Asks to be woken by the push that makes the push counter exceed `seq`; `u64::MAX` asks not to be. Returns the
    /// push counter, read afterwards: if it exceeds `seq` already, no push may wake the reader any more.
    #[must_use = "what was pushed before wakes nobody"]
    pub fn wake_at(&self, seq: u64) -> u64 {
        self.word(at::WAKE_AT).store(seq, Ordering::Release);
        // A write to the head, though it changes nothing: see the invariant in the module's documentation.
        extend(self.word(at::HEAD).fetch_add(0, Ordering::AcqRel), self.tail()).seq
    }

    #[inline]
    fn ends(&self) -> (Cursor, Cursor) {
        let tail = self.tail();
        (tail, extend(self.word(at::HEAD).load(Ordering::Acquire), tail))
    }

    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.block.words()[index]
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn data(&self, units: u64) -> &AtomicU64 {
        &self.block.words()[HEADER_WORDS + (units & self.mask) as usize]
    }
}

#[inline]
const fn pack(cursor: Cursor) -> u64 {
    cursor.seq << 32 | cursor.units & 0xffff_ffff
}

/// Widens the halves of a head: it is at or behind a tail that was read before it, and not 2^32 away.
#[inline]
#[allow(clippy::cast_possible_truncation)]
const fn extend(packed: u64, tail: Cursor) -> Cursor {
    let units = tail.units + (packed as u32).wrapping_sub(tail.units as u32) as u64;
    let seq = tail.seq + ((packed >> 32) as u32).wrapping_sub(tail.seq as u32) as u64;
    Cursor { units, seq }
}

#[cfg(all(test, lastword_loom))]
#[path = "ring_loom.rs"]
mod models;
#[cfg(all(test, not(lastword_loom)))]
#[path = "ring_tests.rs"]
mod tests;
