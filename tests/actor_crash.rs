//! The reporter's actor crashes at every step it has, while producers run: nothing accepted is lost, and who waits is
//! answered.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lastword::reporter::State;
use lastword::testing::MemorySink;
use lastword::{DropReason, Reporter, event};

const STEPS: [&str; 5] = ["step", "taken", "built", "answered", "delivered"];
const DEADLINE: Duration = Duration::from_secs(20);

/// A reporter whose actor panics the `n`th time that it comes to a step, for each `n` of `at`.
fn crashing(sink: &MemorySink, step: &'static str, at: &'static [u64]) -> Reporter {
    let seen = AtomicU64::new(0);
    let probe = move |here: &'static str| {
        if here == step && at.contains(&seen.fetch_add(1, Ordering::Relaxed)) {
            std::panic::panic_any("injected");
        }
    };
    let builder = Reporter::builder(step).enabled(true).sink(sink.clone()).probe(probe);
    builder.flush_interval(Duration::from_millis(20)).max_batch_size(50).start().unwrap()
}

fn silence_injected_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() != Some(&"injected") {
                before(info);
            }
        }));
    });
}

fn indices(sink: &MemorySink) -> BTreeSet<u64> {
    sink.events().iter().map(|event| event["event_session_index"].as_u64().unwrap()).collect()
}

#[test]
fn a_crash_at_any_step_loses_nothing() {
    silence_injected_panics();
    for step in STEPS {
        let sink = MemorySink::new();
        let reporter = crashing(&sink, step, &[0, 2, 5, 6]);
        let producers: Vec<_> = (0..2)
            .map(|_| {
                let reporter = reporter.clone();
                std::thread::spawn(move || {
                    for number in 0..1_000 {
                        assert!(event!(reporter, "n", number).is_accepted());
                    }
                })
            })
            .collect();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        let drain = reporter.blocking_stop(DEADLINE);
        assert!(drain.is_drained(), "{step}: {drain}");
        assert_eq!(drain.delivered, 2_002, "{step}");
        assert_eq!(indices(&sink), (0..2_002).collect(), "{step}: each event arrived");
        let stats = reporter.stats();
        assert_eq!((stats.accepted, stats.delivered, stats.queued, stats.in_flight), (2_002, 2_002, 0, 0), "{step}");
        // An attempt that can't be noted crashes its task, not the actor.
        assert_eq!(reporter.health().restarts > 0, step != "answered", "{step}");
    }
}

#[test]
fn an_actor_that_crashes_over_one_batch_again_and_again_gives_up_one_event_and_not_its_neighbours() {
    silence_injected_panics();
    let sink = MemorySink::new();
    // Twice over the batch of both events, then twice over the first of them alone.
    let reporter = {
        let crashes = Arc::new(AtomicU64::new(0));
        let probe = move |here: &'static str| {
            if here == "built" && crashes.fetch_add(1, Ordering::Relaxed) < 4 {
                std::panic::panic_any("injected");
            }
        };
        let builder = Reporter::builder("halved").enabled(true).sink(sink.clone()).probe(probe);
        builder.flush_interval(Duration::from_secs(3_600)).start().unwrap()
    };
    event!(reporter, "one");
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Poison), drain.pending), (1, 1, 0), "{drain}");
}

#[test]
fn an_actor_that_always_crashes_is_given_up_on_and_nobody_waits_for_it() {
    silence_injected_panics();
    let sink = MemorySink::new();
    let probe = |_: &'static str| std::panic::panic_any("injected");
    let reporter = Reporter::builder("hopeless").enabled(true).sink(sink).probe(probe).start().unwrap();
    event!(reporter, "one");
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(!drain.is_drained());
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Degraded), drain.pending), (0, 2, 0), "{drain}");
    assert_eq!(reporter.health().state, State::Degraded);
    assert_eq!(event!(reporter, "two"), lastword::Admission::Dropped(DropReason::Degraded));
    assert_eq!(reporter.stats().refused.get(DropReason::Degraded), 1);
}
