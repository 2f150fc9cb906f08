//! What is refused, and that nothing of it stays.

use std::fmt;

use lastword::event::{EncodeError, Encoder};
use lastword::limits::DATA_DEPTH_MAX;
use lastword::wire::write_data;
use serde::Serialize;
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde_json::{Value, json};

use super::{assert_is_sent_as_serde_json_has_it, sent};

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({}), |inner, level| match level % 2 {
        0 => Value::Array(vec![inner]),
        _ => Value::Object([("k".to_owned(), inner)].into_iter().collect()),
    })
}

/// Runs it where the stack is what a thread has by default.
fn on_a_thread_of_2_mib(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn data_of_128_levels_is_sent_and_one_of_129_is_refused() {
    let mut encoder = Encoder::take();
    encoder.data(&nested(DATA_DEPTH_MAX)).unwrap();
    let mut out = Vec::new();
    write_data(&mut out, encoder.finish().unwrap()).unwrap();
    assert_eq!(out, serde_json::to_vec(&nested(DATA_DEPTH_MAX)).unwrap());
    assert_eq!(Encoder::take().data(&nested(DATA_DEPTH_MAX + 1)), Err(EncodeError::TooDeep));

    // A field is within the data, which is the first level.
    assert_is_sent_as_serde_json_has_it(&nested(DATA_DEPTH_MAX - 1));
    assert_eq!(sent(&nested(DATA_DEPTH_MAX)), Err(EncodeError::TooDeep));
}

#[test]
fn data_of_a_million_levels_is_refused_without_the_stack_for_it() {
    on_a_thread_of_2_mib(|| {
        let mut deep = nested(1_000_000);
        assert_eq!(sent(&deep), Err(EncodeError::TooDeep));
        assert_eq!(Encoder::take().data(&deep), Err(EncodeError::TooDeep));
        // Dropped level by level: its own `drop` recurses.
        while let Some(inner) = match &mut deep {
            Value::Array(items) => items.pop(),
            Value::Object(fields) => fields.get_mut("k").map(Value::take),
            _ => None,
        } {
            deep = inner;
        }
    });
}

#[test]
fn a_million_newtypes_and_enums_are_refused_without_the_stack_for_them() {
    #[derive(Serialize)]
    struct Chain(Option<Box<Chain>>);
    #[derive(Serialize)]
    enum Expr {
        Zero,
        Not(Box<Expr>),
        Of(Box<Expr>, u8),
        At { place: Box<Expr> },
    }
    on_a_thread_of_2_mib(|| {
        let mut chain = Chain(None);
        let mut expr = Expr::Zero;
        for level in 0..1_000_000 {
            chain = Chain(Some(Box::new(chain)));
            expr = match level % 3 {
                0 => Expr::Not(Box::new(expr)),
                1 => Expr::Of(Box::new(expr), 1),
                _ => Expr::At { place: Box::new(expr) },
            };
        }
        assert_eq!(sent(&chain), Err(EncodeError::TooDeep));
        assert_eq!(sent(&expr), Err(EncodeError::TooDeep));
        while let Some(inner) = chain.0.take() {
            chain = *inner;
        }
        while let Expr::Not(inner) | Expr::Of(inner, _) | Expr::At { place: inner } = expr {
            expr = *inner;
        }
        let shallow = Chain(Some(Box::new(Chain(Some(Box::new(Chain(None)))))));
        assert_is_sent_as_serde_json_has_it(&shallow);
    });
}

/// A `Serialize` that announces so many items or entries and writes others.
struct Liar {
    announced: usize,
    items: usize,
    map: bool,
}
impl Serialize for Liar {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.map {
            let mut map = serializer.serialize_map(Some(self.announced))?;
            (0..self.items).try_for_each(|key| map.serialize_entry(&key, &()))?;
            map.end()
        } else {
            let mut list = serializer.serialize_seq(Some(self.announced))?;
            (0..self.items).try_for_each(|item| list.serialize_element(&item))?;
            list.end()
        }
    }
}

