//! Data that can't be reported: it is dropped alone, with a reason, and nobody panics.

use std::collections::BTreeMap;
use std::fmt;

use lastword::testing::MemorySink;
use lastword::{Admission, DropReason, Reporter, Severity};
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::support::{DEADLINE, assert_books, kinds, log, numbers, quick};

const INVALID: Admission = Admission::Dropped(DropReason::InvalidData);

fn recorder() -> (Reporter, MemorySink) {
    let sink = MemorySink::new();
    (quick("s").sink(sink.clone()).start().unwrap(), sink)
}

/// Serialises to an object, and panics or fails within it.
struct Breaks(fn());

impl Serialize for Breaks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("before", "it broke")?;
        (self.0)();
        Err(S::Error::custom("it does not want to"))
    }
}

/// An error that can't say what it is.
struct Mute(fn() -> fmt::Result);

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)()
    }
}

impl fmt::Debug for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)()
    }
}

impl std::error::Error for Mute {}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({}), |inner, _| json!({"inner": inner}))
}

#[test]
fn data_that_is_no_object_is_dropped_alone_and_its_neighbours_arrive() {
    let (reporter, sink) = recorder();
    log(&reporter, 1);
    for (what, refused) in [
        ("a number", reporter.log("bad", 5)),
        ("text", reporter.log("bad", "text")),
        ("a list", reporter.log("bad", [1, 2])),
        ("a tuple", reporter.log("bad", ("a", 1))),
        ("fails", reporter.log("bad", Breaks(|| {}))),
        ("panics", reporter.log("bad", Breaks(|| panic!("its Serialize panics")))),
    ] {
        assert_eq!(refused, INVALID, "{what}");
    }
    log(&reporter, 1);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_eq!(numbers(&sink.events()).len(), 2);
    let stats = assert_books(&reporter, &sink.events());
    assert_eq!(stats.refused.get(DropReason::InvalidData), 6);
}

#[test]
fn data_that_is_nested_too_deep_is_lost_alone_and_counted() {
    let (reporter, sink) = recorder();
    log(&reporter, 1);
    let _ = reporter.log("deep", nested(300));
    log(&reporter, 1);
    reporter.blocking_flush(DEADLINE);
    assert_eq!(numbers(&sink.events()).len(), 2);
    let stats = reporter.stats();
    assert_eq!(stats.refused.total() + stats.dropped.total(), 1, "{stats:?}");
}

#[test]
fn a_hundred_good_events_around_a_bad_one_all_arrive() {
    let (reporter, sink) = recorder();
    for i in 0..100 {
        log(&reporter, 1);
        if i == 50 {
            assert_eq!(reporter.log("panics", Breaks(|| panic!("its Serialize panics"))), INVALID);
        }
    }
    assert!(reporter.log("last", ()).is_accepted(), "the session goes on");
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(numbers(&sink.events()).len(), 100);
}

#[test]
fn types_keep_what_they_are() {
    #[derive(Serialize)]
    struct Data {
        yes: bool,
        no: bool,
        nothing: Option<u8>,
        unit: (),
        text: &'static str,
        letter: char,
        small: i8,
        large: u64,
        least: i64,
        half: f64,
        list: Vec<(u8, &'static str)>,
        #[serde(rename = "enum")]
        variant: Result<u8, u8>,
    }
    let (reporter, sink) = recorder();
    let data = Data {
        yes: true,
        no: false,
        nothing: None,
        unit: (),
        text: "nil \u{0} \u{10ffff}",
        letter: 'ü',
        small: -1,
        large: u64::MAX,
        least: i64::MIN,
        half: 0.5,
        list: vec![(1, "a")],
        variant: Ok(7),
    };
    assert!(reporter.log("types", &data).is_accepted());
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_eq!(sink.events()[1]["event_data"], serde_json::to_value(&data).unwrap());
}

#[test]
fn numbers_that_json_has_not_become_null_and_bytes_and_keys_become_what_json_has() {
    let (reporter, sink) = recorder();
    let floats = BTreeMap::from([("nan", f64::NAN), ("inf", f64::INFINITY), ("minus", f64::NEG_INFINITY)]);
    assert!(reporter.log("floats", &floats).is_accepted());
    let keys = BTreeMap::from([(1, "one"), (2, "two")]);
    let taken = reporter.log("keys", &keys);
    assert!(reporter.blocking_flush(DEADLINE).is_drained(), "whatever it was, nothing was lost on the way");
    let events = sink.events();
    assert_eq!(events[1]["event_data"], json!({"nan": null, "inf": null, "minus": null}));
    if taken.is_accepted() {
        assert_eq!(events[2]["event_data"], json!({"1": "one", "2": "two"}));
    }
    assert_books(&reporter, &events);
}

#[test]
fn an_error_whose_text_panics_or_fails_is_reported_and_replaces_nothing() {
    let (reporter, sink) = recorder();
    for mute in [Mute(|| panic!("its Display panics")), Mute(|| Err(fmt::Error))] {
        assert!(reporter.log_error(&mute).is_accepted());
    }
    assert!(reporter.blocking_log_fatal(&Mute(|| panic!("its Display panics"))).is_drained());
    let events = sink.events();
    let exception = "UNHANDLED_EXCEPTION";
    assert_eq!(kinds(&events), ["SESSION_START", exception, exception, exception, "SESSION_END"]);
    assert!(events[1]["error_type"].as_str().unwrap().contains("Mute"), "{}", events[1]);
}

#[test]
fn a_name_of_any_length_and_content_is_taken_and_cut() {
    let (reporter, sink) = recorder();
    for name in ["", "with \"quotes\" and \n and \u{0}", &"ü".repeat(10_000)] {
        assert!(reporter.log_with(Severity::Debug, name, ()).is_accepted());
    }
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let events = sink.events();
    assert_eq!(
        (&events[1]["event_name"], &events[2]["event_name"]),
        (&json!(""), &json!("with \"quotes\" and \n and \u{0}"))
    );
    assert!(events[3]["event_name"].as_str().unwrap().len() <= lastword::limits::EVENT_NAME_BYTES_MAX);
}

#[test]
fn a_reporter_that_is_logged_to_while_an_event_is_written_takes_both() {
    struct Logs(Reporter);
    impl Serialize for Logs {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            assert!(self.0.log("inner", json!({"a": 1})).is_accepted());
            serializer.collect_map([("outer", true)])
        }
    }
    let (reporter, sink) = recorder();
    assert!(reporter.log("outer", Logs(reporter.clone())).is_accepted());
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "inner", "outer"]);
    assert_eq!(sink.events()[2]["event_data"], json!({"outer": true}));
}
