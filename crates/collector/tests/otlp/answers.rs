//! What a client is answered.

use std::io::Write as _;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::{Value, json};

use crate::common::{Client, Dir, Server};
use crate::{JSON, PROTOBUF, fixture, post, span, traces};

/// `google.rpc.Status`, as far as it is answered.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

#[test]
fn every_prefix_leads_to_the_three_signals() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for path in ["/v1/traces", "/v1/traces/", "/api/public/otel/v1/traces", "/a/b/v1/traces?x=1"] {
        let answer = post(&server, path, PROTOBUF, &fixture("python-traces-1.bin")).is(200);
        assert_eq!((answer.header("content-type"), answer.body.as_str()), (Some(PROTOBUF), ""), "{path}");
    }
    let answer = post(&server, "/v1/traces", "application/json; charset=utf-8", b"{}").is(200);
    assert_eq!((answer.header("content-type"), answer.json()), (Some(JSON), json!({})));
    assert_eq!(server.get("/v1/traces").is(405).header("allow"), Some("POST"));
    post(&server, "/v1/profiles", PROTOBUF, b"").is(404);
    // Lines of logs have this path, but not in protobuf.
    post(&server, "/api/v1/logs", PROTOBUF, &fixture("python-logs-1.bin")).is(200);
    assert_eq!(server.events("name=log").len(), 1);
}

#[test]
fn refused_records_are_counted_in_the_form_of_the_request_and_their_neighbours_are_stored() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut bad = span(1, "bad", vec![]);
    bad.trace_id = vec![0; 16];
    let mut short = span(2, "short", vec![]);
    short.span_id = vec![1; 4];
    let body = traces(vec![span(0, "good", vec![]), bad, short, span(3, "good", vec![])]);
    let answer = post(&server, "/v1/traces", PROTOBUF, &body).is(200);
    let partial = ExportTraceServiceResponse::decode(answer.body.as_bytes()).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert_eq!(
        partial.error_message,
        "record 1: the span's trace id has nothing but zeros: it must have 16 bytes, not all 0; and 1 more"
    );
    assert_eq!(server.events("name=span.end").len(), 2);

    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}).to_string();
    let answer = post(&server, "/v1/traces", JSON, body.as_bytes()).is(200).json();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1");
    let message = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("record 0: the span can't be read: `xyz` is no id"), "{message}");
}

#[test]
fn a_body_that_is_none_is_answered_by_a_status_in_its_own_form() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let answer = post(&server, "/v1/logs", PROTOBUF, b"\x0a\xffnonsense").is(400);
    assert_eq!(answer.header("content-type"), Some(PROTOBUF));
    let status = Status::decode(answer.body.as_bytes()).unwrap();
    assert_eq!(status.code, 3);
    assert!(status.message.starts_with("the body is no protobuf of OTLP: "), "{}", status.message);

    let answer = post(&server, "/v1/logs", JSON, b"{\"resourceLogs\": 7}").is(400);
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("the body is no JSON of OTLP: invalid type: integer `7`, expected a list"),
        "{message}"
    );
    assert_eq!(answer.json()["code"], 3);
    assert_eq!(post(&server, "/v1/logs", "text/plain", b"").is(415).json()["code"], 3);
    assert_eq!(server.post("/v1/logs", b"").is(415).json()["code"], 3, "no content type");
}

#[test]
fn a_body_may_be_compressed() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&fixture("python-traces-1.bin")).unwrap();
    let gzip = gzip.finish().unwrap();
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    server.client().send("POST", "/v1/traces", &headers, &gzip).is(200);
    assert_eq!(server.events("name=span.end").len(), 3);
    let answer = server.client().send("POST", "/v1/traces", &headers, b"no gzip").is(400);
    assert_eq!(answer.header("content-type"), Some(PROTOBUF));
}

#[test]
fn what_may_work_later_says_when_in_the_form_of_the_request() {
    let dir = Dir::new();
    let server = Server::start(dir.config().ingest_bytes_max(1_000_000));
    let mut holding = Vec::new();
    let begun = std::time::Instant::now();
    let answer = loop {
        // Another one each time: what was read while an answer was under way may have found no room itself.
        holding.push(Client::hold_room(server.address));
        let answer = post(&server, "/v1/traces", PROTOBUF, &fixture("python-traces-1.bin"));
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "there is always room");
        if answer.status == 503 {
            break answer;
        }
    };
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(Status::decode(answer.body.as_bytes()).unwrap().code, 14);
    let answer = post(&server, "/v1/traces", JSON, &fixture("python-traces-1.json")).is(503);
    assert_eq!((answer.header("retry-after"), &answer.json()["code"]), (Some("1"), &Value::from(14)));
}
