//! The OTLP sink against a peer that fails in every way that one can.

#![cfg(feature = "otlp")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod peers;

use std::time::{Duration, Instant};

use lastword::limits::OTLP_REQUEST_BYTES_MAX;
use lastword::sink::{Ack, Batch, Otlp, Policy, Sink, SinkError};
use lastword::testing::{MemorySink, batch};
use lastword::{Builder, DropReason, Reporter, Severity};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use peers::{Answer, PATIENCE, Peer, Recorded};
use prost::Message;
use serde_json::{Value as Json, json};

const KEY: &str = "Bearer a-key-that-nobody-may-see";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn otlp(peer: &Peer) -> Otlp {
    Otlp::new(peer.url()).header("authorization", KEY).http_timeout(PATIENCE)
}

fn quick(session: &str) -> Builder {
    Reporter::builder(session).enabled(true).retry_base_delay(Duration::from_millis(5))
}

fn span(number: u64) -> Json {
    json!({"trace_id": TRACE, "span_id": format!("{:016x}", number + 1), "duration_ms": 1, "number": number})
}

/// A log, a span, a log, a span.
fn mixed() -> Batch {
    batch("s", 0, &[("a", json!({})), ("b", span(1)), ("c", json!({})), ("d", span(3))]).unwrap()
}

/// What became of a batch, and the reason where there is one.
fn outcome(result: Result<Ack, SinkError>) -> (&'static str, String) {
    match result {
        Ok(_) => ("delivered", String::new()),
        Err(SinkError::Transient { reason, .. }) => ("transient", reason),
        Err(SinkError::Rejected { reason }) => ("rejected", reason),
        Err(SinkError::Unauthorized { reason }) => ("unauthorized", reason),
        Err(SinkError::TooLarge) => ("too large", String::new()),
        Err(other) => panic!("{other:?}"),
    }
}

/// A success that says so many records were refused.
fn partial(rejected: u8, message: &str) -> Answer {
    let length = u8::try_from(message.len()).unwrap();
    let head = String::from_utf8(vec![0x0a, length + 4, 0x08, rejected, 0x12, length]).unwrap();
    Answer::with_body(200, head + message)
}

fn logs(request: &Recorded) -> Vec<LogRecord> {
    if request.line != "POST /v1/logs HTTP/1.1" {
        return Vec::new();
    }
    let request = ExportLogsServiceRequest::decode(&*request.body).unwrap();
    request.resource_logs.into_iter().flat_map(|of| of.scope_logs).flat_map(|of| of.log_records).collect()
}

fn spans(request: &Recorded) -> Vec<Span> {
    if request.line != "POST /v1/traces HTTP/1.1" {
        return Vec::new();
    }
    let request = ExportTraceServiceRequest::decode(&*request.body).unwrap();
    request.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans).collect()
}

/// The events that a request carries, by the id that tells one from another.
fn uids(request: &Recorded) -> Vec<String> {
    let logs = logs(request).into_iter().map(|log| object(&log.attributes));
    let spans = spans(request).into_iter().map(|span| object(&span.attributes));
    logs.chain(spans).map(|attributes| attributes["log.record.uid"].as_str().unwrap().to_owned()).collect()
}

/// What the peer has taken, in the order of its arrival: an event that was sent twice is there twice.
fn taken(peer: &Peer) -> Vec<String> {
    let stored = |request: &&Recorded| matches!(request.answer, Answer::Ok | Answer::Slow(_) | Answer::LoseAck);
    peer.requests().iter().filter(stored).flat_map(uids).collect()
}

fn plain(value: &AnyValue) -> Json {
    match value.value.as_ref() {
        None => Json::Null,
        Some(Value::StringValue(text)) => json!(text),
        Some(Value::BoolValue(is)) => json!(is),
        Some(Value::IntValue(number)) => json!(number),
        Some(Value::DoubleValue(number)) => json!(number),
        Some(Value::ArrayValue(list)) => list.values.iter().map(plain).collect(),
        Some(Value::KvlistValue(map)) => object(&map.values),
        other => panic!("{other:?}"),
    }
}

fn object(attributes: &[KeyValue]) -> Json {
    attributes.iter().map(|attribute| (attribute.key.clone(), plain(attribute.value.as_ref().unwrap()))).collect()
}

