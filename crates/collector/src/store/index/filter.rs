//! Which texts may be among the events of a batch: a Bloom filter of all runs of three bytes, letters of ASCII in lower case.
//!
//! It narrows a search for any piece of text down to few batches, and is never wrong about one that has it. An index of words would find
//! whole words and their beginnings only, and would cost many times as much to write.

use memchr::memchr;

use crate::limits::{FILTER_BYTES_MAX, FILTER_BYTES_MIN, FILTER_TEXT_RATIO};

/// How long the runs are that are looked for.
const RUN_BYTES: usize = 3;

/// Makes the filter of some texts. Its length is a power of two.
pub(crate) fn of<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Vec<u8> {
    let bytes: usize = texts.clone().map(str::len).sum();
    let size = (bytes / FILTER_TEXT_RATIO).next_power_of_two().clamp(FILTER_BYTES_MIN, FILTER_BYTES_MAX);
    let mut filter = vec![0_u8; size];
    let mut before: &[u8] = &[];
    for text in texts {
        add_unlike(&mut filter, text.as_bytes(), before);
        before = text.as_bytes();
    }
    filter
}

/// Adds the runs of a text that are not in the one before it, whose runs are there: events of a batch are much alike, but for ids and
/// figures. Where they differ, both are gone on with at their next comma.
fn add_unlike(filter: &mut [u8], text: &[u8], before: &[u8]) {
    let (mut rest, mut other) = (text, before);
    loop {
        let same = same_bytes(rest, other);
        // The last two bytes that are the same begin runs that are not.
        let unlike = &rest[same.saturating_sub(RUN_BYTES - 1)..];
        let (behind, other_behind) = (&rest[same..], &other[same..]);
        let (Some(comma), Some(other_comma)) = (memchr(b',', behind), memchr(b',', other_behind)) else {
            return add(filter, unlike);
        };
        (rest, other) = (&behind[comma..], &other_behind[other_comma..]);
        let runs_end = unlike.len() - rest.len();
        add(filter, &unlike[..unlike.len().min(runs_end + RUN_BYTES - 1)]);
    }
}

/// Returns how many bytes two texts begin with that are the same.
fn same_bytes(text: &[u8], other: &[u8]) -> usize {
    let (chunks, others) = (text.as_chunks::<16>().0, other.as_chunks::<16>().0);
    let whole = 16 * chunks.iter().zip(others).take_while(|(chunk, other)| chunk == other).count();
    whole + text[whole..].iter().zip(&other[whole..]).take_while(|(byte, other)| byte == other).count()
}

/// Adds all runs of a text.
fn add(filter: &mut [u8], text: &[u8]) {
    let size = filter.len();
    let mut run = 0;
    for (place, byte) in text.iter().enumerate() {
        run = (run << 8 | u32::from(byte.to_ascii_lowercase())) & 0x00ff_ffff;
        if place + 1 >= RUN_BYTES {
            let (byte, bit) = place_of(run, size);
            // The place is within the filter: it was taken modulo its size.
            if let Some(byte) = filter.get_mut(byte) {
                *byte |= bit;
            }
        }
    }
}

/// Where the bit of a run of three bytes is.
fn place_of(run: u32, size: usize) -> (usize, u8) {
    let hash = hash_of(run) as usize;
    (hash >> 3 & (size - 1), 1 << (hash & 7))
}

fn hash_of(run: u32) -> u32 {
    let hash = run.wrapping_mul(0x9e37_79b1);
    hash ^ hash >> 15
}

/// A text that is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Needle(Vec<u32>);

impl Needle {
    /// Returns what is looked for, `None` if the text is too short to say anything.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let bytes: Vec<u8> = text.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
        let run = |run: &[u8]| run.iter().fold(0, |run, byte| run << 8 | u32::from(*byte));
        let mut runs: Vec<u32> = bytes.windows(3).map(run).collect();
        runs.sort_unstable();
        runs.dedup();
        (!runs.is_empty()).then_some(Self(runs))
    }

    /// Returns the hashes of what is looked for, for who looks into filters as [`place_of`] does.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn hashes(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|run| hash_of(*run))
    }

    /// Returns whether the text may be where this filter was made of.
    pub(crate) fn may_be_in(&self, filter: &[u8]) -> bool {
        // What is no filter of ours says nothing.
        if !filter.len().is_power_of_two() {
            return true;
        }
        self.0.iter().all(|run| {
            let (byte, bit) = place_of(*run, filter.len());
            filter.get(byte).is_none_or(|byte| byte & bit != 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_piece_of_a_text_is_looked_for_is_found_in_either_case() {
        let text = r#"{"error_message":"Größe: connection REFUSED by 10.0.0.1","event_id":"018f3a1b-2c4d"}"#;
        let filter = of([text, "x"].into_iter());
        for begin in (0..text.len()).filter(|place| text.is_char_boundary(*place)) {
            for end in (begin + 3..=text.len()).filter(|place| text.is_char_boundary(*place)) {
                let piece = &text[begin..end];
                for piece in [piece.to_owned(), piece.to_ascii_uppercase(), piece.to_ascii_lowercase()] {
                    assert!(Needle::new(&piece).unwrap().may_be_in(&filter), "{piece}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_is_not_there_is_nearly_always_known_not_to_be() {
        let texts: Vec<String> = (0..100)
            .map(|n| format!(r#"{{"event_name":"tool_call.finished","number":{n},"path":"src/lib.rs"}}"#))
            .collect();
        let filter = of(texts.iter().map(String::as_str));
        let words = ["timeout", "refused", "anthropic", "segfault", "database", "unicorn", "elephant", "kitchen"];
        let found = words.iter().filter(|word| Needle::new(word).unwrap().may_be_in(&filter)).count();
        assert_eq!(found, 0);
    }

    #[test]
    fn the_filter_of_texts_is_that_of_every_run_in_them() {
        let texts = [
            r#"{"event_id":"a1","trace":"4bf92f3577b34da6","n":12.5,"name":"chat gpt-4o","end":true}"#,
            r#"{"event_id":"a22","trace":"4bf92f3577b34da7","n":8,"name":"Chat GPT-4o, or so","end":true}"#,
            r#"{"event_id":"a22","trace":"4bf92f3577b34da7","n":8,"name":"Chat GPT-4o, or so","end":true}"#,
            r#"{"event_id":"a22","more":[1,,,2],"n":8,"name":"Chat","#,
            ",",
            "",
            "ab,cd",
            "ax,cd",
            "axy,,cd,é",
            "no comma at all",
        ];
        // Whatever stands before a text, and whatever its runs are.
        for first in texts {
            for second in texts {
                let mut runs = vec![0_u8; FILTER_BYTES_MIN];
                for run in [first, second].iter().flat_map(|text| text.as_bytes().windows(3)) {
                    let (byte, bit) = place_of(
                        run.iter().fold(0, |run, byte| run << 8 | u32::from(byte.to_ascii_lowercase())),
                        runs.len(),
                    );
                    runs[byte] |= bit;
                }
                assert_eq!(of([first, second].into_iter()), runs, "{first} {second}");
            }
        }
    }

    #[test]
    fn what_is_too_short_says_nothing() {
        assert!(Needle::new("ab").is_none());
        assert!(Needle::new("").is_none());
    }
}
