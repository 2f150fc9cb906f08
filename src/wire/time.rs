//! Times and durations as text, by arithmetic on whole numbers.

use std::io::Write;
use std::time::Duration;

use crate::clock::Timestamp;

/// 9999-12-31T23:59:59.999999Z: RFC 3339 has four digits for the year.
const MICROS_MAX: u64 = 253_402_300_799_999_999;
/// From the March in which years are counted from, to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;
/// Days of 400 years.
const DAYS_OF_ERA: u64 = 146_097;

/// Appends a time as RFC 3339 has it: in UTC, with six digits of fraction, 27 bytes.
///
/// ```
/// use lastword::clock::Timestamp;
///
/// let mut text = Vec::new();
/// lastword::wire::write_timestamp(&mut text, Timestamp::from_unix_nanos(1_700_000_000_000_001_999));
/// assert_eq!(text, b"2023-11-14T22:13:20.000001Z");
/// ```
#[inline]
pub fn write_timestamp(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&rfc3339(time.unix_nanos() / 1_000));
}

/// Appends how long a session lasted: `H:MM:SS`, and six digits of fraction where there is one. Hours are not folded
/// into days.
///
/// ```
/// use std::time::Duration;
///
/// let mut text = Vec::new();
/// lastword::wire::write_duration(&mut text, Duration::from_micros(90_001_000_005));
/// assert_eq!(text, b"25:00:01.000005");
/// ```
pub fn write_duration(out: &mut Vec<u8>, duration: Duration) {
    let (seconds, micros) = (duration.as_secs(), duration.subsec_micros());
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    // Writing to a `Vec` does not fail.
    let _ = write!(out, "{hours}:{minutes:02}:{seconds:02}");
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
    }
}

/// Reads a time that [`write_timestamp`] wrote; `None` for every other text, which may be a time in another form.
pub(crate) fn read_timestamp(text: &str) -> Option<Timestamp> {
    let text: &[u8; 27] = text.as_bytes().try_into().ok()?;
    let number = |place: std::ops::Range<usize>| {
        text[place].iter().fold(0, |number, digit| number * 10 + u64::from(digit.wrapping_sub(b'0')))
    };
    let days = days_of(number(0..4), number(5..7), number(8..10))?;
    let seconds = days * 86_400 + number(11..13) * 3_600 + number(14..16) * 60 + number(17..19);
    let unix_micros = seconds * 1_000_000 + number(20..26);
    // Whatever was no digit, no month or no day comes out as another text.
    (rfc3339(unix_micros) == *text).then(|| Timestamp::from_unix_nanos(unix_micros.saturating_mul(1_000)))
}

fn rfc3339(unix_micros: u64) -> [u8; 27] {
    let unix_micros = unix_micros.min(MICROS_MAX);
    let (seconds, micros) = (unix_micros / 1_000_000, unix_micros % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    two_digits(&mut text, 0, year / 100);
    two_digits(&mut text, 2, year % 100);
    two_digits(&mut text, 5, month);
    two_digits(&mut text, 8, day);
    two_digits(&mut text, 11, second / 3_600);
    two_digits(&mut text, 14, second / 60 % 60);
    two_digits(&mut text, 17, second % 60);
    two_digits(&mut text, 20, micros / 10_000);
    two_digits(&mut text, 22, micros / 100 % 100);
    two_digits(&mut text, 24, micros % 100);
    text
}

/// Turns days since 1970-01-01 into year, month and day.
///
/// Years are counted from March here, so that the day that leap years add is the last of its year, and in eras of 400
/// years, which all have the same number of days: "chrono-compatible low-level date algorithms", Howard Hinnant.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, carry) = if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    (era * 400 + year_of_era + carry, month, day)
}

/// Turns a text of [`civil`]'s year, month and day back into days since 1970-01-01; `None` before that. What is no date becomes
/// some other day.
const fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    // From March on again.
    let Some(year) = year.checked_sub((month <= 2) as u64) else { return None };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * DAYS_OF_ERA + day_of_era).checked_sub(DAYS_TO_1970 + 1)
}

