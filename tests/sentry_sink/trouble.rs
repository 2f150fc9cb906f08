//! A Sentry that fails, limits, refuses and hangs.

use std::time::{Duration, Instant};

use lastword::limits::{SENTRY_ENVELOPE_BYTES_MAX, SENTRY_ENVELOPE_LOGS_MAX};
use lastword::privacy::Privacy;
use lastword::sink::{Ack, Policy, Sentry, Sink, SinkError};
use lastword::testing::batch;
use lastword::{DropReason, Severity};
use serde_json::json;

use crate::peers::{Answer, PATIENCE, Peer};
use crate::support::*;

#[test]
fn a_sentry_that_fails_once_is_asked_again_and_has_every_event_once() {
    let peer = Peer::start();
    // The third request fails: two errors of its batch have arrived by then.
    for answer in [Answer::Ok, Answer::Ok, Answer::Status(500)] {
        peer.push(answer);
    }
    let reporter = quick("s").sink(sentry(&peer)).start().unwrap();
    for number in 0..250 {
        let severity = if number % 10 == 0 { Severity::Error } else { Severity::Info };
        assert!(reporter.log_with(severity, "n", json!({"number": number})).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 252, "{drain}");
    let mut numbers: Vec<_> =
        payloads(&peer, "event").iter().filter_map(|issue| issue["extra"]["number"].as_u64()).collect();
    numbers.extend(logs(&peer).iter().filter_map(|log| attribute(log, "number").as_u64()));
    numbers.sort_unstable();
    assert_eq!(numbers, (0..250).collect::<Vec<_>>(), "each once");
    assert!(peer.requests().iter().any(|request| request.answer == Answer::Status(500)));
}

#[tokio::test]
async fn each_status_says_what_happens_next() {
    let peer = Peer::start();
    for (expected, statuses) in [
        ("delivered", &[200, 202][..]),
        ("transient", &[302, 408, 429, 500, 502, 503, 504]),
        ("unauthorized", &[401, 403]),
        ("too large", &[413]),
        ("rejected", &[400, 404]),
    ] {
        for &status in statuses {
            // Each anew: a limit holds.
            let sink = sentry(&peer);
            peer.push(Answer::Status(status));
            assert_eq!(outcome(sink.deliver(&two()).await).0, expected, "{status}");
        }
    }
}

#[tokio::test]
async fn what_sentry_limits_is_held_and_everything_else_arrives() {
    let peer = Peer::start();
    let sink = sentry(&peer).traces_sample_rate(1.0);
    peer.push(Answer::Full {
        status: 429,
        headers: vec![
            ("retry-after", "40".into()),
            ("x-sentry-rate-limits", "40:transaction;replay:organization:quota, 20:attachment:key".into()),
        ],
        body: "{}".into(),
    });
    let batch =
        batch("s", 0, &[("call", span(TRACE, &json!({}))), ("log", json!({})), ("call", span(TRACE, &json!({})))])
            .unwrap();
    let Err(SinkError::Transient { retry_after: Some(wait), reason }) = sink.deliver(&batch).await else {
        panic!("held")
    };
    assert!(wait > Duration::from_secs(35) && wait <= Duration::from_secs(40), "{wait:?}: {reason}");
    assert_eq!(peer.requests().len(), 2, "the second span is not even tried");
    assert_eq!(logs(&peer).len(), 1);

    let Err(SinkError::Transient { .. }) = sink.deliver(&batch).await else { panic!("still held") };
    assert_eq!(peer.requests().len(), 2, "and the log is not sent again");
}

#[test]
fn what_is_limited_for_a_moment_arrives_after_it_once() {
    let peer = Peer::with([Answer::with_header(429, "x-sentry-rate-limits", "0.2::organization")]);
    let reporter = quick("s").sink(sentry(&peer)).start().unwrap();
    assert!(reporter.log("kept", ()).is_accepted());
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 3, "{drain}");
    assert_eq!(logs(&peer).len(), 3);
}

