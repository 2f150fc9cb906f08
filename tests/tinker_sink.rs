//! The HTTP sink against a peer that fails in every way that one can.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod peers;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use lastword::limits::BATCH_BYTES_MAX;
use lastword::sink::{Ack, Batch, Sink, SinkError, Tinker};
use lastword::testing::batch;
use peers::{Answer, Peer};
use serde_json::json;

const KEY: &str = "tml-a-key-that-nobody-may-see";

fn three() -> Batch {
    batch("session-1", 0, &[("a", json!({"n": 1})), ("b", json!({"text": "\u{1}ü\""})), ("c", json!({}))]).unwrap()
}

fn reason(result: Result<Ack, SinkError>) -> String {
    match result {
        Err(
            SinkError::Transient { reason, .. } | SinkError::Rejected { reason } | SinkError::Unauthorized { reason },
        ) => reason,
        other => panic!("no reason in {other:?}"),
    }
}

fn retry_after(result: Result<Ack, SinkError>) -> Option<Duration> {
    match result {
        Err(SinkError::Transient { retry_after, .. }) => retry_after,
        other => panic!("no such thing in {other:?}"),
    }
}

#[tokio::test]
async fn a_request_has_the_events_and_says_who_sends_them() {
    let peer = Peer::start();
    let sink = Tinker::new(format!("{}/services/prod/", peer.url())).api_key(KEY).header("CF-Access-Client-Id", "gate");
    assert_eq!(sink.open(), Ok(()));
    assert_eq!(sink.deliver(&three()).await, Ok(Ack::all()));

    let [request] = &peer.requests()[..] else { panic!("one request") };
    assert_eq!(request.line, "POST /services/prod/api/v1/telemetry HTTP/1.1");
    for (name, value) in [
        ("x-api-key", KEY),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("user-agent", concat!("AsyncLastword/Rust ", env!("CARGO_PKG_VERSION"))),
        ("cf-access-client-id", "gate"),
        ("content-length", &request.body.len().to_string()),
        ("x-idempotency-key", &three().id().to_string()),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let body = request.json();
    assert_eq!(body["session_id"], "session-1");
    assert_eq!(body["sdk_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(body["platform"], *three().session().platform);
    let events = request.events();
    assert_eq!(events.iter().map(|e| e["event_session_index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(events[1]["event_data"], json!({"text": "\u{1}ü\""}));
    assert_eq!(events[2]["timestamp"], "2023-11-14T22:13:20.002000Z");
    assert_eq!(peer.names(), ["a", "b", "c"]);
}

#[tokio::test]
async fn each_status_says_what_happens_next() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url());
    for (status, expected) in [
        (200, "delivered"),
        (202, "delivered"),
        (204, "delivered"),
        (302, "transient"),
        (400, "rejected"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "rejected"),
        (408, "transient"),
        (409, "transient"),
        (413, "too large"),
        (422, "rejected"),
        (425, "transient"),
        (429, "transient"),
        (500, "transient"),
        (503, "transient"),
    ] {
        peer.push(Answer::Status(status));
        let found = match sink.deliver(&three()).await {
            Ok(_) => "delivered",
            Err(SinkError::Transient { .. }) => "transient",
            Err(SinkError::Rejected { .. }) => "rejected",
            Err(SinkError::TooLarge) => "too large",
            Err(SinkError::Unauthorized { .. }) => "unauthorized",
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "{status}");
    }
}

#[tokio::test]
async fn a_batch_keeps_its_idempotency_key_whatever_happens_to_it() {
    let script = [Answer::Status(500), Answer::LoseAck, Answer::DropBeforeBody, Answer::DropAfterBody, Answer::Ok];
    let peer = Peer::with(script);
    let sink = Tinker::new(peer.url());
    let batch = three();
    let mut delivered = Vec::new();
    for _ in 0..5 {
        delivered.push(sink.deliver(&batch).await.is_ok());
    }
    assert_eq!(delivered, [false, false, false, false, true]);
    let keys: Vec<_> = peer.requests().iter().map(|r| r.header("x-idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys, vec![batch.id().to_string(); 5]);
    assert_eq!((peer.stored().len(), peer.duplicates()), (3, 3), "the ids of the events are the same too");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_is_no_success() {
    let elsewhere = Peer::start();
    let peer = Peer::start();
    let sink = Tinker::new(peer.url()).api_key(KEY);
    for status in [301, 302, 303, 307, 308] {
        peer.push(Answer::with_header(status, "location", elsewhere.url()));
        assert!(matches!(sink.deliver(&three()).await, Err(SinkError::Transient { .. })), "{status}");
    }
    assert_eq!(peer.requests().len(), 5);
    assert_eq!(elsewhere.connections(), 0, "nobody but the one who was asked for gets the key");
}

#[tokio::test]
async fn no_secret_is_in_debug_or_in_any_error() {
    let peer = Peer::start();
    let url = peer.url().replace("http://", "http://user:pa55word@");
    let sink = Tinker::new(&url).api_key(KEY).header("x-gate", "gate-secret");
    let echo = Answer::with_body(403, format!("your key {KEY}, gate-secret and pa55word are wrong \u{1b}[2J"));
    let mut texts = vec![format!("{sink:?}")];
    for answer in [echo, Answer::Status(500), Answer::DropAfterBody, Answer::Garbage] {
        peer.push(answer);
        texts.push(reason(sink.deliver(&three()).await));
    }
    for text in &texts {
        for secret in [KEY, "gate-secret", "pa55word", "user:", "\u{1b}"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(texts[0].contains("***"), "{}", texts[0]);
    assert!(texts[1].contains("403") && texts[1].contains("your key ***, *** and *** are wrong"), "{}", texts[1]);
    assert!(peer.requests()[0].header("authorization").is_some(), "they are sent, all the same");
}

#[tokio::test]
async fn one_connection_serves_many_batches_refused_ones_too() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url());
    for round in 0..20 {
        if round % 4 == 3 {
            peer.push(Answer::with_body(503, "x".repeat(10_000)));
        }
        assert_eq!(sink.deliver(&three()).await.is_ok(), round % 4 != 3);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (20, 1));
}

#[tokio::test]
async fn a_hung_peer_costs_the_timeout_and_no_more() {
    let timeout = Duration::from_millis(300);
    let peer = Peer::with([Answer::Hang]);
    let sink = Tinker::new(peer.url()).http_timeout(timeout);
    let start = Instant::now();
    let reason = reason(sink.deliver(&three()).await);
    let elapsed = start.elapsed();
    assert!(elapsed >= timeout && elapsed < timeout * 4, "{elapsed:?}");
    assert!(reason.contains("no answer from") && reason.contains("300ms"), "{reason}");
    assert_eq!(sink.deliver(&three()).await, Ok(Ack::all()), "the next attempt is a new one");
}

#[tokio::test]
async fn a_peer_that_takes_connections_and_never_reads_costs_the_timeout_too() {
    // Never accepted: the system completes the handshake by itself.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sink = Tinker::new(url).http_timeout(Duration::from_millis(200));
    let start = Instant::now();
    assert!(matches!(sink.deliver(&three()).await, Err(SinkError::Transient { .. })));
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_without_end_holds_nobody() {
    let peer = Peer::with([Answer::EndlessBody(200), Answer::EndlessBody(500)]);
    let sink = Tinker::new(peer.url()).http_timeout(peers::PATIENCE);
    let start = Instant::now();
    assert_eq!(sink.deliver(&three()).await, Ok(Ack::all()));
    let reason = reason(sink.deliver(&three()).await);
    assert!(reason.len() < 500, "{} bytes", reason.len());
    assert!(start.elapsed() < peers::PATIENCE / 2, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_success_is_a_success_whatever_its_body_says() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url());
    for body in ["", "null", "<html>", r#"{"status":"ok"}"#, r#"{"refused":7}"#, r#"{"refused":[{"index":3}]}"#] {
        peer.push(Answer::with_body(201, body));
        assert_eq!(sink.deliver(&three()).await, Ok(Ack::all()), "{body}");
    }
    peer.push(Answer::PartialBody);
    assert_eq!(sink.deliver(&three()).await, Ok(Ack::all()), "the status had come");
}

#[tokio::test]
async fn an_event_that_is_refused_alone_is_named() {
    let peer = Peer::with([Answer::RefuseNamed("b")]);
    assert_eq!(Tinker::new(peer.url()).deliver(&three()).await, Ok(Ack::all_but(vec![1])));
    assert_eq!(peer.names(), ["a", "c"]);
}

#[tokio::test]
async fn how_long_to_wait_is_read_from_the_answer() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url());
    for (name, value, expected) in [
        ("retry-after", "2", Some(Duration::from_secs(2))),
        ("retry-after", "3600", Some(Duration::from_secs(60))),
        ("retry-after-ms", "250", Some(Duration::from_millis(250))),
        ("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT", Some(Duration::from_secs(60))),
        ("retry-after", "soon", None),
    ] {
        peer.push(Answer::with_header(429, name, value));
        assert_eq!(retry_after(sink.deliver(&three()).await), expected, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_peer_that_is_down_is_tried_again_and_found_when_it_is_up() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url());
    assert_eq!(sink.deliver(&three()).await, Ok(Ack::all()));
    peer.down();
    assert!(matches!(sink.deliver(&three()).await, Err(SinkError::Transient { .. })));
    peer.up();
    assert_eq!(sink.deliver(&three()).await, Ok(Ack::all()));

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let reason = reason(Tinker::new(format!("http://{nobody}")).deliver(&three()).await);
    assert!(reason.contains(&nobody.to_string()) && reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn many_batches_are_under_way_at_once() {
    let peer = Peer::start();
    peer.always(Answer::Slow(Duration::from_millis(100)));
    let sink = Tinker::new(peer.url());
    let batches: Vec<_> = (0..16).map(|n| batch("s", n, &[("n", json!({}))]).unwrap()).collect();
    let start = Instant::now();
    let deliveries = batches.iter().map(|batch| sink.deliver(batch)).collect::<Vec<_>>();
    let mut tasks: Vec<_> = deliveries.into_iter().map(Some).collect();
    // All are polled by one task, as the reporter's thread does.
    std::future::poll_fn(|context| {
        for task in &mut tasks {
            if task.as_mut().is_some_and(|task| task.as_mut().poll(context).map(Result::unwrap).is_ready()) {
                *task = None;
            }
        }
        if tasks.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert!(start.elapsed() < Duration::from_millis(1_000), "{:?}", start.elapsed());
    assert_eq!(peer.stored().len(), 16);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_not_even_sent_and_one_event_always_is() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url());
    let half = "x".repeat(BATCH_BYTES_MAX / 2);
    let two = batch("s", 0, &[("a", json!({"text": half})), ("b", json!({"text": half}))]).unwrap();
    assert_eq!(sink.deliver(&two).await, Err(SinkError::TooLarge));
    assert_eq!(peer.requests().len(), 0);
    let one = batch("s", 0, &[("a", json!({"text": "x".repeat(BATCH_BYTES_MAX)}))]).unwrap();
    assert_eq!(sink.deliver(&one).await, Ok(Ack::all()));
}

#[tokio::test]
async fn a_closed_sink_lets_go_of_its_connections_and_can_go_on() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url());
    sink.deliver(&three()).await.unwrap();
    sink.close().await;
    sink.deliver(&three()).await.unwrap();
    assert_eq!(peer.connections(), 2);
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_no_delivery_and_no_panic() {
    let peer = Peer::start();
    let sink = Tinker::new(peer.url().replace("http://", "https://")).api_key(KEY);
    assert_eq!(sink.open(), Ok(()));
    assert!(matches!(sink.deliver(&three()).await, Err(SinkError::Transient { .. })));
    assert!(peer.requests().iter().all(|request| request.header("x-api-key").is_none()));
}

/// Runs one test of this file again, in a process with another environment.
fn run_again(test: &str, environment: &[(&str, &str)]) {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test]).envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_used_but_never_for_this_machine() {
    let peer = Peer::start();
    if std::env::var_os("http_proxy").is_none() {
        run_again(
            "a_proxy_of_the_environment_is_used_but_never_for_this_machine",
            &[("http_proxy", &peer.url()), ("no_proxy", "")],
        );
        let [request] = &peer.requests()[..] else { panic!("one request comes through the proxy") };
        assert_eq!(request.line, "POST http://telemetry.invalid/api/v1/telemetry HTTP/1.1");
        return;
    }
    assert_eq!(Tinker::new(peer.url()).deliver(&three()).await, Ok(Ack::all()));
    assert_eq!(peer.requests()[0].line, "POST /api/v1/telemetry HTTP/1.1");
    assert_eq!(Tinker::new("http://telemetry.invalid").deliver(&three()).await, Ok(Ack::all()));
}
