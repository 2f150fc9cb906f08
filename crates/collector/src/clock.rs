//! The only reader of the clock, and the forms in which moments are written.
//!
//! A moment is an `i64` of microseconds since 1970 in UTC, as the protocol's timestamps have six digits.

use std::time::Duration;

use lastword::clock::Timestamp;
use lastword::wire::write_timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The first moment that RFC 3339 can write: the beginning of the year 0.
pub(crate) const FIRST_US: i64 = -62_167_219_200_000_000;
/// The last one: the end of the year 9999.
pub(crate) const LAST_US: i64 = 253_402_300_799_999_999;

/// Returns the present moment.
pub(crate) fn now_us() -> i64 {
    to_us(OffsetDateTime::now_utc())
}

fn to_us(moment: OffsetDateTime) -> i64 {
    // A year of four digits has 18 digits of microseconds at most, so nothing is cut.
    i64::try_from(moment.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// Returns the moment that is so many seconds after 1970; `None` beyond the years of four digits.
pub(crate) fn of_seconds(seconds: f64) -> Option<i64> {
    const YEAR_10000: f64 = 253_402_300_800.0;
    if !(-62_167_219_200.0..YEAR_10000).contains(&seconds) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "it was looked at above")]
    let moment_us = (seconds * 1e6).round() as i64;
    Some(moment_us)
}

/// Reads RFC 3339 with any number of digits of fraction and any offset; `None` if it is something else.
pub(crate) fn parse(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(to_us)
}

/// Writes a moment as RFC 3339 in UTC with six digits of fraction.
pub(crate) fn format(moment_us: i64) -> String {
    // Nearly all moments are of times since 1970, which the library writes without going through the parts of a format.
    if let Some(nanos) = u64::try_from(moment_us).ok().and_then(|micros| micros.checked_mul(1000)) {
        let mut text = Vec::with_capacity(27);
        write_timestamp(&mut text, Timestamp::from_unix_nanos(nanos));
        return String::from_utf8(text).unwrap_or_default();
    }
    let Ok(moment) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment_us) * 1000) else {
        return moment_us.to_string();
    };
    let (hour, minute, second, micro) = moment.to_hms_micro();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z", moment.date())
}

/// Reads a moment as people name it: RFC 3339, or how long before `now_us` (`90s`, `15m`, `2h`, `7d`, `2w`).
pub(crate) fn parse_when(text: &str, now_us: i64) -> Option<i64> {
    // A day alone is its beginning in UTC.
    let day = || (text.len() == 10).then(|| parse(&format!("{text}T00:00:00Z"))).flatten();
    if let Some(moment) = parse(text).or_else(day) {
        return Some(moment);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ago_us = digits.parse::<i64>().ok()?.checked_mul(seconds)?.checked_mul(1_000_000)?;
    now_us.checked_sub(ago_us)
}

/// Returns the milliseconds since a moment; 0 where the clock was set back since.
#[allow(clippy::cast_precision_loss, reason = "a duration of years still has its microseconds")]
pub(crate) fn millis_since(moment_us: i64) -> f64 {
    now_us().saturating_sub(moment_us).max(0) as f64 / 1e3
}

/// Returns the moment that is `ago` before `now_us`.
pub(crate) fn before(now_us: i64, ago: Duration) -> i64 {
    now_us.saturating_sub(i64::try_from(ago.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_without_a_fraction_is_read_as_one_with_zeros() {
        assert_eq!(parse("2026-11-20T09:20:34Z"), parse("2026-11-20T09:20:34.000000Z"));
        assert_eq!(parse("2026-11-20T09:20:34.502124Z"), Some(1_795_166_434_502_124));
    }

    #[test]
    fn an_offset_is_brought_to_utc_and_what_was_read_is_written_with_six_digits() {
        let moment = parse("2026-11-20T11:20:34.5+02:00").unwrap();
        assert_eq!(format(moment), "2026-11-20T09:20:34.500000Z");
        for text in [
            "0000-01-01T00:00:00.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "1970-01-01T00:00:00.000000Z",
            "2400-02-29T23:59:59.999999Z",
            "2554-07-21T23:34:33.709551Z",
            "2554-07-21T23:34:33.709552Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn what_is_no_timestamp_is_not_read() {
        for text in ["", "now", "2026-11-20", "2026-11-20T09:20:34", "2026-13-20T09:20:34Z", "1795166434"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_relative_moment_is_counted_back() {
        assert_eq!(parse_when("15m", 1_000_000_000), Some(100_000_000));
        assert_eq!(parse_when("2026-11-20T09:20:34Z", 0), parse("2026-11-20T09:20:34Z"));
        for text in ["m", "-5m", "15", "1y", "99999999999999999h", "1 h", "1é"] {
            assert_eq!(parse_when(text, 0), None, "{text}");
        }
    }
}
