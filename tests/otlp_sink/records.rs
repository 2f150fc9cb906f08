//! What an event looks like at the other side.

use lastword::privacy::{PiiStr, Privacy, SafeStr};
use lastword::sink::{Ack, FieldPolicy, Otlp, Sink};
use lastword::testing::batch;
use lastword::{Severity, event};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use serde_json::{Value as Json, json};

use crate::peers::{PATIENCE, Peer};
use crate::support::*;

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
fn hostile_data_arrives_as_far_as_it_can_and_harms_no_neighbour() {
    #[derive(serde::Serialize)]
    struct Numbers {
        nan: f64,
        wide: u128,
        deepest: i128,
    }
    let peer = Peer::start();
    // Long texts are to arrive as they are.
    let reporter = quick("s").privacy(Privacy::off()).sink(otlp(&peer)).start().unwrap();
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
fn marked_texts_arrive_as_the_policy_has_it_and_with_the_bucket_of_the_user() {
    let arrived = |fields: Option<FieldPolicy>| {
        let peer = Peer::start();
        let sink = match fields {
            Some(fields) => otlp(&peer).fields(fields),
            None => Otlp::new(peer.url()),
        };
        let reporter = quick("s").user("ada").sink(sink).start().unwrap();
        event!(reporter, "n", safe = SafeStr::new("read").unwrap(), pii = PiiStr::new("ada"), text = "any", number = 1);
        assert!(reporter.log_error(&std::io::Error::other("of a file")).is_accepted());
        assert!(reporter.blocking_stop(PATIENCE).is_drained());
        // The start, who it is, these two, the end.
        let records: Vec<_> = peer.requests().iter().flat_map(logs).collect();
        assert!(records.iter().all(|log| object(&log.attributes)["userBucket"].is_u64()));
        let error =
            (plain(records[3].body.as_ref().unwrap()), object(&records[3].attributes)["exception.message"].clone());
        (object(&records[2].attributes), error)
    };
    let (data, error) = arrived(Some(FieldPolicy::Redacted));
    assert_eq!((&data["safe"], &data["text"], &data["number"]), (&json!("read"), &json!("any"), &json!(1)));
    assert_eq!(data.get("pii"), None);
    assert_eq!(error, (json!("std::io::error::Error: of a file"), json!("of a file")));
    let (data, error) = arrived(None);
    assert_eq!((&data["safe"], &data["number"], data.get("text")), (&json!("read"), &json!(1), None));
    assert_eq!(error, (json!("std::io::error::Error"), Json::Null), "no text that nobody has checked");
    assert_eq!(arrived(Some(FieldPolicy::Personal)).0["pii"], "ada");
}
