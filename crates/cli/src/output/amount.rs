//! Amounts in words: how old, how large, how many.

use std::time::Duration;

pub(crate) use lastword::views::thousands;

/// Returns how long, in the largest unit of which there is one at least.
pub(crate) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let units = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)];
    let unit = units.into_iter().find(|(_, length)| seconds >= *length);
    unit.map_or_else(|| format!("{seconds}s"), |(unit, length)| format!("{}{unit}", seconds / length))
}

/// Returns a size in bytes in the unit that fits it.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, bits)) = units.into_iter().find(|(_, bits)| bytes >> bits > 0) else {
        return format!("{bytes} B");
    };
    let tenths = (u128::from(bytes) * 10) >> bits;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Returns how many there are of what `one` or `many` names.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Returns how many there are, with a sign between thousands.
pub(crate) fn count_of(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// Returns a number in at most five columns: `999`, `1.2k`, `345k`, `6.7M`.
pub(crate) fn compact(number: u64) -> String {
    let units = [('E', 18), ('P', 15), ('T', 12), ('G', 9), ('M', 6), ('k', 3)];
    let Some((unit, zeros)) = units.into_iter().find(|(_, zeros)| number >= 10_u64.pow(*zeros)) else {
        return number.to_string();
    };
    let tenths = number / 10_u64.pow(zeros - 1);
    if tenths >= 1_000 { format!("{}{unit}", tenths / 10) } else { format!("{}.{}{unit}", tenths / 10, tenths % 10) }
}

/// Returns a duration in milliseconds as people say it: `0.4ms`, `427ms`, `1.5s`, `2m31s`, `3h05m`.
pub(crate) fn millis(ms: f64) -> String {
    let ms = ms.max(0.0);
    // Rounded before the unit is chosen, so that nothing is 1000ms or 60.0s.
    if ms < 9.95 {
        return format!("{ms:.1}ms");
    }
    if ms < 999.5 {
        return format!("{ms:.0}ms");
    }
    if ms < 59_950.0 {
        return format!("{:.1}s", ms / 1_000.0);
    }
    let seconds = Duration::try_from_secs_f64((ms / 1_000.0).round()).map_or(u64::MAX, |duration| duration.as_secs());
    if seconds < 3_600 {
        return format!("{}m{:02}s", seconds / 60, seconds % 60);
    }
    format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60)
}

/// Returns a number with one decimal, and a sign between thousands.
pub(crate) fn one_decimal(number: f64) -> String {
    let tenths = rounded(number * 10.0);
    format!("{}.{}", thousands(tenths / 10), tenths % 10)
}

/// Returns the nearest whole number; 0 for what is less.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast stays within what it is cast to")]
pub(crate) fn rounded(number: f64) -> u64 {
    number.round() as u64
}

/// Returns dollars, with four decimals.
pub(crate) fn dollars(dollars: f64) -> String {
    format!("${dollars:.4}")
}

/// Returns a ratio in per cent, or `-` where there is none.
pub(crate) fn percent(ratio: Option<f64>, decimals: usize) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.decimals$}%", ratio * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_told_in_the_unit_that_fits_it() {
        let ages = [0, 59, 60, 7_199, 7_200, 86_400, 604_799, 604_800].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["0s", "59s", "1m", "1h", "2h", "1d", "6d", "1w"]);
        let sizes = [0, 1_023, 1_024, 16_862_000, 1 << 30, u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "16.0 MiB", "1.0 GiB", "17179869183.9 GiB"]);
        assert_eq!([0, 1, 2].map(|number| count(number, "queue", "queues")), ["0 queues", "1 queue", "2 queues"]);
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!(
            [0, 999, 1_000, 9_999, 99_999, 100_000, 999_999, 1_000_000, u64::MAX].map(compact),
            ["0", "999", "1.0k", "9.9k", "99.9k", "100k", "999k", "1.0M", "18.4E"]
        );
        assert_eq!(
            (percent(Some(0.025), 2), percent(None, 0), dollars(0.001)),
            ("2.50%".into(), "-".into(), "$0.0010".into())
        );
    }

    #[test]
    fn a_duration_has_the_unit_that_fits_and_never_sixty_of_one() {
        let shown =
            [0.0, 0.42, 9.96, 427.0, 999.4, 999.6, 1_500.0, 59_949.0, 59_951.0, 151_000.0, 3_599_700.0, 11_100_000.0];
        assert_eq!(
            shown.map(millis),
            ["0.0ms", "0.4ms", "10ms", "427ms", "999ms", "1.0s", "1.5s", "59.9s", "1m00s", "2m31s", "1h00m", "3h05m"]
        );
    }
}
