//! Settings and moments at the edge of what is allowed: they cost what they say, and never the reporter.

use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use lastword::DropReason;
use lastword::limits::{QUEUE_BYTES_MIN, QUEUE_RESERVE_BYTES};
use lastword::sink::Policy;
use lastword::testing::{Fault, FaultySink, MemorySink};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use crate::support::{DEADLINE, assert_books, assert_law, current_thread, log, ms, numbers, quick, until, within};

#[test]
fn a_sink_whose_policy_asks_for_the_most_there_is_gets_its_events_when_it_is_asked_to() {
    let mut policy = Policy::default();
    policy.max_batch_size = Some(usize::MAX);
    policy.flush_threshold = Some(usize::MAX);
    policy.flush_interval = Some(Duration::MAX);
    policy.max_in_flight = Some(usize::MAX);
    policy.max_retries = Some(u32::MAX);
    let sink = MemorySink::new().policy(policy);
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    for _ in 0..3 {
        log(&reporter, 10);
        assert!(within(ms(0), || reporter.blocking_flush(DEADLINE)).is_drained());
    }
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(assert_books(&reporter, &sink.events()).delivered, 32);
}

#[test]
fn to_give_up_on_a_long_queue_holds_no_other_reporter() {
    let dead = FaultySink::new().name("dead").afterwards(Fault::Unauthorized);
    let giving_up = quick("long").max_queue_size(200_000).max_queue_bytes(64 << 20).sink(dead).start().unwrap();
    log(&giving_up, 150_000);
    giving_up.blocking_stop(ms(20));
    let sink = MemorySink::new();
    let other = quick("other").sink(sink).start().unwrap();
    assert!(within(ms(500), || other.blocking_stop(DEADLINE)).is_drained());
    until("the books are closed", || giving_up.stats().dropped.get(DropReason::Stopped) == 150_002);
    assert_law(&giving_up.stats());
}

/// Data that is being serialised until it is told to go on.
struct Slow(mpsc::SyncSender<()>, std::sync::Mutex<mpsc::Receiver<()>>);

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.send(()).unwrap();
        self.1.lock().unwrap().recv().unwrap();
        serializer.serialize_map(Some(0))?.end()
    }
}

#[test]
fn an_event_on_its_way_in_while_the_reporter_stops_is_counted_as_dropped_and_nobody_waits_for_it() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink).start().unwrap();
    let (begun, begins) = mpsc::sync_channel(1);
    let (go_on, goes_on) = mpsc::sync_channel(1);
    let logging = std::thread::spawn({
        let reporter = reporter.clone();
        move || reporter.log("late", Slow(begun, std::sync::Mutex::new(goes_on)))
    });
    begins.recv().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    // Long enough for the reporter to have ended; were it not, the test would pass with no need.
    std::thread::sleep(ms(50));
    go_on.send(()).unwrap();
    let admission = logging.join().unwrap();
    let drain = within(ms(0), || reporter.blocking_flush(Duration::from_secs(5)));
    assert_eq!(drain.pending, 0, "{admission:?}: {drain}");
    let stats = reporter.stats();
    assert_eq!((stats.queued, stats.in_flight), (0, 0), "{stats:?}");
    assert_eq!(stats.dropped.get(DropReason::Stopped) + stats.refused.get(DropReason::Stopped), 1, "{stats:?}");
    assert_law(&stats);
}

#[test]
fn a_queue_that_fills_before_its_threshold_is_sent_and_loses_nothing() {
    for (events, bytes, text) in [(20, 16 << 20, 1), (10_000, QUEUE_BYTES_MIN, 20_000)] {
        let sink = MemorySink::new();
        let reporter = quick("s").max_queue_size(events).max_queue_bytes(bytes).sink(sink.clone()).start().unwrap();
        let text = "x".repeat(text);
        for i in 0..60 {
            assert!(reporter.log("n", json!({"i": i, "text": text})).is_accepted(), "event {i}");
            until("half of the queue is free", || {
                let stats = reporter.stats();
                stats.queued + stats.in_flight <= events as u64 / 2
                    && stats.queue_bytes <= (bytes - QUEUE_RESERVE_BYTES) as u64 / 2
            });
        }
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert_eq!(numbers(&sink.events()), (0..60).collect::<Vec<_>>());
    }
}

#[test]
fn with_one_batch_in_flight_the_halves_of_a_split_batch_keep_their_order() {
    let sink = FaultySink::new().then(Fault::Rejected).then(Fault::Transient);
    let reporter = quick("s").max_in_flight(1).retry_base_delay(ms(50)).sink(sink.clone()).start().unwrap();
    log(&reporter, 20);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_eq!(numbers(&sink.taken().events()), (0..20).collect::<Vec<_>>());
}

#[test]
fn waits_that_are_given_up_leave_nothing_behind() {
    let runtime = Arc::new(OnceLock::new());
    let sink = FaultySink::new().afterwards(Fault::Hang);
    let builder = quick("s").sink(sink).probe({
        let runtime = Arc::clone(&runtime);
        move |_| drop(runtime.set(tokio::runtime::Handle::current()))
    });
    let reporter = builder.start().unwrap();
    current_thread().block_on(async {
        for _ in 0..2_000 {
            let given_up = tokio::time::timeout(ms(0), reporter.flush(Duration::from_secs(24 * 3_600))).await;
            assert!(given_up.is_err());
        }
    });
    let tasks = || runtime.get().map_or(usize::MAX, |runtime| runtime.metrics().num_alive_tasks());
    // The tests beside this one have some too.
    until("the waits are gone", || tasks() < 1_000);
}
