//! What can be done with one sink of several while the program runs: attach it, switch it, give it less, wait for it alone.

use std::time::{Duration, Instant};

use lastword::reporter::{AttachError, SinkState, TuneError};
use lastword::retry::RetryPolicy;
use lastword::sink::{AllowList, FieldPolicy, Policy};
use lastword::testing::{Fault, FaultySink, MemorySink, pending};
use lastword::{Admission, DropReason, Reporter};

use crate::support::{DEADLINE, assert_law, kinds, log, ms, quick, until};

#[test]
fn a_million_events_before_any_sink_take_what_the_queue_may_take_and_the_rest_is_counted() {
    let reporter = Reporter::builder("s").enabled(true).sinks_later().start().unwrap();
    let accepted =
        (0..1_000_000).filter(|i| reporter.log("n", serde_json::json!({"i": i})).is_accepted()).count() as u64;
    let stats = reporter.stats();
    assert_eq!((stats.accepted, accepted), (10_000, 9_999), "the start of the session is one of them");
    assert_eq!(stats.refused.get(DropReason::QueueFull), 1_000_000 - accepted);
    assert!(stats.queue_bytes <= 16 * 1024 * 1024, "{}", stats.queue_bytes);
    assert_eq!(reporter.health().sinks[0].state, SinkState::Held);
    let sink = MemorySink::new();
    reporter.attach(sink.clone()).unwrap();
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    let events = sink.events();
    let told = events.iter().find(|event| event["event_name"] == "telemetry.dropped").unwrap();
    assert_eq!(told["event_data"]["queue_full"], 1_000_000 - accepted);
    assert_eq!(events.len() as u64, accepted + 3, "with the start, what is told, and the end");
    assert_law(&reporter.stats());
}

#[test]
fn a_session_without_a_sink_ends_when_it_is_told_to_and_says_what_is_lost() {
    let reporter = quick("s").sinks_later().start().unwrap();
    log(&reporter, 5);
    let drain = reporter.blocking_stop(ms(20));
    assert_eq!((drain.delivered, drain.pending), (0, 7), "{drain}");
    until("it is over", || reporter.stats().dropped.get(DropReason::Stopped) == 7);
    assert!(matches!(reporter.attach(MemorySink::new()), Err(AttachError::Over)));
    let error = quick("s").start().unwrap_err().to_string();
    assert!(error.contains(".sinks_later()"), "{error}");
    let spool = tempfile::tempdir().unwrap();
    let error = quick("s").sinks_later().spool(spool.path()).start().unwrap_err().to_string();
    assert!(cfg!(not(unix)) || error.contains("spool"), "{error}");
}

#[test]
fn a_sink_that_comes_later_gets_what_others_have_not_got_yet_and_all_that_follows() {
    let (away, late) = (FaultySink::new().name("away").afterwards(Fault::RetryAfter(ms(20))), MemorySink::new());
    let reporter = quick("s").max_retries(100).sink(away.clone()).start().unwrap();
    log(&reporter, 10);
    reporter.attach(late.clone().name("late")).unwrap();
    let error = reporter.attach(MemorySink::new().name("late")).unwrap_err().to_string();
    assert_eq!(error, "there is a sink named `late` already; name one otherwise");
    log(&reporter, 10);
    away.set(Fault::None);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!((late.events().len(), away.taken().events().len()), (22, 22));
    assert_law(&reporter.stats());
}

#[test]
fn a_sink_that_is_off_keeps_nobody_waiting_and_gets_what_comes_when_it_is_on_again() {
    let (switched, live) = (MemorySink::new().name("switched"), MemorySink::new().name("live"));
    let reporter = quick("s").sink(switched.clone()).sink(live.clone()).start().unwrap();
    reporter.switch_sink("switched", false).unwrap();
    log(&reporter, 300);
    let drain = reporter.blocking_flush(DEADLINE);
    assert!(drain.is_drained(), "what is not for a sink is not lost: {drain}");
    assert_eq!(reporter.health().sinks[0].state, SinkState::Off);
    reporter.switch_sink("switched", true).unwrap();
    assert!(reporter.log("later", ()).is_accepted());
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(kinds(&switched.events()), ["later", "SESSION_END"]);
    assert_eq!(live.events().len(), 303);
    let stats = reporter.stats();
    assert_law(&stats);
    assert_eq!((stats.sinks[0].delivered, stats.sinks[0].withheld), (2, 301));
    let error = reporter.switch_sink("another", true).unwrap_err().to_string();
    assert_eq!(error, "there is no sink named `another`; there are: switched, live");
}

