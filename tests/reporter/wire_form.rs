//! What goes over the wire: form of ids and times, order, who sends, and what is told of drops.

use std::time::Duration;

use lastword::clock::Timestamp;
use lastword::testing::{ManualClock, MemorySink};
use lastword::{DropReason, Reporter, Severity};
use serde_json::{Value, json};

use crate::peers::{Answer, Peer};
use crate::support::{DEADLINE, kinds, log, ms, quick, reporter_for, tinker, until};

/// 2023-11-14T22:13:20Z.
const NOON: u64 = 1_700_000_000_000_000_000;

fn envelope(peer: &Peer) -> Value {
    peer.wait_for(1)[0].json()
}

#[test]
fn an_event_id_is_a_uuid_v7_in_lower_case_made_of_the_time_of_the_event() {
    let clock = ManualClock::new(Timestamp::from_unix_nanos(NOON));
    let sink = MemorySink::new();
    let reporter = quick("s").clock(clock.clock()).sink(sink.clone()).start().unwrap();
    log(&reporter, 300);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    for event in sink.events() {
        let text = event["event_id"].as_str().unwrap();
        let id: uuid::Uuid = text.parse().unwrap();
        assert_eq!((text.len(), text), (36, &*text.to_lowercase()));
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        assert_eq!(id.as_u128() >> 80, u128::from(NOON / 1_000_000), "{text}");
    }
}

#[test]
fn a_timestamp_has_six_digits_even_where_they_are_zero() {
    let clock = ManualClock::new(Timestamp::from_unix_nanos(NOON));
    let sink = MemorySink::new();
    let reporter = quick("s").clock(clock.clock()).sink(sink.clone()).start().unwrap();
    clock.advance(Duration::from_nanos(1_234_567));
    log(&reporter, 1);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let times: Vec<_> = sink.events().iter().map(|event| event["timestamp"].as_str().unwrap().to_owned()).collect();
    assert_eq!(times, ["2023-11-14T22:13:20.000000Z", "2023-11-14T22:13:20.001234Z"]);
}

#[test]
fn a_duration_counts_hours_beyond_a_day_and_shows_microseconds_where_there_are_some() {
    for (lasted, expected) in [
        (Duration::from_secs(5), "0:00:05"),
        (Duration::from_micros(5_000_001), "0:00:05.000001"),
        (Duration::from_secs(25 * 3_600 + 1), "25:00:01"),
        (Duration::from_micros(243 * 3_600_000_000 + 5), "243:00:00.000005"),
    ] {
        let clock = ManualClock::new(Timestamp::from_unix_nanos(NOON));
        let sink = MemorySink::new();
        let reporter = quick("s").clock(clock.clock()).sink(sink.clone()).start().unwrap();
        clock.advance(lasted);
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert_eq!(sink.events()[1]["duration"], expected);
    }
}

#[test]
fn a_clock_that_goes_back_makes_no_negative_duration() {
    let clock = ManualClock::new(Timestamp::from_unix_nanos(NOON));
    let sink = MemorySink::new();
    let reporter = quick("s").clock(clock.clock()).sink(sink.clone()).start().unwrap();
    clock.set(Timestamp::from_unix_nanos(NOON - 3_600_000_000_000));
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(sink.events()[1]["duration"], "0:00:00");
    assert_eq!(sink.events()[1]["timestamp"], "2023-11-14T21:13:20.000000Z", "the wall clock is as it is");
}

#[test]
fn a_batch_says_who_sends_it_and_two_sessions_of_a_process_say_the_same() {
    let peers = [Peer::start(), Peer::start()];
    let one = quick("session-1").sdk_version("3.2.1").sink(tinker(&peers[0])).start().unwrap();
    let two = quick("session-2").sink(tinker(&peers[1])).start().unwrap();
    assert!(one.blocking_flush(DEADLINE).is_drained() && two.blocking_flush(DEADLINE).is_drained());
    let (first, second) = (envelope(&peers[0]), envelope(&peers[1]));
    assert_eq!((&first["session_id"], &second["session_id"]), (&json!("session-1"), &json!("session-2")));
    assert_eq!((&first["sdk_version"], &second["sdk_version"]), (&json!("3.2.1"), &json!(env!("CARGO_PKG_VERSION"))));
    let process: uuid::Uuid = first["process_uuid"].as_str().unwrap().parse().unwrap();
    assert_eq!((process.get_version_num(), &first["process_uuid"]), (4, &second["process_uuid"]));
    #[cfg(target_os = "linux")]
    assert_eq!(first["platform"], "unix/linux");
    let fields: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["events", "platform", "process_uuid", "sdk_version", "session_id"]);
}

#[test]
fn the_session_starts_with_index_0_and_no_index_is_left_out_or_out_of_order() {
    let peer = Peer::start();
    let reporter = quick("s").max_in_flight(1).sink(tinker(&peer)).start().unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let reporter = reporter.clone();
            std::thread::spawn(move || log(&reporter, 1_000))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    let stored = peer.stored();
    let indices: Vec<_> = stored.iter().map(|event| event["event_session_index"].as_u64().unwrap()).collect();
    assert_eq!(indices, (0..8_002).collect::<Vec<_>>());
    assert_eq!((&stored[0]["event"], &stored[8_001]["event"]), (&json!("SESSION_START"), &json!("SESSION_END")));
}

