//! How a bad value is shown to who sent it.

use crate::limits::QUOTE_CHARS_MAX;

/// Returns the beginning of a value, on one line. A blank one is in quotes: else a sentence would have a gap in its place.
pub(crate) fn quote(value: &str) -> String {
    let shown = |character: char| if character.is_control() { ' ' } else { character };
    let mut quoted: String = value.chars().take(QUOTE_CHARS_MAX).map(shown).collect();
    if value.chars().nth(QUOTE_CHARS_MAX).is_some() {
        quoted.push('…');
    }
    if quoted.trim().is_empty() { format!("\"{quoted}\"") } else { quoted }
}