#[test]
fn a_length_that_is_not_kept_is_refused() {
    for map in [false, true] {
        for (announced, items) in [(0, 1), (1, 0), (3, 2), (2, 3), (15, 16), (70_000, 1)] {
            let error = sent(&Liar { announced, items, map }).unwrap_err();
            assert_eq!(error, EncodeError::WrongLength { announced, written: items });
        }
        assert_eq!(sent(&Liar { announced: usize::MAX, items: 0, map }), Err(EncodeError::TooLong(usize::MAX)));
        assert!(sent(&Liar { announced: 2, items: 2, map }).is_ok());
    }
    struct Fields;
    impl Serialize for Fields {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Fields", 2)?;
            fields.serialize_field("one", &1)?;
            fields.end()
        }
    }
    assert_eq!(sent(&Fields), Err(EncodeError::WrongLength { announced: 2, written: 1 }));
}

#[test]
fn a_map_that_does_not_alternate_is_refused() {
    struct Keys(&'static str);
    impl Serialize for Keys {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for kind in self.0.chars() {
                if kind == 'k' { map.serialize_key("key")? } else { map.serialize_value(&1)? }
            }
            map.end()
        }
    }
    for order in ["k", "kk", "v", "vk", "kvk", "kvv"] {
        assert_eq!(sent(&Keys(order)), Err(EncodeError::UnpairedKey), "{order}");
    }
    assert_eq!(sent(&Keys("kv")).unwrap(), r#"{"v":{"key":1}}"#);
}

/// A value that fails in the middle of itself.
struct Fails;
impl Serialize for Fails {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        list.serialize_element("half")?;
        Err(serde::ser::Error::custom("the disk is gone"))
    }
}

#[test]
fn what_a_failing_value_says_is_kept_and_nothing_of_it_is() {
    let mut encoder = Encoder::take();
    encoder.fields(2);
    encoder.field("first", &Fails);
    encoder.field("second", &nested(1_000));
    let text = "the data of the event can't be serialised: the disk is gone";
    assert_eq!(encoder.finish().unwrap_err().to_string(), text, "the first reason is told");
    assert!(encoder.finish().is_err(), "it is no event afterwards either");
    let mut encoder = Encoder::take();
    assert_eq!(encoder.data(&json!(["list"])), Err(EncodeError::NotAnObject));
    assert_eq!(encoder.finish(), Err(EncodeError::NotAnObject));
    drop(encoder);
    assert_eq!(sent(&1).unwrap(), r#"{"v":1}"#, "the next event has nothing of it");
}

#[test]
fn a_value_that_goes_on_after_an_error_is_whole_without_what_failed() {
    struct GoesOn;
    impl Serialize for GoesOn {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("before", &1)?;
            map.serialize_key("during")?;
            assert!(map.serialize_value(&[Fails]).is_err());
            map.serialize_value("instead")?;
            assert!(map.serialize_key(&Fails).is_err());
            map.serialize_entry("after", &2)?;
            map.end()
        }
    }
    assert_eq!(sent(&GoesOn).unwrap(), r#"{"v":{"before":1,"during":"instead","after":2}}"#);
    struct Counted;
    impl Serialize for Counted {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Counted", 2)?;
            assert!(fields.serialize_field("lost", &Fails).is_err());
            fields.serialize_field("kept", &1)?;
            fields.end()
        }
    }
    assert_eq!(sent(&Counted), Err(EncodeError::WrongLength { announced: 2, written: 1 }));
}

#[test]
fn a_display_that_fails_is_an_error() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            Err(fmt::Error)
        }
    }
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    let expected = EncodeError::Serialize("its `Display` or `Debug` returned an error".into());
    assert_eq!(sent(&Broken), Err(expected.clone()));
    let mut encoder = Encoder::take();
    encoder.field_display("k", &Broken);
    assert_eq!(encoder.finish(), Err(expected));
}
