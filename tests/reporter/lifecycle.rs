//! How a reporter starts, who may stop it, and what is left when it has.

use lastword::reporter::State;
use lastword::sink::Tinker;
use lastword::testing::{FaultySink, MemorySink};
use lastword::{Admission, Builder, Drain, DropReason, Reporter};
use serde_json::json;

use crate::peers::Peer;
use crate::support::{DEADLINE, current_thread, kinds, log, ms, quick, reporter_for, until, within};

#[test]
fn a_session_has_a_start_its_events_and_an_end() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    log(&reporter, 1);
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained() && drain.delivered == 3, "{drain}");
    let stored = peer.stored();
    assert_eq!(kinds(&stored), ["SESSION_START", "n", "SESSION_END"]);
    assert!(stored[2]["duration"].as_str().unwrap().starts_with("0:00:0"));
    assert_eq!((&stored[0]["severity"], &stored[2]["severity"]), (&json!("INFO"), &json!("INFO")));
}

#[test]
fn a_new_reporter_has_its_session_start_queued_and_has_sent_nothing() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    let stats = reporter.stats();
    assert_eq!((stats.accepted, stats.queued + stats.in_flight), (1, 1));
    assert_eq!(reporter.log("n", ()), Admission::Accepted { seq: 1 });
    assert_eq!((reporter.session_id(), reporter.is_enabled()), ("session-1", true));
    assert_eq!(peer.requests().len(), 0);
}

#[test]
fn stopping_twice_ends_the_session_once_and_the_second_says_what_the_first_did() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    let first = reporter.blocking_stop(DEADLINE);
    let second = within(ms(0), || reporter.blocking_stop(DEADLINE));
    assert_eq!(first, second);
    assert_eq!(reporter.stats().refused.total(), 0, "a second end is no loss");
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "SESSION_END"]);
    assert_eq!(reporter.health().state, State::Stopped);
}

#[test]
fn after_the_stop_events_are_refused_with_that_reason_and_none_is_called_delivered() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    assert!(current_thread().block_on(reporter.stop(DEADLINE)).is_drained());
    assert_eq!(reporter.log("late", ()), Admission::Dropped(DropReason::Stopped));
    assert_eq!(reporter.log_error("late"), Admission::Dropped(DropReason::Stopped));
    assert_eq!(reporter.stats().refused.get(DropReason::Stopped), 2);
    assert_eq!(sink.events().len(), 2);
}

#[test]
fn a_client_that_ends_does_not_end_the_session_of_the_others() {
    let sink = MemorySink::new();
    let service = quick("s").sink(sink.clone()).start().unwrap();
    let training = service.clone();
    let sampling = std::thread::spawn({
        let reporter = service.clone();
        move || log(&reporter, 1)
    });
    sampling.join().unwrap();
    drop(training);
    log(&service, 1);
    assert!(service.blocking_flush(DEADLINE).is_drained());
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "n", "n"], "no end yet");
    assert!(service.blocking_stop(DEADLINE).is_drained());
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "n", "n", "SESSION_END"]);
}

#[test]
fn when_the_last_handle_is_dropped_the_session_ends_and_is_delivered() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    let clone = reporter.clone();
    log(&reporter, 250);
    within(ms(0), || drop((reporter, clone)));
    until("all is delivered", || peer.stored().len() == 252);
    assert_eq!(kinds(&peer.stored()[251..]), ["SESSION_END"]);
    assert_eq!(peer.duplicates(), 0);
}

#[test]
fn a_reporter_that_was_dropped_closes_its_sink() {
    let (sink, taken) = (Closes::default(), MemorySink::new());
    let reporter = quick("s").sink(sink.clone()).sink(taken.clone()).start().unwrap();
    drop(reporter);
    until("it is closed", || sink.0.load(std::sync::atomic::Ordering::Acquire) == 1);
    assert_eq!(taken.events().len(), 2, "after its last batch");
}

#[test]
fn a_guard_ends_the_session_and_delivers_when_its_scope_is_left() {
    let sink = MemorySink::new();
    {
        let reporter = quick("s").sink(sink.clone()).start().unwrap();
        let _guard = reporter.guard(DEADLINE);
        log(&reporter, 7);
    }
    assert_eq!(sink.events().len(), 9);
    assert_eq!(kinds(&sink.events()[8..]), ["SESSION_END"]);
}

#[test]
fn a_guard_delivers_while_a_panic_unwinds_and_the_panic_goes_on() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = reporter.guard(DEADLINE);
        log(&reporter, 3);
        panic!("the program fails");
    }));
    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"the program fails"));
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "n", "n", "n", "SESSION_END"]);
}

#[test]
fn a_guard_never_holds_a_panic_longer_than_its_deadline() {
    let sink = FaultySink::new().afterwards(lastword::testing::Fault::Hang);
    let reporter = quick("s").sink(sink).start().unwrap();
    let unwound = within(ms(100), || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = reporter.guard(ms(100));
            panic!("the program fails");
        }))
    });
    assert!(unwound.is_err());
}

