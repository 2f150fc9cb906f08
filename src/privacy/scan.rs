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
/// So many digits are in at least one of the blocks that the number of a card lies in.
const CARD_DIGITS_A_BLOCK: u64 = 7;
/// How far before its block the number of a card may begin.
const CARD_REACH: usize = 24;

/// What is to be seen in a block.
struct Marks {
    /// Bytes at which something may be anchored: all bits of each.
    anchors: u128,
    /// Bytes of words.
    words: u128,
    digits: u64,
}

impl Marks {
    /// Looks at a block and the byte behind it.
    #[inline(always)]
    fn of(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Self {
        let (mut anchors, mut words, mut digits) = ([0_u8; BLOCK], [0_u8; BLOCK], [0_u8; BLOCK]);
        for at in 0..BLOCK {
            let (byte, next) = (block[at], next[at]);
            let (lower, next_lower) = (byte | 0x20, next | 0x20);
            let alone =
                (byte == b'@') | (byte == b'=') | (byte == b':') | (byte == b'+') | (byte == b'\\') | (byte == b'~');
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
            digits: sum(u128::from_le_bytes(digits)),
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
    if bytes.len() <= BLOCK {
        let word = short(bytes);
        scan.block(0, &word.to_le_bytes(), &(word >> 8).to_le_bytes());
    }
    let mut at = 0;
    while let (Some(block), Some(next)) = (block_at(bytes, at), block_at(bytes, at + 1)) {
        scan.block(at, block, next);
        at += BLOCK;
    }
    // The last block lies over the one before it, so that it is whole. Nothing is anchored at the very last byte.
    if let (Some(start), true) = (bytes.len().checked_sub(BLOCK + 1), at < bytes.len())
        && let (Some(block), Some(next)) = (block_at(bytes, start), block_at(bytes, start + 1))
    {
        scan.block(start, block, next);
    }
    if scan.found.is_empty() { scan.found } else { in_order(scan.found) }
}

/// Up to sixteen bytes as a number, zeros behind them: a zero is nothing.
#[inline]
fn short(bytes: &[u8]) -> u128 {
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let shift = 8 * (bytes.len() - 8);
            // Where the two lie over one another they are the same.
            u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << shift
        }
        _ => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u128::from(byte)),
    }
}

/// The sum of sixteen bytes that are zero or one.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
const fn sum(ones: u128) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    ((ones as u64 + (ones >> 64) as u64).wrapping_mul(ONES)) >> 56
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
    #[inline(always)]
    fn block(&mut self, at: usize, block: &[u8; BLOCK], next: &[u8; BLOCK]) {
        let marks = Marks::of(block, next);
        if marks.is_something() {
            self.look(at, &marks);
        }
    }

    /// Looks closely at what is to be seen in the block that begins there.
    #[inline(never)]
    fn look(&mut self, at: usize, marks: &Marks) {
        #[allow(clippy::cast_possible_truncation)]
        for (half, words) in [(0, marks.words as u64), (BLOCK / 2, (marks.words >> 64) as u64)] {
            if words == u64::MAX {
                self.words(at + half);
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

    /// Looks at what begins in half a block of nothing but words, or up to seven bytes before it, for tokens. One that is
    /// long enough to count has such a half within it, no later.
    fn words(&mut self, half: usize) {
        let (bytes, first) = (self.bytes, half.saturating_sub(BLOCK / 2 - 1).max(self.words_done));
        let window = half
            .checked_sub(BLOCK / 2)
            .and_then(|at| Some((block_at(bytes, at)?, block_at(bytes, at.checked_sub(1)?)?)));
        let mut begins = [0_u8; BLOCK];
        let from = if let Some((block, before)) = window {
            for at in 0..BLOCK {
                begins[at] = 0_u8.wrapping_sub(u8::from(is_alnum(block[at]) & !is_alnum(before[at])));
            }
            half - BLOCK / 2
        } else {
            let before = |at: usize| at.checked_sub(1).map_or(0, |before| bytes[before]);
            for (at, &byte) in bytes.iter().enumerate().take(BLOCK) {
                begins[at] = 0_u8.wrapping_sub(u8::from(is_alnum(byte) & !is_alnum(before(at))));
            }
            0
        };
        let mut begins = u128::from_le_bytes(begins);
        while begins != 0 {
            let place = begins.trailing_zeros() as usize / 8;
            begins &= !(0xff << (8 * place));
            let at = from + place;
            if at >= first
                && let Some(found) = shapes::token_at(bytes, at)
            {
                self.words_done = found.end;
                self.found.push(found);
            }
        }
        self.words_done = self.words_done.max((half + BLOCK / 2).min(from + BLOCK));
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

#[inline(always)]
const fn is_alnum(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10)
}
