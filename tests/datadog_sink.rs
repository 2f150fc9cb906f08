//! The Datadog sink against a peer that fails in every way that one can.

#![cfg(feature = "datadog")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod peers;

use std::time::{Duration, Instant};

use lastword::limits::{DATADOG_ENTRIES_MAX, DATADOG_ENTRY_BYTES_MAX, DATADOG_REQUEST_BYTES_MAX};
use lastword::privacy::{Privacy, SafeStr};
use lastword::sink::{Ack, Batch, Datadog, FieldPolicy, Policy, Sink};
use lastword::testing::{MemorySink, batch};
use lastword::{Builder, DropReason, Reporter, Severity, event};
use peers::{Answer, PATIENCE, Peer, outcome};
use serde_json::{Value, json};

const KEY: &str = "dd-a-key-that-nobody-may-see";

fn two() -> Batch {
    let nested = json!({"model": "m", "usage": {"tokens": 7, "by": [1, 2]}, "message": "mine", "status": 404});
    batch("session-1", 4, &[("query", nested), ("a, b", json!({}))]).unwrap()
}

fn datadog(peer: &Peer) -> Datadog {
    Datadog::new(peer.url()).api_key(KEY).http_timeout(PATIENCE)
}

fn in_batches_of(events: usize) -> Policy {
    let mut policy = Policy::default();
    policy.max_batch_size = Some(events);
    policy.flush_threshold = Some(events);
    policy
}

fn quick(session: &str) -> Builder {
    Reporter::builder(session).enabled(true).retry_base_delay(Duration::from_millis(5))
}

