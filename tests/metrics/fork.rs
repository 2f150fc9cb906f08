//! Metrics in a fork of a process: they are the parent's.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Recorded;

#[test]
fn a_fork_made_while_other_threads_record_does_not_wait_for_them() {
    let recorded = Recorded::start();
    let metrics = &recorded.metrics;
    let (counter, is_over) = (metrics.counter("jobs"), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    counter.add(1.0, &[("queue", "mail")]);
                    metrics.describe("jobs", "1", "Jobs.");
                }
            });
        }
        for _ in 0..50 {
            // SAFETY: the child calls nothing that waits for another thread, which is what is tested, and ends at once.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // One that waits is ended by the timer.
                // SAFETY: it sets a timer.
                unsafe { libc::alarm(60) };
                counter.add(1.0, &[("queue", "mail")]);
                metrics.describe("jobs", "1", "Work.");
                metrics.record("other", 1.0, &[]);
                metrics.flush();
                let _ = (metrics.start_session("c"), metrics.end_session());
                // SAFETY: it ends the child.
                unsafe { libc::_exit(0) };
            }
            let mut status = 0;
            // SAFETY: it is our child, and nobody else waits for it.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(status, 0, "the fork waited");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let data = recorded.end_in_one();
    assert_eq!(data["series"].as_array().unwrap().len(), 1, "what a fork records is none of ours");
}