#[test]
fn a_reporter_that_is_off_does_nothing_and_says_so() {
    let peer = Peer::start();
    let off = Reporter::builder("s").enabled(false).sink(Tinker::new(peer.url())).start().unwrap();
    for reporter in [off, Reporter::disabled()] {
        assert_eq!((reporter.is_enabled(), reporter.session_id()), (false, ""));
        assert_eq!(reporter.log("n", json!({"a": 1})), Admission::Dropped(DropReason::Disabled));
        assert_eq!(reporter.log_error("it failed"), Admission::Dropped(DropReason::Disabled));
        let drains = [
            within(ms(0), || reporter.blocking_log_fatal("the end")),
            reporter.blocking_flush(DEADLINE),
            reporter.blocking_wait_until_drained(DEADLINE),
            current_thread().block_on(reporter.log_fatal("the end")),
            current_thread().block_on(reporter.stop(DEADLINE)),
            reporter.blocking_stop(DEADLINE),
        ];
        assert!(drains.iter().all(|drain| *drain == Drain::default()));
        drop(reporter.guard(DEADLINE));
        assert_eq!(reporter.stats().accepted, 0);
        assert_eq!(reporter.health().state, State::Disabled);
    }
    assert_eq!(peer.connections(), 0);
}

#[test]
fn a_wrong_setting_is_named_with_its_value_and_what_would_be_right() {
    let start = |set: fn(Builder) -> Builder| {
        let builder = Reporter::builder("s").enabled(true).sink(MemorySink::new());
        set(builder).start().unwrap_err().to_string()
    };
    for (name, error) in [
        ("flush_interval", start(|b| b.flush_interval(ms(0)))),
        ("flush_threshold", start(|b| b.flush_threshold(0))),
        ("retry_base_delay", start(|b| b.retry_base_delay(DEADLINE * 100))),
        ("max_retries", start(|b| b.max_retries(1_000_000))),
        ("max_queue_size", start(|b| b.max_queue_size(0))),
        ("max_queue_bytes", start(|b| b.max_queue_bytes(1))),
        ("max_batch_size", start(|b| b.max_batch_size(0))),
        ("max_in_flight", start(|b| b.max_in_flight(100_000))),
        ("sink", start(|b| b.sink(MemorySink::new()))),
        ("base_url", start(|b| b.sink(Tinker::new("no url")))),
        ("http_timeout", start(|b| b.sink(Tinker::new("http://127.0.0.1").http_timeout(ms(0))))),
    ] {
        assert!(error.contains(&format!("`{name}`")), "{name}: {error}");
    }
    let nothing = Reporter::builder("s").enabled(true).start().unwrap_err().to_string();
    assert!(nothing.contains("`sink`") && nothing.contains("`.sink(..)`"), "{nothing}");
    for id in [String::new(), "x".repeat(257), "a\nb".to_owned()] {
        let error = Reporter::builder(id).enabled(true).sink(MemorySink::new()).start().unwrap_err().to_string();
        assert!(error.contains("`session_id`"), "{error}");
    }
    assert!(Reporter::builder("").enabled(false).start().is_ok(), "where telemetry is off nothing can fail");
}

#[test]
fn no_setting_of_the_defaults_differs_from_what_is_documented() {
    use lastword::limits;
    let seconds = [
        limits::FLUSH_INTERVAL_DEFAULT,
        limits::FLUSH_TIMEOUT_DEFAULT,
        limits::HTTP_TIMEOUT_DEFAULT,
        limits::RETRY_BASE_DEFAULT,
    ];
    assert_eq!(seconds.map(|duration| duration.as_secs()), [10, 30, 5, 1]);
    let counts = [
        limits::FLUSH_THRESHOLD_DEFAULT,
        limits::QUEUE_EVENTS_DEFAULT,
        limits::BATCH_EVENTS_DEFAULT,
        limits::RETRIES_DEFAULT as usize,
    ];
    assert_eq!(counts, [100, 10_000, 100, 3]);
    assert_eq!((limits::QUEUE_BYTES_DEFAULT, limits::BATCH_BYTES_MAX), (16 << 20, 1 << 20));
}

/// A sink that counts how often it is closed.
#[derive(Clone, Default)]
struct Closes(std::sync::Arc<std::sync::atomic::AtomicU32>);

impl lastword::sink::Sink for Closes {
    fn name(&self) -> &str {
        "closes"
    }

    fn policy(&self) -> lastword::sink::Policy {
        lastword::sink::Policy::default()
    }

    fn open(&self) -> Result<(), lastword::sink::SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, _: &'a lastword::sink::Batch) -> lastword::sink::Delivery<'a> {
        Box::pin(std::future::ready(Ok(lastword::sink::Ack::all())))
    }

    fn close(&self) -> lastword::sink::Closing<'_> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        Box::pin(std::future::ready(()))
    }
}
