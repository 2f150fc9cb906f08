//! `event!`: fields as `tracing` users write them, encoded straight into the queue.

// What fails here fails the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use lastword::testing::MemorySink;
use lastword::{Admission, DropReason, Reporter, Severity, event};
use serde::Serialize;
use serde_json::{Value, json};

fn recorder() -> (Reporter, MemorySink) {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("session-1").enabled(true).sink(sink.clone()).start().unwrap();
    (reporter, sink)
}

fn logged(reporter: &Reporter, sink: &MemorySink) -> Vec<Value> {
    assert!(reporter.blocking_flush(Duration::from_secs(10)).is_drained());
    sink.events().into_iter().filter(|event| event["event"] == "GENERIC_EVENT").collect()
}

struct Shown;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("displayed")
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("debugged")
    }
}

#[test]
fn an_event_has_its_name_its_severity_and_its_fields() {
    let (reporter, sink) = recorder();
    assert_eq!(event!(reporter, "cache.miss"), Admission::Accepted { seq: 1 });
    let _ = event!(reporter, "cache.miss",);
    let _ = event!(reporter, Severity::Warning, "cache.miss", key = 1, hit = true);
    let _ = event!(&reporter, Severity::Error, "cache.miss", key = -1.5, tags = ["a", "b"],);
    let events = logged(&reporter, &sink);
    let said: Vec<_> = events.iter().map(|event| (&event["severity"], &event["event_data"])).collect();
    assert_eq!(
        said,
        [
            (&json!("INFO"), &json!({})),
            (&json!("INFO"), &json!({})),
            (&json!("WARNING"), &json!({"key": 1, "hit": true})),
            (&json!("ERROR"), &json!({"key": -1.5, "tags": ["a", "b"]})),
        ]
    );
    assert!(events.iter().all(|event| event["event_name"] == "cache.miss"));
}

#[test]
fn every_form_of_a_field_is_taken_alone_first_and_last() {
    struct Request {
        path: &'static str,
        user: Shown,
    }
    let (reporter, sink) = recorder();
    let (user, shown, request) = ("ada", Shown, Request { path: "/", user: Shown });
    let _ = event!(reporter, "a", user = %shown);
    let _ = event!(reporter, "b", user = ?shown, n = 1);
    let _ = event!(reporter, "c", user, %shown);
    let _ = event!(reporter, "d", ?shown, user,);
    let _ = event!(reporter, "e", http.status = 200, http.path = %"/", http.method = ?"GET");
    let _ = event!(reporter, "f", "content-type" = "text", "a b" = %shown, "type" = ?shown);
    let _ = event!(reporter, "g", request.path, %request.user, ?request.user);
    let _ = event!(reporter, "h", text = %*String::from("unsized"), debug = ?[1, 2][..]);
    let data: Vec<_> = logged(&reporter, &sink).into_iter().map(|event| event["event_data"].clone()).collect();
    assert_eq!(
        data[..6],
        [
            json!({"user": "displayed"}),
            json!({"user": "debugged", "n": 1}),
            json!({"user": "ada", "shown": "displayed"}),
            json!({"shown": "debugged", "user": "ada"}),
            json!({"http.status": 200, "http.path": "/", "http.method": "\"GET\""}),
            json!({"content-type": "text", "a b": "displayed", "type": "debugged"}),
        ]
    );
    assert_eq!(data[6]["request.path"], "/");
    assert_eq!(data[6]["request.user"], "debugged", "of a key that is there twice, the last one stands");
    assert_eq!(data[7], json!({"text": "unsized", "debug": "[1, 2]"}));
}

#[test]
fn anything_that_serialises_is_a_value() {
    #[derive(Serialize)]
    struct Model {
        name: &'static str,
        layers: Option<u8>,
    }
    let (reporter, sink) = recorder();
    let _ = event!(
        reporter,
        "m",
        model = Model { name: "m", layers: None },
        nested = json!({"a": [null, 1]}),
        nothing = ()
    );
    let expected = json!({"model": {"name": "m", "layers": null}, "nested": {"a": [null, 1]}, "nothing": null});
    assert_eq!(logged(&reporter, &sink)[0]["event_data"], expected);
}

#[test]
fn more_fields_than_fit_the_short_form_arrive() {
    let (reporter, sink) = recorder();
    let _ = event!(
        reporter,
        "many",
        a = 1,
        b = 2,
        c = 3,
        d = 4,
        e = 5,
        f = 6,
        g = 7,
        h = 8,
        i = 9,
        j = 10,
        k = 11,
        l = 12,
        m = 13,
        n = 14,
        o = 15,
        p = 16,
        q = 17
    );
    let data = logged(&reporter, &sink)[0]["event_data"].clone();
    assert_eq!((data.as_object().unwrap().len(), &data["q"]), (17, &json!(17)));
}

#[test]
fn values_are_evaluated_once_and_only_where_somebody_listens() {
    let evaluated = Cell::new(0);
    let value = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    assert_eq!(event!(Reporter::disabled(), "e", n = value()), Admission::Dropped(DropReason::Disabled));
    assert_eq!(event!(None::<Reporter>, "e", n = value()), Admission::Dropped(DropReason::Disabled));
    assert_eq!(evaluated.get(), 0);
    let (reporter, sink) = recorder();
    let _ = event!(reporter, "e", n = value());
    assert_eq!(logged(&reporter, &sink)[0]["event_data"], json!({"n": 1}));
}

#[test]
fn a_value_that_panics_or_does_not_serialise_costs_its_event_alone() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken"))
        }
    }
    let (reporter, sink) = recorder();
    let panics = || -> u8 { panic!("value") };
    assert_eq!(event!(reporter, "a", n = panics()), Admission::Dropped(DropReason::InvalidData));
    assert_eq!(event!(reporter, "b", n = Broken), Admission::Dropped(DropReason::InvalidData));
    assert!(event!(reporter, "c", n = 1).is_accepted());
    let names: Vec<_> = logged(&reporter, &sink).into_iter().map(|event| event["event_name"].clone()).collect();
    assert!(names.contains(&json!("c")) && !names.contains(&json!("a")) && !names.contains(&json!("b")));
}

#[test]
fn an_event_may_be_logged_while_another_is_being_encoded() {
    struct Chatty<'a>(&'a Reporter);
    impl fmt::Display for Chatty<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let _ = event!(self.0, "inner", n = 1);
            f.write_str("outer")
        }
    }
    let (reporter, sink) = recorder();
    let _ = event!(reporter, "outer", first = %Chatty(&reporter), second = 2);
    let events = logged(&reporter, &sink);
    assert_eq!((&events[0]["event_name"], &events[0]["event_data"]), (&json!("inner"), &json!({"n": 1})));
    assert_eq!(events[1]["event_data"], json!({"first": "outer", "second": 2}));
}