#[test]
fn switching_a_dead_sink_off_frees_what_waited_for_it() {
    let (dead, live) = (FaultySink::new().name("dead").afterwards(Fault::Unauthorized), MemorySink::new());
    let reporter = quick("s").sink(dead).sink(live.clone()).start().unwrap();
    log(&reporter, 500);
    assert_eq!(reporter.blocking_flush(ms(10)).pending, 501);
    until("the live one has all", || live.events().len() == 501);
    reporter.switch_sink("dead", false).unwrap();
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_eq!(reporter.stats().queue_bytes, 0);
}

#[test]
fn a_sink_with_a_list_is_given_what_is_on_it_and_nothing_else() {
    let mut policy = Policy::default();
    policy.allow = Some(AllowList::new(["tool.*", "query", "UNHANDLED_EXCEPTION"]));
    let (picky, all) = (FaultySink::new().name("picky").policy(policy), MemorySink::new());
    let reporter = quick("s").sink(picky.clone()).sink(all.clone()).start().unwrap();
    for name in ["tool.error", "query.slow", "query", "tool", "tool."] {
        assert!(reporter.log(name, ()).is_accepted());
    }
    assert!(reporter.log_error(&std::io::Error::other("broken")).is_accepted());
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(kinds(&picky.taken().events()), ["tool.error", "query", "tool.", "UNHANDLED_EXCEPTION"]);
    assert_eq!(all.events().len(), 8);
    let stats = reporter.stats();
    assert_law(&stats);
    assert_eq!((stats.sinks[0].delivered, stats.sinks[0].withheld), (4, 4));
}

#[test]
fn a_dead_sink_gives_up_its_oldest_events_before_the_others_get_nothing_new() {
    for fault in [Fault::Transient, Fault::Unauthorized] {
        let (dead, live) = (FaultySink::new().name("dead").afterwards(fault.clone()), MemorySink::new());
        let reporter = quick("s").max_queue_size(1_000).max_retries(100).flush_interval(ms(20));
        let reporter = reporter.sink(dead.clone()).sink(live.clone()).start().unwrap();
        for i in 0..20_000_u64 {
            let began = Instant::now();
            while let Admission::Dropped(reason) = reporter.log("n", serde_json::json!({"i": i})) {
                assert_eq!(reason, DropReason::QueueFull);
                assert!(began.elapsed() < DEADLINE, "{fault:?}: the live one gets nothing new for the dead one");
                std::thread::sleep(Duration::from_micros(100));
            }
        }
        reporter.blocking_flush(ms(10));
        until("the live one has all", || {
            live.events().iter().filter(|event| event["event_name"] == "n").count() == 20_000
        });
        let shed = reporter.stats().sinks[0].dropped.get(DropReason::Shed);
        assert!((18_000..20_001).contains(&shed), "{fault:?}: {shed}");
        dead.set(Fault::None);
        let drain = reporter.blocking_stop(DEADLINE);
        assert_eq!((drain.pending, drain.dropped.get(DropReason::Shed)), (0, drain.dropped.total()), "{drain}");
        assert_law(&reporter.stats());
        let taken = dead.taken().events();
        let last = taken.iter().rfind(|event| event["event_name"] == "n").unwrap();
        assert_eq!(last["event_data"]["i"], 19_999, "{fault:?}: what is newest is what it gets when it is back");
    }
}

#[test]
fn one_sink_can_be_waited_for_whatever_the_others_do() {
    let (dead, live) = (FaultySink::new().name("dead").afterwards(Fault::Hang), MemorySink::new().name("live"));
    let reporter = quick("s").sink(dead).sink(live).start().unwrap();
    log(&reporter, 250);
    let drain = reporter.blocking_wait_until_sink_drained("live", DEADLINE).unwrap();
    assert!(drain.is_drained(), "{drain}");
    assert_eq!(drain.delivered, 251);
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let drain = runtime.block_on(reporter.wait_until_sink_drained("dead", ms(30))).unwrap();
    assert!(began.elapsed() >= ms(30));
    assert_eq!((drain.is_drained(), drain.pending), (false, 251));
    assert!(reporter.blocking_wait_until_sink_drained("none", ms(1)).is_err());
}

#[test]
fn a_sink_may_ask_for_waits_by_the_square_of_the_attempt() {
    let mut policy = Policy::default();
    policy.retry = Some(RetryPolicy { base: Duration::from_micros(200), ..RetryPolicy::quadratic() });
    let failing = FaultySink::new().name("failing").policy(policy).afterwards(Fault::Transient);
    let reporter = quick("s").sink(failing.clone()).start().unwrap();
    let drain = reporter.blocking_flush(DEADLINE);
    assert_eq!(drain.dropped.get(DropReason::RetriesExhausted), 1, "{drain}");
    assert_eq!(failing.attempts().len(), 8);
}

