//! Sums of fractions that are the same in any order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};

/// Billionths, of which a sum is exact: sums of floats depend on the order of what is added.
///
/// A number beyond 10^18 counts as that much, so that as many as there can be don't come to more than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fixed(i128);

const BILLIONTHS: f64 = 1e9;
const MAX: f64 = 1e18;

impl Fixed {
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn of(number: f64) -> Self {
        Self((number.clamp(-MAX, MAX) * BILLIONTHS).round() as i128)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn get(self) -> f64 {
        // Exact where the number of billionths is: 0.1 three times is 0.3.
        self.0 as f64 / BILLIONTHS
    }
}

/// As a text: numbers of JSON have no more than 64 bits that all readers read.
impl Serialize for Fixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Fixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_exact_in_any_order_and_bounded() {
        let sum = |numbers: &[f64]| {
            let mut sum = Fixed::default();
            numbers.iter().for_each(|number| sum.add(Fixed::of(*number)));
            sum.get()
        };
        assert_eq!(sum(&[0.1, 0.2, 1e15, -1e15]), 0.3);
        assert_eq!(sum(&[1e15, 0.2, -1e15, 0.1]), 0.3);
        assert_eq!(sum(&[1e300, f64::MAX]), 2e18);
        let text = serde_json::to_string(&Fixed::of(1e18)).unwrap();
        assert_eq!(serde_json::from_str::<Fixed>(&text).unwrap(), Fixed::of(1e18));
    }
}
