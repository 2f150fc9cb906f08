//! Push, peek, free.

use super::cursor::Cursor;
use super::layout::{HEADER_WORDS, MAGIC, VERSION, at};
use super::reader::Hole;
use super::record::{self, PAYLOAD_BYTES_MAX, words_of};
use super::store::Store;
use crate::sync::{AtomicU64, Ordering};
use crate::sys::Block;

/// The queue of one session. See the module's documentation.
#[derive(Debug)]
pub struct Ring {
    block: Block,
    nonce: u64,
    /// Words of data, less one: a power of two less one.
    mask: u64,
    ordinary: Room,
    reserved: Room,
    last: Room,
    /// Of a recovered queue, in the order of their places.
    holes: Box<[Hole]>,
    store: Store,
}

/// How much a queue may hold. The caller has checked all of it against [`crate::limits`].
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of records, heads and padding included, the reserve among them.
    pub bytes: usize,
    /// Records, without the reserve.
    pub records: usize,
    /// Bytes that ordinary records can't have.
    pub reserve_bytes: usize,
    /// Records beyond the others for which the reserve is.
    pub reserve_records: usize,
    /// Bytes that nothing can have but what is said of a queue after its end.
    pub last_bytes: usize,
}

impl Bounds {
    /// Returns how many words of data a queue with these bounds has: a power of two.
    pub(super) const fn data_words(&self) -> usize {
        (self.bytes / 8).next_power_of_two()
    }
}

/// How much a class of pushes may use.
#[derive(Debug, Clone, Copy)]
struct Room {
    units: u64,
    records: u64,
}

/// More records than any queue has room for.
const RECORDS_MAX: u64 = u32::MAX as u64;

impl Room {
    /// Returns the room that is left for those who can't have so many bytes of it, and have only so many records.
    const fn less(self, bytes: usize, records: usize) -> Self {
        Self { units: self.units.saturating_sub((bytes / 8) as u64), records: records as u64 }
    }
}

/// Which room a push may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// All but the reserve.
    Ordinary,
    /// The reserve too: for the end of a session, and for what the reporter itself has to say.
    Reserved,
    /// All there is: for what is said of a queue by whoever finds it.
    Last,
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

impl Ring {
    /// Makes a queue in memory.
    #[must_use]
    pub fn new(bounds: &Bounds, nonce: u64) -> Self {
        Self::in_block(Block::zeroed(HEADER_WORDS + bounds.data_words()), bounds, nonce, Store::Memory)
    }

    /// Makes a queue in a block whose words are all zero.
    pub(super) fn in_block(block: Block, bounds: &Bounds, nonce: u64, store: Store) -> Self {
        let data = bounds.data_words() as u64;
        for (word, value) in [(at::MAGIC, MAGIC), (at::VERSION, VERSION), (at::NONCE, nonce), (at::DATA_WORDS, data)] {
            block.words()[word].store(value, Ordering::Relaxed);
        }
        let last = Room { units: (bounds.bytes / 8) as u64, records: RECORDS_MAX };
        let reserved = last.less(bounds.last_bytes, bounds.records + bounds.reserve_records);
        let ordinary = reserved.less(bounds.reserve_bytes, bounds.records);
        let ring = Self { block, nonce, mask: data - 1, ordinary, reserved, last, holes: Box::default(), store };
        ring.begin(Cursor::default());
        ring
    }

    #[cfg(not(lastword_loom))]
    /// Makes a queue of a block that was one before, in which everything that can be read stands from `tail` to `head`,
    /// but for the holes.
    pub(super) fn of_block(block: Block, tail: Cursor, head: Cursor, holes: Box<[Hole]>) -> Self {
        let (nonce, data) = (&block.words()[at::NONCE], &block.words()[at::DATA_WORDS]);
        let (nonce, data) = (nonce.load(Ordering::Relaxed), data.load(Ordering::Relaxed));
        let all = Room { units: data, records: RECORDS_MAX };
        let ring =
            Self { block, nonce, mask: data - 1, ordinary: all, reserved: all, last: all, holes, store: Store::Memory };
        ring.word(at::HEAD).store(head.pack(), Ordering::Relaxed);
        ring.begin(tail);
        ring
    }

    /// Begins as a queue in which nobody waits, and that is not full.
    fn begin(&self, tail: Cursor) {
        self.begin_tails(tail);
        self.free(tail);
        self.word(at::WAKE_AT).store(u64::MAX, Ordering::Release);
        self.word(at::FULL_AT).store(u64::MAX, Ordering::Release);
    }

    /// Returns the queue's random number.
    #[must_use]
    pub const fn nonce(&self) -> u64 {
        self.nonce
    }

    #[inline]
    pub(super) fn holes(&self) -> &[Hole] {
        &self.holes
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    #[cfg(all(unix, not(lastword_loom)))]
    pub(super) fn keep_in(&mut self, store: Store) {
        self.store = store;
    }

    #[cfg(all(unix, not(lastword_loom)))]
    pub(super) const fn file_mut(&mut self) -> Option<&mut super::file::RingFile> {
        match &mut self.store {
            Store::Memory => None,
            Store::Mapped(file) | Store::Mirrored(file) => Some(file),
        }
    }

    pub(super) const fn block(&self) -> &Block {
        &self.block
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

    /// Returns whether more than three quarters of the room for ordinary records are in use.
    #[must_use]
    pub fn is_nearly_full(&self) -> bool {
        self.is_over(self.tail(), 3, 4)
    }

    /// Returns whether more than half of that room would be in use, were everything before a place free.
    #[must_use]
    pub fn is_half_full_from(&self, from: Cursor) -> bool {
        self.is_over(from, 1, 2)
    }

    fn is_over(&self, from: Cursor, parts: u64, of: u64) -> bool {
        let head = self.ends().1;
        let (units, records) = (head.units.saturating_sub(from.units), head.seq.saturating_sub(from.seq));
        units > self.ordinary.units / of * parts || records > self.ordinary.records / of * parts
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
            Class::Last => self.last,
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
            let head = tail.extend(packed);
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
            if head_word.compare_exchange_weak(packed, next.pack(), Ordering::AcqRel, Ordering::Relaxed).is_ok() {
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
        let next_lap = self.lap_after(units);
        if units + words > next_lap { next_lap } else { units }
    }

    /// Returns where the next lap begins.
    #[inline]
    pub(super) const fn lap_after(&self, units: u64) -> u64 {
        (units | self.mask) + 1
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
        let second_word = u64::from(kind) << 32 | u64::from(crc);
        second.store(second_word, Ordering::Relaxed);
        third.store(seq, Ordering::Relaxed);
        if let Store::Mirrored(file) = &self.store {
            // Before it is published: when it is freed, its place is another record's.
            file.write_record(start, [record::committed(units, payload.len()), second_word, seq], payload);
        }
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

    #[inline]
    pub(super) fn ends(&self) -> (Cursor, Cursor) {
        let tail = self.tail();
        (tail, tail.extend(self.word(at::HEAD).load(Ordering::Acquire)))
    }

    #[inline]
    pub(super) fn word(&self, index: usize) -> &AtomicU64 {
        &self.block.words()[index]
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn data(&self, units: u64) -> &AtomicU64 {
        &self.block.words()[HEADER_WORDS + (units & self.mask) as usize]
    }
}

#[cfg(all(test, lastword_loom))]
#[path = "ring_loom.rs"]
mod models;
#[cfg(all(test, not(lastword_loom)))]
#[path = "ring_tests.rs"]
mod tests;
