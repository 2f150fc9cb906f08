//! What `log` and another sink cost while Datadog hangs. A binary of its own: nothing else may run beside it.

#![cfg(feature = "datadog")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod costs;
mod peers;

use std::time::{Duration, Instant};

use costs::Costs;
use lastword::Reporter;
use lastword::sink::Datadog;
use lastword::testing::MemorySink;
use peers::{Answer, PATIENCE, Peer};
use serde_json::json;

const P99_MAX: Duration = Duration::from_micros(50);
/// With the start of the session, all are full batches: none waits for a timer.
const EVENTS: usize = 4_999;
/// The machine has other work; a run that it left alone is among so many.
const RUNS: usize = 10;

/// Logs with a memory sink, and with a Datadog that hangs beside it if it is given one. Returns what the calls cost, and how long it
/// took from the first call until the memory sink had all.
fn run(datadog: Option<&Peer>) -> (Costs, Duration) {
    let memory = MemorySink::new();
    let mut builder = Reporter::builder("s").enabled(true).sink(memory.clone());
    if let Some(peer) = datadog {
        builder = builder.sink(Datadog::new(peer.url()).api_key("key"));
    }
    let reporter = builder.start().unwrap();
    let begun = Instant::now();
    let costs = costs::measure(EVENTS, |i| {
        assert!(reporter.log("n", json!({"i": i, "button": "submit"})).is_accepted());
    });
    while reporter.stats().sinks[0].delivered <= EVENTS as u64 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", reporter.stats());
        std::thread::sleep(Duration::from_micros(100));
    }
    let all = begun.elapsed();
    if let Some(peer) = datadog {
        assert!(!peer.wait_for(1).is_empty(), "it was given events, and never answered");
    }
    // What Datadog has not taken is not to be sent again beside the next run.
    let _ = reporter.blocking_stop(Duration::from_millis(20));
    (costs, all)
}

#[test]
fn a_hanging_datadog_slows_neither_log_nor_another_sink() {
    let (mut alone, mut beside) = (Duration::MAX, Duration::MAX);
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        alone = alone.min(run(None).1);
        let peer = Peer::start();
        peer.always(Answer::Hang);
        let (costs, all) = run(Some(&peer));
        beside = beside.min(all);
        // What is sent to Datadog is written on the same thread; to wait for it would take 5 seconds.
        if costs.is_below(P99_MAX) && beside < alone * 3 + Duration::from_millis(50) {
            return;
        }
        runs.push(costs);
    }
    panic!("{runs:?}; the other sink had all after {beside:?} at best, and {alone:?} where it was alone");
}
