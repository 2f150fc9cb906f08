//! What is taken out, and what is left.

use serde_json::{Value, json};

use super::*;
use crate::ingest::tinker;

/// Returns what is left of an event's data, and what was counted.
fn left_of(name: &str, data: &Value, opted_in: &'static str) -> (Value, BTreeMap<String, u64>) {
    let body = json!({"session_id": "s", "events": [{"event": "GENERIC_EVENT", "event_id": "ada@example.com",
        "event_session_index": 0, "severity": "INFO", "timestamp": "2026-11-20T09:20:34Z", "event_name": name,
        "event_data": data}]});
    let redaction = Redaction::new(Privacy::new(), Box::new(move |user| user == opted_in));
    let mut intake = tinker::decode(body.to_string().into_bytes()).unwrap();
    redaction.apply(&mut intake);
    let envelope = &intake.envelopes[0];
    let event: Value = serde_json::from_str(&envelope.body[envelope.events[0].range.clone()]).unwrap();
    assert_eq!(event["event_id"], "ada@example.com", "an id is the protocol's");
    (event["event_data"].clone(), redaction.counts())
}

#[test]
fn secrets_are_taken_out_by_name_and_by_shape_at_any_depth() {
    let data = json!({
        "password": "hunter2", "api_key": {"nested": ["x", 1]}, "token": 5, "secret": null, "authorization": "[redacted]",
        "user": {"username": "ada", "ip_address": "10.0.0.1", "plan": "free"}, "client.address": "::1",
        "list": [{"note": "mail ada@example.com\nand \"more\""}, "https://ada:lovelace@example.com/"],
        "ada@example.com": true, "plain": "é \u{1} stays", "n": 1.50,
    });
    let (left, counts) = left_of("n", &data, "");
    assert_eq!(
        left,
        json!({
            "password": "[redacted]", "api_key": "[redacted]", "token": "[redacted]", "secret": null,
            "authorization": "[redacted]",
            "user": {"username": "[redacted]", "ip_address": "[redacted]", "plan": "free"}, "client.address": "[redacted]",
            "list": [{"note": "mail [redacted:email]\nand \"more\""}, "https://[redacted:url]@example.com/"],
            "[redacted:email]": true, "plain": "é \u{1} stays", "n": 1.5,
        })
    );
    let counts: Vec<_> = counts.iter().map(|(rule, count)| (rule.as_str(), *count)).collect();
    assert_eq!(counts, [("email", 2), ("name", 6), ("url", 1)]);
}

#[test]
fn a_user_is_a_bucket_unless_the_user_has_agreed() {
    let data = json!({"user_id": "ada", "a": 1});
    assert_eq!(left_of("n", &data, "").0, json!({"user_bucket": user_bucket("ada"), "a": 1}));
    assert_eq!(left_of("n", &data, "ada").0, data);
    assert_eq!(left_of(SESSION_USER, &data, "").0, data, "a client says it only where its user has agreed");
    let two = json!({"user_id": "ada", "distinct_id": 7, "enduser.id": ""});
    assert_eq!(
        left_of("n", &two, "").0,
        json!({"user_bucket": user_bucket("7"), "enduser.id": "", "user_id": null}),
        "one bucket an event"
    );
}

#[test]
fn what_stands_in_place_of_an_id_hides_nothing() {
    let data =
        json!({"user_id": {"password": "hunter2", "mail": "ada@example.com"}, "distinct_id": ["ada"], "userId": true});
    let left = left_of("n", &data, "").0;
    assert_eq!(left, json!({"user_id": "[redacted]", "distinct_id": "[redacted]", "userId": true}));
    let body = r#"{"session_id":"s","events":[{"event":"SESSION_START","event_id":"a","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:34Z","error_type":{"password":"hunter2"},"duration":["ada@example.com"]}]}"#;
    let mut intake = tinker::decode(body.as_bytes().to_vec()).unwrap();
    Redaction::new(Privacy::new(), Box::new(|_| false)).apply(&mut intake);
    let envelope = &intake.envelopes[0];
    let text = &envelope.body[envelope.events[0].range.clone()];
    assert!(!text.contains("hunter2") && !text.contains("ada@"), "{text}");
}

#[test]
fn the_object_of_a_user_has_neither_id_nor_name_left() {
    let data = json!({
        "usr": {"id": "ada", "name": "Ada L", "plan": "free", "org": {"id": 3, "name": "x"}},
        "span": {"id": 7, "name": "y"}, "zones": [{"user": {"id": 5}}],
    });
    assert_eq!(left_of("n", &data, "ada").0["usr"]["id"], "ada", "who has agreed is named");
    let left = left_of("n", &data, "").0;
    assert_eq!(
        left["usr"],
        json!({"user_bucket": user_bucket("ada"), "name": "[redacted]", "plan": "free",
        "org": {"id": 3, "name": "x"}})
    );
    assert_eq!((&left["span"], &left["zones"]), (&data["span"], &json!([{"user": {"id": null}}])));
}

