//! The reading end: look, read, free, go to sleep. For one reader at a time.

use super::cursor::Cursor;
use super::layout::at;
use super::record::{self, First, Record, words_of};
use super::ring::Ring;
use crate::sync::Ordering;

/// What stands at a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// A record, and the place behind it. Its number is that of the cursor, or larger where records before it were torn.
    Record(Record, Cursor),
    /// A place was taken here, and the record is still being written.
    Unpublished,
    /// Nothing yet.
    Empty,
}

/// A stretch of a recovered queue in which no record can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) from: u64,
    /// Where the record stands that comes next.
    pub(super) to: Cursor,
}

impl Ring {
    /// Returns the place of the oldest record that was not freed.
    #[inline]
    #[must_use]
    pub fn tail(&self) -> Cursor {
        // The sequence is read first and written last: it may be older than the units, which only makes room look less.
        let seq = self.word(at::TAIL_SEQ).load(Ordering::Acquire);
        Cursor { units: self.word(at::TAIL_UNITS).load(Ordering::Acquire), seq }
    }

    /// Looks at what stands at a cursor.
    #[must_use]
    pub fn peek(&self, mut cursor: Cursor) -> Peek {
        loop {
            if let Some(hole) = self.hole_at(cursor) {
                cursor = hole.to;
            }
            let head = self.ends().1;
            if head.units <= cursor.units {
                return Peek::Empty;
            }
            let first = self.data(cursor.units).load(Ordering::Acquire);
            match record::parse(first, cursor.units) {
                First::Other => return Peek::Unpublished,
                First::Padding => cursor.units = self.lap_after(cursor.units),
                First::Committed { len } => {
                    let second = self.data(cursor.units + 1).load(Ordering::Relaxed);
                    let (kind, crc) = record::halves(second);
                    let record = Record { seq: cursor.seq, kind, len, units: cursor.units, crc };
                    return Peek::Record(record, Cursor { units: cursor.units + words_of(len), seq: cursor.seq + 1 });
                }
            }
        }
    }

    /// Returns the place behind the last record of those that were published one after another from `from` on.
    #[must_use]
    pub fn published(&self, from: Cursor) -> Cursor {
        let tail = self.tail();
        let mut cursor = if from.seq < tail.seq { tail } else { from };
        while let Peek::Record(_, next) = self.peek(cursor) {
            cursor = next;
        }
        cursor
    }

    #[inline]
    fn hole_at(&self, cursor: Cursor) -> Option<Hole> {
        // Only a recovered queue has any.
        let holes = self.holes();
        if holes.is_empty() {
            return None;
        }
        holes.binary_search_by_key(&cursor.units, |hole| hole.from).ok().map(|place| holes[place])
    }

    /// Appends the payload of a record to `out`; returns whether it is what was pushed. To be called before the record is
    /// freed.
    #[must_use]
    pub fn read(&self, record: &Record, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.reserve(record.len.next_multiple_of(8));
        let first = record.units + record::HEADER_WORDS;
        for unit in first..record.units + words_of(record.len) {
            out.extend_from_slice(&self.data(unit).load(Ordering::Relaxed).to_le_bytes());
        }
        out.truncate(start + record.len);
        let seed = record::crc_seed(self.nonce(), record.units, record.seq, record.kind, record.len);
        crc32c::crc32c_append(seed, &out[start..]) == record.crc
    }

    /// Frees all records before a cursor, and brings what was kept in the header into the file: before there is room for
    /// others, as nobody who finds the file looks further than once around from the tail that is in it.
    pub fn free(&self, cursor: Cursor) {
        self.save_tail(cursor);
        self.save();
        self.word(at::TAIL_UNITS).store(cursor.units, Ordering::Release);
        self.word(at::TAIL_SEQ).store(cursor.seq, Ordering::Release);
    }

    /// Asks to be woken by the push that makes the push counter exceed `seq`; `u64::MAX` asks not to be. Returns the
    /// push counter, read afterwards: if it exceeds `seq` already, no push may wake the reader any more.
    #[must_use = "what was pushed before wakes nobody"]
    pub fn wake_at(&self, seq: u64) -> u64 {
        self.word(at::WAKE_AT).store(seq, Ordering::Release);
        // A write to the head, though it changes nothing: see the invariant in the module's documentation.
        self.tail().extend(self.word(at::HEAD).fetch_add(0, Ordering::AcqRel)).seq
    }
}