#[tokio::test]
async fn an_event_is_a_record_of_a_log_and_the_end_of_a_span_is_a_span() {
    let peer = Peer::start();
    let sink = otlp(&peer).service("my-sdk").hostname("host-1").resource("deployment.environment.name", "production");
    assert_eq!(sink.open(), Ok(()));
    let nested =
        json!({"usage": {"tokens": 7, "by": [1, 2.5, null]}, "session.id": "mine", "trace_id": TRACE, "span_id": SPAN});
    let ended = json!({"trace_id": TRACE, "span_id": SPAN, "parent_span_id": "00f067aa0ba902b7", "duration_ms": 250.5, "error": "no disk"});
    let batch = batch("session-1", 4, &[("query", nested), ("tool.call", ended)]).unwrap();
    assert_eq!(sink.deliver(&batch).await, Ok(Ack::all()));

    let requests = peer.requests();
    for (name, value) in [
        ("authorization", KEY),
        ("content-type", "application/x-protobuf"),
        ("accept", "application/x-protobuf"),
        ("user-agent", concat!("AsyncLastword/Rust ", env!("CARGO_PKG_VERSION"))),
    ] {
        assert!(requests.len() == 2 && requests.iter().all(|request| request.header(name) == Some(value)), "{name}");
    }
    let body = ExportLogsServiceRequest::decode(&*requests[0].body).unwrap();
    let [of] = &body.resource_logs[..] else { panic!("one resource") };
    let process = batch.session().process_uuid.to_string();
    let expected = json!({
        "service.name": "my-sdk", "service.version": env!("CARGO_PKG_VERSION"), "service.instance.id": process,
        "os.type": std::env::consts::OS, "host.name": "host-1", "deployment.environment.name": "production",
        "telemetry.sdk.name": "lastword", "telemetry.sdk.language": "rust", "telemetry.sdk.version": env!("CARGO_PKG_VERSION"),
    });
    assert_eq!(object(&of.resource.as_ref().unwrap().attributes), expected);
    assert_eq!(of.scope_logs[0].scope.as_ref().unwrap().name, "lastword");

    let ids: Vec<_> = batch.events().map(|event| event.id(&event.view().unwrap()).to_string()).collect();
    let [log] = &logs(&requests[0])[..] else { panic!("one record") };
    let (trace_id, span_id) = (u128::from_str_radix(TRACE, 16).unwrap(), u64::from_str_radix(SPAN, 16).unwrap());
    let of_trace = (trace_id.to_be_bytes().to_vec(), span_id.to_be_bytes().to_vec());
    assert_eq!(
        (log.time_unix_nano, log.observed_time_unix_nano),
        (1_700_000_000_000_000_000, 1_700_000_000_000_000_000)
    );
    assert_eq!((log.severity_number, &*log.severity_text, &*log.event_name), (9, "INFO", "query"));
    assert_eq!(
        (plain(log.body.as_ref().unwrap()), (&log.trace_id, &log.span_id)),
        (json!("query"), (&of_trace.0, &of_trace.1))
    );
    let expected = json!({
        "session.id": "session-1", "event_session_index": 4, "log.record.uid": ids[0],
        "usage": {"tokens": 7, "by": [1, 2.5, null]}, "data.session.id": "mine",
    });
    assert_eq!(object(&log.attributes), expected);

    let [span] = &spans(&requests[1])[..] else { panic!("one span") };
    assert_eq!((&span.trace_id, &span.span_id, &*span.name, span.kind), (&of_trace.0, &of_trace.1, "tool.call", 1));
    assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (1_699_999_999_750_500_000, 1_700_000_000_001_000_000)
    );
    let status = span.status.as_ref().unwrap();
    assert_eq!((&*status.message, status.code), ("no disk", 2));
    let expected =
        json!({"session.id": "session-1", "event_session_index": 5, "log.record.uid": ids[1], "error": "no disk"});
    assert_eq!(object(&span.attributes), expected);
}

