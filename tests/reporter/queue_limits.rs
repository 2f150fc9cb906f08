//! The queue's bounds: what they cost, what they never cost, and that nothing goes around them.

use lastword::privacy::Privacy;
use lastword::testing::{Fault, FaultySink};
use lastword::{Admission, DropReason};
use serde_json::json;

use crate::peers::{Answer, Peer};
use crate::support::{DEADLINE, assert_books, assert_law, kinds, log, ms, numbers, quick, tinker, until};

#[test]
fn a_full_queue_refuses_the_newest_keeps_the_oldest_and_counts() {
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let sink = tinker(&peer).http_timeout(ms(100));
    let reporter = quick("s").max_queue_size(100).flush_threshold(1_000).max_retries(100).sink(sink).start().unwrap();
    let taken: Vec<_> = (0..150).map(|i| reporter.log("n", json!({"i": i}))).collect();
    assert!(taken[..99].iter().all(|admission| admission.is_accepted()));
    assert!(taken[99..].iter().all(|admission| *admission == Admission::Dropped(DropReason::QueueFull)));
    let stats = reporter.stats();
    assert_eq!((stats.accepted, stats.refused.get(DropReason::QueueFull), stats.refused.total()), (100, 51, 51));
    assert_law(&stats);
    peer.always(Answer::Ok);
    assert!(reporter.blocking_flush(DEADLINE).is_drained(), "what was never accepted is no lie");
    assert_eq!(numbers(&peer.stored()), (0..99).collect::<Vec<_>>());
}

#[test]
fn a_queue_that_was_full_takes_events_again_when_there_is_room() {
    let sink = FaultySink::new();
    let reporter = quick("s").max_queue_size(50).flush_threshold(1_000).sink(sink.clone()).start().unwrap();
    for _ in 0..5 {
        while reporter.log("n", json!({"i": 0})).is_accepted() {}
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
        assert!(reporter.log("n", json!({"i": 1})).is_accepted());
    }
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_books(&reporter, &sink.taken().events());
}

#[test]
fn bytes_are_bounded_as_events_are() {
    let sink = FaultySink::new().afterwards(Fault::Hang);
    let reporter = quick("s").max_queue_bytes(1024 * 1024).sink(sink).start().unwrap();
    let text = "x".repeat(10_000);
    let accepted = (0..1_000).filter(|_| reporter.log("large", json!({"text": text})).is_accepted()).count();
    assert!(accepted > 50 && accepted < 110, "{accepted} of 10 kB fit into a megabyte");
    let stats = reporter.stats();
    assert!(stats.queue_bytes <= 1024 * 1024, "{stats:?}");
    assert_eq!(stats.refused.get(DropReason::QueueFull), 1_000 - accepted as u64);
    assert_law(&stats);
}

#[test]
fn an_event_above_its_bound_is_dropped_alone_with_its_reason() {
    let sink = FaultySink::new();
    // No text is cut, or none would be too large.
    let reporter = quick("s").privacy(Privacy::off()).sink(sink.clone()).start().unwrap();
    log(&reporter, 1);
    let large = json!({"text": "x".repeat(lastword::limits::EVENT_BYTES_MAX)});
    assert_eq!(reporter.log("large", &large), Admission::Dropped(DropReason::TooLarge));
    log(&reporter, 1);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_eq!(numbers(&sink.taken().events()).len(), 2);
}

#[test]
fn a_fatal_error_is_delivered_with_its_end_though_the_queue_is_full() {
    for bytes in [false, true] {
        let peer = Peer::start();
        peer.always(Answer::Hang);
        let builder = quick("s").sink(tinker(&peer).http_timeout(ms(100))).max_retries(100);
        let reporter =
            if bytes { builder.max_queue_bytes(512 * 1024) } else { builder.max_queue_size(30) }.start().unwrap();
        for size in [10_000, 100, 0] {
            let text = "x".repeat(if bytes { size } else { 0 });
            while reporter.log("n", json!({"i": 0, "text": text})).is_accepted() {}
        }
        let full = reporter.stats().accepted;
        let fatal = std::thread::spawn({
            let reporter = reporter.clone();
            move || reporter.blocking_log_fatal(&"m".repeat(100_000))
        });
        until("error and end are queued", || reporter.stats().accepted >= full + 2);
        peer.always(Answer::Ok);
        let drain = fatal.join().unwrap();
        assert!(drain.is_drained(), "{drain}");
        let stored = peer.stored();
        assert_eq!(kinds(&stored[stored.len() - 2..]), ["UNHANDLED_EXCEPTION", "SESSION_END"]);
        assert_eq!(stored[stored.len() - 2]["severity"], "CRITICAL");
    }
}

#[test]
fn threads_that_log_flat_out_into_a_small_queue_never_exceed_it_and_every_event_is_accounted_for() {
    let sink = FaultySink::new();
    let reporter = quick("s").max_queue_size(500).sink(sink.clone()).start().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let reporter = reporter.clone();
            std::thread::spawn(move || {
                (0..5_000).filter(|i| reporter.log("n", json!({"i": i})).is_accepted()).count() as u64
            })
        })
        .collect();
    while threads.iter().any(|thread| !thread.is_finished()) {
        let stats = reporter.stats();
        assert_law(&stats);
        assert!(stats.queued + stats.in_flight <= 500 + 16, "{stats:?}");
    }
    let accepted: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    let events = sink.taken().events();
    assert_eq!(numbers(&events).len() as u64, accepted, "what was said to be accepted is what arrived");
    let stats = assert_books(&reporter, &events);
    assert_eq!(accepted + stats.refused.get(DropReason::QueueFull), 20_000);
}

#[test]
fn errors_into_a_full_queue_are_bounded_too() {
    let sink = FaultySink::new().afterwards(Fault::Hang);
    let reporter = quick("s").max_queue_size(20).sink(sink).start().unwrap();
    let accepted = (0..100).filter(|_| reporter.log_error("it failed").is_accepted()).count();
    assert_eq!(accepted, 19, "an error that is not fatal has no room of its own");
    assert_eq!(reporter.stats().refused.get(DropReason::QueueFull), 81);
}
