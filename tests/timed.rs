//! `timed!` and `async_timed!`: what they log, and what they leave as it is.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lastword::clock::Timestamp;
use lastword::sink::{FieldPolicy, Policy};
use lastword::testing::{ManualClock, MemorySink};
use lastword::{Reporter, async_timed, timed};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// What a session logs, as names and data, without its start and its end.
fn logged(run: impl FnOnce(&Reporter, &ManualClock)) -> Vec<(String, Value)> {
    let (sink, clock) = (MemorySink::new(), ManualClock::new(Timestamp::from_unix_nanos(0)));
    let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).clock(clock.clock()).start().unwrap();
    run(&reporter, &clock);
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let events = sink.events();
    let own = events.iter().filter(|event| event["event"] == "GENERIC_EVENT");
    own.map(|event| (event["event_name"].as_str().unwrap().to_owned(), event["event_data"].clone())).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_value_goes_on_and_its_start_its_end_and_its_duration_are_logged() {
    let events = logged(|reporter, clock| {
        let value = timed!(reporter, "query", {
            clock.advance(Duration::from_micros(1_500));
            "value".to_owned()
        });
        assert_eq!(value, "value");
    });
    let expected =
        [("query_started".to_owned(), json!({})), ("query_completed".to_owned(), json!({"duration_ms": 1.5}))];
    assert_eq!(events, expected);
}

#[test]
fn an_error_goes_on_and_is_logged_as_a_failure_with_its_type() {
    let events = logged(|reporter, clock| {
        let error = timed!(reporter, "query", {
            clock.advance(Duration::from_millis(2));
            "x".parse::<u32>()
        });
        assert_eq!(error, "x".parse());
    });
    assert_eq!(events[1].0, "query_failed");
    let data = &events[1].1;
    assert_eq!((&data["duration_ms"], &data["message"]), (&json!(2.0), &json!("invalid digit found in string")));
    assert!(data["error_type"].as_str().unwrap().contains("ParseIntError"), "{data}");
}

#[test]
fn a_sink_that_is_given_safe_fields_alone_knows_how_long_it_took_and_what_kind_of_failure_it_was() {
    let mut policy = Policy::default();
    policy.fields = Some(FieldPolicy::SafeOnly);
    let sink = MemorySink::new().policy(policy);
    let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start().unwrap();
    assert!(timed!(reporter, "query", "x".parse::<u32>()).is_err());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let data = sink.events()[2]["event_data"].as_object().unwrap().clone();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["duration_ms", "error_type"]);
}

#[test]
fn a_panic_goes_on_with_its_very_payload_and_is_logged_as_a_failure() {
    let events = logged(|reporter, _| {
        let caught = catch_unwind(AssertUnwindSafe(|| timed!(reporter, "query", std::panic::panic_any(7_u8))));
        assert_eq!(caught.map(drop).unwrap_err().downcast_ref::<u8>(), Some(&7));
        let caught =
            catch_unwind(AssertUnwindSafe(|| block_on(async_timed!(reporter, "later", async { panic!("gone") }))));
        assert_eq!(caught.map(drop).unwrap_err().downcast_ref::<&str>(), Some(&"gone"));
    });
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["query_started", "query_failed", "later_started", "later_failed"]);
    assert_eq!(events[3].1["message"], "gone");
}

#[test]
fn a_future_is_timed_from_its_first_poll_to_its_end() {
    let events = logged(|reporter, clock| {
        let future = async_timed!(reporter, "fetch", async {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(3));
            Ok::<_, String>(7)
        });
        clock.advance(Duration::from_secs(1));
        assert_eq!(block_on(future), Ok(7));
        assert_eq!(
            block_on(async_timed!(reporter, "fetch", async { Err::<u8, _>("no".to_owned()) })),
            Err("no".to_owned())
        );
    });
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["fetch_started", "fetch_completed", "fetch_started", "fetch_failed"]);
    assert_eq!(events[1].1, json!({"duration_ms": 3.0}));
    assert_eq!(events[3].1["message"], "no");
}

#[test]
fn a_future_that_is_given_up_is_logged_as_a_failure_and_one_that_was_never_polled_is_not() {
    let events = logged(|reporter, _| {
        drop(async_timed!(reporter, "never", async { 1 }));
        block_on(async {
            let slow = async_timed!(reporter, "slow", std::future::pending::<()>());
            assert!(tokio::time::timeout(Duration::from_millis(5), slow).await.is_err());
        });
    });
    let expected = [
        ("slow_started".to_owned(), json!({})),
        ("slow_failed".to_owned(), json!({"duration_ms": 0.0, "cancelled": true})),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_clock_that_goes_back_makes_no_negative_duration() {
    let events = logged(|reporter, clock| {
        clock.advance(Duration::from_secs(10));
        timed!(reporter, "query", clock.set(Timestamp::from_unix_nanos(0)));
    });
    assert_eq!(events[1].1, json!({"duration_ms": 0.0}));
}

#[test]
fn where_telemetry_is_off_what_is_wrapped_is_run_and_nothing_else() {
    let none: Option<Reporter> = None;
    assert_eq!(timed!(none, "query", 7), 7);
    assert_eq!(timed!(Reporter::disabled(), "query", "x".parse::<u8>()), "x".parse());
    assert_eq!(block_on(async_timed!(none, "query", async { 7 })), 7);
}