#[test]
fn each_kind_and_severity_has_the_fields_and_the_number_that_opentelemetry_has_for_it() {
    let peer = Peer::start();
    let reporter = quick("s").sink(otlp(&peer)).start().unwrap();
    for severity in Severity::ALL {
        assert!(reporter.log_with(severity, "severity", ()).is_accepted());
    }
    assert!(reporter.log_error(&"x".parse::<u32>().unwrap_err()).is_accepted());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());

    let records: Vec<_> = peer.requests().iter().flat_map(logs).collect();
    let severities: Vec<_> = records.iter().map(|log| (log.severity_number, &*log.severity_text)).collect();
    let expected = [
        (9, "INFO"),
        (1, "TRACE"),
        (5, "DEBUG"),
        (9, "INFO"),
        (13, "WARNING"),
        (17, "ERROR"),
        (21, "CRITICAL"),
        (17, "ERROR"),
        (9, "INFO"),
    ];
    assert_eq!(severities, expected);
    assert_eq!((&*records[0].event_name, &*records[8].event_name), ("SESSION_START", "SESSION_END"));
    assert!(object(&records[8].attributes)["duration_ms"].as_f64().unwrap() > 0.0);
    let error = object(&records[7].attributes);
    let kind = error["exception.type"].as_str().unwrap();
    assert!(kind.contains("ParseIntError") && error["exception.stacktrace"].is_string(), "{error}");
    assert_eq!(error["exception.message"], "invalid digit found in string");
    assert_eq!(records[7].event_name, "UNHANDLED_EXCEPTION");
    assert_eq!(plain(records[7].body.as_ref().unwrap()), format!("{kind}: invalid digit found in string"));
    let indices: Vec<_> =
        records.iter().map(|log| object(&log.attributes)["event_session_index"].as_u64().unwrap()).collect();
    assert_eq!(indices, (0..9).collect::<Vec<_>>());
}

#[test]
fn a_receiver_that_is_busy_once_is_asked_again_and_has_every_event_once() {
    let peer = Peer::with([Answer::Status(503)]);
    let reporter = quick("s").sink(otlp(&peer).gzip(true)).start().unwrap();
    for number in 0..250 {
        let data = if number % 2 == 0 { json!({"number": number}) } else { span(number) };
        assert!(reporter.log("n", data).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 252, "{drain}");
    let requests = peer.requests();
    assert!(requests.iter().all(|request| request.header("content-encoding") == Some("gzip")));
    let stored: Vec<_> = requests[1..].iter().flat_map(uids).collect();
    let unique: std::collections::HashSet<_> = stored.iter().collect();
    assert_eq!((stored.len(), unique.len()), (252, 252));
    assert_eq!(requests[1..].iter().flat_map(spans).count(), 125);
    assert_eq!(requests[0].body, requests[1].body, "the very same records are sent again");
}

#[tokio::test]
async fn logs_that_have_arrived_are_not_sent_again_for_the_spans_of_their_batch() {
    let peer = Peer::with([Answer::Ok, Answer::Status(503), Answer::DropAfterBody]);
    let sink = otlp(&peer);
    for _ in 0..2 {
        assert_eq!(outcome(sink.deliver(&mixed()).await).0, "transient");
    }
    assert_eq!(sink.deliver(&mixed()).await, Ok(Ack::all()));
    let lines: Vec<_> = peer.requests().into_iter().map(|request| request.line).collect();
    let (logs, traces) = ("POST /v1/logs HTTP/1.1", "POST /v1/traces HTTP/1.1");
    assert_eq!(lines, [logs, traces, traces, traces]);
    assert_eq!(sink.deliver(&mixed()).await, Ok(Ack::all()));
    assert_eq!(peer.requests().len(), 6, "what is there as a whole is forgotten: another batch is sent as a whole");
}

#[test]
fn a_batch_whose_spans_are_refused_is_halved_and_its_logs_are_there_once() {
    let peer = Peer::start();
    // The spans of the batch of ten, and of its halves, until one is alone.
    peer.push(Answer::Ok);
    for _events in [10, 5, 3, 2, 1] {
        peer.push(Answer::Status(400));
    }
    let reporter = quick("s").sink(otlp(&peer)).max_in_flight(1).start().unwrap();
    for number in 0..8 {
        let data = if number % 4 == 3 { span(number) } else { json!({}) };
        assert!(reporter.log("n", data).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Rejected)), (9, 1), "{drain}");
    let taken = taken(&peer);
    let unique: std::collections::HashSet<_> = taken.iter().collect();
    assert_eq!((taken.len(), unique.len()), (9, 9));
    assert_eq!(peer.requests().iter().flat_map(logs).count(), 8);
}

