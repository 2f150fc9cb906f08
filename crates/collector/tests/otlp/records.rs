//! Spans and records of logs as events.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
use opentelemetry_proto::tonic::trace::v1::Status;
use serde_json::{Value, json};

use crate::common::{Dir, Server};
use crate::{JSON, PROTOBUF, attribute, fixture, int, post, span, text, traces};

/// Returns the data of the events of a name.
fn data(server: &Server, name: &str) -> Vec<Value> {
    server.events(&format!("name={name}")).into_iter().map(|mut event| event["event_data"].take()).collect()
}

#[test]
fn a_span_of_python_is_there_with_all_that_it_says() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    post(&server, "/v1/traces", PROTOBUF, &fixture("python-traces-1.bin")).is(200);
    let events = server.events("session=i-1&name=span.end");
    let [chat, root, fails] = &events[..] else { panic!("{events:?}") };
    for event in &events {
        let data = &event["event_data"];
        let id = format!("{}-{}", data["trace_id"].as_str().unwrap(), data["span_id"].as_str().unwrap());
        assert_eq!((event["event_id"].as_str(), event.get("event_session_index")), (Some(id.as_str()), None));
        assert_eq!((&data["otel.scope.name"], &data["otel.scope.version"]), (&json!("demo"), &json!("1.2")));
    }
    let (chat, root) = (&chat["event_data"], &root["event_data"]);
    assert_eq!((&chat["span_name"], &chat["span_kind"]), (&json!("chat gpt-4o"), &json!("client")));
    assert_eq!((&chat["parent_span_id"], &chat["trace_id"]), (&root["span_id"], &root["trace_id"]));
    assert_eq!(chat["links"][0]["attributes"], json!({"why": "x"}));
    assert_eq!(chat["links"][0]["span_id"], root["span_id"]);
    assert_eq!((&root["list"], &root["yes"]), (&json!([1, 2]), &json!(true)));
    assert_eq!((&root["data.duration_ms"], &root["status"]), (&json!(3), &json!("ok")));
    assert_eq!((&root["events"][0]["name"], &root["events"][0]["attributes"]), (&json!("happened"), &json!({"n": 1})));
    assert!(root["duration_ms"].as_f64().unwrap() > chat["duration_ms"].as_f64().unwrap());
    assert_eq!((&fails["severity"], &fails["event_data"]["status"]), (&json!("ERROR"), &json!("error")));
    assert_eq!(fails["event_data"]["error.type"], "ValueError");
    assert_eq!(fails["event_data"]["error.message"], "boom");
    let resource = &server.events("session=i-1&name=resource")[0];
    assert_eq!((&resource["event_data"]["service.name"], &root["resource"]), (&json!("shop"), &resource["event_id"]));
}

#[test]
fn json_is_read_as_protobuf_is() {
    let (proto, json) = (Dir::new(), Dir::new());
    let (proto, json) = (Server::start(proto.config()), Server::start(json.config()));
    for signal in ["traces", "logs"] {
        post(&proto, &format!("/v1/{signal}"), PROTOBUF, &fixture(&format!("python-{signal}-1.bin"))).is(200);
        post(&json, &format!("/v1/{signal}"), JSON, &fixture(&format!("python-{signal}-1.json"))).is(200);
    }
    // The two were sent by two runs: what must differ are times and ids.
    let known = |server: &Server| -> Vec<Value> {
        let mut events = server.events("");
        for event in &mut events {
            event["event_id"].take();
            event["timestamp"].take();
            let data = event["event_data"].as_object_mut().unwrap();
            data.retain(|name, _| !name.ends_with("_id") && !name.ends_with("_nano") && name != "duration_ms");
            data.remove("links");
            data.remove("events");
        }
        events
    };
    let (proto, json) = (known(&proto), known(&json));
    assert_eq!((proto.len(), &proto), (6, &json), "a resource, three spans, two records");
}

#[test]
fn json_may_have_numbers_as_numbers_names_of_enumerations_nulls_and_fields_that_nobody_knows() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let body = json!({"unknown": [1], "resourceSpans": [{"resource": null, "scopeSpans": [{"scope": null, "spans": [{
        "traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "b7ad6b7169203331", "parentSpanId": null,
        "name": "a \"b\"\n", "kind": "SPAN_KIND_SERVER", "startTimeUnixNano": 1_795_132_800_000_000_000_u64,
        "endTimeUnixNano": "1795132801500000000", "status": {"code": "STATUS_CODE_ERROR", "message": "no"}, "new": {"a": null},
        "attributes": [{"key": "i", "value": {"intValue": 7}}, {"key": "d", "value": {"doubleValue": "NaN"}},
            {"key": "b", "value": {"bytesValue": "AAE="}}, {"key": "n", "value": {}}, {"key": "m", "value": {"kvlistValue":
            {"values": [{"key": "x", "value": {"arrayValue": {"values": [{"boolValue": true}]}}}]}}}],
    }]}]}]});
    post(&server, "/v1/traces", JSON, body.to_string().as_bytes()).is(200);
    let event = &server.events("name=span.end")[0];
    let data = &event["event_data"];
    assert_eq!(event["event_id"], "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331");
    assert_eq!((&data["span_kind"], &data["duration_ms"]), (&json!("server"), &json!(1500.0)));
    assert_eq!((&data["status"], &data["error.message"]), (&json!("error"), &json!("no")));
    assert_eq!((&data["i"], &data["d"], &data["b"]), (&json!(7), &json!("NaN"), &json!("AAE=")));
    assert_eq!((&data["n"], &data["m"]), (&json!(null), &json!({"x": [true]})));
    assert_eq!(event["session_id"], "unknown_service");
}

