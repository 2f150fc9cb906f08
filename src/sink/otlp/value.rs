//! Data of an event as values of OpenTelemetry.

use std::collections::HashSet;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use rmp::Marker;

use crate::event::{EXT_I128, EXT_U128, Mark};
use crate::limits::OTLP_DEPTH_MAX;
use crate::wire;

/// The bytes are not the data of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// Reads one `MessagePack` map as attributes, in its order.
///
/// Whole numbers beyond 64 bits with a sign are texts of their digits, as OpenTelemetry has it. What is nested deeper than
/// [`OTLP_DEPTH_MAX`] is a text of its JSON: that depth, not that of the data, is how deep this recurses.
pub(super) fn attributes(bytes: &[u8]) -> Result<Vec<KeyValue>, Damaged> {
    let mut reader = Reader(bytes);
    let count = match reader.marker()? {
        Marker::FixMap(count) => usize::from(count),
        Marker::Map16 => reader.length::<2>()?,
        Marker::Map32 => reader.length::<4>()?,
        _ => return Err(Damaged),
    };
    let attributes = reader.entries(count, OTLP_DEPTH_MAX)?;
    if reader.0.is_empty() { Ok(attributes) } else { Err(Damaged) }
}

/// Makes an attribute of a text.
pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

/// Makes an attribute.
pub(super) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value.into_any()), ..KeyValue::default() }
}

/// Makes a value that may stand anywhere.
pub(super) trait IntoAny {
    fn into_any(self) -> AnyValue;
}