#[test]
fn the_id_of_a_user_is_taken_out_within_other_users_and_within_lists() {
    let bucket = user_bucket("ada");
    let nested = json!({"user": {"meta": {"usr": {"id": "ada", "name": "Ada"}, "id": 3}}, "id": 4});
    let left = left_of("n", &nested, "").0;
    assert_eq!(
        left,
        json!({"user": {"meta": {"usr": {"user_bucket": bucket, "name": "[redacted]"}, "id": 3}}, "id": 4})
    );
    let direct = json!({"user": {"id": "ada", "usr": {"id": "bob", "x": {"id": 1}}}});
    let left = left_of("n", &direct, "").0;
    assert_eq!(left, json!({"user": {"user_bucket": bucket, "usr": {"id": null, "x": {"id": 1}}}}));
    let listed = json!({"user": [[], {"id": "ada", "name": "Ada", "org": {"id": 3}, "orgs": [{"id": 4}]}, [{"id": "bob"}]],
        "rows": [{"id": 5}]});
    let left = left_of("n", &listed, "").0;
    assert_eq!(
        left,
        json!({"user": [[], {"user_bucket": bucket, "name": "[redacted]", "org": {"id": 3}, "orgs": [{"id": 4}]},
            [{"id": null}]], "rows": [{"id": 5}]})
    );
}

#[test]
fn a_name_says_who_somebody_is_however_it_is_written() {
    let bucket = user_bucket("ada");
    for name in ["User_Id", "USER-ID", "userID", "$user_id", "$anon_distinct_id", "enduser.id"] {
        assert_eq!(left_of("n", &json!({name: "ada"}), "").0, json!({"user_bucket": bucket}), "{name}");
    }
    let data = json!({"Email": "x", "REMOTE_ADDR": "y", "$set": {"name": "z"}, "span_id": "s", "grid": "g"});
    let left = json!({"Email": "[redacted]", "REMOTE_ADDR": "[redacted]", "$set": {"name": "[redacted]"}, "span_id": "s",
        "grid": "g"});
    assert_eq!(left_of("n", &data, "").0, left);
}

#[test]
fn names_of_events_and_types_of_errors_have_no_address_left() {
    let body = r#"{"session_id":"s","platform":"mac of ada@example.com","events":[
        {"event":"GENERIC_EVENT","event_id":"a","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:34Z","event_name":"to ada@example.com"},
        {"event":"UNHANDLED_EXCEPTION","event_id":"b","event_session_index":1,"severity":"ERROR","timestamp":"2026-11-20T09:20:34Z","error_type":"No ada@example.com","error_message":"m","traceback":"t"}]}"#;
    let mut intake = tinker::decode(body.as_bytes().to_vec()).unwrap();
    Redaction::new(Privacy::new(), Box::new(|_| false)).apply(&mut intake);
    let envelope = &intake.envelopes[0];
    assert_eq!(envelope.platform.as_deref(), Some("mac of [redacted:email]"));
    assert_eq!(envelope.events[0].name.as_deref(), Some("to [redacted:email]"));
    let Some(Detail::Exception(exception)) = envelope.events[1].detail.as_deref() else { panic!("no exception") };
    assert_eq!(exception.error_type, "No [redacted:email]");
    assert!(envelope.events.iter().all(|event| !envelope.body[event.range.clone()].contains("ada@")));
}

#[test]
fn marks_that_a_client_writes_itself_are_no_rules() {
    let data = json!({"a": "ada@example.com [redacted:x-1] [redacted:/home/ada/y]"});
    let counts = left_of("n", &data, "").1;
    assert!(counts.keys().all(|rule| matches!(rule.as_str(), "email" | "home" | "other")), "{counts:?}");
}

#[test]
fn an_event_in_which_nothing_is_found_is_the_range_that_it_was() {
    let body = r#"{"session_id":"s","events":[ {"event":"SESSION_START", "event_id":"a","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:34Z","more":"x\u0000y"} ]}"#;
    let mut intake = tinker::decode(body.as_bytes().to_vec()).unwrap();
    let before = intake.envelopes[0].events[0].range.clone();
    Redaction::new(Privacy::new(), Box::new(|_| false)).apply(&mut intake);
    assert_eq!(intake.envelopes[0].events[0].range, before);
    assert_eq!(intake.envelopes[0].body, body);
}

#[test]
fn an_exception_is_grouped_by_what_is_left_of_its_message() {
    let body = json!({"session_id": "s", "events": [{"event": "UNHANDLED_EXCEPTION", "event_id": "1",
        "event_session_index": 0, "severity": "ERROR", "timestamp": "2026-11-20T09:20:34Z", "error_type": "E",
        "error_message": "no user ada@example.com", "traceback": "at /home/ada/x.rs:1"}]});
    let mut intake = tinker::decode(body.to_string().into_bytes()).unwrap();
    Redaction::new(Privacy::new(), Box::new(|_| false)).apply(&mut intake);
    let envelope = &intake.envelopes[0];
    let text = &envelope.body[envelope.events[0].range.clone()];
    assert!(text.contains("no user [redacted:email]") && text.contains("at ~/x.rs:1"), "{text}");
    let Some(Detail::Exception(exception)) = envelope.events[0].detail.as_deref() else { panic!("no exception") };
    assert_eq!(exception.message, "no user [redacted:email]");
}
