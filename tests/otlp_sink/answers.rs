//! What becomes of a batch, by what the other side says and does.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lastword::DropReason;
use lastword::limits::OTLP_REQUEST_BYTES_MAX;
use lastword::sink::{Ack, Otlp, Sink, SinkError};
use lastword::testing::{MemorySink, batch};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::peers::{Answer, PATIENCE, Peer};
use crate::random::Random;
use crate::support::*;

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
    let unique: HashSet<_> = stored.iter().collect();
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
    let unique: HashSet<_> = taken.iter().collect();
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
        ("transient", &[302, 408, 429, 500, 502, 503, 504]),
        ("unauthorized", &[401, 403]),
        ("too large", &[413]),
        ("rejected", &[400, 404]),
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
    let peer = Peer::with([Answer::with_header(503, "retry-after", "2"), Answer::with_header(400, "retry-after", "2")]);
    let sink = otlp(&peer);
    match sink.deliver(&mixed()).await {
        Err(SinkError::Transient { retry_after, .. }) => assert_eq!(retry_after, Some(Duration::from_secs(2))),
        other => panic!("{other:?}"),
    }
    assert_eq!(outcome(sink.deliver(&mixed()).await).0, "rejected", "only where it may be asked again");
}

#[tokio::test]
async fn what_is_larger_than_receivers_take_is_not_even_sent() {
    let peer = Peer::start();
    let sink = otlp(&peer);
    // As a record, a small negative number grows to thirteen times its length.
    let numbers = |count: usize| json!({"numbers": vec![-1; count]});
    let too_large = batch("s", 0, &[("a", json!({})), ("n", numbers(OTLP_REQUEST_BYTES_MAX / 13 + 1))]).unwrap();
    assert_eq!(outcome(sink.deliver(&too_large).await).0, "too large");
    assert_eq!(peer.requests().len(), 0);
    let large = batch("s", 0, &[("a", json!({})), ("n", numbers(OTLP_REQUEST_BYTES_MAX / 14))]).unwrap();
    assert_eq!(sink.deliver(&large).await, Ok(Ack::all()));
    let sent = peer.requests()[0].sent_bytes;
    assert!(sent <= OTLP_REQUEST_BYTES_MAX && sent > OTLP_REQUEST_BYTES_MAX / 14 * 13, "{sent}");
}

#[test]
fn a_receiver_that_hangs_holds_no_other_sink_back() {
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let memory = MemorySink::new();
    let sink = otlp(&peer).http_timeout(Duration::from_secs(2));
    let reporter = quick("s").max_retries(100).sink(sink).sink(memory.clone()).start().unwrap();
    for number in 0..200 {
        assert!(reporter.log("n", span(number)).is_accepted());
    }
    peer.wait_for(1);
    assert!(reporter.blocking_wait_until_sink_drained("memory", PATIENCE).unwrap().is_drained());
    assert_eq!((memory.events().len(), taken(&peer).len()), (201, 0));
    peer.always(Answer::Ok);
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    // Where an answer takes longer than the sink waits, on a machine that is busy, its events are there twice.
    assert_eq!(taken(&peer).into_iter().collect::<HashSet<_>>().len(), 202);
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

#[test]
fn whatever_fails_on_the_way_what_is_called_delivered_is_there_once() {
    const EVENTS: u64 = 120;
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let peer = Peer::start();
        for _ in 0..60 {
            peer.push(match random.below(12) {
                0 => Answer::Status(503),
                1 => Answer::Status(429),
                2 => Answer::DropBeforeBody,
                3 => Answer::DropAfterBody,
                4 => Answer::Status(400),
                5 => Answer::Status(413),
                6 => Answer::Garbage,
                _ => Answer::Ok,
            });
        }
        let in_flight = if random.once_in(2) { 1 } else { 16 };
        let builder =
            quick("s").max_retries(100).max_batch_size(1 + random.below(40) as usize).max_in_flight(in_flight);
        let reporter = builder.retry_base_delay(Duration::from_millis(1)).sink(otlp(&peer)).start().unwrap();
        for number in 0..EVENTS {
            let data = if random.once_in(2) { span(number) } else { json!({"number": number}) };
            assert!(reporter.log("n", data).is_accepted());
        }
        let drain = reporter.blocking_stop(PATIENCE);
        let taken = taken(&peer);
        let unique: HashSet<_> = taken.iter().collect();
        assert_eq!(unique.len(), taken.len(), "seed {seed}: an event is there twice");
        assert_eq!(unique.len() as u64, drain.delivered, "seed {seed}: {drain}");
        // What was lost before the end was told in an event of its own.
        let accepted = reporter.stats().accepted;
        assert!(accepted >= EVENTS + 2, "seed {seed}: {accepted}");
        assert_eq!(drain.delivered + drain.dropped.total(), accepted, "seed {seed}: {drain}");
    }
}

#[cfg(unix)]
#[test]
fn what_a_session_has_left_is_delivered_by_a_later_one_as_what_it_was() {
    let (peer, spool) = (Peer::start(), tempfile::tempdir().unwrap());
    peer.always(Answer::Status(503));
    let first = quick("first").spool(spool.path()).sink(otlp(&peer)).start().unwrap();
    for number in 0..4 {
        assert!(first.log("n", if number % 2 == 0 { json!({}) } else { span(number) }).is_accepted());
    }
    let drain = first.blocking_stop(Duration::from_millis(200));
    assert_eq!((drain.delivered, drain.spooled), (0, 6), "{drain}");
    drop(first);
    peer.always(Answer::Ok);
    // Another key: it is not for this one.
    let other = quick("other").spool(spool.path()).sink(otlp(&peer).header("x-key", "another")).start().unwrap();
    assert!(other.blocking_stop(PATIENCE).is_drained());
    let later = quick("later").spool(spool.path()).sink(otlp(&peer)).start().unwrap();
    assert!(later.blocking_stop(PATIENCE).is_drained());

    let requests: Vec<_> = peer.requests().into_iter().filter(|request| request.answer == Answer::Ok).collect();
    let logs = requests.iter().flat_map(logs).map(|log| object(&log.attributes)["session.id"].clone());
    let count = |session: &str| logs.clone().filter(|of| of == session).count();
    assert_eq!((count("first"), count("other"), count("later")), (4, 2, 2));
    assert_eq!(requests.iter().flat_map(spans).count(), 2);
}

#[tokio::test]
async fn what_a_success_says_is_passed_on_once_without_secrets_until_one_says_nothing() {
    let peer = Peer::start();
    let heard = Heard::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(heard.clone()));
    let sink = otlp(&peer);
    let mut counts = Vec::new();
    for answer in
        [partial(1, "not \u{1b} of mine"), partial(1, "again"), Answer::Ok, partial(0, KEY), Answer::Status(503)]
    {
        peer.push(answer);
        let _ = sink.deliver(&batch("s", 0, &[("a", json!({}))]).unwrap()).await;
        counts.push(heard.0.lock().unwrap().len());
    }
    assert_eq!(counts, [1, 1, 1, 2, 2]);
    let heard = heard.0.lock().unwrap();
    assert!(heard[0].contains("reason=not \\u{1b} of mine") && heard[0].contains("events=1"), "{heard:?}");
    assert!(heard[1].contains("reason=***"), "{heard:?}");
}

/// What the library says, each time one text.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0 += &format!("{}={value} ", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "lastword" {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }
}
