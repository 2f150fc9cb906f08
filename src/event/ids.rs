//! Ids of traces and spans: numbers that are written in hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};

/// The text is no id of a trace or a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id must have {digits} hexadecimal digits, not all of them 0")]
pub struct ParseIdError {
    digits: usize,
}

fn parse(text: &str, digits: usize) -> Result<u128, ParseIdError> {
    let number = (text.len() == digits).then(|| number_of(text.as_bytes())).flatten();
    number.filter(|number| *number != 0).ok_or(ParseIdError { digits })
}

/// Reads hexadecimal digits. Ids are read with each event of a trace, and which digits are letters can't be foreseen: so by a table, and
/// whether all were digits is looked at once.
fn number_of(digits: &[u8]) -> Option<u128> {
    let mut seen = 0;
    let number = digits.chunks(16).fold(0, |number, chunk| {
        let read = chunk.iter().fold(0_u64, |read, digit| {
            let value = NIBBLES[usize::from(*digit)];
            seen |= value;
            read << 4 | u64::from(value & 0xf)
        });
        number << 64 | u128::from(read)
    });
    (seen <= 0xf).then_some(number)
}

/// The value of each digit; of what is none, [`u8::MAX`].
const NIBBLES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        values[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $number:ty, $digits:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// Makes an id of its number; `None` for 0, which is no id.
            #[must_use]
            pub const fn new(number: $number) -> Option<Self> {
                if number == 0 { None } else { Some(Self(number)) }
            }

            /// An id that is known to be one.
            pub(crate) const fn known(number: $number) -> Self {
                Self(number)
            }

            /// Returns its number.
            #[must_use]
            pub const fn number(self) -> $number {
                self.0
            }

            /// Returns its bytes, the first digits first.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; $digits / 2] {
                self.0.to_be_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!(concat!("{:0", $digits, "x}"), self.0))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let number = parse(text, $digits)?;
                <$number>::try_from(number).map(Self).map_err(|_| ParseIdError { digits: $digits })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

id!(
    /// The id of a trace: 32 hexadecimal digits. With `{:.8}` the first eight, for people.
    ///
    /// ```
    /// use lastword::trace::TraceId;
    /// let id: TraceId = "0af7651916cd43dd8448eb211c80319c".parse()?;
    /// assert_eq!(id.to_string(), "0af7651916cd43dd8448eb211c80319c");
    /// assert_eq!(format!("{id:.8}"), "0af76519");
    /// assert_eq!("0af7".parse::<TraceId>().unwrap_err().to_string(), "an id must have 32 hexadecimal digits, not all of them 0");
    /// # Ok::<(), lastword::trace::ParseIdError>(())
    /// ```
    TraceId, u128, 32
);
id!(
    /// The id of a span: 16 hexadecimal digits. With `{:.8}` the first eight, for people.
    SpanId, u64, 16
);