impl IntoAny for Value {
    fn into_any(self) -> AnyValue {
        AnyValue { value: Some(self) }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads so many entries of a map. Of those that have one key the first counts: no receiver needs to know what two mean.
    fn entries(&mut self, count: usize, levels: usize) -> Result<Vec<KeyValue>, Damaged> {
        // No room is made in advance: the count may be damaged.
        let mut entries = Vec::new();
        for _ in 0..count {
            let key = self.key()?;
            entries.push(KeyValue { key, value: Some(self.value(levels)?), ..KeyValue::default() });
        }
        if levels < OTLP_DEPTH_MAX && entries.len() > 1 {
            let mut seen = HashSet::with_capacity(entries.len());
            entries.retain(|entry| seen.insert(entry.key.clone()));
        }
        Ok(entries)
    }

    /// Reads a key: one that is no text is the text of its JSON, as in all forms of an event.
    fn key(&mut self) -> Result<String, Damaged> {
        let start = self.0;
        let length = match self.marker()? {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 => self.length::<1>()?,
            Marker::Str16 => self.length::<2>()?,
            Marker::Str32 => self.length::<4>()?,
            _ => return self.json(start),
        };
        self.text(length)
    }

    fn value(&mut self, levels: usize) -> Result<AnyValue, Damaged> {
        let start = self.0;
        let value = match self.marker()? {
            Marker::Null => return Ok(AnyValue { value: None }),
            Marker::True => Value::BoolValue(true),
            Marker::False => Value::BoolValue(false),
            Marker::FixPos(number) => Value::IntValue(number.into()),
            Marker::FixNeg(number) => Value::IntValue(number.into()),
            Marker::U8 => Value::IntValue(u8::from_be_bytes(self.take()?).into()),
            Marker::U16 => Value::IntValue(u16::from_be_bytes(self.take()?).into()),
            Marker::U32 => Value::IntValue(u32::from_be_bytes(self.take()?).into()),
            Marker::U64 => whole(u64::from_be_bytes(self.take()?)),
            Marker::I8 => Value::IntValue(i8::from_be_bytes(self.take()?).into()),
            Marker::I16 => Value::IntValue(i16::from_be_bytes(self.take()?).into()),
            Marker::I32 => Value::IntValue(i32::from_be_bytes(self.take()?).into()),
            Marker::I64 => Value::IntValue(i64::from_be_bytes(self.take()?)),
            Marker::F32 => Value::DoubleValue(f32::from_be_bytes(self.take()?).into()),
            Marker::F64 => Value::DoubleValue(f64::from_be_bytes(self.take()?)),
            Marker::FixArray(count) => self.list(usize::from(count), levels, start)?,
            Marker::Array16 => self.length::<2>().and_then(|count| self.list(count, levels, start))?,
            Marker::Array32 => self.length::<4>().and_then(|count| self.list(count, levels, start))?,
            Marker::FixMap(count) => self.map(usize::from(count), levels, start)?,
            Marker::Map16 => self.length::<2>().and_then(|count| self.map(count, levels, start))?,
            Marker::Map32 => self.length::<4>().and_then(|count| self.map(count, levels, start))?,
            marker => self.bytes_or_text(marker)?,
        };
        Ok(value.into_any())
    }

    fn bytes_or_text(&mut self, marker: Marker) -> Result<Value, Damaged> {
        Ok(match marker {
            Marker::FixStr(length) => Value::StringValue(self.text(usize::from(length))?),
            Marker::Str8 => Value::StringValue(self.length::<1>().and_then(|length| self.text(length))?),
            Marker::Str16 => Value::StringValue(self.length::<2>().and_then(|length| self.text(length))?),
            Marker::Str32 => Value::StringValue(self.length::<4>().and_then(|length| self.text(length))?),
            Marker::Bin8 => Value::BytesValue(self.length::<1>().and_then(|length| self.bytes(length))?.to_vec()),
            Marker::Bin16 => Value::BytesValue(self.length::<2>().and_then(|length| self.bytes(length))?.to_vec()),
            Marker::Bin32 => Value::BytesValue(self.length::<4>().and_then(|length| self.bytes(length))?.to_vec()),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.length::<1>().and_then(|length| self.extension(length))?,
            Marker::Ext16 => self.length::<2>().and_then(|length| self.extension(length))?,
            Marker::Ext32 => self.length::<4>().and_then(|length| self.extension(length))?,
            _ => return Err(Damaged),
        })
    }

    fn list(&mut self, count: usize, levels: usize, start: &'a [u8]) -> Result<Value, Damaged> {
        let Some(levels) = levels.checked_sub(1) else { return self.json(start).map(Value::StringValue) };
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(levels)?);
        }
        Ok(Value::ArrayValue(ArrayValue { values }))
    }

    fn map(&mut self, count: usize, levels: usize, start: &'a [u8]) -> Result<Value, Damaged> {
        let Some(levels) = levels.checked_sub(1) else { return self.json(start).map(Value::StringValue) };
        let values = self.entries(count, levels)?;
        Ok(Value::KvlistValue(KeyValueList { values }))
    }

    /// Reads the integers beyond 64 bits, and of any other extension its bytes.
    fn extension(&mut self, length: usize) -> Result<Value, Damaged> {
        let [of] = self.take()?;
        Ok(match (of, length) {
            (EXT_I128, 16) => whole(i128::from_be_bytes(self.take()?)),
            (EXT_U128, 16) => whole(u128::from_be_bytes(self.take()?)),
            // A text within, which the next value is: where marks matter they were taken off before.
            _ if Mark::of_code(of).is_some() => self.value(0)?.value.unwrap_or(Value::StringValue(String::new())),
            _ => Value::BytesValue(self.bytes(length)?.to_vec()),
        })
    }

    /// Reads the value that begins at `start` as the text of its JSON.
    fn json(&mut self, start: &'a [u8]) -> Result<String, Damaged> {
        let mut json = Vec::new();
        self.0 = wire::write_value(&mut json, start).map_err(|_| Damaged)?;
        String::from_utf8(json).map_err(|_| Damaged)
    }

    fn marker(&mut self) -> Result<Marker, Damaged> {
        let [marker] = self.take()?;
        Ok(Marker::from_u8(marker))
    }

    /// Reads a length or a count of so many bytes.
    fn length<const N: usize>(&mut self) -> Result<usize, Damaged> {
        let bytes: [u8; N] = self.take()?;
        Ok(bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)))
    }

    fn text(&mut self, length: usize) -> Result<String, Damaged> {
        std::str::from_utf8(self.bytes(length)?).map(str::to_owned).map_err(|_| Damaged)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }
}

