//! Bodies that are made to take memory, time or the stack.

use serde_json::json;

use crate::common::{Dir, Server};
use crate::{JSON, PROTOBUF, post, span, text, traces};

/// Puts bytes into a field of a message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap());
    field.extend_from_slice(bytes);
    field
}

fn of_one_span(span: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, span)))
}

#[test]
fn parts_by_the_million_are_refused_at_the_first_that_is_too_many() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    // Two bytes each, and 20 million of them.
    let empty: Vec<u8> = [10, 0].repeat(10_000_000);
    post(&server, "/v1/traces", PROTOBUF, &empty).is(413);
    let groups = "{},".repeat(1_000_000);
    post(&server, "/v1/traces", JSON, format!("{{\"resourceSpans\":[{groups}{{}}]}}").as_bytes()).is(413);
    let spans: Vec<u8> = [18, 0].repeat(20_000);
    post(&server, "/v1/traces", PROTOBUF, &field(1, &field(2, &spans))).is(413);
}

#[test]
fn a_record_that_is_larger_than_an_event_is_refused_before_it_is_read() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut large: Vec<u8> = [74, 0].repeat(5_000_000);
    large.extend(field(1, &[7; 16]));
    let answer = post(&server, "/v1/traces", PROTOBUF, &of_one_span(&large)).is(200);
    assert!(answer.body.contains("at most 1048576 are taken"), "{}", answer.body);
    // Attributes without end, within the bound.
    let mut many: Vec<u8> = [74, 0].repeat(400_000);
    many.extend([field(1, &[7; 16]), field(2, &[7; 8])].concat());
    post(&server, "/v1/traces", PROTOBUF, &of_one_span(&many)).is(200);
    let long = traces(vec![span(0, "x", vec![text("long", &"x".repeat(2_000_000))]), span(1, "y", vec![])]);
    let answer = post(&server, "/v1/traces", PROTOBUF, &long).is(200);
    assert!(answer.body.contains("record 0"), "{}", answer.body);
    assert_eq!(server.events("text=%22y%22").len(), 1);
}

#[test]
fn what_many_records_have_in_common_is_no_way_to_fill_the_memory() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    // A scope of nearly a megabyte is told with each of its spans.
    let long = "x".repeat(1_000_000);
    let scope = json!({"name": "s", "attributes": [{"key": "a", "value": {"stringValue": long}}]});
    let spans: Vec<_> = (1..400)
        .map(|number| json!({"traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"), "name": "n"}))
        .collect();
    let body = json!({"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": spans}]}]}).to_string();
    let answer = post(&server, "/v1/traces", JSON, body.as_bytes()).is(413);
    assert!(answer.body.contains("send them in several"), "{}", answer.body);
    assert!(server.events("name=span.end").is_empty(), "nothing of it is stored");
}

#[test]
fn a_value_that_is_nested_without_end_is_refused_with_its_record() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut deep = Vec::new();
    for _ in 0..5_000 {
        deep = field(5, &field(1, &deep));
    }
    let span = [field(1, &[7; 16]), field(2, &[7; 8]), field(9, &field(2, &deep))].concat();
    let answer = post(&server, "/v1/traces", PROTOBUF, &of_one_span(&span)).is(200);
    assert!(answer.body.contains("values are nested deeper than 64 levels"), "{}", answer.body);

    let mut deep = json!({"intValue": "1"}).to_string();
    for _ in 0..5_000 {
        deep = format!("{{\"arrayValue\":{{\"values\":[{deep}]}}}}");
    }
    let body = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{deep}}},{{\"body\":{{\"stringValue\":\"x\"}}}}]}}]}}]}}"
    );
    let answer = post(&server, "/v1/logs", JSON, body.as_bytes()).is(200).json();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1", "{answer}");
    assert_eq!(server.events("name=log").len(), 1);
}

#[test]
fn a_value_as_deep_as_it_may_be_is_stored() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut deep = vec![24, 1];
    for _ in 0..64 {
        deep = field(5, &field(1, &deep));
    }
    let attribute = [field(1, b"deep"), field(2, &deep)].concat();
    let span = [field(1, &[7; 16]), field(2, &[7; 8]), field(9, &attribute)].concat();
    let answer = post(&server, "/v1/traces", PROTOBUF, &of_one_span(&span)).is(200);
    assert_eq!(answer.body, "");
    assert_eq!(server.events("name=span.end").len(), 1);
}

#[test]
fn text_that_is_no_utf_8_is_repaired_and_the_rest_of_its_record_is_there() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let attribute = [field(1, b"bad\xff"), field(2, &field(1, b"caf\xe9"))].concat();
    let span = [field(1, &[7; 16]), field(2, &[7; 8]), field(5, b"name"), field(9, &attribute)].concat();
    post(&server, "/v1/traces", PROTOBUF, &of_one_span(&span)).is(200);
    assert_eq!(server.events("name=span.end")[0]["event_data"]["bad\u{fffd}"], "caf\u{fffd}");
}
