//! Processes that end: what a guard, a fatal error and a stop get out of the door before that.
//!
//! Each of these tests runs itself again as a child, which reports to a peer in the parent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use lastword::Reporter;
use lastword::sink::Tinker;
use lastword::testing::{Fault, FaultySink};
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::peers::{Answer, Peer};
use crate::support::{DEADLINE, kinds, log, ms, quick};

pub(crate) use crate::children::{again, is_child};

const URL: &str = "LASTWORD_TEST_URL";

/// A child's reporter, with 50 events in its queue.
fn child() -> Reporter {
    let sink = Tinker::new(std::env::var(URL).unwrap()).http_timeout(DEADLINE);
    let reporter = quick("child").flush_timeout(ms(500)).sink(sink).start().unwrap();
    log(&reporter, 50);
    reporter
}

/// Runs a test again with a peer to report to; returns the exit code and how long it took.
fn end_of_child(test: &str, peer: &Peer) -> (Option<i32>, Duration) {
    let start = Instant::now();
    let output = again(&format!("processes::{test}")).env(URL, peer.url()).output().unwrap();
    (output.status.code(), start.elapsed())
}

/// Checks that all of a child's events are there, and these at last.
fn assert_all_there(peer: &Peer, last: &[&str]) {
    let stored = peer.stored();
    assert_eq!(kinds(&stored)[51..], *last);
    assert_eq!(peer.duplicates(), 0);
}

#[test]
fn a_guard_delivers_everything_before_main_returns() {
    if is_child() {
        let reporter = child();
        let _guard = reporter.guard(DEADLINE);
        return;
    }
    let peer = Peer::start();
    assert_eq!(end_of_child("a_guard_delivers_everything_before_main_returns", &peer).0, Some(0));
    assert_all_there(&peer, &["SESSION_END"]);
}

#[test]
fn a_guard_delivers_everything_when_a_panic_ends_the_thread() {
    if is_child() {
        let reporter = child();
        let _guard = reporter.guard(DEADLINE);
        panic!("the program fails");
    }
    let peer = Peer::start();
    assert_eq!(end_of_child("a_guard_delivers_everything_when_a_panic_ends_the_thread", &peer).0, Some(101));
    assert_all_there(&peer, &["SESSION_END"]);
}

#[test]
fn a_fatal_error_is_delivered_before_the_exit_that_follows_it() {
    if is_child() {
        let reporter = child();
        assert!(reporter.blocking_log_fatal("the last word").is_drained());
        std::process::exit(7);
    }
    let peer = Peer::with([Answer::Slow(ms(100))]);
    assert_eq!(end_of_child("a_fatal_error_is_delivered_before_the_exit_that_follows_it", &peer).0, Some(7));
    assert_all_there(&peer, &["UNHANDLED_EXCEPTION", "SESSION_END"]);
}

#[test]
fn a_stop_on_the_only_thread_of_a_runtime_delivers_before_the_exit() {
    if is_child() {
        crate::support::current_thread().block_on(async {
            let drain = child().stop(DEADLINE).await;
            std::process::exit(i32::from(!drain.is_drained()));
        });
    }
    let peer = Peer::start();
    assert_eq!(end_of_child("a_stop_on_the_only_thread_of_a_runtime_delivers_before_the_exit", &peer).0, Some(0));
    assert_all_there(&peer, &["SESSION_END"]);
}

