//! Finding again what stands in a block that another process has left, in whatever state.
//!
//! Nothing that is found there is believed but what carries its own proof: a record has its position in its first word,
//! and a checksum over its position, number, kind, length and bytes. The head is not looked at. The tail is kept twice,
//! each with a check; it only says what need not be delivered again. Where neither can be read, everything that
//! still stands in the block is found: rather twice than not at all.
//!
//! **The work is bounded, whatever the bytes are**: each word is looked at a few times at most, and the bytes that
//! checksums are computed over in vain are counted ([`VAIN_LAPS_MAX`]).

use super::cursor::Cursor;
use super::layout::{HEADER_WORDS, MAGIC, READERS_MAX, VERSION, at};
use super::reader::Hole;
use super::record::{self, First, Record, words_of};
use super::ring::Ring;
use crate::sync::{AtomicU64, Ordering};
use crate::sys::Block;

/// Bytes that checksums may be computed over in vain, in sizes of the data. Of what a ring leaves, hardly any are: it
/// takes bytes that somebody has made up.
const VAIN_LAPS_MAX: u64 = 8;

/// Positions that are believed: far more than a queue lives to see, and far from where sums overflow.
const UNITS_MAX: u64 = 1 << 60;
/// Numbers of records that are believed, for the same reason.
const SEQ_MAX: u64 = 1 << 60;

/// Why a block is not readable as a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It never was one, or its first bytes are damaged.
    #[error("it does not begin as a queue does")]
    NoQueue,
    /// Another version of this library has written it.
    #[error("it has version {0} of the format, and this program reads version {VERSION}")]
    Version(u64),
    /// Its size does not fit what it says of itself.
    #[error("it says that it has {0} words of data, which it can't have")]
    Size(u64),
    /// It had records, or nobody can say that it had none, and none of them can be read.
    #[error("none of its records can be read")]
    Records,
    /// The text that says whose it is can't be read.
    #[error("what says whose it is is damaged")]
    Label,
}

/// What was found in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Records that can be read.
    pub records: u64,
    /// Numbers that were given to records which can't be read: they were being written at the end, or are damaged.
    pub torn: u64,
    /// Of these, the ones whose records had been written: something has changed them since.
    pub damaged: u64,
}

/// Reads how many words of data a queue has from its first words.
///
/// # Errors
///
/// It is no queue, or none of this version.
pub(super) fn data_words(header: &[AtomicU64]) -> Result<usize, Unreadable> {
    let word = |place: usize| header.get(place).map_or(0, |word| word.load(Ordering::Relaxed));
    // No version is 0: that is what stands there before a queue does, or where the file is cut off.
    if word(at::MAGIC) != MAGIC || word(at::VERSION) == 0 {
        return Err(Unreadable::NoQueue);
    }
    if word(at::VERSION) != VERSION {
        return Err(Unreadable::Version(word(at::VERSION)));
    }
    let data = word(at::DATA_WORDS);
    // Positions are counted in 32 bits, within two laps.
    if !data.is_power_of_two() || !(8..=1 << 30).contains(&data) {
        return Err(Unreadable::Size(data));
    }
    usize::try_from(data).map_err(|_| Unreadable::Size(data))
}

/// Finds what stands in a block. The queue that comes of it can be read and freed, and takes what is pushed behind it.
///
/// # Errors
///
/// It is not readable as a queue at all.
pub fn recover(block: Block) -> Result<(Ring, Found), Unreadable> {
    let data = data_words(block.words())?;
    if block.words().len() != HEADER_WORDS + data {
        return Err(Unreadable::Size(data as u64));
    }
    let mut finder = Finder { words: block.words(), mask: data as u64 - 1, vain: 0, bytes: Vec::new() };
    let walk = finder.walk();
    if walk.has_lost_all() {
        return Err(Unreadable::Records);
    }
    let ring = Ring::of_block(block, walk.tail, walk.end, walk.holes.into());
    for (place, cursor) in walk.readers.into_iter().enumerate() {
        // A place that is none, or behind the tail, is as good as none.
        ring.save_reader(place, cursor.filter(|cursor| cursor.seq >= walk.tail.seq).unwrap_or(walk.tail));
    }
    Ok((ring, Found { records: walk.records, torn: walk.torn, damaged: walk.damaged }))
}

