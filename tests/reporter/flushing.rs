//! What starts a flush, and what is in a batch.

use std::time::{Duration, Instant};

use lastword::testing::{Fault, FaultySink, MemorySink};
use serde_json::json;

use crate::peers::Peer;
use crate::support::{DEADLINE, assert_books, kinds, log, ms, numbers, quick, reporter_for, tinker, until, within};

fn sizes(sink: &MemorySink) -> Vec<usize> {
    sink.batches().iter().map(|batch| batch.events.len()).collect()
}

#[test]
fn a_hundred_queued_events_are_sent_at_once_and_ninety_nine_are_not() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    log(&reporter, 98);
    assert_eq!(reporter.stats().queued, 99, "with SESSION_START");
    assert_eq!(peer.requests().len(), 0);
    log(&reporter, 1);
    peer.wait_for(1);
    until("the batch is booked", || reporter.stats().delivered == 100);
}

#[test]
fn the_threshold_is_settable() {
    let sink = MemorySink::new();
    let reporter = quick("s").flush_threshold(7).sink(sink.clone()).start().unwrap();
    log(&reporter, 5);
    assert_eq!(sink.events().len(), 0);
    log(&reporter, 1);
    until("seven are sent", || sink.events().len() == 7);
}

#[test]
fn what_is_queued_leaves_at_the_interval() {
    let sink = MemorySink::new();
    let start = Instant::now();
    let reporter = quick("s").flush_interval(ms(300)).sink(sink.clone()).start().unwrap();
    log(&reporter, 3);
    until("the interval is over", || !sink.events().is_empty());
    assert!(start.elapsed() >= ms(300), "{:?}", start.elapsed());
    assert_eq!(sizes(&sink), [4], "in one batch");
}

#[test]
fn an_error_leaves_at_once_and_holds_nobody() {
    let sink = FaultySink::new().afterwards(Fault::Delay(ms(1_500)));
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    log(&reporter, 3);
    let start = Instant::now();
    assert!(reporter.log_error(&std::io::Error::other("the disk is gone")).is_accepted());
    assert!(start.elapsed() < ms(1_500), "the caller was not held: {:?}", start.elapsed());
    until("the error is sent", || sink.taken().events().len() == 5);
    let events = sink.taken().events();
    assert_eq!(events[4]["event"], "UNHANDLED_EXCEPTION");
    assert_eq!((&events[4]["severity"], &events[4]["error_message"]), (&json!("ERROR"), &json!("the disk is gone")));
    assert!(!events[4]["traceback"].as_str().unwrap().is_empty());
    assert!(events[4]["error_type"].as_str().unwrap().contains("io::error::Error"), "{}", events[4]["error_type"]);
    assert!(!kinds(&events).contains(&"SESSION_END"));
}

#[test]
fn six_events_are_one_batch_and_a_hundred_and_eleven_are_two() {
    for (events, expected) in [(5, vec![6]), (110, vec![100, 11])] {
        let sink = MemorySink::new();
        let reporter = quick("s").flush_threshold(1_000).sink(sink.clone()).start().unwrap();
        log(&reporter, events);
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
        assert_eq!(sizes(&sink), expected);
    }
}

#[test]
fn a_batch_has_no_more_events_than_it_may() {
    let sink = MemorySink::new();
    let reporter = quick("s").max_batch_size(30).sink(sink.clone()).start().unwrap();
    log(&reporter, 1_000);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert!(sizes(&sink).iter().all(|size| *size <= 30), "{:?}", sizes(&sink));
    assert_eq!(numbers(&sink.events()).len(), 1_000);
}

#[test]
fn a_batch_has_no_more_bytes_than_it_may() {
    let peer = Peer::start();
    let reporter = quick("s").flush_threshold(1_000).sink(tinker(&peer)).start().unwrap();
    for i in 0..50 {
        assert!(reporter.log("n", json!({"i": i, "text": "\u{1}".repeat(20_000)})).is_accepted(), "six times as JSON");
    }
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let largest = peer.requests().iter().map(|request| request.body.len()).max().unwrap();
    assert!(largest <= 1024 * 1024, "{largest}");
    assert_eq!(numbers(&peer.stored()), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_burst_leaves_no_timer_behind_that_tears_later_events_apart() {
    let sink = MemorySink::new();
    let interval = ms(400);
    let reporter = quick("s").flush_interval(interval).sink(sink.clone()).start().unwrap();
    log(&reporter, 20_000 / 4);
    for _ in 0..50 {
        let _ = reporter.log_error("each starts a flush");
    }
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let (before, start) = (sink.batches().len(), Instant::now());
    while start.elapsed() < interval * 3 {
        log(&reporter, 1);
        std::thread::sleep(ms(5));
    }
    let intervals = start.elapsed().as_millis() / interval.as_millis() + 1;
    let events: usize = sizes(&sink)[before..].iter().sum();
    let most = intervals as usize + events / 100;
    assert!(sizes(&sink).len() - before <= most, "{:?} in {intervals} intervals", &sizes(&sink)[before..]);
}

#[test]
fn five_thousand_events_a_second_go_through_the_usual_queue_without_a_refusal() {
    let sink = MemorySink::new();
    let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink.clone()).start().unwrap();
    let start = Instant::now();
    for burst in 1..=250 {
        log(&reporter, 50);
        std::thread::sleep((start + ms(10) * burst).saturating_duration_since(Instant::now()));
    }
    assert_eq!(reporter.stats().accepted, 12_501, "more than the queue holds, in less time than its interval");
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(numbers(&sink.events()).len(), 12_500);
}

#[test]
fn many_batches_are_under_way_only_where_the_backlog_is_long() {
    let sink = FaultySink::new().then(Fault::Delay(ms(200))).afterwards(Fault::Delay(ms(20)));
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    log(&reporter, 1_000);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_eq!(numbers(&sink.taken().events()), (0..1_000).collect::<Vec<_>>(), "a short one arrives in order");

    let start = Instant::now();
    log(&reporter, 8_000);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert!(start.elapsed() < Duration::from_secs(10));
    let events = sink.taken().events();
    assert_eq!(events.last().unwrap()["event"], "SESSION_END", "the end comes when all is there");
    assert_books(&reporter, &events);
}

#[test]
fn the_end_waits_for_a_slow_batch_though_many_may_be_under_way() {
    let sink = FaultySink::new().then(Fault::Delay(ms(500)));
    let reporter = quick("s").sink(sink.clone()).max_in_flight(64).start().unwrap();
    log(&reporter, 2_500);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    let events = sink.taken().events();
    assert_eq!(events[0]["event"], "GENERIC_EVENT", "others overtook the first batch");
    assert_eq!(events.last().unwrap()["event"], "SESSION_END", "the end did not");
    assert_books(&reporter, &events);
}

#[test]
fn a_retry_that_falls_due_while_the_actor_looks_is_not_left_until_the_next_flush() {
    let sink = FaultySink::new().then(Fault::Transient);
    // As where the machine gives the reporter's thread no time: longer than the wait before a retry.
    let slowly = |step: &str| {
        if step == "delivered" {
            std::thread::sleep(ms(20));
        }
    };
    let reporter = quick("s").sink(sink.clone()).probe(slowly).start().unwrap();
    log(&reporter, 3);
    let drain = within(DEADLINE / 2, || reporter.blocking_flush(DEADLINE));
    assert!(drain.is_drained(), "{drain}");
    assert_eq!(sink.attempts().len(), 2);
}