/// A whole number, as a text where 64 bits with a sign do not hold it.
fn whole<N: Copy + TryInto<i64> + ToString>(number: N) -> Value {
    number.try_into().map_or_else(|_| Value::StringValue(number.to_string()), Value::IntValue)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::event::Encoder;
    use crate::limits::DATA_DEPTH_MAX;

    fn read<T: serde::Serialize>(data: &T) -> Vec<KeyValue> {
        let mut encoder = Encoder::take();
        encoder.data(data).unwrap();
        attributes(encoder.finish().unwrap()).unwrap()
    }

    /// The JSON that a value says the same as.
    fn plain(value: &AnyValue) -> Json {
        match value.value.as_ref() {
            None => Json::Null,
            Some(Value::StringValue(text)) => json!(text),
            Some(Value::BoolValue(is)) => json!(is),
            Some(Value::IntValue(number)) => json!(number),
            Some(Value::DoubleValue(number)) => json!(number),
            Some(Value::ArrayValue(list)) => list.values.iter().map(plain).collect(),
            Some(Value::KvlistValue(map)) => object(&map.values),
            Some(Value::BytesValue(bytes)) => json!(bytes),
            Some(Value::StringValueStrindex(_)) => panic!("an index into a table that there is not"),
        }
    }

    fn object(entries: &[KeyValue]) -> Json {
        entries.iter().map(|entry| (entry.key.clone(), plain(entry.value.as_ref().unwrap()))).collect()
    }

    #[test]
    fn values_of_all_kinds_keep_what_they_are() {
        let data = json!({
            "null": null, "yes": true, "min": i64::MIN, "max": i64::MAX, "half": 0.5, "text": "é\u{0}😀", "": "no name",
            "list": [1, "two", [3.5, {}], []], "map": {"a": {"b": [null]}}, "-1": -1, "300": 300, "70000": 70_000,
        });
        assert_eq!(object(&read(&data)), data);
        assert!(read(&json!({})).is_empty());
    }

    #[test]
    fn whole_numbers_that_64_bits_do_not_hold_are_texts_and_other_numbers_stay_numbers() {
        #[derive(serde::Serialize)]
        struct Numbers {
            u64: u64,
            u128: u128,
            i128: i128,
            small: i128,
            nan: f64,
            infinite: f32,
        }
        let numbers = Numbers {
            u64: u64::MAX,
            u128: u128::MAX,
            i128: i128::MIN,
            small: -7,
            nan: f64::NAN,
            infinite: f32::NEG_INFINITY,
        };
        let read = read(&numbers);
        let values: Vec<_> = read.into_iter().map(|entry| entry.value.unwrap().value.unwrap()).collect();
        let text = |number: &str| Value::StringValue(number.to_owned());
        assert_eq!(values[0], text("18446744073709551615"));
        assert_eq!(values[1], text("340282366920938463463374607431768211455"));
        assert_eq!(values[2], text("-170141183460469231731687303715884105728"));
        assert_eq!(values[3], Value::IntValue(-7));
        assert!(matches!(values[4], Value::DoubleValue(number) if number.is_nan()));
        assert_eq!(values[5], Value::DoubleValue(f64::NEG_INFINITY));
    }

    #[test]
    fn what_is_nested_too_deep_for_receivers_is_a_text_of_its_json() {
        let nested = |levels: usize| (0..levels).fold(json!({"end": [1, "\""]}), |inner, _| json!({ "in": inner }));
        let mut read = object(&read(&nested(DATA_DEPTH_MAX - 2)));
        for _ in 0..=OTLP_DEPTH_MAX {
            read = read["in"].take();
        }
        let rest: Json = serde_json::from_str(read.as_str().unwrap()).unwrap();
        assert_eq!(rest, nested(DATA_DEPTH_MAX - 2 - OTLP_DEPTH_MAX - 1));
    }

    #[test]
    fn a_key_that_is_no_text_is_the_text_of_its_json() {
        // {1: true, [2]: 3}
        let read = attributes(b"\x82\x01\xc3\x91\x02\x03").unwrap();
        assert_eq!(object(&read), json!({"1": true, "[2]": 3}));
    }

    #[test]
    fn within_a_map_no_key_is_there_twice() {
        // {"m": {"a": 1, "a": 2}}
        assert_eq!(object(&attributes(b"\x81\xa1m\x82\xa1a\x01\xa1a\x02").unwrap()), json!({"m": {"a": 1}}));
    }

    #[test]
    fn damaged_data_is_found_and_takes_no_memory() {
        for bytes in [
            &b""[..],
            b"\x90",
            b"\x81\xa1a",
            b"\x80\x80",
            b"\x81\xa1a\xc1",
            b"\x81\xa1a\xa1\xff",
            b"\x81\xa1a\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
            b"\x81\xa1a\xc6\xff\xff\xff\xff",
        ] {
            assert_eq!(attributes(bytes), Err(Damaged), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn what_other_sinks_can_read_is_read_and_no_bytes_do_any_harm(
            count in 0_u8..4,
            bytes in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let bytes = [vec![0x80 | count], bytes].concat();
            let read = attributes(&bytes);
            prop_assert!(read.is_ok() || wire::write_data(&mut Vec::new(), &bytes).is_err());
        }
    }
}
