use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::event::Encoder;

fn transcode(bytes: &[u8]) -> Result<String, TranscodeError> {
    let mut out = Vec::new();
    write_data(&mut out, bytes).map(|()| String::from_utf8(out).unwrap())
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::take();
    encoder.data(value).unwrap();
    encoder.finish().unwrap().to_vec()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-200i64..300).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,40}".prop_map(Value::from),
        "x{300,400}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 18, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..18).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..18)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_data_comes_out_as_it_went_in(map in prop::collection::btree_map(any::<String>(), any_json(), 0..4)) {
        let data = Value::Object(map.into_iter().collect::<Map<_, _>>());
        let bytes = encoded(&data);
        let read: Value = rmp_serde::from_slice(&bytes).unwrap();
        prop_assert_eq!(&read, &data);
        // As text, because `serde_json` reads the last digit of a long float wrong.
        prop_assert_eq!(transcode(&bytes).unwrap(), serde_json::to_string(&read).unwrap());
    }

    #[test]
    fn damaged_bytes_are_an_error_or_valid_json(
        data in any_json(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&json!({"data": data}));
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(length.index(bytes.len() + 1));
        if let Ok(text) = transcode(&bytes) {
            // A number of 64 bits after a float's marker may be any float; the text is valid all the same.
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn arbitrary_bytes_are_an_error_or_valid_json(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let map = [&[0x81, 0xa0], bytes.as_slice()].concat();
        if let Ok(text) = transcode(&map) {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
        }
    }
}

#[test]
fn numbers_stay_exact_and_what_is_no_number_is_null() {
    let mut encoder = Encoder::take();
    encoder.fields(9);
    encoder.field("a", &u64::MAX);
    encoder.field("b", &i64::MIN);
    encoder.field("c", &0.1f32);
    encoder.field("d", &0.1f64);
    encoder.field("e", &f64::NAN);
    encoder.field("f", &f32::NEG_INFINITY);
    encoder.field("g", &-1i8);
    encoder.field("h", &1e300);
    encoder.field("i", &-0.0);
    let text = transcode(encoder.finish().unwrap()).unwrap();
    let expected = concat!(
        r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":0.1,"d":0.1,"e":null,"f":null,"g":-1,"#,
        r#""h":1e+300,"i":-0.0}"#
    );
    assert_eq!(text, expected);
}

#[test]
fn keys_that_are_no_texts_become_texts() {
    let data =
        b"\x87\x01\x01\xc3\x02\xc0\x03\xca\x3f\x00\x00\x00\x04\x92\xa1\"\x01\x05\xc4\x02\x01\x02\x06\x81\xa1k\xff\x07";
    let expected = r#"{"1":1,"true":2,"null":3,"0.5":4,"[\"\\\"\",1]":5,"[1,2]":6,"{\"k\":-1}":7}"#;
    assert_eq!(transcode(data).as_deref(), Ok(expected));
    let mut encoder = Encoder::take();
    let pairs = std::collections::BTreeMap::from([((1, 'x'), "v")]);
    encoder.data(&pairs).unwrap();
    assert_eq!(transcode(encoder.finish().unwrap()).as_deref(), Ok(r#"{"[1,\"x\"]":"v"}"#));
}

#[test]
fn a_key_within_a_key_is_refused_before_its_text_grows() {
    // A map whose key is a map whose key is a list.
    let data = b"\x81\x81\x90\x01\x02";
    assert_eq!(transcode(data), Err(TranscodeError::KeyWithinKey));
    let beside = b"\x82\x90\x01\x91\x01\x02";
    assert_eq!(transcode(beside).as_deref(), Ok(r#"{"[]":1,"[1]":2}"#), "keys beside each other are no such thing");
    let below = b"\x81\xa1a\x81\x91\x91\x01\x02";
    assert_eq!(transcode(below).as_deref(), Ok(r#"{"a":{"[[1]]":2}}"#));
}

#[test]
fn binary_data_and_extensions_are_lists_of_numbers() {
    let data = b"\x83\xa1a\xc4\x03\x00\x7f\xff\xa1b\xd5\x01\x0a\x0b\xa1c\xc7\x01\x05\x09";
    assert_eq!(transcode(data).as_deref(), Ok(r#"{"a":[0,127,255],"b":[10,11],"c":[9]}"#));
}

#[test]
fn data_is_read_to_its_greatest_depth_and_no_deeper() {
    let nested = |depth: usize| [&b"\x81\xa0".repeat(depth - 1)[..], &b"\x80"[..]].concat();
    let text = transcode(&nested(DATA_DEPTH_MAX)).unwrap();
    assert_eq!(text.matches('{').count(), DATA_DEPTH_MAX);
    assert_eq!(transcode(&nested(DATA_DEPTH_MAX + 1)), Err(TranscodeError::TooDeep));

    let lists = [&b"\x81\xa0"[..], &[0x91; 400_000], &b"\x01"[..]].concat();
    assert_eq!(transcode(&lists), Err(TranscodeError::TooDeep));
}

#[test]
fn what_is_not_one_map_is_refused() {
    assert_eq!(transcode(b""), Err(TranscodeError::Truncated));
    assert_eq!(transcode(b"\x01"), Err(TranscodeError::NotOneMap));
    assert_eq!(transcode(b"\x90"), Err(TranscodeError::NotOneMap));
    assert_eq!(transcode(b"\x80\x80"), Err(TranscodeError::NotOneMap));
    assert_eq!(transcode(b"\x81\xa0\xc1"), Err(TranscodeError::NoSuchValue));
    assert_eq!(transcode(b"\x81\xa0\xa1\xff"), Err(TranscodeError::NotUtf8));
    assert_eq!(transcode(b"\xdf\xff\xff\xff\xff"), Err(TranscodeError::Truncated));
}
