//! What a program may have done at its end: panic hook, signals, exit, forks.

#![allow(unsafe_code)]

use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use lastword::testing::MemorySink;
use lastword::{Admission, DropReason, Reporter, async_capture, capture};
use serde_json::Value;

use crate::peers::Peer;
use crate::support::{DEADLINE, Spool, childs, is_child, kinds, log, read_until, start, stored};

/// Runs a test of this module again as a child, for a server that is up; returns how it ended and what arrived.
fn one_life(test: &str, end: impl FnOnce(&mut Child)) -> (ExitStatus, Vec<Value>) {
    let (spool, peer) = (Spool::new(), Peer::start());
    let mut child = start(&format!("hooks::{test}"), &spool, &peer.url());
    end(&mut child);
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains("FAILED"), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(peer.duplicates(), 0);
    (output.status, stored(&peer, "child"))
}

/// In a process of its own: a hook stays until the process ends.
fn alone(test: &str, run: impl FnOnce()) {
    if is_child() {
        return run();
    }
    let output = crate::children::again(&format!("hooks::{test}")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "no test is named {test}");
}

fn hooked() -> (MemorySink, Reporter) {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start().unwrap();
    lastword::panic::install(&reporter);
    (sink, reporter)
}

/// What was reported of panics: what they say, and how bad they are.
fn panics(sink: &MemorySink, reporter: &Reporter) -> Vec<(String, String)> {
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let events = sink.events();
    let exceptions = events.iter().filter(|event| event["event"] == "UNHANDLED_EXCEPTION");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    exceptions.map(|event| (text(&event["error_message"]), text(&event["severity"]))).collect()
}

fn said(texts: &[&str]) -> Vec<(String, String)> {
    texts.iter().map(|text| ((*text).to_owned(), "ERROR".to_owned())).collect()
}

#[test]
fn a_panic_is_reported_once_with_its_place_its_thread_and_its_backtrace() {
    alone("a_panic_is_reported_once_with_its_place_its_thread_and_its_backtrace", || {
        // SAFETY: no other thread reads or writes the environment now.
        unsafe { std::env::remove_var("RUST_BACKTRACE") };
        let (sink, reporter) = hooked();
        lastword::panic::install(&reporter);
        let printer = std::thread::Builder::new().name("printer".into());
        assert!(printer.spawn(|| panic!("out of {}", "paper")).unwrap().join().is_err());
        assert_eq!(panics(&sink, &reporter), said(&["out of paper"]));
        let traceback = sink.events()[1]["traceback"].as_str().unwrap().to_owned();
        assert!(traceback.starts_with("at tests/spool/hooks.rs:"), "{traceback}");
        assert!(traceback.contains("in thread printer\n\nbacktrace:\n"), "{traceback}");
        let frames = traceback.split_once("backtrace:\n").unwrap().1;
        assert!(frames.lines().next().unwrap().contains("a_panic_is_reported_once"), "{frames}");
        assert!(!frames.contains("panic_with_hook"), "{frames}");
    });
}

#[test]
fn a_panic_that_hook_and_captures_see_is_one_event() {
    alone("a_panic_that_hook_and_captures_see_is_one_event", || {
        let (sink, reporter) = hooked();
        let nested = || capture!(reporter, capture!(reporter, capture!(reporter, panic!("nested"))));
        assert!(catch_unwind(AssertUnwindSafe(nested)).is_err());
        // The same again: it is another panic, though it says the same in the same memory.
        for _ in 0..3 {
            assert!(catch_unwind(AssertUnwindSafe(|| capture!(reporter, panic!("again")))).is_err());
        }
        assert_eq!(panics(&sink, &reporter), said(&["nested", "again", "again", "again"]));
    });
}

#[test]
fn a_panic_in_a_task_and_in_a_blocking_task_is_one_event_wherever_it_is_caught() {
    alone("a_panic_in_a_task_and_in_a_blocking_task_is_one_event_wherever_it_is_caught", || {
        let (sink, reporter) = hooked();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let plain = tokio::spawn(async { panic!("plain task") }).await;
            let captured = async_capture!(reporter, spawn, async { panic!("captured task") }).await;
            let blocking = tokio::task::spawn_blocking(|| panic!("blocking task")).await;
            for failed in [plain.unwrap_err(), captured.unwrap_err(), blocking.unwrap_err()] {
                // Taken from the task's handle, on another thread, it goes on through a capture.
                let payload = failed.into_panic();
                let caught = catch_unwind(AssertUnwindSafe(|| capture!(reporter, resume_unwind(payload))));
                assert!(caught.is_err());
            }
        });
        assert_eq!(panics(&sink, &reporter), said(&["plain task", "captured task", "blocking task"]));
    });
}

