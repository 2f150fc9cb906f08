//! Finds what must not leave in a text, in one pass.
//!
//! A text is looked at in lines of 64 bytes: what each byte is, is a bit in a word. Where a token may begin, a number of a
//! card, an address, is then known by a few operations on words, and is nowhere in nearly all lines of nearly all texts.
//! What there is to see is looked at closely, where it stands. Each look goes no further than a bound, or leaves what it
//! went through behind for good, so that the work is linear in the length.

use super::anchors;
use super::digits;
use super::shapes;
use crate::sys::{Classes, LINE_BYTES, Look};

/// What was found: from where to where, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: &'static str,
}

/// How bytes are told apart. Some classes hold bytes that nobody asked for, because a class is a rectangle in the table of
/// bytes; `Line::of` takes them out by other classes, or a close look does.
const CLASSES: Classes = Classes::new([
    // 0 to 9.
    (1 << 3, 0x3ff),
    // Letters: A to O, a to o; P to Z, p to z.
    (1 << 4 | 1 << 6, 0xfffe),
    (1 << 5 | 1 << 7, 0x7ff),
    // - . ] ^
    (1 << 2 | 1 << 5, 1 << 0xd | 1 << 0xe),
    // . / ^ _
    (1 << 2 | 1 << 5, 1 << 0xe | 1 << 0xf),
    // : < = @ \ and, beside some that are letters and digits, ]
    (1 << 3 | 1 << 4 | 1 << 5, 1 | 1 << 0xa | 1 << 0xc | 1 << 0xd),
    // % + ~ and . / u {
    (1 << 2 | 1 << 7, 1 << 5 | 1 << 0xb | 1 << 0xe | 1 << 0xf),
    // B b
    (1 << 4 | 1 << 6, 1 << 2),
]);

/// What the bytes of a line are: a bit each.
#[derive(Clone, Copy)]
struct Line {
    digits: u64,
    alnum: u64,
    /// Letters, digits, and what stands between them in a word: `-`, `.`, `_`.
    words: u64,
    slashes: u64,
    dashes: u64,
    /// What something is anchored at whatever stands beside it.
    anchors: u64,
    /// `B` and `b`.
    bs: u64,
}

impl Line {
    #[inline]
    const fn of([digits, letters, more_letters, three, four, five, six, bs]: [u64; 8]) -> Self {
        let alnum = digits | letters | more_letters;
        let slashes = four & six & !three;
        Self {
            digits,
            alnum,
            words: alnum | ((three | four) & !(five | slashes)),
            slashes,
            dashes: three & !(four | five),
            anchors: (five | (six & !(three | four))) & !alnum,
            bs,
        }
    }

    /// Returns where something may begin that must not leave: tokens, numbers of cards, and all that has an anchor. What
    /// goes on at the end of the line is taken to go on for long enough.
    #[inline]
    const fn places(&self, before: &Before) -> Places {
        let begins = self.alnum & !(self.alnum << 1 | before.alnum);
        let dashes = self.dashes & !(self.dashes << 1 | before.dashes) & more::<2>(self.dashes);
        let roots = self.slashes & !(self.words << 1 | before.words);
        let tokens = begins & !self.digits & more::<TOKEN_BYTES_MIN>(self.words);
        let mut cards = begins & more::<CARD_GROUP_MIN>(self.digits);
        if cards != 0 {
            cards &= more::<{ digits::CARD_DIGITS_MIN }>(self.digits | !self.alnum);
        }
        Places { tokens, cards, anchors: self.anchors | dashes | roots | (self.bs & begins) }
    }

    #[inline]
    const fn last(&self) -> Before {
        let last = LINE_BYTES - 1;
        Before { alnum: self.alnum >> last, words: self.words >> last, dashes: self.dashes >> last }
    }
}

/// What the byte before a line is.
#[derive(Clone, Copy, Default)]
struct Before {
    alnum: u64,
    words: u64,
    dashes: u64,
}

/// No token is shorter.
pub(super) const TOKEN_BYTES_MIN: usize = 16;
/// Texts of so many bytes are looked at as one number.
const SHORT_BYTES_MAX: usize = 12;
/// The number of a card begins with so many digits at the least.
const CARD_GROUP_MIN: usize = 4;

/// Where something may begin.
struct Places {
    tokens: u64,
    cards: u64,
    anchors: u64,
}

/// Returns the bits from which on there are so many, or all to the end.
#[inline]
const fn more<const COUNT: usize>(bits: u64) -> u64 {
    // The highest bit stands for all that would follow.
    let mut bits = bits.cast_signed();
    let mut known = 1;
    while known < COUNT {
        let step = if known < COUNT - known { known } else { COUNT - known };
        bits &= bits >> step;
        known += step;
    }
    bits.cast_unsigned()
}