#[test]
fn the_same_batch_sent_twice_is_stored_once() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for times in 1..=2 {
        for signal in ["traces", "logs", "metrics"] {
            let path = format!("/api/public/otel/v1/{signal}");
            post(&server, &path, PROTOBUF, &fixture(&format!("python-{signal}-1.bin"))).is(200);
        }
        assert_eq!(server.events("").len(), 7, "sent {times} times: a resource, three spans, two records, metrics");
    }
}

#[test]
fn two_records_that_are_alike_are_two_and_stay_two() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let record = json!({"timeUnixNano": "1795132801000000000", "body": {"stringValue": "tick"}});
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record, record]}]}]}).to_string();
    for _ in 0..2 {
        post(&server, "/v1/logs", JSON, body.as_bytes()).is(200);
    }
    assert_eq!(data(&server, "log"), [json!({"message": "tick"}), json!({"message": "tick"})]);
}

#[test]
fn a_record_of_python_is_a_log_and_one_of_an_exception_an_error() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    post(&server, "/v1/logs", PROTOBUF, &fixture("python-logs-1.bin")).is(200);
    let log = &server.events("name=log")[0];
    assert_eq!((&log["severity"], &log["event_data"]["message"]), (&json!("WARNING"), &json!("careful 1")));
    assert_eq!(log["event_data"]["trace_id"].as_str().unwrap().len(), 32);
    let error = &data(&server, "error")[0];
    assert_eq!((&error["error.type"], &error["error.message"]), (&json!("ValueError"), &json!("boom")));
    assert_eq!(error["message"], "it failed");
    let groups = server.get("/api/exceptions").is(200).json();
    assert_eq!(groups["exceptions"][0]["error_type"], "ValueError", "{groups}");
}

#[test]
fn severities_and_names_of_events_come_from_wherever_they_stand() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let named = |key: &str| json!([{"key": key, "value": {"stringValue": "page.view"}}]);
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"eventName": "page.view", "severityNumber": 10},
        {"attributes": named("event.name"), "severityText": "Warn"},
        {"attributes": named("event.name"), "body": {"stringValue": "app.page.view"}, "severityNumber": "SEVERITY_NUMBER_FATAL"},
        {"body": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}},
    ]}]}]});
    post(&server, "/v1/logs", JSON, body.to_string().as_bytes()).is(200);
    let events = server.events("");
    let told: Vec<_> =
        events.iter().map(|e| (e["event_name"].as_str().unwrap(), e["severity"].as_str().unwrap())).collect();
    assert_eq!(told, [("page.view", "INFO"), ("page.view", "WARNING"), ("app.page.view", "CRITICAL"), ("log", "INFO")]);
    assert_eq!(
        (&events[0]["event_data"]["severity_number"], &events[3]["event_data"]["body"]),
        (&json!(10), &json!({"a": 1}))
    );
}

#[test]
fn whose_a_record_is_is_said_by_the_first_attribute_that_can() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let of = |attributes: Value| {
        let attributes: Vec<_> = attributes
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => json!({"key": key, "value": {"stringValue": text}}),
                number => json!({"key": key, "value": {"intValue": number}}),
            })
            .collect();
        let body = json!({"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": [
            {"body": {"stringValue": "x"}}]}]}]});
        post(&server, "/v1/logs", JSON, body.to_string().as_bytes()).is(200);
    };
    of(json!({"session.id": "s", "service.instance.id": "i", "service.name": "n"}));
    of(json!({"service.instance.id": "i", "service.name": "n"}));
    of(json!({"service.name": "n", "host.name": "h", "process.pid": 7}));
    of(json!({"service.name": "n"}));
    of(json!({}));
    let sessions: Vec<String> =
        server.events("name=log").iter().map(|event| event["session_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sessions, ["s", "i", "n@h:7", "n", "unknown_service"]);
}

#[test]
fn an_exception_counts_where_it_leaves_the_program_and_not_on_its_way() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let failing = |number, parent: &[u8]| {
        let mut span = span(number, "work", vec![]);
        span.parent_span_id = parent.to_vec();
        span.status = Some(Status { message: String::new(), code: 2 });
        let attributes = vec![text("exception.type", "KeyError"), text("exception.message", "no key 7")];
        span.events = vec![opentelemetry_proto::tonic::trace::v1::span::Event {
            name: "exception".into(),
            attributes,
            ..Default::default()
        }];
        span
    };
    let root = failing(0, &[]);
    let child = failing(1, &root.span_id);
    post(&server, "/v1/traces", PROTOBUF, &traces(vec![child, root])).is(200);
    let groups = server.get("/api/exceptions").is(200).json();
    assert_eq!(
        (&groups["exceptions"][0]["error_type"], &groups["exceptions"][0]["count"]),
        (&json!("KeyError"), &json!(1))
    );
}

