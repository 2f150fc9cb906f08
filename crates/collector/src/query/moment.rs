//! A moment, as queries take it and answers give it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::clock;

/// A moment in UTC, exact to the microsecond. It is written as RFC 3339.
///
/// ```
/// use lastword_collector::query::Moment;
/// let moment = Moment::parse("2026-11-20T11:20:34+02:00").unwrap();
/// assert_eq!(moment.to_string(), "2026-11-20T09:20:34.000000Z");
/// assert_eq!(Moment::parse("2026-11-20"), Moment::parse("2026-11-20T00:00:00Z"));
/// assert!(Moment::parse("15m").unwrap() < Moment::now());
/// assert_eq!(Moment::parse("yesterday"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub(crate) i64);

impl Moment {
    /// Returns the present moment.
    #[must_use]
    pub fn now() -> Self {
        Self(clock::now_us())
    }

    /// Reads RFC 3339, a day (`2026-11-20`, its beginning in UTC), or how long ago: `90s`, `15m`, `2h`, `7d`, `2w`. `None` if it is none of these.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        clock::parse_when(text, clock::now_us()).map(Self)
    }

    /// Makes a moment of microseconds since 1970 in UTC.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since 1970 in UTC.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clock::format(self.0))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
