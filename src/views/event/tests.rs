use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::views::samples::{Sample, any_samples};
use crate::views::{Dashboard, View};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn events_of_a_batch_and_their_json_come_to_equal_views(samples in any_samples(12)) {
        let (mut of_batch, mut of_lines, mut of_json) = (Dashboard::default(), Dashboard::default(), Dashboard::default());
        for sample in &samples {
            sample.apply_view(&mut of_batch);
            let line = sample.line();
            of_lines.apply(&Event::from_line(&line).unwrap());
            let json: Value = serde_json::from_slice(&line).unwrap();
            of_json.apply(&Event::from_json(&json).unwrap());
        }
        prop_assert_eq!(&of_batch, &of_lines);
        prop_assert_eq!(&of_batch, &of_json);
    }
}

#[test]
fn an_event_says_whose_it_is_and_when_it_was() {
    let sample = Sample { severity: Severity::Trace, ..Sample::new(7, "cache.miss", json!({"key": 1})) };
    let line = sample.line();
    let event = Event::from_line(&line).unwrap();
    assert_eq!((event.session_id(), event.index(), event.name()), ("s-1", 7, Some("cache.miss")));
    assert_eq!((event.time().unix_nanos(), event.severity()), (sample.nanos, Severity::Debug));
}

#[test]
fn the_order_of_fields_in_the_json_makes_no_difference() {
    let data = json!({"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "own": 1, "duration_ms": 1});
    for name in ["span.end", "anything"] {
        let front = format!(
            r#"{{"event":"GENERIC_EVENT","timestamp":"2026-11-25T10:00:00Z","event_name":"{name}","event_data":{data}}}"#
        );
        let behind = format!(
            r#"{{"event_data":{data},"event_name":"{name}","timestamp":"2026-11-25T10:00:00Z","event":"GENERIC_EVENT"}}"#
        );
        assert_eq!(Event::from_line(front.as_bytes()).unwrap(), Event::from_line(behind.as_bytes()).unwrap());
    }
}

#[test]
fn what_is_no_event_is_refused_and_the_error_says_what_was_wrong() {
    let error = |json: Value| Event::from_json(&json).unwrap_err().to_string();
    assert!(error(json!([])).contains("an event: an object"), "{}", error(json!([])));
    assert!(error(json!({})).starts_with("`event` is missing"));
    assert!(error(json!({"event": "PARTY"})).starts_with("`event` is \"PARTY\""));
    assert!(error(json!({"event": "SESSION_START", "timestamp": 7})).starts_with("`timestamp` is 7"));
    let no_object = json!({"event": "GENERIC_EVENT", "timestamp": "2026-11-25T10:00:00Z", "event_data": 7});
    assert!(error(no_object).contains("the data of an event: an object"));
    assert!(Event::from_line(br#"{"event":"SESSION_START","timestamp":"2026-11-25T10:00:00Z"} x"#).is_err());
    assert!(Event::from_line(b"{\"event\":").is_err());
}

#[test]
fn numbers_that_json_has_not_read_as_json_has_them() {
    // NaN, a float of 32 bits, an integer beyond 64 bits, bytes, and a key that is no text.
    let bytes = [
        &b"\x85\xa3nan\xcb"[..],
        &f64::NAN.to_be_bytes(),
        b"\xa3f32\xca",
        &0.1_f32.to_be_bytes(),
        b"\xa3big\xd8U",
        &(1_u128 << 100).to_be_bytes(),
        b"\xa3bin\xc4\x02\x01\x02\x07\xc3",
    ]
    .concat();
    let datum = Datum::deserialize(&mut rmp_serde::Deserializer::from_read_ref(&bytes)).unwrap();
    let mut json = Vec::new();
    crate::wire::write_data(&mut json, &bytes).unwrap();
    let of_json: Datum<'_> = serde_json::from_slice(&json).unwrap();
    assert_eq!(datum, of_json);
    assert_eq!((datum.get("f32"), datum.get("7")), (&Datum::Float(0.1), &Datum::Bool(true)));
}

use serde::Deserialize;