#[test]
fn a_sink_says_how_large_its_batches_are_how_long_they_take_and_what_waits_for_it() {
    let slow = FaultySink::new().name("slow").then(Fault::Transient).then(Fault::Hang);
    let (quick_one, reporter) = (MemorySink::new(), quick("s").flush_threshold(40).max_batch_size(40).max_retries(3));
    let reporter = reporter.sink(slow.clone()).sink(quick_one).start().unwrap();
    log(&reporter, 99);
    until("the slow one hangs", || slow.attempts().len() == 2);
    let of = |place: usize| reporter.stats().sinks[place].clone();
    until("the quick one has two batches", || of(1).batches == 2);
    let (slow_one, other) = (of(0), of(1));
    assert_eq!((slow_one.waiting, slow_one.batches, slow_one.attempts, slow_one.failures), (100, 0, 1, 1));
    assert_eq!((slow_one.mean_batch(), other.mean_batch()), (None, Some(40.0)));
    assert_eq!((other.waiting, other.largest_batch, other.attempts), (20, 40, 2));
    assert!(other.slowest <= other.busy && other.mean_latency().unwrap() <= other.slowest);
    reporter.blocking_flush(ms(50));
    assert_eq!((of(1).waiting, of(1).batches, of(1).largest_batch), (0, 3, 40));
}

/// A policy for batches of so many events, each of which is waited for so long.
fn batches(events: usize, interval: Duration) -> Policy {
    let mut policy = Policy::default();
    policy.max_batch_size = Some(events);
    policy.flush_threshold = Some(events);
    policy.flush_interval = Some(interval);
    policy
}

#[test]
fn the_batches_of_one_sink_are_changed_while_it_runs_and_those_of_others_are_not() {
    let hour = Duration::from_secs(3_600);
    let (tuned, other) = (MemorySink::new().name("tuned"), MemorySink::new().name("other"));
    let reporter = quick("s").sink(tuned.clone()).sink(other.clone()).start().unwrap();
    reporter.tune_sink("tuned", &batches(200, hour)).unwrap();
    log(&reporter, 150);
    until("the other one has its hundred", || other.events().len() == 100);
    assert_eq!(tuned.events().len(), 0, "151 events are no 200");
    log(&reporter, 49);
    until("it has its two hundred", || tuned.events().len() == 200);
    assert_eq!(tuned.batches().len(), 1);
    until("both have all there is", || pending(&reporter).is_empty());

    log(&reporter, 3);
    assert_eq!(pending(&reporter).len(), 3);
    reporter.tune_sink("tuned", &batches(200, ms(10))).unwrap();
    until("an interval of an hour is over at once", || tuned.events().len() == 203);
    assert_eq!(other.events().len(), 200, "for the other one the hour goes on");

    reporter.tune_sink("tuned", &batches(2, hour)).unwrap();
    log(&reporter, 7);
    // A record that is still being written ends a batch early.
    until("all but one at the most", || tuned.events().len() >= 209);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    let sizes: Vec<_> = tuned.batches().iter().skip(2).map(|batch| batch.events.len()).collect();
    assert!(sizes.iter().all(|size| *size <= 2), "{sizes:?}");
    assert_eq!((tuned.events().len(), other.events().len()), (211, 211));
}

#[test]
fn what_can_not_be_changed_of_a_sink_that_runs_is_an_error_and_changes_nothing() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    let mut policy = batches(1, ms(1));
    policy.fields = Some(FieldPolicy::SafeOnly);
    assert_eq!(reporter.tune_sink("memory", &policy), Err(TuneError::Fixed("fields")));
    assert!(matches!(reporter.tune_sink("elsewhere", &batches(1, ms(1))), Err(TuneError::Unknown(_))));
    log(&reporter, 1);
    assert_eq!(pending(&reporter).len(), 2);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(sink.batches().len(), 1);
    assert_eq!(Reporter::disabled().tune_sink("memory", &batches(1, ms(1))), Ok(()));
}

#[test]
fn what_waits_can_be_looked_at_until_it_has_arrived() {
    let sink = FaultySink::new().afterwards(Fault::RetryAfter(ms(20)));
    let reporter = quick("s").max_retries(100).sink(sink.clone()).start().unwrap();
    log(&reporter, 2);
    let names = || pending(&reporter).iter().map(|event| event["event_name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(), [serde_json::Value::Null, "n".into(), "n".into()]);
    assert!(!reporter.blocking_flush(ms(50)).is_drained());
    assert_eq!(names().len(), 3, "what is tried again waits still");
    sink.set(Fault::None);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert!(names().is_empty());
    assert!(pending(&Reporter::disabled()).is_empty());
}