#[test]
fn a_panic_in_a_fatal_capture_is_critical_once_and_ends_the_session() {
    alone("a_panic_in_a_fatal_capture_is_critical_once_and_ends_the_session", || {
        let (sink, reporter) = hooked();
        assert!(catch_unwind(AssertUnwindSafe(|| capture!(reporter, fatal, panic!("the end")))).is_err());
        let events = sink.events();
        assert_eq!(kinds(&events), ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]);
        assert_eq!(events[1]["severity"], "CRITICAL");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fatal = async_capture!(reporter, fatal, async { panic!("after the end") });
        assert!(catch_unwind(AssertUnwindSafe(|| runtime.block_on(fatal))).is_err());
        assert_eq!(kinds(&sink.events())[3..], ["UNHANDLED_EXCEPTION"]);
    });
}

#[test]
fn without_a_hook_nested_captures_report_a_panic_once_too() {
    alone("without_a_hook_nested_captures_report_a_panic_once_too", || {
        let sink = MemorySink::new();
        let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start().unwrap();
        for _ in 0..3 {
            let nested = || capture!(reporter, capture!(reporter, panic!("nested")));
            assert!(catch_unwind(AssertUnwindSafe(nested)).is_err());
        }
        assert_eq!(panics(&sink, &reporter), said(&["nested"; 3]));
    });
}

#[test]
fn two_sessions_are_told_of_a_panic_each_once() {
    alone("two_sessions_are_told_of_a_panic_each_once", || {
        let ((sink, reporter), (other_sink, other)) = (hooked(), hooked());
        let third_sink = MemorySink::new();
        let third = Reporter::builder("not hooked").enabled(true).sink(third_sink.clone()).start().unwrap();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            capture!(other, capture!(third, capture!(reporter, panic!("seen by three"))));
        }));
        assert!(caught.is_err());
        for (sink, reporter) in [(&sink, &reporter), (&other_sink, &other), (&third_sink, &third)] {
            assert_eq!(panics(sink, reporter), said(&["seen by three"]));
        }
    });
}

#[test]
fn a_hook_that_was_there_before_is_called_and_one_that_comes_later_costs_no_report() {
    alone("a_hook_that_was_there_before_is_called_and_one_that_comes_later_costs_no_report", || {
        let (send, heard) = std::sync::mpsc::channel();
        std::panic::set_hook(Box::new(move |panic| send.send(panic.payload_as_str().map(str::to_owned)).unwrap()));
        let (sink, reporter) = hooked();
        assert!(catch_unwind(|| panic!("chained")).is_err());
        assert_eq!(heard.recv().unwrap().as_deref(), Some("chained"));
        // Takes the place of all hooks: what a capture sees is then reported by it.
        std::panic::set_hook(Box::new(|_| {}));
        assert!(catch_unwind(AssertUnwindSafe(|| capture!(reporter, panic!("unhooked")))).is_err());
        assert_eq!(panics(&sink, &reporter), said(&["chained", "unhooked"]));
    });
}

#[test]
fn a_sink_that_panics_is_not_reported_by_the_hook() {
    alone("a_sink_that_panics_is_not_reported_by_the_hook", || {
        use lastword::testing::{Fault, FaultySink};
        let sink = FaultySink::new().then(Fault::Panic);
        let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start().unwrap();
        lastword::panic::install(&reporter);
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert_eq!(kinds(&sink.taken().events()), ["SESSION_START", "SESSION_END"]);
    });
}

#[test]
fn each_signal_ends_the_session_and_then_the_process_as_it_would_have() {
    if is_child() {
        let reporter = childs("child").start().unwrap();
        lastword::signal::install(&reporter, DEADLINE).unwrap();
        log(&reporter, 30);
        println!("logged");
        loop {
            std::thread::park();
        }
    }
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let test = "each_signal_ends_the_session_and_then_the_process_as_it_would_have";
        let (status, events) = one_life(test, |child| {
            read_until(child, "logged");
            send(child, signal);
        });
        assert_eq!(status.signal(), Some(signal));
        assert_eq!((events.len(), *kinds(&events).last().unwrap()), (32, "SESSION_END"), "all of it, and at once");
    }
}

fn send(child: &Child, signal: i32) {
    // SAFETY: a child that nobody has waited for is there.
    assert_eq!(unsafe { libc::kill(child.id().cast_signed(), signal) }, 0);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    if is_child() {
        let reporter = childs("child").start().unwrap();
        lastword::signal::install(&reporter, Duration::from_secs(3_600)).unwrap();
        println!("logged");
        loop {
            std::thread::park();
        }
    }
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.always(crate::peers::Answer::Hang);
    let mut child = start("hooks::a_second_signal_ends_the_process_at_once", &spool, &peer.url());
    read_until(&mut child, "logged");
    send(&child, libc::SIGTERM);
    // It has ended the session, and waits for the server.
    peer.wait_for(1);
    send(&child, libc::SIGINT);
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGINT));
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    if is_child() {
        // SAFETY: it sets what a signal does, for this process.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        let reporter = childs("child").start().unwrap();
        lastword::signal::install(&reporter, DEADLINE).unwrap();
        // SAFETY: it sends a signal to this process.
        unsafe { libc::raise(libc::SIGHUP) };
        log(&reporter, 3);
        reporter.blocking_stop(DEADLINE);
        return;
    }
    let (status, events) = one_life("a_signal_that_is_ignored_stays_ignored", |_| {});
    assert_eq!((status.code(), events.len()), (Some(0), 5));
}