#[test]
fn no_envelope_is_larger_than_sentry_takes_it_and_every_event_arrives() {
    let peer = Peer::start();
    peer.always(Answer::TooLargeAbove(SENTRY_ENVELOPE_BYTES_MAX));
    let mut policy = Policy::default();
    policy.max_batch_size = Some(1_000);
    let reporter = quick("s").sink(sentry(&peer).policy(policy)).max_queue_bytes(64 * 1024 * 1024).start().unwrap();
    for _ in 0..1_000 {
        assert!(reporter.log("small", ()).is_accepted());
    }
    let large = "x".repeat(60_000);
    for _ in 0..100 {
        assert!(reporter.log("large", json!({"text": large})).is_accepted());
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let counts: Vec<_> = stored(&peer).iter().map(|(_, item)| item.header["item_count"].as_u64().unwrap()).collect();
    assert_eq!(*counts.iter().max().unwrap(), SENTRY_ENVELOPE_LOGS_MAX as u64);
    assert_eq!((counts.iter().sum::<u64>(), logs(&peer).len()), (1_102, 1_102));
    assert!(peer.requests().iter().all(|request| request.body.len() <= SENTRY_ENVELOPE_BYTES_MAX));
}

#[test]
fn an_event_that_is_too_large_alone_is_dropped_alone_and_counted() {
    let peer = Peer::start();
    // Else texts are cut before they are too large.
    let reporter = quick("s").privacy(Privacy::off()).sink(sentry(&peer)).start().unwrap();
    // A control character takes six bytes in JSON.
    let control = "\u{1}".repeat(SENTRY_ENVELOPE_BYTES_MAX / 5);
    for number in 0..20 {
        let severity = if number % 2 == 0 { Severity::Error } else { Severity::Info };
        let data = if matches!(number, 6 | 7) { json!({"text": control}) } else { json!({"number": number}) };
        assert!(reporter.log_with(severity, "n", data).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::TooLarge)), (20, 2), "{drain}");
    assert_eq!((payloads(&peer, "event").len(), logs(&peer).len()), (9, 11), "each of the others once");
}

#[test]
fn an_event_that_sentry_refuses_is_dropped_alone_and_its_neighbours_arrive_once() {
    let peer = Peer::start();
    peer.always(Answer::RejectIf("poison"));
    let reporter = quick("s").sink(sentry(&peer)).start().unwrap();
    for number in 0..20 {
        let severity = if number % 2 == 0 { Severity::Error } else { Severity::Info };
        let name = if matches!(number, 6 | 7) { "poison" } else { "good" };
        assert!(reporter.log_with(severity, name, ()).is_accepted());
    }
    let drain = reporter.blocking_stop(PATIENCE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Rejected)), (20, 2), "{drain}");
    assert_eq!((payloads(&peer, "event").len(), logs(&peer).len()), (9, 11));
}

#[tokio::test]
async fn no_secret_is_in_debug_or_in_any_error() {
    let peer = Peer::start();
    let sink = Sentry::new(dsn(&peer).replace(KEY, &format!("{KEY}:pa55word")));
    let echo = Answer::with_body(403, format!("your key {KEY} is wrong \u{1b}[2J"));
    let mut texts = vec![format!("{sink:?}"), format!("{:?}", Sink::policy(&sink))];
    for answer in [echo, Answer::Status(500), Answer::DropAfterBody, Answer::Garbage] {
        peer.push(answer);
        texts.push(outcome(sink.deliver(&two()).await).1);
    }
    for wrong in [format!("{KEY}@host/1"), format!("ftp://{KEY}@host/1"), format!("https://{KEY}@host"), KEY.into()] {
        let error = Sentry::new(&wrong).open().unwrap_err();
        texts.extend([error.to_string(), format!("{error:?}"), format!("{:?}", Sentry::new(wrong))]);
    }
    for text in &texts {
        for secret in [KEY, "pa55word", "\u{1b}"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(texts[0].contains("***"), "{}", texts[0]);
    assert!(texts[2].contains("your key *** is wrong"), "{}", texts[2]);
    assert!(peer.requests().iter().all(|request| !request.text().contains(KEY)), "it is in the header alone");
}

#[tokio::test]
async fn a_sentry_that_hangs_costs_the_timeout_and_no_more() {
    let timeout = Duration::from_millis(300);
    let peer = Peer::with([Answer::Hang]);
    let sink = sentry(&peer).http_timeout(timeout);
    let start = Instant::now();
    assert_eq!(outcome(sink.deliver(&two()).await).0, "transient");
    assert!(start.elapsed() >= timeout && start.elapsed() < timeout * 4, "{:?}", start.elapsed());
    assert_eq!(sink.deliver(&two()).await, Ok(Ack::all()));
}
