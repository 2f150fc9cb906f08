//! Finds what must not leave in a text, in one pass.
//!
//! A text is looked at sixteen bytes at a time, with code that the compiler turns into vector instructions. In nearly all
//! blocks of nearly all texts nothing is to be seen: no byte at which a secret is anchored, no long word, not many digits.
//! What there is to see is then looked at closely, where it stands. Each look goes no further than a bound, or leaves what
//! it went through behind for good, so that the work is linear in the length.

use super::anchors;
use super::digits;
use super::shapes;

/// What was found: from where to where, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: &'static str,
}

const BLOCK: usize = 16;
/// The shortest token that is known by its beginning is longer. A word of 15 bytes or more covers half of a block.
const TOKEN_BYTES_MIN: usize = 16;
/// So many digits are in at least one of the blocks that the number of a card lies in.
const CARD_DIGITS_A_BLOCK: u32 = 7;
/// How far before its block the number of a card may begin.
const CARD_REACH: usize = 24;

/// What is to be seen in a block.
struct Marks {
    /// Bytes at which something may be anchored: all bits of each.
    anchors: u128,
    /// Bytes of words.
    words: u128,
    digits: u32,
}

impl Marks {
    /// Looks at a block and the byte behind it.
    #[inline(always)]
    fn of(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Self {
        let (mut anchors, mut words, mut digits) = ([0_u8; BLOCK], [0_u8; BLOCK], [0_u8; BLOCK]);
        for at in 0..BLOCK {
            let (byte, next) = (block[at], next[at]);
            let (lower, next_lower) = (byte | 0x20, next | 0x20);
            let alone = (byte == b'@') | (byte == b'=') | (byte == b':') | (byte == b'+') | (byte == b'\\');
            let home = (byte == b'/') & ((next_lower == b'h') | (next_lower == b'u'));
            let dashes = (byte == b'-') & (next == b'-');
            let scheme = (lower == b'b') & ((next_lower == b'e') | (next_lower == b'a'));
            anchors[at] = 0_u8.wrapping_sub(u8::from(alone | home | dashes | scheme));
            let digit = byte.wrapping_sub(b'0') < 10;
            let mark = (byte == b'_') | (byte == b'-') | (byte == b'.') | (byte == b'~');
            words[at] = 0_u8.wrapping_sub(u8::from((lower.wrapping_sub(b'a') < 26) | digit | mark));
            digits[at] = u8::from(digit);
        }
        Self {
            anchors: u128::from_le_bytes(anchors),
            words: u128::from_le_bytes(words),
            digits: digits.iter().map(|&digit| u32::from(digit)).sum(),
        }
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    const fn is_something(&self) -> bool {
        let (low, high) = (self.words as u64, (self.words >> 64) as u64);
        (self.anchors != 0) | (low == u64::MAX) | (high == u64::MAX) | (self.digits >= CARD_DIGITS_A_BLOCK)
    }
}

/// Returns what there is in a text that must not leave, in the order of where it stands, none over another.
#[inline]
pub(super) fn find(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut scan = Scan { bytes, found: Vec::new(), words_done: 0, digits_done: 0, anchors_done: 0 };
    let mut at = 0;
    while let (Some(block), Some(next)) = (block_at(bytes, at), block_at(bytes, at + 1)) {
        let marks = Marks::of(block, next);
        if marks.is_something() {
            scan.look(at, &marks);
        }
        at += BLOCK;
    }
    while at < bytes.len() {
        // The last bytes, with zeros behind them: a zero is nothing.
        let mut last = [0; BLOCK + 1];
        let rest = &bytes[at..];
        let length = rest.len().min(BLOCK + 1);
        last[..length].copy_from_slice(&rest[..length]);
        if let (Some(block), Some(next)) = (block_at(&last, 0), block_at(&last, 1)) {
            let marks = Marks::of(block, next);
            if marks.is_something() {
                scan.look(at, &marks);
            }
        }
        at += BLOCK;
    }
    if scan.found.is_empty() { scan.found } else { in_order(scan.found) }
}

#[inline(always)]
fn block_at(bytes: &[u8], at: usize) -> Option<&[u8; BLOCK]> {
    bytes.get(at..at + BLOCK)?.try_into().ok()
}

/// Sorts what was found and makes one of what overlaps: the one that begins first gives its name.
#[cold]
fn in_order(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|one| (one.start, usize::MAX - one.end));
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match kept.last_mut() {
            Some(last) if one.start < last.end => last.end = last.end.max(one.end),
            _ => kept.push(one),
        }
    }
    kept
}

