//! Random histories of processes with a spool: they log, their actor crashes, they are killed and begin again, their
//! files are damaged or removed, their servers fail in every way. After each step every event is accounted for; in the end
//! every event that was accepted is stored, under one id.
//!
//! Time is tokio's, paused: an hour of waiting takes no time. The number of a history is printed when it fails;
//! `LASTWORD_SIMULATION=<number>` runs that one alone, `LASTWORD_HISTORIES=<count>` as many as that.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod history;
#[path = "../random/mod.rs"]
mod random;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// Histories that are tried; `scripts/simulate` tries ten times as many.
const HISTORIES: u64 = 1_000;
/// Threads that try them: most of a history waits for the disk or for threads that read files.
const THREADS: u64 = 4;

/// Panics that are injected are meant to be: nobody need read of them.
fn silence_injected_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&"injected") {
            before(panic);
        }
    }));
}

#[test]
fn in_every_history_with_deaths_nothing_that_was_accepted_is_lost() {
    silence_injected_panics();
    if let Some(number) = std::env::var("LASTWORD_SIMULATION").ok().and_then(|number| number.parse().ok()) {
        return history::run(number);
    }
    let histories = std::env::var("LASTWORD_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(HISTORIES);
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while failed.load(Ordering::Relaxed) == u64::MAX {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories {
                        return;
                    }
                    if catch_unwind(AssertUnwindSafe(|| history::run(number))).is_err() {
                        failed.fetch_min(number, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.load(Ordering::Relaxed);
    assert_eq!(failed, u64::MAX, "history {failed} failed: LASTWORD_SIMULATION={failed} runs it alone");
}