/// Looks for records among words that may be anything.
struct Finder<'a> {
    words: &'a [AtomicU64],
    mask: u64,
    /// Bytes that checksums were computed over in vain.
    vain: u64,
    bytes: Vec<u8>,
}

/// What a walk through the block has found so far.
#[derive(Default)]
struct Walk {
    /// No tail is whole: a new queue has two.
    is_without_tail: bool,
    tail: Cursor,
    end: Cursor,
    holes: Vec<Hole>,
    records: u64,
    torn: u64,
    damaged: u64,
    readers: [Option<Cursor>; READERS_MAX],
}

/// Numbers that were given, and no record with them can be read.
struct Missing {
    from: Cursor,
    missing: u64,
}

impl Finder<'_> {
    fn word(&self, place: usize) -> u64 {
        self.words[place].load(Ordering::Acquire)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn data(&self, units: u64) -> u64 {
        self.word(HEADER_WORDS + (units & self.mask) as usize)
    }

    /// Goes from the tail once around.
    fn walk(&mut self) -> Walk {
        let saved = self.saved_tail();
        let start = saved.map_or_else(|| self.oldest(), |tail| tail.units);
        let mut walk = Walk::default();
        walk.is_without_tail = saved.is_none();
        walk.tail = saved.unwrap_or(Cursor { units: start, seq: 0 });
        walk.end = walk.tail;
        let claimed = std::array::from_fn(|place| self.reader(place));
        walk.note_readers(&claimed);
        let mut known = saved.is_some();
        let (mut at, limit) = (start, start + self.mask + 1);
        while at < limit {
            let Some((record, end)) = self.record(at) else {
                at += 1;
                continue;
            };
            if known && !walk.could_follow(&record) {
                self.vain += words_of(record.len) * 8;
                at += 1;
                continue;
            }
            if !known {
                // Where the tail is not known, the first record tells.
                walk.tail = Cursor { units: record.units, seq: record.seq };
                walk.end = walk.tail;
                known = true;
            }
            if let Some(hole) = walk.add(&record, end) {
                walk.damaged += self.damaged(hole.from, hole.missing, record.units);
            }
            walk.note_readers(&claimed);
            at = end.units;
        }
        if saved.is_some() {
            let head = walk.tail.extend(self.word(at::HEAD));
            let torn = walk.torn_at_the_end(head, limit);
            walk.torn += torn;
            walk.damaged += self.damaged(walk.end, torn, head.units.min(limit));
        }
        walk
    }

    /// Returns the later one of the tails that were kept whole.
    fn saved_tail(&self) -> Option<Cursor> {
        let saved = at::TAILS_SAVED.into_iter().filter_map(|place| {
            let cursor = Cursor { units: self.word(place), seq: self.word(place + 1) };
            let is_whole = self.word(place + 2) == cursor.check();
            (is_whole && cursor.units <= UNITS_MAX && cursor.seq <= SEQ_MAX).then_some(cursor)
        });
        saved.max_by_key(|cursor| cursor.units)
    }

    fn reader(&self, place: usize) -> Cursor {
        Cursor { units: self.word(at::READERS + 2 * place), seq: self.word(at::READERS + 2 * place + 1) }
    }

    /// Finds from where on everything may be there that still stands in the block: one lap before the end of the latest
    /// record.
    fn oldest(&mut self) -> u64 {
        let (mut at, mut latest) = (0, 0);
        while at <= self.mask {
            match self.record_of_any_lap(at) {
                Some(end) => {
                    latest = latest.max(end);
                    at = ((end - 1) & self.mask) + 1;
                }
                None => at += 1,
            }
        }
        latest.saturating_sub(self.mask + 1)
    }

    /// Looks for a record in this place of the data, of whatever lap; returns where it ends.
    fn record_of_any_lap(&mut self, place: u64) -> Option<u64> {
        let units = record::units(self.data(place));
        if units & self.mask != place {
            return None;
        }
        self.record(units).map(|(_, end)| end.units)
    }

    /// Returns how many of the `missing` numbers from a place on, up to `end`, were given to records that had been written. One
    /// that was being written says so in its first word, and of one that was not begun nothing is there.
    fn damaged(&self, from: Cursor, missing: u64, end: u64) -> u64 {
        if missing == 0 {
            return 0;
        }
        let (mut written, mut being_written) = (0, 0);
        for units in from.units..end {
            let first = self.data(units);
            if record::is_reserved(first, units) {
                being_written += 1;
                continue;
            }
            // The number of a record stands in its third word; where nothing ever stood there is 0.
            let seq = self.data(units + 2);
            let has_number = (from.seq..from.seq + missing).contains(&seq) && first | self.data(units + 1) != 0;
            let is_committed = matches!(record::parse(first, units), First::Committed { .. });
            written += u64::from(has_number || is_committed);
        }
        missing.saturating_sub(being_written).min(written)
    }

    /// Looks for a whole record that stands at `units`; returns it and what follows it.
    fn record(&mut self, units: u64) -> Option<(Record, Cursor)> {
        let First::Committed { len } = record::parse(self.data(units), units) else { return None };
        let (words, rest) = (words_of(len), self.mask + 1 - (units & self.mask));
        if words > rest || self.vain / 8 > VAIN_LAPS_MAX * (self.mask + 1) {
            return None;
        }
        let (kind, crc) = record::halves(self.data(units + 1));
        let seq = self.data(units + 2);
        self.bytes.clear();
        for unit in units + record::HEADER_WORDS..units + words {
            let word = self.data(unit).to_le_bytes();
            self.bytes.extend_from_slice(&word);
        }
        self.bytes.truncate(len);
        let seed = record::crc_seed(self.word(at::NONCE), units, seq, kind, len);
        if crc32c::crc32c_append(seed, &self.bytes) != crc || seq > SEQ_MAX {
            self.vain += words * 8;
            return None;
        }
        Some((Record { seq, kind, len, units, crc }, Cursor { units: units + words, seq: seq + 1 }))
    }
}