#[test]
fn an_exit_delivers_the_session_where_it_was_asked_to() {
    if is_child() {
        let reporter = childs("child").start().unwrap();
        lastword::exit::install(&reporter, DEADLINE).unwrap();
        log(&reporter, 30);
        std::process::exit(4);
    }
    let (status, events) = one_life("an_exit_delivers_the_session_where_it_was_asked_to", |_| {});
    assert_eq!(status.code(), Some(4));
    assert_eq!((events.len(), *kinds(&events).last().unwrap()), (32, "SESSION_END"));
}

#[test]
fn a_return_from_main_delivers_a_session_whose_last_handle_was_dropped_where_it_was_asked_to() {
    let test = "a_return_from_main_delivers_a_session_whose_last_handle_was_dropped_where_it_was_asked_to";
    if is_child() {
        let reporter = childs("child").start().unwrap();
        lastword::exit::install(&reporter, DEADLINE).unwrap();
        log(&reporter, 30);
        return;
    }
    let (status, events) = one_life(test, |_| {});
    assert_eq!((status.code(), events.len()), (Some(0), 32));
}

#[test]
fn a_fork_leaves_its_parents_session_alone_and_starts_its_own() {
    if is_child() {
        let reporter = childs("child").start().unwrap();
        lastword::panic::install(&reporter);
        lastword::signal::install(&reporter, DEADLINE).unwrap();
        lastword::exit::install(&reporter, DEADLINE).unwrap();
        log(&reporter, 10);
        // SAFETY: the fork uses nothing that another thread may hold but what this test is about.
        let fork = unsafe { libc::fork() };
        if fork == 0 {
            let status = i32::from(catch_unwind(AssertUnwindSafe(|| in_the_fork(&reporter))).is_err());
            std::process::exit(status);
        }
        let mut status = 0;
        // SAFETY: it waits for a child of ours.
        assert_eq!(unsafe { libc::waitpid(fork, &raw mut status, 0) }, fork);
        assert_eq!(status, 0, "the fork failed");
        log(&reporter, 10);
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        return;
    }
    let (spool, peer) = (Spool::new(), Peer::start());
    let child = start("hooks::a_fork_leaves_its_parents_session_alone_and_starts_its_own", &spool, &peer.url());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (parents, forks) = (stored(&peer, "child"), stored(&peer, "fork"));
    assert_eq!((parents.len(), forks.len()), (22, 7), "{:?}", kinds(&forks));
    let processes: std::collections::HashSet<_> =
        peer.requests().iter().map(|request| request.json()["process_uuid"].to_string()).collect();
    assert_eq!(processes.len(), 2, "the fork is a process of its own");
    assert!(spool.files().is_empty(), "{:?}", spool.files());
}

/// What a fork may do with what it has inherited, and what it does by itself.
fn in_the_fork(parents: &Reporter) {
    let began = std::time::Instant::now();
    assert_eq!(parents.log("n", ()), Admission::Dropped(DropReason::Forked));
    assert_eq!(parents.log_error("failed"), Admission::Dropped(DropReason::Forked));
    let drain = parents.blocking_log_fatal("failed");
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Forked)), (0, 1), "{drain}");
    assert!(!drain.is_drained());
    assert_eq!(parents.health().state, lastword::reporter::State::Forked);
    assert_eq!(parents.stats(), lastword::Stats::default());
    parents.blocking_stop(DEADLINE);
    assert!(began.elapsed() < DEADLINE / 2, "nothing waits for a thread that is not here");
    let own = childs("fork").start().unwrap();
    lastword::panic::install(&own);
    log(&own, 3);
    assert!(catch_unwind(|| panic!("in the fork")).is_err());
    assert!(own.blocking_log_fatal("the fork's last word").is_drained());
    own.blocking_stop(DEADLINE);
}

#[test]
fn a_fork_without_a_reporter_ends_by_a_signal_as_ever() {
    if is_child() {
        let reporter = childs("child").start().unwrap();
        lastword::signal::install(&reporter, DEADLINE).unwrap();
        // SAFETY: the fork does nothing but wait.
        let fork = unsafe { libc::fork() };
        if fork == 0 {
            loop {
                std::thread::park();
            }
        }
        let mut status = 0;
        // SAFETY: signals to, and the end of, a child of ours.
        unsafe {
            assert_eq!(libc::kill(fork, libc::SIGTERM), 0);
            assert_eq!(libc::waitpid(fork, &raw mut status, 0), fork);
        }
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGTERM);
        assert!(reporter.blocking_stop(DEADLINE).is_drained(), "the signal was not the parent's");
        return;
    }
    let (status, events) = one_life("a_fork_without_a_reporter_ends_by_a_signal_as_ever", |_| {});
    assert_eq!((status.code(), kinds(&events)), (Some(0), vec!["SESSION_START", "SESSION_END"]));
}