#[inline]
fn two_digits(text: &mut [u8; 27], at: usize, number: u64) {
    debug_assert!(number < 100);
    #[allow(clippy::cast_possible_truncation)]
    let number = number as u8;
    text[at] = b'0' + number / 10;
    text[at + 1] = b'0' + number % 10;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::format_description::BorrowedFormatItem;
    use time::macros::format_description;

    use super::*;

    const RFC3339: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

    fn of_the_time_crate(unix_micros: u64) -> String {
        let nanos = i128::from(unix_micros) * 1_000;
        time::OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap().format(RFC3339).unwrap()
    }

    fn ours(unix_micros: u64) -> String {
        String::from_utf8(rfc3339(unix_micros).to_vec()).unwrap()
    }

    fn duration(duration: Duration) -> String {
        let mut text = Vec::new();
        write_duration(&mut text, duration);
        String::from_utf8(text).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn a_time_is_written_as_the_time_crate_writes_it(micros in 0..=MICROS_MAX) {
            prop_assert_eq!(ours(micros), of_the_time_crate(micros));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn a_time_that_was_written_is_read_back(micros in 0..=u64::MAX / 1_000) {
            let time = Timestamp::from_unix_nanos(micros.min(MICROS_MAX) * 1_000);
            prop_assert_eq!(read_timestamp(&ours(micros)), Some(time));
        }

        #[test]
        fn a_text_is_read_as_the_time_crate_reads_it_or_not_at_all(
            micros in 0..=u64::MAX / 1_000,
            place in 0_usize..27,
            with in prop_oneof!["[0-9]", "[ -~]", "\\PC"],
        ) {
            let mut text = ours(micros);
            text.replace_range(place..=place, &with);
            if let Some(time) = read_timestamp(&text) {
                let other = time::OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc3339);
                let nanos = u64::try_from(other.unwrap().unix_timestamp_nanos()).unwrap_or(u64::MAX);
                prop_assert_eq!(nanos, time.unix_nanos());
            }
        }
    }

    #[test]
    fn no_time_of_another_form_is_read() {
        for text in [
            "",
            "2026-11-25T10:00:00Z",
            "2026-11-25t10:00:00.000000Z",
            "2026-02-29T10:00:00.000000Z",
            "2026-00-10T10:00:00.000000Z",
            "2026-01-00T10:00:00.000000Z",
            "2026-13-10T10:00:00.000000Z",
            "2026-11-25T23:59:60.000000Z",
            "2026-11-25T24:00:00.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "0000-01-01T00:00:00.000000Z",
        ] {
            assert_eq!(read_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_until_the_year_9999_is_the_day_that_the_time_crate_says() {
        const JULIAN_DAY_OF_1970: i32 = 2_440_588;
        for day in 0..=i32::try_from(MICROS_MAX / 86_400_000_000).unwrap() {
            let (year, month, of_month) =
                time::Date::from_julian_day(JULIAN_DAY_OF_1970 + day).unwrap().to_calendar_date();
            let expected = (u64::try_from(year).unwrap(), u64::from(u8::from(month)), u64::from(of_month));
            assert_eq!(civil(u64::try_from(day).unwrap()), expected);
        }
    }

    #[test]
    fn a_time_beyond_the_year_9999_is_the_last_moment_of_it() {
        assert_eq!(ours(MICROS_MAX + 1), "9999-12-31T23:59:59.999999Z");
        assert_eq!(ours(u64::MAX), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn a_duration_has_hours_and_no_days_and_a_fraction_only_where_there_is_one() {
        assert_eq!(duration(Duration::ZERO), "0:00:00");
        assert_eq!(duration(Duration::from_secs(5)), "0:00:05");
        assert_eq!(duration(Duration::from_micros(5_000_001)), "0:00:05.000001");
        assert_eq!(duration(Duration::from_secs(25 * 3_600 + 1)), "25:00:01");
        assert_eq!(duration(Duration::new(243 * 3_600, 5_000)), "243:00:00.000005");
        assert_eq!(duration(Duration::from_nanos(999)), "0:00:00", "what is less than a microsecond is cut");
    }
}