impl Walk {
    /// Returns whether nothing was found where there has been something: what the check of every record depends on may be
    /// damaged. A queue that had freed records has at least told these.
    const fn has_lost_all(&self) -> bool {
        self.records == 0 && (self.is_without_tail || (self.tail.seq == 0 && self.torn > 0))
    }

    /// Returns whether a record may stand behind what was found: its number is the next, or leaves out no more than there
    /// would have been room for.
    fn could_follow(&self, record: &Record) -> bool {
        let room = (record.units - self.end.units) / record::HEADER_WORDS;
        record.seq.checked_sub(self.end.seq).is_some_and(|missing| missing <= room)
    }

    /// Returns how many numbers had been given behind the last record that can be read, if `head` can be believed.
    fn torn_at_the_end(&self, head: Cursor, limit: u64) -> u64 {
        let room = head.units.min(limit).saturating_sub(self.end.units) / record::HEADER_WORDS;
        Some(head.seq.saturating_sub(self.end.seq)).filter(|missing| *missing <= room).unwrap_or(0)
    }

    /// Adds a record; returns what is missing before it, where something is.
    fn add(&mut self, record: &Record, end: Cursor) -> Option<Missing> {
        let here = Cursor { units: record.units, seq: record.seq };
        let from = std::mem::replace(&mut self.end, end);
        self.records += 1;
        if here == from {
            return None;
        }
        let missing = here.seq - from.seq;
        self.torn += missing;
        self.holes.push(Hole { from: from.units, to: here });
        Some(Missing { from, missing })
    }

    /// Keeps which readers were here.
    fn note_readers(&mut self, claimed: &[Cursor; READERS_MAX]) {
        for (known, claimed) in self.readers.iter_mut().zip(claimed) {
            if *claimed == self.end {
                *known = Some(*claimed);
            }
        }
    }
}

#[cfg(test)]
#[path = "recover_crafted.rs"]
mod crafted;
#[cfg(test)]
#[path = "recover_power_cut.rs"]
mod power_cut;
#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;
