//! What is taken reads as `serde_json` writes it.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use lastword::event::Encoder;
use proptest::prelude::*;
use serde::Serialize;
use serde::ser::SerializeMap as _;
use serde_json::{Value, json};

use super::{assert_is_sent_as_serde_json_has_it, sent};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<u16>().prop_map(Value::from),
        (-200i64..300).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        (0usize..300).prop_map(|length| Value::from("x".repeat(length))),
    ];
    leaf.prop_recursive(6, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..20)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[derive(Debug, Serialize)]
struct Unit;
#[derive(Debug, Serialize)]
struct Newtype(u32);
#[derive(Debug, Serialize)]
struct Pair(i8, String);
#[derive(Debug, Serialize)]
enum Shape {
    Unit,
    Newtype(Option<i64>),
    Tuple(u8, char, bool),
    Struct { side: f32, tags: Vec<String> },
}
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Tagged {
    Empty,
    Full { count: u16, inner: Inner },
}
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Untagged {
    Number(i32),
    Text(String),
}
#[derive(Debug, Serialize)]
struct Inner {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}
#[derive(Debug, Serialize)]
struct Everything {
    unit: Unit,
    nothing: (),
    newtype: Newtype,
    pair: Pair,
    shapes: Vec<Shape>,
    tagged: [Tagged; 2],
    untagged: (Untagged, Untagged),
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    more: BTreeMap<String, i16>,
    none: Option<u8>,
    some: Option<Option<u8>>,
    ints: BTreeMap<i64, &'static str>,
    chars: BTreeMap<char, u8>,
    bools: BTreeMap<bool, f64>,
    addresses: HashMap<IpAddr, ()>,
    address: IpAddr,
    took: Duration,
}

fn any_everything() -> impl Strategy<Value = Everything> {
    let numbers = any::<(i8, i16, i32, i64, u8, u16, u32, u64)>();
    (numbers, any::<(f32, f64, char, bool)>(), any::<String>(), any::<Option<String>>(), any::<u128>()).prop_map(
        |((i8, i16, i32, i64, u8, u16, u32, u64), (f32, f64, char, bool), text, note, bits)| Everything {
            unit: Unit,
            nothing: (),
            newtype: Newtype(u32),
            pair: Pair(i8, text.clone()),
            shapes: vec![
                Shape::Unit,
                Shape::Newtype(None),
                Shape::Newtype(Some(i64)),
                Shape::Tuple(u8, char, bool),
                Shape::Struct { side: f32, tags: vec![text.clone(); usize::from(u8)] },
            ],
            tagged: [Tagged::Empty, Tagged::Full { count: u16, inner: Inner { id: u64, note: note.clone() } }],
            untagged: (Untagged::Number(i32), Untagged::Text(text.clone())),
            inner: Inner { id: u64, note },
            more: BTreeMap::from([(text, i16)]),
            none: None,
            some: Some(Some(u8)),
            ints: BTreeMap::from([(i64, "a"), (-1, "b"), (1, "c")]),
            chars: BTreeMap::from([(char, 1), ('"', 2)]),
            bools: BTreeMap::from([(bool, f64)]),
            addresses: HashMap::from([(Ipv6Addr::from(bits).into(), ())]),
            address: Ipv6Addr::from(bits).into(),
            took: Duration::new(u64, u32 % 1_000_000_000),
        },
    )
}

proptest! {
    #[test]
    fn any_value_is_sent_as_serde_json_has_it(value in any_value()) {
        assert_is_sent_as_serde_json_has_it(&value);
    }

    #[test]
    fn any_value_is_read_back_as_serde_json_has_it(map in prop::collection::btree_map(any::<String>(), any_value(), 0..4)) {
        let mut encoder = Encoder::take();
        encoder.data(&map).unwrap();
        let read: Value = rmp_serde::from_slice(encoder.finish().unwrap()).unwrap();
        prop_assert_eq!(read, serde_json::to_value(&map).unwrap());
    }

    #[test]
    fn every_kind_of_derived_type_is_sent_as_serde_json_has_it(value in any_everything()) {
        assert_is_sent_as_serde_json_has_it(&value);
    }

    #[test]
    fn integers_of_128_bits_are_sent_exactly(signed in any::<i128>(), unsigned in any::<u128>(), shift in 0u32..128) {
        assert_is_sent_as_serde_json_has_it(&(signed, signed >> shift, unsigned, unsigned >> shift));
    }
}

#[test]
fn the_ends_of_every_integer_are_sent_exactly() {
    assert_is_sent_as_serde_json_has_it(&[i128::MIN, i64::MIN.into(), -1, 0, u64::MAX.into(), i128::MAX]);
    assert_eq!(sent(&u128::MAX).unwrap(), r#"{"v":340282366920938463463374607431768211455}"#);
    assert_eq!(
        sent(&BTreeMap::from([(u128::MAX, 1)])).unwrap(),
        r#"{"v":{"340282366920938463463374607431768211455":1}}"#
    );
    for bits in 0..64 {
        let edge = 1i128 << bits;
        assert_is_sent_as_serde_json_has_it(&[edge - 1, edge, edge + 1, 1 - edge, -edge, -1 - edge]);
    }
}

#[test]
fn short_and_long_containers_have_their_own_headers() {
    for length in [0, 15, 16, 255, 256, 65_535, 65_536] {
        let items = vec![7u8; length];
        assert_is_sent_as_serde_json_has_it(&items);
        assert_is_sent_as_serde_json_has_it(&"x".repeat(length));
        assert_is_sent_as_serde_json_has_it(&(0..length).map(|key| (key.to_string(), 1)).collect::<BTreeMap<_, _>>());
        struct Bytes(Vec<u8>);
        impl Serialize for Bytes {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }
        assert_is_sent_as_serde_json_has_it(&Bytes(items));
    }
    let mut encoder = Encoder::take();
    encoder.field("k", &([1u8, 2], 0.5f32));
    assert_eq!(encoder.finish().unwrap(), b"\xa1k\x92\x92\x01\x02\xca\x3f\x00\x00\x00", "an f32 stays one");
}

/// A list and a map that don't know how long they are, and a text that is only a `Display`.
struct Streams;
impl Serialize for Streams {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct List;
        impl Serialize for List {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq((0..20).filter(|number| number % 3 == 0))
            }
        }
        struct Text;
        impl Serialize for Text {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&format_args!("{}-{:?}", 1, "\""))
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("list", &List)?;
        map.serialize_entry("text", &Text)?;
        map.end()
    }
}

#[test]
fn what_has_no_known_length_is_counted_at_its_end() {
    assert_eq!(sent(&Streams).unwrap(), r#"{"v":{"list":[0,3,6,9,12,15,18],"text":"1-\"\\\"\""}}"#);
    assert_is_sent_as_serde_json_has_it(&Streams);
}

#[test]
fn integers_of_64_bits_in_128_are_read_back_as_plain_ones() {
    let mut encoder = Encoder::take();
    encoder.data(&BTreeMap::from([("a", u128::from(u64::MAX)), ("b", 1)])).unwrap();
    let read: Value = rmp_serde::from_slice(encoder.finish().unwrap()).unwrap();
    assert_eq!(read, json!({"a": u64::MAX, "b": 1}));
}