struct Scan<'t> {
    bytes: &'t [u8],
    found: Vec<Found>,
    /// Up to where words, digits and anchors were looked at.
    words_done: usize,
    digits_done: usize,
    anchors_done: usize,
}

impl Scan<'_> {
    /// Looks closely at what is to be seen in the block that begins there.
    #[inline(never)]
    fn look(&mut self, at: usize, marks: &Marks) {
        #[allow(clippy::cast_possible_truncation)]
        for (half, words) in [(0, marks.words as u64), (BLOCK / 2, (marks.words >> 64) as u64)] {
            if words == u64::MAX {
                self.word(at + half);
            }
        }
        if marks.digits >= CARD_DIGITS_A_BLOCK {
            self.cards(at);
        }
        let mut anchors = marks.anchors;
        while anchors != 0 {
            let place = anchors.trailing_zeros() as usize / 8;
            anchors &= !(0xff << (8 * place));
            self.anchor(at + place);
        }
    }

    fn anchor(&mut self, at: usize) {
        if at < self.anchors_done {
            return;
        }
        if let Some(found) = anchors::at(self.bytes, at) {
            // What begins in front of an anchor may reach far behind it; nothing in there is looked at again.
            self.anchors_done = self.anchors_done.max(found.end);
            self.found.push(found);
        }
    }

    /// Looks at the word around a place for what begins a token.
    fn word(&mut self, inside: usize) {
        if inside < self.words_done {
            return;
        }
        let bytes = self.bytes;
        let before = bytes[self.words_done..inside].iter().rev().take_while(|byte| is_of_word(**byte)).count();
        let start = inside - before;
        self.words_done = inside + BLOCK / 2;
        if !bytes.get(start + TOKEN_BYTES_MIN - 1).is_some_and(|byte| is_of_word(*byte)) {
            return;
        }
        // What an escape (`\n`, `%3D`) leaves at the front of a word is no part of a token.
        let escape = match start.checked_sub(1).map(|before| bytes[before]) {
            Some(b'\\') => 1,
            Some(b'%') => 2,
            _ => 0,
        };
        let found = shapes::token_at(bytes, start).or_else(|| shapes::token_at(bytes, start + escape));
        let mut at = found.map_or(start, |found| found.end);
        self.found.extend(found);
        while let Some(byte) = bytes.get(at).filter(|byte| is_of_word(**byte)) {
            let token = match byte {
                b'~' => shapes::azure_at(bytes, at),
                b'_' | b'-' | b'.' => shapes::token_at(bytes, at + 1),
                _ => None,
            };
            at = token.map_or(at + 1, |found| found.end.max(at + 1));
            self.found.extend(token);
        }
        self.words_done = at;
    }

    /// Looks at the digits of a block, and what belongs to them, for numbers of cards.
    fn cards(&mut self, at: usize) {
        let end = self.bytes.len().min(at + BLOCK);
        let mut from = self.digits_done.max(at);
        // A number is looked at from its beginning.
        let reach = self.digits_done.max(from.saturating_sub(CARD_REACH));
        while from > reach && digits::is_of_card(self.bytes[from - 1]) {
            from -= 1;
        }
        while let Some((behind, found)) = digits::card_after(self.bytes, from, end) {
            self.found.extend(found);
            from = behind;
            self.digits_done = behind;
        }
    }
}

/// Whether a byte is part of words: a table, since many are asked about.
static OF_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~');
        byte += 1;
    }
    table
};

#[inline]
fn is_of_word(byte: u8) -> bool {
    OF_WORD[usize::from(byte)]
}
