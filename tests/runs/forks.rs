//! A fork of a process that has a run: the run is the parent's.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

use lastword::runs::{RunError, Status, Written};
use serde_json::json;

use crate::support::{Runs, kinds, start};

/// Runs something in a fork, and waits for its end; returns its exit code.
fn in_a_fork(run: impl FnOnce()) -> i32 {
    // SAFETY: the child does what a program may do that has forked, and ends at once.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // One that hangs is ended: nobody else does.
        // SAFETY: it sets a timer.
        unsafe { libc::alarm(60) };
        let code = i32::from(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        // SAFETY: it ends the child.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: it is our child, and nobody else waits for it.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    status
}

#[test]
fn a_fork_that_drops_the_handle_of_a_run_leaves_it_to_its_parent() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "the parent's");
    let id = run.id().to_owned();
    let mut handle = Some(run);
    let status = in_a_fork(|| {
        let run = handle.take().unwrap();
        assert_eq!(run.emit("tool_call", json!({})), Written::Over);
        assert!(matches!(run.end(Status::Completed), Err(RunError::Ended(_))));
        assert_eq!((run.summary().run_id.as_str(), run.metrics().tool_call_count), (run.id(), 0));
        run.update_metrics(|metrics| metrics.total_tokens = 7);
        drop(run);
    });
    assert_eq!(status, 0, "the fork did not do well");
    // Asked by another process, as far as locks go: one that opens the file anew.
    assert!(runs.open().is_alive(&id), "the lock of the parent is gone");
    assert_eq!(runs.open().recover().unwrap(), Vec::<String>::new());
    handle.unwrap().end(Status::Completed).unwrap();
    assert_eq!(kinds(&store, &id), ["run_start", "run_end"]);
}

#[test]
fn a_fork_made_while_other_threads_write_to_a_run_does_not_wait_for_them() {
    let runs = Runs::new();
    let run = start(&runs.open(), "busy");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    run.update_metrics(|metrics| metrics.total_tokens += 1);
                }
            });
        }
        for _ in 0..50 {
            let status = in_a_fork(|| {
                let _ = (run.summary(), run.metrics(), run.end(Status::Failed));
                run.update_metrics(|metrics| metrics.total_tokens = 0);
                drop(run.clone());
            });
            assert_eq!(status, 0, "the fork did not do well");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(run.end(Status::Completed).unwrap().event_count > 2);
}