#[test]
fn a_panic_hook_of_the_programs_delivers_a_fatal_error_before_the_process_aborts() {
    if is_child() {
        let reporter = child();
        std::panic::set_hook(Box::new(move |panic| {
            let drain = reporter.blocking_log_fatal(&panic.to_string());
            std::process::exit(if drain.is_drained() { 42 } else { 43 });
        }));
        panic!("the program fails");
    }
    let peer = Peer::start();
    let test = "a_panic_hook_of_the_programs_delivers_a_fatal_error_before_the_process_aborts";
    assert_eq!(end_of_child(test, &peer).0, Some(42));
    assert_all_there(&peer, &["UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert!(peer.stored()[51]["error_message"].as_str().unwrap().contains("the program fails"));
}

#[test]
fn a_reporter_that_is_dropped_holds_no_exit_and_one_that_is_waited_for_is_delivered() {
    if is_child() {
        let reporter = child();
        let other = reporter.clone();
        drop(reporter);
        assert!(other.blocking_flush(DEADLINE).is_drained());
        drop(other);
        return;
    }
    let peer = Peer::start();
    let test = "a_reporter_that_is_dropped_holds_no_exit_and_one_that_is_waited_for_is_delivered";
    assert_eq!(end_of_child(test, &peer).0, Some(0));
    assert!(peer.stored().len() >= 51, "the last drop is not waited for, the flush is");
}

#[test]
fn a_hung_server_holds_the_end_of_a_process_no_longer_than_its_deadline() {
    if is_child() {
        let reporter = child();
        let start = Instant::now();
        drop(reporter.guard(ms(300)));
        std::process::exit(i32::from(start.elapsed() > ms(300) + crate::support::LATE));
    }
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let (code, elapsed) = end_of_child("a_hung_server_holds_the_end_of_a_process_no_longer_than_its_deadline", &peer);
    assert_eq!(code, Some(0));
    assert!(elapsed < DEADLINE / 2, "{elapsed:?}");
}

/// A subscriber of the program's that asks for the books whenever the library has something to say, and then panics.
struct Rude(Arc<OnceLock<Reporter>>, Arc<AtomicU64>);

impl<S: tracing::Subscriber> Layer<S> for Rude {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == "lastword"
            && let Some(reporter) = self.0.get()
        {
            let _ = (reporter.stats(), reporter.health(), reporter.blocking_flush(DEADLINE));
            self.1.fetch_add(1, Ordering::AcqRel);
            panic!("the subscriber panics");
        }
    }
}

#[test]
fn a_subscriber_that_asks_for_the_books_and_panics_when_it_is_warned_stops_no_delivery() {
    if is_child() {
        let (cell, warned) = (Arc::new(OnceLock::new()), Arc::default());
        let rude = Rude(Arc::clone(&cell), Arc::clone(&warned));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(rude)).unwrap();
        let sink = FaultySink::new().times(4, Fault::Transient).then(Fault::Unauthorized);
        let reporter = quick("s").flush_interval(ms(50)).sink(sink.clone()).start().unwrap();
        assert!(cell.set(reporter.clone()).is_ok());
        let drain = reporter.blocking_flush(DEADLINE);
        assert_eq!((drain.delivered, drain.dropped.total(), drain.pending), (0, 1, 0), "{drain}");
        log(&reporter, 5);
        assert_eq!(reporter.blocking_flush(DEADLINE).pending, 0);
        assert_eq!(kinds(&sink.taken().events())[..5], ["n"; 5]);
        assert!(warned.load(Ordering::Acquire) > 0);
        return;
    }
    let test = "a_subscriber_that_asks_for_the_books_and_panics_when_it_is_warned_stops_no_delivery";
    assert_eq!(end_of_child(test, &Peer::start()).0, Some(0));
}

/// Returns the ticks of CPU time that this process has used.
#[cfg(target_os = "linux")]
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_reporter_that_waits_for_a_hung_server_uses_no_cpu_stopped_or_not() {
    if is_child() {
        let sink = Tinker::new(std::env::var(URL).unwrap()).http_timeout(DEADLINE);
        let running = quick("a").flush_timeout(ms(50)).flush_interval(ms(100)).sink(sink).start().unwrap();
        running.blocking_log_fatal("it hangs from here");
        let sink = Tinker::new(std::env::var(URL).unwrap()).http_timeout(DEADLINE);
        let stopped = quick("b").flush_interval(ms(1)).sink(sink).start().unwrap();
        stopped.blocking_stop(ms(50));
        let before = cpu_ticks();
        std::thread::park_timeout(Duration::from_secs(1));
        let used = cpu_ticks() - before;
        // A tick is 10 ms.
        assert!(used < 30, "{used} ticks in a second");
        return;
    }
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let test = "a_reporter_that_waits_for_a_hung_server_uses_no_cpu_stopped_or_not";
    assert_eq!(end_of_child(test, &peer).0, Some(0));
}