#[tokio::test]
async fn one_request_is_a_compressed_list_with_an_entry_for_each_event() {
    let peer = Peer::with([Answer::with_body(202, "{}")]);
    let sink = datadog(&peer).service("my-sdk").hostname("host-1").tag("env", "prod,uction").tag("team", "core");
    assert_eq!(sink.open(), Ok(()));
    assert_eq!(sink.deliver(&two()).await, Ok(Ack::all()));

    let [request] = &peer.requests()[..] else { panic!("one request") };
    assert_eq!(request.line, "POST /api/v2/logs HTTP/1.1");
    for (name, value) in [
        ("dd-api-key", KEY),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("content-length", &request.sent_bytes.to_string()),
        ("user-agent", concat!("AsyncLastword/Rust ", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let tags = concat!("version:", env!("CARGO_PKG_VERSION"), ",env:prod_uction,team:core");
    let batch = two();
    let ids: Vec<_> = batch.events().map(|event| event.id(&event.view().unwrap()).to_string()).collect();
    let (platform, process) = (&*batch.session().platform, batch.session().process_uuid.to_string());
    let expected = json!([{
        "message": "query", "ddsource": "lastword", "service": "my-sdk", "hostname": "host-1",
        "ddtags": format!("event:query,{tags}"), "status": "info", "timestamp": 1_700_000_000_000_u64,
        "event": "GENERIC_EVENT", "event_id": ids[0], "event_session_index": 4,
        "session_id": "session-1", "platform": platform, "process_uuid": process,
        "model": "m", "usage.tokens": 7, "usage.by": [1, 2], "data.message": "mine", "data.status": 404,
    }, {
        "message": "a, b", "ddsource": "lastword", "service": "my-sdk", "hostname": "host-1",
        "ddtags": format!("event:a__b,{tags}"), "status": "info", "timestamp": 1_700_000_000_001_u64,
        "event": "GENERIC_EVENT", "event_id": ids[1], "event_session_index": 5,
        "session_id": "session-1", "platform": platform, "process_uuid": process,
    }]);
    assert_eq!(request.json(), expected);
}

#[test]
fn each_kind_and_severity_has_the_fields_and_the_word_that_datadog_has_for_it() {
    let peer = Peer::start();
    let reporter = quick("s").sink(datadog(&peer).fields(FieldPolicy::Redacted)).start().unwrap();
    for severity in Severity::ALL {
        assert!(reporter.log_with(severity, "severity", ()).is_accepted());
    }
    assert!(reporter.log_error(&"x".parse::<u32>().unwrap_err()).is_accepted());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());

    let entries = peer.stored();
    let words: Vec<_> = entries.iter().map(|entry| entry["status"].as_str().unwrap()).collect();
    assert_eq!(words, ["info", "debug", "debug", "info", "warning", "error", "critical", "error", "info"]);
    assert_eq!((&entries[0]["message"], &entries[8]["message"]), (&json!("SESSION_START"), &json!("SESSION_END")));
    assert!(entries[8]["duration"].as_u64().unwrap() > 0, "nanoseconds: {}", entries[8]);
    let error = &entries[7];
    let kind = error["error.kind"].as_str().unwrap();
    assert!(kind.contains("ParseIntError"), "{error}");
    assert!(error["error.stack"].is_string() && error["event"] == "UNHANDLED_EXCEPTION", "{error}");
    assert_eq!(error["error.message"], "invalid digit found in string");
    assert_eq!(error["message"], format!("{kind}: invalid digit found in string"));
    assert!(error["ddtags"].as_str().unwrap().starts_with("event:UNHANDLED_EXCEPTION,version:"), "{error}");
    assert!(entries.iter().all(|entry| entry.get("service").is_none() && entry.get("hostname").is_none()));
}

#[test]
fn a_datadog_that_fails_once_is_asked_again_and_has_every_event_once() {
    let peer = Peer::start();
    peer.always(Answer::Status(202));
    peer.push(Answer::Status(500));
    let reporter = quick("s").sink(datadog(&peer)).start().unwrap();
    for number in 0..250 {
        assert!(reporter.log("n", json!({"number": number})).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 252, "{drain}");
    let stored = peer.stored();
    let numbers: Vec<_> = stored.iter().filter_map(|entry| entry["number"].as_u64()).collect();
    assert_eq!(numbers, (0..250).collect::<Vec<_>>());
    assert_eq!((stored.len(), peer.duplicates()), (252, 0));
    let requests = peer.requests();
    assert_eq!(requests[0].body, requests[1].body, "the very same entries are sent again");
}

#[tokio::test]
async fn each_status_says_what_happens_next() {
    let peer = Peer::start();
    let sink = datadog(&peer);
    for (expected, statuses) in [
        ("delivered", &[200, 202, 204][..]),
        ("transient", &[302, 408, 429, 500, 502, 503, 504]),
        ("unauthorized", &[401, 403]),
        ("too large", &[413]),
        ("rejected", &[400, 404]),
    ] {
        for &status in statuses {
            peer.push(Answer::Status(status));
            assert_eq!(outcome(sink.deliver(&two()).await).0, expected, "{status}");
        }
    }
}

#[test]
fn a_key_that_is_refused_holds_the_queue_until_it_is_taken() {
    let peer = Peer::start();
    peer.always(Answer::Status(403));
    // It is asked again each time that a flush is due.
    let mut often = Policy::default();
    often.flush_interval = Some(Duration::from_millis(50));
    let reporter = quick("s").sink(datadog(&peer).policy(often)).start().unwrap();
    assert!(reporter.log("kept", ()).is_accepted());
    let drain = reporter.blocking_flush(Duration::from_millis(200));
    peer.always(Answer::Status(202));
    assert_eq!((drain.pending, drain.dropped.total()), (2, 0), "{drain}");
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    assert_eq!(peer.stored().len(), 3);
}

#[test]
fn no_request_is_larger_than_datadog_takes_it_and_every_event_arrives() {
    let peer = Peer::start();
    peer.always(Answer::TooLargeAbove(DATADOG_REQUEST_BYTES_MAX));
    let sink = datadog(&peer).policy(in_batches_of(10_000));
    let reporter = quick("s").sink(sink).max_queue_bytes(64 * 1024 * 1024).start().unwrap();
    for _ in 0..2_500 {
        assert!(reporter.log("small", ()).is_accepted());
    }
    let large = "x".repeat(20_000);
    for _ in 0..400 {
        assert!(reporter.log("large", json!({"text": large})).is_accepted());
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let requests = peer.requests();
    let largest = |size: fn(&peers::Recorded) -> usize| requests.iter().map(size).max().unwrap();
    assert_eq!(largest(|request| request.events().len()), DATADOG_ENTRIES_MAX);
    assert!(largest(|request| request.body.len()) <= DATADOG_REQUEST_BYTES_MAX);
    assert!(largest(|request| request.sent_bytes) < DATADOG_REQUEST_BYTES_MAX / 10, "they are compressed");
    let sent: usize = requests.iter().map(|request| request.events().len()).sum();
    assert_eq!((sent, peer.stored().len(), peer.duplicates()), (2_902, 2_902, 0), "no request was refused");
}

#[test]
fn no_text_is_sent_that_was_not_checked_unless_it_is_asked_for() {
    let peer = Peer::start();
    let reporter = quick("s").sink(datadog(&peer)).start().unwrap();
    let tool = SafeStr::new("read_file").unwrap();
    assert!(event!(reporter, "tool_error", tool = tool, code = 13, path = "/srv/a").is_accepted());
    assert!(reporter.log_error(&std::io::Error::other("what a user typed")).is_accepted());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let [_, event, error, _] = &peer.stored()[..] else { panic!("four entries") };
    assert_eq!((&event["tool"], &event["code"], event.get("path")), (&json!("read_file"), &json!(13), None));
    assert_eq!(error["message"], error["error.kind"]);
    assert!(!error.to_string().contains("typed") && error.get("error.message").is_none(), "{error}");
}

#[test]
fn an_entry_that_is_too_large_alone_is_dropped_alone_and_counted() {
    let peer = Peer::start();
    // No text is left out or cut, or none would be too large.
    let sink = datadog(&peer).fields(FieldPolicy::Redacted);
    let reporter = quick("s").privacy(Privacy::off()).sink(sink).start().unwrap();
    // A control character takes six bytes in JSON.
    let control = "\u{1}".repeat(DATADOG_ENTRY_BYTES_MAX / 5);
    for number in 0..20 {
        let data = if number == 7 { json!({"text": control}) } else { json!({"number": number}) };
        assert!(reporter.log("n", data).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::TooLarge)), (21, 1), "{drain}");
    let numbers: Vec<_> = peer.stored().iter().filter_map(|entry| entry["number"].as_u64()).collect();
    assert_eq!(numbers, (0..20).filter(|number| *number != 7).collect::<Vec<_>>());
}

#[tokio::test]
async fn no_secret_is_in_debug_or_in_any_error() {
    let peer = Peer::start();
    let sink = Datadog::new(peer.url().replace("http://", "http://user:pa55word@")).api_key(KEY);
    let echo = Answer::with_body(403, format!("your key {KEY} and pa55word are wrong \u{1b}[2J"));
    let mut texts = vec![format!("{sink:?}"), format!("{:?}", Sink::policy(&sink))];
    for answer in [echo, Answer::Status(500), Answer::DropAfterBody, Answer::Garbage] {
        peer.push(answer);
        texts.push(outcome(sink.deliver(&two()).await).1);
    }
    let wrong = Datadog::new("datadoghq.com").api_key(format!("{KEY}\n")).open().unwrap_err();
    texts.extend([wrong.to_string(), format!("{wrong:?}")]);
    for text in &texts {
        for secret in [KEY, "pa55word", "user:", "\u{1b}"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(texts[0].contains("***"), "{}", texts[0]);
    assert!(texts[2].contains("your key *** and *** are wrong"), "{}", texts[2]);
    assert!(peer.requests().iter().all(|request| !request.text().contains(KEY)), "it is in the header alone");
}

#[tokio::test]
async fn a_datadog_that_hangs_costs_the_timeout_and_no_more() {
    assert!(format!("{:?}", Datadog::new("datadoghq.com")).contains("timeout: 5s"), "unless it is told otherwise");
    let timeout = Duration::from_millis(300);
    let peer = Peer::with([Answer::Hang]);
    let sink = datadog(&peer).http_timeout(timeout);
    let start = Instant::now();
    assert_eq!(outcome(sink.deliver(&two()).await).0, "transient");
    assert!(start.elapsed() >= timeout && start.elapsed() < timeout * 4, "{:?}", start.elapsed());
    assert_eq!(sink.deliver(&two()).await, Ok(Ack::all()));
}

#[test]
fn datadog_and_another_sink_are_told_of_the_same_events() {
    let (peer, memory) = (Peer::start(), MemorySink::new());
    let reporter = quick("s").sink(datadog(&peer)).sink(memory.clone()).start().unwrap();
    assert!(reporter.log("n", json!({"a": {"b": 1}})).is_accepted());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let ids = |events: &[Value]| events.iter().map(|event| event["event_id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&peer.stored()), ids(&memory.events()));
}