#[test]
fn an_attribute_takes_the_place_of_nothing_that_a_span_says_of_itself() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let list = Any::ArrayValue(ArrayValue { values: vec![AnyValue { value: Some(Any::BytesValue(vec![1, 2])) }] });
    let names = ["trace_id", "parent_span_id", "status", "resource", "events", "links", "error.message"];
    let attributes = names.iter().map(|name| int(name, 1)).chain([attribute("bytes", list)]).collect();
    post(&server, "/v1/traces", PROTOBUF, &traces(vec![span(0, "x", attributes)])).is(200);
    let data = &data(&server, "span.end")[0];
    for name in names {
        assert_eq!((data[format!("data.{name}")].as_i64(), data[name].is_number()), (Some(1), false), "{name}: {data}");
    }
    assert_eq!(data["bytes"], json!(["AQI="]));
}

#[test]
fn what_our_own_reporter_sends_is_the_event_that_it_was() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let own = |index: u64, uid: &str| {
        json!([{"key": "session.id", "value": {"stringValue": "s-1"}}, {"key": "event_session_index", "value": {"intValue": index}},
            {"key": "log.record.uid", "value": {"stringValue": uid}}])
    };
    let with = |own: Value, more: Value| {
        Value::from([own.as_array().unwrap().clone(), more.as_array().unwrap().clone()].concat())
    };
    let resource = json!({"attributes": [{"key": "telemetry.sdk.name", "value": {"stringValue": "lastword"}}]});
    let exception = json!([{"key": "exception.type", "value": {"stringValue": "E"}},
        {"key": "exception.message", "value": {"stringValue": "m"}}, {"key": "exception.stacktrace", "value": {"stringValue": "at x"}}]);
    let logs = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [
        {"eventName": "SESSION_START", "body": {"stringValue": "SESSION_START"}, "attributes": own(0, "u-0")},
        {"eventName": "cache.miss", "body": {"stringValue": "cache.miss"}, "attributes": with(own(1, "u-1"), json!([
            {"key": "n", "value": {"intValue": "1"}}]))},
        {"eventName": "UNHANDLED_EXCEPTION", "severityNumber": 21, "attributes": with(own(3, "u-3"), exception)},
        {"eventName": "SESSION_END", "attributes": with(own(4, "u-4"), json!([
            {"key": "duration_ms", "value": {"doubleValue": 61_500.0}}]))},
    ]}]}]});
    post(&server, "/v1/logs", JSON, logs.to_string().as_bytes()).is(200);
    let spans = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [{
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "chat",
        "startTimeUnixNano": "1795132800000000000", "endTimeUnixNano": "1795132801000000000", "attributes": own(2, "u-2")}]}]}]});
    post(&server, "/v1/traces", JSON, spans.to_string().as_bytes()).is(200);

    let mut events = server.events("session=s-1");
    events.retain(|event| event["event_name"] != "resource");
    events.sort_by_key(|event| event["event_session_index"].as_u64());
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (event["event"].as_str().unwrap(), event["event_id"].as_str().unwrap(), event["event_name"].as_str())
        })
        .collect();
    let generic = "GENERIC_EVENT";
    let expected = [
        ("SESSION_START", "u-0", None),
        (generic, "u-1", Some("cache.miss")),
        (generic, "u-2", Some("span.end")),
        ("UNHANDLED_EXCEPTION", "u-3", None),
        ("SESSION_END", "u-4", None),
    ];
    assert_eq!(told, expected);
    assert_eq!(events[1]["event_data"].as_object().unwrap().keys().collect::<Vec<_>>(), ["n", "resource"]);
    assert_eq!(
        (&events[3]["error_type"], &events[3]["error_message"], &events[3]["traceback"]),
        (&json!("E"), &json!("m"), &json!("at x"))
    );
    assert_eq!(events[4]["duration"], "0:01:01.500000");
    let session = server.get("/api/sessions/s-1").is(200).json();
    assert_eq!((&session["state"], &session["missing"]), (&json!("ended"), &json!(0)), "{session}");
}
