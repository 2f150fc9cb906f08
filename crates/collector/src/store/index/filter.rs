//! Which texts may be among the events of a batch: a Bloom filter of all runs of three bytes, letters of ASCII in lower case.
//!
//! It narrows a search for any piece of text down to few batches, and is never wrong about one that has it. An index of words would find
//! whole words and their beginnings only, and would cost many times as much to write.

use crate::limits::{FILTER_BYTES_MAX, FILTER_BYTES_MIN, FILTER_TEXT_RATIO};

/// Makes the filter of some texts. Its length is a power of two.
pub(crate) fn of<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Vec<u8> {
    let bytes: usize = texts.clone().map(str::len).sum();
    let size = (bytes / FILTER_TEXT_RATIO).next_power_of_two().clamp(FILTER_BYTES_MIN, FILTER_BYTES_MAX);
    let mut filter = vec![0_u8; size];
    for text in texts {
        let mut run = 0_u32;
        for (place, byte) in text.bytes().enumerate() {
            run = (run << 8 | u32::from(byte.to_ascii_lowercase())) & 0x00ff_ffff;
            if place >= 2 {
                let (byte, bit) = place_of(run, size);
                // The place is within the filter: it was taken modulo its size.
                if let Some(byte) = filter.get_mut(byte) {
                    *byte |= bit;
                }
            }
        }
    }
    filter
}

/// Where the bit of a run of three bytes is.
fn place_of(run: u32, size: usize) -> (usize, u8) {
    let hash = run.wrapping_mul(0x9e37_79b1);
    let hash = (hash ^ hash >> 15) as usize;
    (hash >> 3 & (size - 1), 1 << (hash & 7))
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
    fn what_is_too_short_says_nothing() {
        assert!(Needle::new("ab").is_none());
        assert!(Needle::new("").is_none());
    }
}