#[tokio::test]
async fn records_that_are_refused_alone_are_counted_and_never_sent_again() {
    let peer = Peer::with([partial(1, "no room"), Answer::Status(503), partial(9, "too many")]);
    let sink = otlp(&peer);
    assert_eq!(outcome(sink.deliver(&mixed()).await).0, "transient");
    assert_eq!(sink.deliver(&mixed()).await, Ok(Ack::all_but(vec![1, 2, 3])), "one log, and no span of two");
    assert_eq!(peer.requests().len(), 3);
    for answer in [
        partial(0, "fields will be renamed"),
        Answer::with_body(200, ""),
        Answer::EndlessBody(200),
        Answer::PartialBody,
    ] {
        peer.push(answer.clone());
        let one = batch("s", 0, &[("a", json!({}))]).unwrap();
        assert_eq!(sink.deliver(&one).await, Ok(Ack::all()), "{answer:?}");
    }
}

#[test]
fn what_a_receiver_refuses_is_in_the_books() {
    let peer = Peer::with([partial(3, "three of them")]);
    let reporter = quick("s").sink(otlp(&peer)).start().unwrap();
    for _ in 0..8 {
        assert!(reporter.log("n", ()).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Rejected)), (7, 3), "{drain}");
    assert_eq!(peer.requests().len(), 1, "nothing of it is sent again");
}

#[tokio::test]
async fn each_status_says_what_happens_next() {
    let peer = Peer::start();
    let sink = otlp(&peer);
    for (expected, statuses) in [
        ("delivered", &[200, 202][..]),
        ("transient", &[302, 429, 502, 503, 504]),
        ("unauthorized", &[401, 403]),
        ("too large", &[413]),
        ("rejected", &[400, 404, 500, 501]),
    ] {
        for &status in statuses {
            peer.push(Answer::Status(status));
            let one = batch("s", 0, &[("a", json!({}))]).unwrap();
            assert_eq!(outcome(sink.deliver(&one).await).0, expected, "{status}");
        }
    }
}

#[tokio::test]
async fn the_receiver_says_how_long_it_wants_to_be_left_alone() {
    let peer = Peer::with([Answer::with_header(503, "retry-after", "2"), Answer::with_header(500, "retry-after", "2")]);
    let sink = otlp(&peer);
    match sink.deliver(&mixed()).await {
        Err(SinkError::Transient { retry_after, .. }) => assert_eq!(retry_after, Some(Duration::from_secs(2))),
        other => panic!("{other:?}"),
    }
    assert_eq!(outcome(sink.deliver(&mixed()).await).0, "rejected", "only where it may be asked again");
}

#[test]
fn no_request_is_larger_than_receivers_take_and_every_event_arrives() {
    let peer = Peer::start();
    let reporter = quick("s").sink(otlp(&peer)).start().unwrap();
    // As a record, a small negative number grows to thirteen times its length.
    for numbers in [100_000, 100_000, OTLP_REQUEST_BYTES_MAX / 13 + 1, 100_000, 100_000] {
        assert!(reporter.log("n", json!({"numbers": vec![-1; numbers]})).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::TooLarge)), (6, 1), "{drain}");
    let requests = peer.requests();
    assert!(requests.iter().all(|request| request.body.len() <= OTLP_REQUEST_BYTES_MAX), "more is not even sent");
    let sizes: usize = requests.iter().map(|request| request.body.len()).sum();
    assert!(sizes > OTLP_REQUEST_BYTES_MAX, "one request would not have held them");
}

