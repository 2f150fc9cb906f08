//! "Drained" is true, it comes as soon as it is true, and asking for it holds nobody else.

use std::time::{Duration, Instant};

use lastword::DropReason;
use lastword::testing::{Fault, FaultySink, MemorySink};

use crate::peers::{Answer, Peer};
use crate::support::{
    DEADLINE, assert_law, current_thread, log, ms, numbers, quick, reporter_for, tinker, until, within,
};

#[test]
fn waiting_for_the_drain_is_what_makes_it_true() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    log(&reporter, 1);
    let start = Instant::now();
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    assert!(start.elapsed() < Duration::from_secs(5), "one event needs no threshold and no interval");
    assert_eq!(peer.stored().len(), 2);
    within(ms(0), || assert!(reporter.blocking_wait_until_drained(DEADLINE).is_drained(), "it still is"));
}

#[test]
fn an_empty_flush_sends_nothing() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let requests = peer.requests().len();
    for _ in 0..5 {
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
    }
    assert_eq!((requests, peer.requests().len()), (1, 1), "SESSION_START, and then nothing");
}

#[test]
fn a_drain_returns_when_the_server_has_answered_and_not_before() {
    let peer = Peer::start();
    peer.always(Answer::Slow(ms(300)));
    let reporter = reporter_for(&peer);
    log(&reporter, 6);
    let start = Instant::now();
    assert!(!reporter.blocking_flush(ms(50)).is_drained(), "no answer yet");
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(drain.is_drained() && start.elapsed() >= ms(300), "{drain} after {:?}", start.elapsed());
    assert_eq!(drain.delivered, 7);
}

#[test]
fn nothing_that_was_lost_is_ever_called_drained() {
    for answer in [Answer::Status(400), Answer::Status(413), Answer::Status(500), Answer::DropAfterBody, Answer::Hang] {
        let peer = Peer::start();
        peer.always(answer.clone());
        let reporter = quick("s").sink(tinker(&peer).http_timeout(ms(20))).start().unwrap();
        log(&reporter, 3);
        for _ in 0..2 {
            let drain = reporter.blocking_wait_until_drained(DEADLINE);
            assert!(!drain.is_drained(), "{answer:?}: {drain}");
            assert_eq!((drain.delivered, drain.pending), (0, 0), "{answer:?}: {drain}");
            assert!(drain.dropped.total() >= 4, "{answer:?}: {drain}");
        }
        assert!(!reporter.blocking_stop(DEADLINE).is_drained());
    }
}

#[test]
fn each_wait_is_told_of_the_events_before_it() {
    let sink = FaultySink::new().afterwards(Fault::Delay(ms(30)));
    let reporter = quick("s").flush_threshold(10).max_batch_size(10).sink(sink.clone()).start().unwrap();
    current_thread().block_on(async {
        log(&reporter, 9);
        let first = tokio::spawn({
            let reporter = reporter.clone();
            async move { reporter.wait_until_drained(DEADLINE).await }
        });
        tokio::task::yield_now().await;
        log(&reporter, 20);
        let second = reporter.wait_until_drained(DEADLINE).await;
        assert_eq!(second.delivered, 30, "{second}");
        let first = first.await.unwrap();
        assert_eq!((first.delivered, first.is_drained()), (10, true), "{first}");
    });
}

#[test]
fn a_hundred_waits_at_once_are_all_answered() {
    let sink = FaultySink::new().then(Fault::Transient);
    let reporter = quick("s").sink(sink).start().unwrap();
    log(&reporter, 50);
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let reporter = reporter.clone();
            std::thread::spawn(move || reporter.blocking_wait_until_drained(DEADLINE).is_drained())
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
}

#[test]
fn a_wait_that_is_given_up_changes_nothing() {
    let sink = FaultySink::new().afterwards(Fault::Delay(ms(50)));
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    log(&reporter, 5);
    current_thread().block_on(async {
        for _ in 0..10 {
            assert!(tokio::time::timeout(ms(1), reporter.wait_until_drained(DEADLINE)).await.is_err());
        }
        assert!(reporter.wait_until_drained(DEADLINE).await.is_drained());
    });
    assert_eq!(numbers(&sink.taken().events()).len(), 5);
}

#[test]
fn no_call_waits_longer_than_its_deadline_whatever_the_sink_does() {
    for fault in [Fault::Hang, Fault::Transient, Fault::Unauthorized, Fault::Delay(DEADLINE * 2)] {
        let sink = FaultySink::new().afterwards(fault);
        let reporter = quick("s").max_retries(100).flush_timeout(ms(50)).sink(sink.clone()).start().unwrap();
        log(&reporter, 5);
        within(ms(50), || assert!(!reporter.blocking_flush(ms(50)).is_drained()));
        within(ms(50), || assert!(!reporter.blocking_log_fatal("the end").is_drained()));
        within(ms(50), || assert!(!reporter.blocking_stop(ms(50)).is_drained()));
        assert_law(&reporter.stats());
    }
}

#[test]
fn logging_is_not_held_while_the_sink_hangs_and_somebody_waits() {
    let sink = FaultySink::new().afterwards(Fault::Hang);
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    log(&reporter, 100);
    until("the sink has its batch", || !sink.attempts().is_empty());
    let waiting = std::thread::spawn({
        let reporter = reporter.clone();
        move || reporter.blocking_flush(ms(2_000))
    });
    let start = Instant::now();
    log(&reporter, 1_000);
    assert!(start.elapsed() < ms(2_000), "1,000 events in {:?}", start.elapsed());
    assert_eq!(waiting.join().unwrap().delivered, 0);
    let stats = reporter.stats();
    assert_law(&stats);
    assert_eq!(stats.accepted, 1_101, "each was accepted once, none twice: {stats:?}");
}

#[test]
fn counters_grow_by_the_events_and_meet_when_all_is_delivered() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    for round in 1..=3 {
        log(&reporter, 5);
        assert_eq!(reporter.stats().accepted, 1 + round * 5);
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
        let stats = reporter.stats();
        assert_eq!((stats.accepted, stats.delivered), (1 + round * 5, 1 + round * 5));
        assert_eq!((stats.queued, stats.in_flight, stats.queue_bytes), (0, 0, 0));
    }
}

#[test]
fn what_a_stop_could_not_deliver_is_dropped_as_stopped_and_counted() {
    let peer = Peer::start();
    peer.always(Answer::Status(503));
    let reporter = quick("s").retry_base_delay(DEADLINE).sink(tinker(&peer)).start().unwrap();
    log(&reporter, 250);
    let drain = within(ms(100), || reporter.blocking_stop(ms(100)));
    assert_eq!((drain.delivered, drain.pending), (0, 252), "{drain}");
    until("the books are closed", || reporter.stats().dropped.get(DropReason::Stopped) == 252);
    assert_law(&reporter.stats());
}