#[test]
fn an_event_carries_its_kind_severity_name_and_data_and_nothing_else() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    let _ = reporter.log("plain", ());
    for severity in Severity::ALL {
        let _ = reporter.log_with(severity, "with.data", json!({"a": [1, true, null, "x", {"b": 1.5}]}));
    }
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let events = sink.events();
    assert_eq!((&events[1]["event_data"], &events[1]["severity"]), (&json!({}), &json!("INFO")));
    let severities: Vec<_> = events[2..].iter().map(|event| event["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]);
    assert_eq!(events[2]["event_data"], json!({"a": [1, true, null, "x", {"b": 1.5}]}));
    let fields: Vec<_> = events[2].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["event", "event_data", "event_id", "event_name", "event_session_index", "severity", "timestamp"];
    assert_eq!(fields, expected);
    assert_eq!(kinds(&events[..2]), ["SESSION_START", "plain"]);
}

#[test]
fn a_sessionless_reporter_has_an_id_of_its_own_and_neither_start_nor_end() {
    let sink = MemorySink::new();
    let reporter = Reporter::sessionless().enabled(true).sink(sink.clone()).start().unwrap();
    let other = Reporter::sessionless().enabled(true).sink(MemorySink::new()).start().unwrap();
    assert_ne!(reporter.session_id(), other.session_id());
    let id: uuid::Uuid = reporter.session_id().strip_prefix("sessionless-").unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 4);
    log(&reporter, 1);
    assert!(reporter.blocking_log_fatal("the end").is_drained());
    current(&reporter);
    assert_eq!(kinds(&sink.events()), ["n", "UNHANDLED_EXCEPTION", "UNHANDLED_EXCEPTION"]);
    assert_eq!(sink.events()[0]["event_session_index"], 0);
    assert_eq!(sink.batches()[0].session_id, reporter.session_id());
}

/// A fatal error in an async program, then the stop.
fn current(reporter: &Reporter) {
    crate::support::current_thread().block_on(async {
        assert!(reporter.log_fatal("again").await.is_drained());
        assert!(reporter.stop(DEADLINE).await.is_drained());
    });
}

#[test]
fn drops_are_told_by_reason_with_the_next_batch_of_a_flush() {
    let peer = Peer::start();
    let reporter = quick("s").max_queue_size(10).sink(tinker(&peer)).start().unwrap();
    peer.always(Answer::Slow(ms(100)));
    let logged = (0..15).filter(|_| reporter.log("n", json!({"i": 0})).is_accepted()).count();
    assert_eq!(reporter.log("bad", 5), lastword::Admission::Dropped(DropReason::QueueFull), "full is full");
    assert_eq!(logged, 9, "with SESSION_START they are ten");
    reporter.blocking_flush(DEADLINE);
    let _ = reporter.log("bad", 5);
    log(&reporter, 1);
    reporter.blocking_flush(DEADLINE);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let stored = peer.stored();
    let told: Vec<_> = stored.iter().filter(|event| event["event_name"] == "telemetry.dropped").collect();
    let sum = |reason: &str| told.iter().filter_map(|event| event["event_data"][reason].as_u64()).sum::<u64>();
    assert_eq!((sum("queue_full"), sum("invalid_data")), (7, 1), "{told:?}");
    assert!(told.iter().all(|event| event["severity"] == "WARNING" && event["event"] == "GENERIC_EVENT"));
    assert_eq!((reporter.stats().refused.get(DropReason::QueueFull), reporter.stats().refused.total()), (7, 8));
}

#[test]
fn drops_of_a_quiet_program_are_told_with_the_batch_of_the_interval() {
    let peer = Peer::start();
    let reporter = quick("s").flush_interval(ms(50)).sink(tinker(&peer)).start().unwrap();
    let _ = reporter.log("bad", 5);
    log(&reporter, 1);
    until("the drop is told", || peer.names().contains(&"telemetry.dropped".to_owned()));
    assert_eq!(peer.stored().iter().filter(|e| e["event_name"] == "telemetry.dropped").count(), 1);
}

#[test]
fn drops_of_a_queue_that_is_full_are_told_before_the_end() {
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let reporter = quick("s").max_queue_size(50).sink(tinker(&peer).http_timeout(ms(200))).start().unwrap();
    let refused = (0..60).filter(|_| !reporter.log("n", json!({"i": 0})).is_accepted()).count();
    peer.always(Answer::Ok);
    let drain = reporter.blocking_log_fatal("the end");
    assert!(drain.is_drained(), "{drain}");
    let stored = peer.stored();
    let told = stored.iter().find(|event| event["event_name"] == "telemetry.dropped");
    assert_eq!(told.unwrap()["event_data"]["queue_full"], refused as u64);
    assert_eq!(kinds(&stored[stored.len() - 2..]), ["UNHANDLED_EXCEPTION", "SESSION_END"]);
}

#[test]
fn nothing_is_told_where_nothing_was_dropped() {
    let peer = Peer::start();
    let reporter = reporter_for(&peer);
    log(&reporter, 120);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert!(!peer.names().contains(&"telemetry.dropped".to_owned()));
}
