//! How long: a number and a unit, as in `30s`.

use std::time::Duration;

/// The text says no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a whole number and a unit, from ms, s, m, h, d, w: 30s, 15m, 7d")]
pub(crate) struct ParseDurationError;

/// Reads a length of time.
///
/// # Errors
///
/// The text is something else, or more than can be counted.
pub(crate) fn duration(text: &str) -> Result<Duration, ParseDurationError> {
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let millis: u64 = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return Err(ParseDurationError),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseDurationError);
    }
    let number: u64 = digits.parse().map_err(|_| ParseDurationError)?;
    number.checked_mul(millis).map(Duration::from_millis).ok_or(ParseDurationError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit_is_a_length_of_time_and_nothing_else_is() {
        for (text, seconds) in
            [("30s", 30), ("15m", 900), ("2h", 7_200), ("7d", 604_800), (" 2w ", 1_209_600), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for text in
            ["", "s", "30", "-1s", "+1s", "1.5h", "1y", "1 s", "99999999999999999999s", "999999999999999w", "1é"]
        {
            assert_eq!(duration(text), Err(ParseDurationError), "{text}");
        }
    }
}