#[test]
fn hostile_data_arrives_as_far_as_it_can_and_harms_no_neighbour() {
    #[derive(serde::Serialize)]
    struct Numbers {
        nan: f64,
        wide: u128,
        deepest: i128,
    }
    let peer = Peer::start();
    let reporter = quick("s").sink(otlp(&peer)).start().unwrap();
    let deep = (0..80)
        .fold(json!({}), |inner, level| if level % 2 == 0 { json!({"in": inner}) } else { json!({"in": [inner]}) });
    assert!(reporter.log("deep", deep).is_accepted());
    assert!(reporter.log("huge", json!({"text": "\u{0}é".repeat(100_000)})).is_accepted());
    assert!(reporter.log("numbers", Numbers { nan: f64::NAN, wide: u128::MAX, deepest: i128::MIN }).is_accepted());
    assert!(
        reporter
            .log("", json!({"": "empty", "log.record.uid": 1, "trace_id": "\u{1}", "duration_ms": "x"}))
            .is_accepted()
    );
    assert!(reporter.log("span", json!({"trace_id": TRACE, "span_id": SPAN, "duration_ms": 1e300})).is_accepted());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());

    let records: Vec<_> = peer.requests().iter().flat_map(logs).collect();
    assert_eq!(records.len(), 7, "a span that began before there was time is none");
    let data: Vec<_> = records.iter().map(|log| object(&log.attributes)).collect();
    assert!(data[1].to_string().contains("{\\\"in\\\":"), "deep down it is a text: {}", data[1]);
    assert_eq!(data[2]["text"], "\u{0}é".repeat(100_000));
    assert_eq!(data[3]["wide"], u128::MAX.to_string());
    assert_eq!((&data[3]["deepest"], &data[3]["nan"]), (&json!(i128::MIN.to_string()), &Json::Null));
    let nan = records[3].attributes.iter().find(|attribute| attribute.key == "nan").unwrap();
    assert!(matches!(nan.value.as_ref().unwrap().value, Some(Value::DoubleValue(nan)) if nan.is_nan()));
    assert_eq!(
        (&data[4]["data."], &data[4]["data.log.record.uid"], &data[4]["trace_id"]),
        (&json!("empty"), &json!(1), &json!("\u{1}"))
    );
    assert_eq!((records[5].span_id.len(), &data[5]["duration_ms"]), (8, &json!(1e300)));
}

#[tokio::test]
async fn without_a_place_for_traces_spans_are_logs() {
    let peer = Peer::start();
    let sink = Otlp::with_endpoints(format!("{}/v1/logs", peer.url()), None);
    assert_eq!(sink.deliver(&mixed()).await, Ok(Ack::all()));
    let [request] = &peer.requests()[..] else { panic!("one request") };
    let records = logs(request);
    assert_eq!(records.iter().map(|log| log.span_id.len()).collect::<Vec<_>>(), [0, 8, 0, 8]);
    assert_eq!(object(&records[1].attributes)["duration_ms"], 1, "nothing of a span is lost");
}

#[test]
fn a_receiver_that_hangs_holds_no_other_sink_back() {
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let memory = MemorySink::new();
    let sink = otlp(&peer).http_timeout(Duration::from_millis(300));
    let reporter = quick("s").max_retries(100).sink(sink).sink(memory.clone()).start().unwrap();
    for number in 0..200 {
        let before = Instant::now();
        assert!(reporter.log("n", span(number)).is_accepted());
        assert!(before.elapsed() < Duration::from_millis(100));
    }
    assert!(reporter.blocking_wait_until_sink_drained("memory", PATIENCE).unwrap().is_drained());
    assert_eq!(memory.events().len(), 201);
    peer.always(Answer::Ok);
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let taken = taken(&peer);
    let unique: std::collections::HashSet<_> = taken.iter().collect();
    assert_eq!((taken.len(), unique.len()), (202, 202));
}

#[tokio::test]
async fn no_secret_is_in_debug_or_in_any_error() {
    let peer = Peer::start();
    let sink = Otlp::new(peer.url().replace("http://", "http://user:pa55word@")).header("authorization", KEY);
    let echo = Answer::with_body(403, format!("your key {KEY} and pa55word are wrong \u{1b}[2J"));
    let mut texts = vec![format!("{sink:?}"), format!("{:?}", Sink::policy(&sink))];
    for answer in [echo, Answer::Status(500), Answer::DropAfterBody, Answer::Garbage] {
        peer.push(answer);
        texts.push(outcome(sink.deliver(&mixed()).await).1);
    }
    texts.push(Otlp::new("h").header("authorization", KEY).open().unwrap_err().to_string());
    for text in &texts {
        for secret in [KEY, "pa55word", "user:", "\u{1b}"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(texts[0].contains("(\"authorization\", \"***\")"), "{}", texts[0]);
    assert!(texts[2].contains("your key *** and *** are wrong"), "{}", texts[2]);
}
