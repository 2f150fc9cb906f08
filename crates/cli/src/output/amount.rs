//! Amounts in words: how old, how large, how many.

use std::time::Duration;

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
}