/// Returns whether there is something in a text that must not leave.
#[inline]
pub(super) fn has_something(text: &str) -> bool {
    let bytes = text.as_bytes();
    if let Some(word) = short(bytes) {
        // So short a text has no token and no number of a card, and `Bearer` and what follows are longer.
        let mut anchors = false;
        for byte in word.to_le_bytes() {
            anchors |= matches!(byte, b'@' | b'=' | b':' | b'+' | b'\\' | b'/' | b'-' | b'<' | b'%');
        }
        if !anchors {
            return false;
        }
    }
    CLASSES.lines(bytes, Whether { bytes, before: Before::default(), found: false }).found
}

/// Up to twelve bytes as a number, zeros behind them.
#[inline]
fn short(bytes: &[u8]) -> Option<u128> {
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        _ if bytes.len() > SHORT_BYTES_MAX => None,
        (Some(first), Some(last)) => {
            // Where the two lie over one another they are the same.
            let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
            Some(u128::from(first) | u128::from(last) << (8 * (bytes.len() - 8)))
        }
        _ => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
                Some(u128::from(first) | u128::from(last) << (8 * (bytes.len() - 4)))
            }
            // Nothing is as short as that: `pw=x` is not.
            _ => Some(0),
        },
    }
}

/// Returns what there is in a text that must not leave, in the order of where it stands, none over another.
pub(super) fn find(text: &str) -> Vec<Found> {
    let scan = Scan { bytes: text.as_bytes(), ..Scan::default() };
    in_order(CLASSES.lines(scan.bytes, scan).found)
}

/// Sorts what was found and makes one of what overlaps: the one that begins first gives its name.
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

/// Looks whether there is anything.
struct Whether<'t> {
    bytes: &'t [u8],
    before: Before,
    found: bool,
}

impl Look for Whether<'_> {
    #[inline(always)]
    fn look(&mut self, at: usize, planes: [u64; 8]) {
        let (bytes, line) = (self.bytes, Line::of(planes));
        let places = line.places(&self.before);
        self.before = line.last();
        let mut found = self.found;
        each(places.tokens, at, |at| {
            found = found || (shapes::may_begin(bytes, at) && shapes::token_at(bytes, at).is_some());
        });
        each(places.cards, at, |at| found = found || digits::card_at(bytes, at).is_some());
        each(places.anchors, at, |at| {
            found = found || (anchors::may_be(bytes, at) && anchors::at(bytes, at, false).is_some());
        });
        self.found = found;
    }
}

/// Looks for all that there is.
#[derive(Default)]
struct Scan<'t> {
    bytes: &'t [u8],
    found: Vec<Found>,
    before: Before,
    /// Up to where what was found reaches.
    tokens_done: usize,
    cards_done: usize,
    anchors_done: usize,
    headers_done: usize,
    keys_done: usize,
}

impl Look for Scan<'_> {
    #[inline(always)]
    fn look(&mut self, at: usize, planes: [u64; 8]) {
        let (bytes, line) = (self.bytes, Line::of(planes));
        let places = line.places(&self.before);
        self.before = line.last();
        each(places.tokens, at, |at| {
            take(&mut self.found, &mut self.tokens_done, at, || shapes::token_at(bytes, at));
        });
        each(places.cards, at, |at| {
            take(&mut self.found, &mut self.cards_done, at, || digits::card_at(bytes, at));
        });
        each(places.anchors, at, |at| {
            if at >= self.anchors_done {
                // The rest of a line is not looked at for where it ends again, but for what else there is in it.
                let Some(found) = anchors::at(bytes, at, at < self.headers_done) else { return };
                let is_line = matches!(found.rule, "authorization" | "cookie");
                let done = if is_line { &mut self.headers_done } else { &mut self.anchors_done };
                *done = found.end.max(*done);
                self.found.push(found);
            } else if bytes[at] == b'-' {
                // It is the only thing that may reach far behind what it begins in.
                take(&mut self.found, &mut self.keys_done, at, || anchors::private_key(bytes, at));
                self.anchors_done = self.anchors_done.max(self.keys_done);
            }
        });
    }
}

/// Takes what is found at a place, unless the place lies in what was found by the same kind of look already: what begins in
/// front of an anchor may reach far behind it.
#[inline]
fn take(all: &mut Vec<Found>, done: &mut usize, at: usize, look: impl FnOnce() -> Option<Found>) {
    if at >= *done
        && let Some(found) = look()
    {
        *done = found.end.max(*done);
        all.push(found);
    }
}

/// Goes through the bits that are set, as places.
#[inline(always)]
fn each(mut bits: u64, from: usize, mut look: impl FnMut(usize)) {
    while bits != 0 {
        look(from + bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}
