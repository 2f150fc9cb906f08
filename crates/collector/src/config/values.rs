//! How a setting is written: lengths of time (`30s`), amounts of bytes (`64MiB`), networks (`10.0.0.0/8`).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text says no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a whole number and a unit, from ms, s, m, h, d, w: 30s, 15m, 7d")]
pub struct ParseDurationError;

/// The units of time, the largest first, with their milliseconds.
const UNITS: [(&str, u64); 6] =
    [("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a length of time.
///
/// ```
/// use std::time::Duration;
/// use lastword_collector::config::parse_duration;
/// assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
/// assert!(parse_duration("soon").is_err());
/// ```
///
/// # Errors
///
/// The text is something else, or more than can be counted.
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(ParseDurationError)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseDurationError);
    }
    let number: u64 = digits.parse().map_err(|_| ParseDurationError)?;
    number.checked_mul(*millis).map(Duration::from_millis).ok_or(ParseDurationError)
}

/// Writes a length of time in the largest unit, up to days, that it is a whole number of.
fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    let whole = UNITS[1..].iter().find(|(_, unit)| millis.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit))
}

/// A length of time in a file: for `#[serde(with = "..")]`.
pub(crate) mod span {
    use super::{Deserialize, Deserializer, Duration, Serializer, format_duration, parse_duration};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// An address and a port in a file: for `#[serde(with = "..")]`.
pub(crate) mod address {
    use super::{Deserialize, Deserializer, Serializer, SocketAddr};

    pub(crate) fn serialize<S: Serializer>(address: &SocketAddr, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    /// Names are not looked up: one may stand for several addresses, and one of them may be public.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        const RIGHT: &str = "use an IP address and a port, like 127.0.0.1:4318 or [::1]:4318";
        String::deserialize(deserializer)?.parse().map_err(|_| serde::de::Error::custom(RIGHT))
    }
}

/// Where OTLP is taken over gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrpcListen {
    /// Nowhere.
    Off,
    /// On this address.
    At(SocketAddr),
}

impl Serialize for GrpcListen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::At(address) => serializer.collect_str(address),
        }
    }
}

impl<'de> Deserialize<'de> for GrpcListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const RIGHT: &str = "use `off`, or an IP address and a port, like 127.0.0.1:4317";
        match String::deserialize(deserializer)?.as_str() {
            "off" => Ok(Self::Off),
            text => text.parse().map(Self::At).map_err(|_| serde::de::Error::custom(RIGHT)),
        }
    }
}

/// An amount of bytes: a number, or a number with a unit (`64KiB`, `64MiB`, `1GiB`; `kB`, `MB`, `GB` are powers of 1000).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) u64);

/// The units of bytes, the largest first among those that are written.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Bytes {
    /// Returns the amount as a length of what is in memory.
    pub(crate) fn len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Bytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "use a number of bytes, or a number and a unit, from B, KiB, MiB, GiB, TiB: 64MiB";
        let text = text.trim();
        let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic() || character == ' ');
        let unit = text[digits.len()..].trim();
        let known = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, bytes)| *bytes);
        let bytes = if unit.is_empty() { 1 } else { known.ok_or(WRONG)? };
        let number: u64 = digits.replace('_', "").parse().map_err(|_| WRONG)?;
        number.checked_mul(bytes).map(Self).ok_or(WRONG)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = SIZES[..4].iter().find(|(_, unit)| self.0 != 0 && self.0.is_multiple_of(*unit));
        match whole {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number of bytes, or a text as `64MiB`")]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(bytes) => Ok(Self(bytes)),
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// [`Bytes`] where the field is a plain number.
pub(crate) mod plain_bytes {
    use super::{Bytes, Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(crate) fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes(*bytes).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        Bytes::deserialize(deserializer).map(|bytes| bytes.0)
    }
}

/// Addresses that begin alike: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Tells whether an address is one of these. An IPv4 address that is written as IPv6 is the same address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let (width, ours, theirs) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (32, u128::from(ours.to_bits()), u128::from(theirs.to_bits())),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (128, ours.to_bits(), theirs.to_bits()),
            _ => return false,
        };
        // All bits may be free; a shift by all of them is none.
        (ours ^ theirs).checked_shr(width - u32::from(self.bits)).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "use an address or a network: 10.1.2.3, 10.0.0.0/8, fd00::/8";
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| WRONG)?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| WRONG)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width { Err(WRONG) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit_is_a_length_of_time_and_nothing_else_is() {
        for (text, seconds) in
            [("30s", 30), ("15m", 900), ("2h", 7_200), ("7d", 604_800), (" 2w ", 1_209_600), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
            let written = format_duration(Duration::from_secs(seconds));
            assert_eq!(parse_duration(&written), Ok(Duration::from_secs(seconds)), "{written}");
        }
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for text in
            ["", "s", "30", "-1s", "+1s", "1.5h", "1y", "1 s", "99999999999999999999s", "999999999999999w", "1é"]
        {
            assert_eq!(parse_duration(text), Err(ParseDurationError), "{text}");
        }
    }

    #[test]
    fn bytes_are_written_as_people_say_them() {
        for (text, bytes, shown) in [
            ("64MiB", 64 << 20, "64MiB"),
            ("1 gib", 1 << 30, "1GiB"),
            ("1000", 1000, "1000B"),
            ("2MB", 2_000_000, "2000000B"),
            ("0", 0, "0B"),
        ] {
            let read: Bytes = text.parse().unwrap();
            assert_eq!((read.0, read.to_string().as_str()), (bytes, shown));
        }
        for text in ["", "MiB", "1.5GiB", "-1", "1XB", "99999999TiB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_is_the_addresses_that_begin_as_it_does() {
        let within =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(within("10.0.0.0/8", "10.200.3.4") && !within("10.0.0.0/8", "11.0.0.1"));
        assert!(within("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(within("0.0.0.0/0", "8.8.8.8") && !within("0.0.0.0/0", "::1"));
        assert!(within("127.0.0.1", "127.0.0.1") && !within("127.0.0.1", "127.0.0.2"));
        assert!(within("fd00::/8", "fd12::1") && within("::/0", "2001:db8::1"));
        for text in ["", "10.0.0.0/33", "10.0.0/8", "example.org", "10.0.0.0/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
