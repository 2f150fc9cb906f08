//! The error that ends the session: reported with its end, waited for, and never longer than it may.

use std::time::Instant;

use lastword::testing::{Fault, FaultySink, MemorySink};
use lastword::{DropReason, UserError, UserFault};
use serde_json::json;

use crate::peers::{Answer, Peer};
use crate::support::{DEADLINE, current_thread, kinds, log, ms, quick, reporter_for, tinker, within};

#[test]
fn a_fatal_error_and_the_end_are_stored_before_the_call_returns() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    log(&reporter, 2);
    let drain = reporter.blocking_log_fatal(&std::io::Error::other("the disk is gone"));
    assert!(drain.is_drained() && drain.delivered == 5, "{drain}");
    let stored = peer.stored();
    assert_eq!(kinds(&stored), ["SESSION_START", "n", "n", "UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert_eq!((&stored[3]["severity"], &stored[3]["error_message"]), (&json!("CRITICAL"), &json!("the disk is gone")));
}

#[test]
fn the_async_form_does_the_same_and_reports_before_it_is_polled() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    current_thread().block_on(async {
        let end = reporter.log_fatal("the end");
        assert_eq!(reporter.stats().accepted, 3);
        assert!(end.await.is_drained());
    });
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]);
}

#[test]
fn the_session_ends_once_however_many_errors_are_fatal_and_what_follows_is_delivered() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    for _ in 0..3 {
        assert!(reporter.blocking_log_fatal("fatal").is_drained());
    }
    log(&reporter, 1);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    let events = sink.events();
    let exception = "UNHANDLED_EXCEPTION";
    assert_eq!(kinds(&events), ["SESSION_START", exception, "SESSION_END", exception, exception, "n"]);
}

#[test]
fn two_threads_that_fail_at_once_end_the_session_once() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let reporter = reporter.clone();
            std::thread::spawn(move || reporter.blocking_log_fatal("fatal").is_drained())
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    let events = sink.events();
    let count = |kind| kinds(&events).iter().filter(|other| **other == kind).count();
    assert_eq!((count("UNHANDLED_EXCEPTION"), count("SESSION_END")), (8, 1));
}

#[test]
fn a_fatal_error_of_the_users_is_a_user_error_and_the_end() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    assert!(reporter.blocking_log_fatal(&UserError::new("no such model").status(422)).is_drained());
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "user_error", "SESSION_END"]);
    assert_eq!(sink.events()[1]["severity"], "WARNING");
}

#[test]
fn the_callers_error_is_held_for_the_flush_timeout_at_most() {
    for answer in [Answer::Hang, Answer::Status(500), Answer::Status(401)] {
        let peer = Peer::start();
        peer.always(answer.clone());
        let reporter = quick("s").flush_timeout(ms(100)).max_retries(100).sink(tinker(&peer)).start().unwrap();
        let drain = within(ms(100), || reporter.blocking_log_fatal("the end"));
        assert!(!drain.is_drained() && drain.delivered == 0, "{answer:?}: {drain}");
        current_thread().block_on(async {
            let start = Instant::now();
            assert!(!reporter.log_fatal("again").await.is_drained());
            assert!(start.elapsed() < ms(100) + crate::support::LATE);
        });
    }
}

#[test]
fn the_callers_error_is_not_held_at_all_once_the_server_has_answered() {
    let fastest = (0..20).map(|_| {
        let peer = Peer::start();
        let reporter = reporter_for(&peer);
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
        let start = Instant::now();
        assert!(reporter.blocking_log_fatal("the end").is_drained());
        start.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < ms(50), "no poll of 100 ms: {fastest:?}");
}

#[test]
fn a_slow_server_is_waited_for() {
    let sink = FaultySink::new().afterwards(Fault::Delay(ms(400)));
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    log(&reporter, 50);
    let start = Instant::now();
    let drain = reporter.blocking_log_fatal("the end");
    assert!(drain.is_drained() && start.elapsed() >= ms(400), "{drain} after {:?}", start.elapsed());
    assert_eq!(drain.delivered, 53);
}

#[test]
fn a_fatal_error_after_the_stop_returns_at_once_and_is_not_called_drained() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    within(ms(0), || {
        assert!(!reporter.log("n", ()).is_accepted());
        assert!(!reporter.log_error("late").is_accepted());
        let drain = reporter.blocking_log_fatal("too late");
        assert_eq!((drain.is_drained(), drain.dropped.get(DropReason::Stopped)), (false, 1), "{drain}");
        assert!(!current_thread().block_on(reporter.log_fatal("too late")).is_drained());
    });
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "SESSION_END"]);
    assert_eq!(reporter.stats().refused.get(DropReason::Stopped), 4);
}

#[test]
fn the_largest_error_there_can_be_fits_the_room_that_is_kept_for_it() {
    let sink = MemorySink::new();
    let reporter = quick("s").max_queue_bytes(512 * 1024).classify_errors(|_| None).sink(sink.clone()).start().unwrap();
    let text = "ü".repeat(1_000_000);
    assert!(reporter.blocking_log_fatal(&std::io::Error::other(text.clone())).is_drained());
    let body = json!({"text": text});
    let user = UserError::new(text).status(400).body(body);
    assert!(user.fault().is_user() && UserFault::new().is_user());
    assert!(reporter.blocking_log_fatal(&user).is_drained());
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END", "user_error"]);
}
