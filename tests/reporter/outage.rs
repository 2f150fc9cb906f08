//! A server that is down for a while, with events that keep coming.

use std::time::{Duration, Instant};

use lastword::DropReason;
use serde_json::json;

use crate::peers::Peer;
use crate::support::{DEADLINE, assert_books, assert_law, indices, ms, quick, tinker};

/// How long the server is down: 20 s where `LASTWORD_FAULTS_LONG` is set, else as long as a test may take.
fn outage() -> Duration {
    let is_long = std::env::var_os("LASTWORD_FAULTS_LONG").is_some();
    if is_long { Duration::from_secs(20) } else { Duration::from_secs(2) }
}

/// Logs 100 events a second for an outage and half of one before and after it; returns how many.
fn log_through(peer: &Peer, reporter: &lastword::Reporter) -> u64 {
    let (start, outage) = (Instant::now(), outage());
    let mut logged = 0;
    let mut down = false;
    while start.elapsed() < outage * 2 {
        let now = start.elapsed();
        let is_out = now > outage / 2 && now < outage * 3 / 2;
        if is_out != down {
            if is_out {
                peer.down();
            } else {
                peer.up();
            }
            down = is_out;
        }
        assert!(reporter.log("n", json!({"i": logged})).is_accepted());
        logged += 1;
        assert_law(&reporter.stats());
        std::thread::sleep((start + ms(10) * logged).saturating_duration_since(Instant::now()));
    }
    peer.up();
    u64::from(logged)
}

#[test]
fn an_outage_that_the_retries_outlast_loses_nothing() {
    let peer = Peer::start();
    let reporter = quick("s")
        .flush_interval(ms(200))
        .max_retries(100)
        .retry_base_delay(ms(2))
        .sink(tinker(&peer))
        .start()
        .unwrap();
    let logged = log_through(&peer, &reporter);
    let drain = reporter.blocking_stop(DEADLINE * 2);
    assert!(drain.is_drained(), "{drain}");
    assert_eq!(drain.delivered, logged + 2);
    assert_eq!(indices(&peer.stored()), (0..logged + 2).collect());
    assert_books(&reporter, &peer.stored());
}

#[test]
fn an_outage_that_outlasts_the_retries_is_counted_and_told_to_the_event() {
    let peer = Peer::start();
    let reporter = quick("s").flush_interval(ms(100)).max_retries(2).sink(tinker(&peer)).start().unwrap();
    log_through(&peer, &reporter);
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(!drain.is_drained() && drain.pending == 0, "{drain}");
    let stored = peer.stored();
    let stats = assert_books(&reporter, &stored);
    assert_eq!(drain.dropped, stats.dropped);
    assert_eq!(stats.dropped.get(DropReason::RetriesExhausted), stats.dropped.total());
    let told = stored.iter().filter(|event| event["event_name"] == "telemetry.dropped");
    let told: u64 = told.map(|event| event["event_data"]["retries_exhausted"].as_u64().unwrap()).sum();
    assert_eq!(told, stats.dropped.total(), "the server knows of every event that it did not get");
}
