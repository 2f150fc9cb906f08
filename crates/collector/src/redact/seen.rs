//! Texts that were looked at and are harmless: events of a request are much alike, and what is in one is mostly in the next.

/// How many are remembered. More would only be more to prepare for each request.
const PLACES: usize = 256;
/// The longest that is remembered: longer ones seldom come again.
const TEXT_BYTES_MAX: usize = 48;

/// Some of the texts that were found harmless, each at the one place that it may have.
pub(super) struct Seen(Vec<String>);

impl Seen {
    pub(super) fn new() -> Self {
        Self(vec![String::new(); PLACES])
    }

    /// Returns whether this very text was added. It may have been forgotten since.
    #[inline]
    pub(super) fn has(&self, text: &str) -> bool {
        place_of(text).and_then(|place| self.0.get(place)).is_some_and(|seen| seen == text)
    }

    /// Remembers a text in place of another one.
    pub(super) fn add(&mut self, text: &str) {
        if let Some(seen) = place_of(text).and_then(|place| self.0.get_mut(place)) {
            seen.clear();
            seen.push_str(text);
        }
    }
}

/// Returns the place of a text by its length and its ends; the shortest have none, they are looked at as fast.
#[inline]
fn place_of(text: &str) -> Option<usize> {
    let (first, last) = (text.as_bytes().first_chunk()?, text.as_bytes().last_chunk()?);
    let ends = u32::from_le_bytes(*first) ^ u32::from_le_bytes(*last).rotate_left(15);
    let hash = (ends ^ u32::try_from(text.len()).ok()?.rotate_left(9)).wrapping_mul(0x9e37_79b1);
    (text.len() <= TEXT_BYTES_MAX).then_some(hash as usize >> 8 & (PLACES - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_that_was_added_is_known() {
        let mut seen = Seen::new();
        let texts: Vec<String> = (0..2_000).map(|number| format!("gen_ai.{number}.tokens")).collect();
        for text in &texts {
            assert!(!seen.has(text), "{text}");
            seen.add(text);
            assert!(seen.has(text), "{text}");
        }
        for text in ["", "ok", &"long".repeat(40)] {
            seen.add(text);
            assert!(!seen.has(text), "{text}");
        }
        assert!(texts.iter().filter(|text| seen.has(text)).count() <= PLACES);
    }
}
