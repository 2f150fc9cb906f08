//! OTLP's JSON, where it differs from what serde does by itself: ids are hexadecimal, 64-bit numbers are texts or numbers,
//! enumerations are numbers or names, `null` is what is not there, and unknown fields are passed over.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::model::{Any, Id, KeyValue};

/// Reads what may be `null`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Reads a text, borrowed where no character of it is escaped.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Cow<'de, str>, D::Error> {
    from.deserialize_any(Scalar).and_then(|scalar| match scalar {
        Found::Text(text) => Ok(text),
        Found::Null => Ok(Cow::Borrowed("")),
        other => Err(D::Error::custom(format!("{other:?} is no text"))),
    })
}

/// Reads a whole number that is not negative.
pub(super) fn uint<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let scalar = from.deserialize_any(Scalar)?;
    scalar.uint().ok_or_else(|| D::Error::custom(format!("{scalar:?} is no whole number from 0 on")))
}

/// Reads a whole number of 32 bits; more than that is the most there can be.
pub(super) fn uint32<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    Ok(u32::try_from(uint(from)?).unwrap_or(u32::MAX))
}

/// Reads a whole number.
pub(super) fn int<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let scalar = from.deserialize_any(Scalar)?;
    scalar.int().ok_or_else(|| D::Error::custom(format!("{scalar:?} is no whole number")))
}

/// Reads a number, of which there are some that JSON has as texts only.
pub(super) fn float<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let scalar = from.deserialize_any(Scalar)?;
    scalar.float().ok_or_else(|| D::Error::custom(format!("{scalar:?} is no number")))
}

pub(super) fn float_if<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let scalar = from.deserialize_any(Scalar)?;
    if matches!(scalar, Found::Null) {
        return Ok(None);
    }
    scalar.float().map(Some).ok_or_else(|| D::Error::custom(format!("{scalar:?} is no number")))
}

pub(super) fn int_if<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let scalar = from.deserialize_any(Scalar)?;
    if matches!(scalar, Found::Null) {
        return Ok(None);
    }
    scalar.int().map(Some).ok_or_else(|| D::Error::custom(format!("{scalar:?} is no whole number")))
}

/// Reads a list of whole numbers that are not negative.
pub(super) fn uints<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    Ok(or_default::<_, Vec<Ruled<u64>>>(from)?.into_iter().map(|Ruled(number)| number).collect())
}

/// Reads a list of numbers.
pub(super) fn floats<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    Ok(or_default::<_, Vec<Ruled<f64>>>(from)?.into_iter().map(|Ruled(number)| number).collect())
}

/// Reads an id: hexadecimal digits, not base64 as protobuf's own JSON has bytes.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Id, D::Error> {
    let text = text(from)?;
    let wrong = || D::Error::custom(format!("`{}` is no id: ids are hexadecimal digits", crate::ingest::quote(&text)));
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > 32 {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        // `from_str_radix` takes a sign.
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+')).ok_or_else(wrong)?;
    }
    Ok(Id::of(&bytes[..pairs.len()]))
}

macro_rules! enumeration {
    ($($(#[$doc:meta])* $name:ident: $prefix:literal $names:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
            enumeration(from, $prefix, &$names)
        }
    )*};
}

enumeration! {
    span_kind: "SPAN_KIND_" ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    status_code: "STATUS_CODE_" ["UNSET", "OK", "ERROR"];
    temporality: "AGGREGATION_TEMPORALITY_" ["UNSPECIFIED", "DELTA", "CUMULATIVE"];
    severity_number: "SEVERITY_NUMBER_" [
        "UNSPECIFIED", "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO", "INFO2", "INFO3",
        "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4",
    ];
}

/// Reads an enumeration: a number, or a name. One that is not known is what is not said.
fn enumeration<'de, D: Deserializer<'de>>(from: D, prefix: &str, names: &[&str]) -> Result<u64, D::Error> {
    let scalar = from.deserialize_any(Scalar)?;
    if let Some(number) = scalar.uint() {
        return Ok(number);
    }
    let Found::Text(text) = scalar else { return Err(D::Error::custom(format!("{scalar:?} is no enumeration"))) };
    let name = text.strip_prefix(prefix).unwrap_or(&text);
    Ok(names.iter().position(|known| *known == name).unwrap_or(0) as u64)
}

/// A value without parts.
#[derive(Debug)]
enum Found<'de> {
    Null,
    Bool,
    Uint(u64),
    Int(i64),
    Float(f64),
    Text(Cow<'de, str>),
}

impl Found<'_> {
    fn uint(&self) -> Option<u64> {
        match self {
            Self::Null => Some(0),
            Self::Uint(number) => Some(*number),
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Float(_) => self.int().and_then(|number| u64::try_from(number).ok()),
            Self::Text(text) => text.parse().ok(),
            Self::Bool => None,
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "only what is whole and fits is taken"
    )]
    fn int(&self) -> Option<i64> {
        match self {
            Self::Null => Some(0),
            Self::Uint(number) => i64::try_from(*number).ok(),
            Self::Int(number) => Some(*number),
            Self::Float(number) => {
                (number.fract() == 0.0 && number.abs() <= (1_u64 << 53) as f64).then_some(*number as i64)
            }
            Self::Text(text) => text.parse().ok(),
            Self::Bool => None,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a double is what the field is")]
    fn float(&self) -> Option<f64> {
        match self {
            Self::Null => Some(0.0),
            Self::Uint(number) => Some(*number as f64),
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Bool => None,
        }
    }
}

struct Scalar;

impl<'de> Visitor<'de> for Scalar {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without parts")
    }

    fn visit_unit<E>(self) -> Result<Found<'de>, E> {
        Ok(Found::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found<'de>, E> {
        Ok(Found::Bool)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Found<'de>, E> {
        Ok(Found::Uint(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Found<'de>, E> {
        Ok(Found::Int(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Found<'de>, E> {
        Ok(Found::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Found<'de>, E> {
        Ok(Found::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Found<'de>, E> {
        Ok(Found::Text(Cow::Borrowed(text)))
    }
}

/// A list or map within a value.
#[derive(Deserialize)]
#[serde(default, bound(deserialize = "T: Deserialize<'de>"))]
struct Values<T> {
    #[serde(deserialize_with = "or_default")]
    values: Vec<T>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

/// A field of a value, each read by its own rule.
struct Ruled<T>(T);

macro_rules! ruled {
    ($($kind:ty: $rule:path;)*) => {$(
        impl<'de> Deserialize<'de> for Ruled<$kind> {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $rule(from).map(Ruled)
            }
        }
    )*};
}

ruled! {
    i64: int;
    u64: uint;
    f64: float;
    Cow<'de, str>: text;
}

impl<'de> Deserialize<'de> for Any<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value: an object like {\"stringValue\": \"..\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Any<'de>, A::Error> {
        let mut any = Any::None;
        while let Some(Ruled(key)) = entries.next_key::<Ruled<Cow<'de, str>>>()? {
            any = match &*key {
                "stringValue" | "bytesValue" => Any::Text(entries.next_value::<Ruled<Cow<'de, str>>>()?.0),
                "boolValue" => Any::Bool(entries.next_value()?),
                "intValue" => Any::Int(entries.next_value::<Ruled<i64>>()?.0),
                "doubleValue" => Any::Double(entries.next_value::<Ruled<f64>>()?.0),
                "arrayValue" => Any::List(entries.next_value::<Values<Any<'de>>>()?.values),
                "kvlistValue" => Any::Map(entries.next_value::<Values<KeyValue<'de>>>()?.values),
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                    any
                }
            };
        }
        Ok(any)
    }
}
