//! Numbers of cards and telephones.

use super::anchors::before_of;
use super::scan::Found;

/// Digits of a card's number.
pub(super) const CARD_DIGITS_MIN: usize = 13;
const CARD_DIGITS_MAX: usize = 19;
/// Digits of a telephone number in international form (E.164).
const PHONE_DIGITS_MIN: usize = 8;
const PHONE_DIGITS_MAX: usize = 15;

/// Returns the number of a card that begins with this digit, which may have single blanks or dashes in it. Other numbers may
/// stand behind it: the date to which it is valid, or one that has nothing to do with it.
pub(super) fn card_at(bytes: &[u8], start: usize) -> Option<Found> {
    // Most digits are few: what they are is looked at only if there are as many as a card has.
    let (mut count, mut at) = (0, start);
    let mut ends = [start; 1 + CARD_DIGITS_MAX - CARD_DIGITS_MIN];
    let mut known = 0;
    loop {
        let byte = bytes.get(at).copied().unwrap_or_default();
        if byte.is_ascii_digit() {
            count += 1;
            if count > CARD_DIGITS_MAX {
                break;
            }
        } else {
            // Each is behind another digit, so that there is room.
            if count >= CARD_DIGITS_MIN
                && let Some(end) = ends.get_mut(known)
            {
                *end = at;
                known += 1;
            }
            if !matches!(byte, b' ' | b'-') || !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                break;
            }
        }
        at += 1;
    }
    let end = ends[..known].iter().rev().copied().find(|&end| is_card(bytes, start, end))?;
    Some(Found { start, end, rule: "card" })
}

/// Whether these digits, as many as a card has, are the number of one.
#[cold]
fn is_card(bytes: &[u8], start: usize, end: usize) -> bool {
    let mut digits = [0_u8; CARD_DIGITS_MAX];
    let (mut count, mut group, mut groups) = (0, 0_usize, [0_usize; 5]);
    for &byte in &bytes[start..end] {
        if byte.is_ascii_digit() {
            if let (Some(digit), Some(size)) = (digits.get_mut(count), groups.get_mut(group)) {
                *digit = byte - b'0';
                *size += 1;
            }
            count += 1;
        } else {
            group += 1;
        }
    }
    let bounded = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let dotted = bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    let before = before_of(bytes, start);
    let is_alone =
        bounded(before.as_ref()) && !matches!(before, Some(b'.' | b'-' | b'+')) && bounded(bytes.get(end)) && !dotted;
    is_alone && is_grouped(&groups, group) && is_issued(&digits[..count]) && passes_luhn(&digits[..count])
}

/// In one piece, in fours, or as four, six and five.
fn is_grouped(groups: &[usize; 5], last: usize) -> bool {
    match last {
        0 => true,
        2 => matches!(groups[..3], [4, 6, 4 | 5]),
        3 | 4 => groups[..last].iter().all(|&size| size == 4) && groups[last] <= 4,
        _ => false,
    }
}

/// Whether a network issues numbers of this length that begin so: it keeps most other long numbers out.
fn is_issued(digits: &[u8]) -> bool {
    let head = digits[..4].iter().fold(0, |head, &digit| head * 10 + u32::from(digit));
    match digits.len() {
        13 | 19 => digits[0] == 4,
        14 => matches!(head, 3000..=3059 | 3600..=3699 | 3800..=3999),
        15 => matches!(head, 3400..=3499 | 3700..=3799),
        16 => {
            digits[0] == 4 || matches!(head, 5100..=5599 | 2221..=2720 | 6011 | 6440..=6599 | 3528..=3589 | 6200..=6299)
        }
        _ => false,
    }
}

/// The sum of digits by which mistyped numbers are found (ISO/IEC 7812-1).
fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit @ 0..5) => 2 * digit,
            (_, digit) => 2 * digit - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Returns the telephone number that begins with this `+`, which is so many bytes.
pub(super) fn phone_at(bytes: &[u8], plus: usize, sign: usize) -> Option<Found> {
    if before_of(bytes, plus).is_some_and(|before| before.is_ascii_alphanumeric() || matches!(before, b'+' | b'_')) {
        return None;
    }
    let (mut count, mut end, mut at) = (0, plus, plus + sign);
    // Where the last piece ended with which it could be all.
    let mut known = None;
    if !matches!(bytes.get(at), Some(b'1'..=b'9')) {
        return None;
    }
    let mut separators = 0;
    loop {
        match bytes.get(at) {
            Some(b'0'..=b'9') => {
                count += 1;
                separators = 0;
                end = at + 1;
            }
            Some(b' ' | b'-' | b'.' | b'(' | b')' | b'/') if separators < 2 => {
                separators += 1;
                known = Some(end).filter(|_| count >= PHONE_DIGITS_MIN);
            }
            _ => break,
        }
        at += 1;
        if count > PHONE_DIGITS_MAX {
            // The number of something else follows.
            return known.map(|end| Found { start: plus, end, rule: "phone" });
        }
    }
    let goes_on = match &bytes[end..] {
        [b'x', b'0'..=b'9', ..] | [b'e', b'x', b't', ..] => false,
        [byte, ..] => byte.is_ascii_alphanumeric() || *byte == b'_',
        [] => false,
    };
    ((PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&count) && !goes_on).then_some(Found {
        start: plus,
        end,
        rule: "phone",
    })
}
