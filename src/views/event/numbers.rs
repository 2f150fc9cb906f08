//! Amounts as whole numbers, so that a sum of them is the same in any order.

use super::datum::Datum;

/// Reads a duration in milliseconds as nanoseconds; `None` for what is no duration: negative, or no number.
pub(crate) fn nanos_of_millis(millis: &Datum<'_>) -> Option<u64> {
    scaled(millis.number()?, 1e6)
}

/// Reads dollars as billionths of one.
pub(crate) fn nanos_of_dollars(dollars: &Datum<'_>) -> Option<u64> {
    scaled(dollars.number()?, 1e9)
}

/// A cast keeps within the bounds of what it is cast to: what is too much is the most there can be.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn scaled(number: f64, by: f64) -> Option<u64> {
    (number >= 0.0).then(|| (number * by).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact_and_what_is_none_is_none() {
        assert_eq!(nanos_of_millis(&Datum::Float(1523.45)), Some(1_523_450_000));
        assert_eq!(nanos_of_millis(&Datum::Unsigned(0)), Some(0));
        assert_eq!(nanos_of_dollars(&Datum::Float(0.001)), Some(1_000_000));
        for none in [Datum::Signed(-1), Datum::Float(-0.5), Datum::Null, Datum::Float(f64::NAN)] {
            assert_eq!(nanos_of_millis(&none), None, "{none:?}");
        }
        assert_eq!(nanos_of_dollars(&Datum::Float(1e300)), Some(u64::MAX), "bounded, whatever is said");
    }
}
