//! Every way in which a process ends: what was accepted before it is delivered by the next one, once, under its own session.
//!
//! In each the server is down while the first process lives, so that nothing leaves it but through the spool.

#![allow(unsafe_code)]

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use lastword::{Admission, DropReason, Durability, Reporter};
use serde_json::Value;

use crate::peers::Peer;
use crate::support::{CRASHED, Spool, childs, is_child, kinds, log, read_until, recover, start, stored};

/// Events that a child logs before its end.
const EVENTS: usize = 250;

/// In a child: a reporter that has logged.
fn logged() -> Reporter {
    let reporter = childs("first-life").start().unwrap();
    log(&reporter, EVENTS as u64);
    println!("logged");
    reporter
}

/// Lets a child live and end, while its server is down; then has another process deliver what it left. Returns how it
/// ended, and all events of its session that arrived.
fn two_lives(test: &str, end: impl FnOnce(&mut Child)) -> (ExitStatus, Vec<Value>) {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    let mut child = start(&format!("ends::{test}"), &spool, &peer.url());
    read_until(&mut child, "logged");
    end(&mut child);
    let status = child.wait().unwrap();
    assert!(peer.stored().is_empty(), "nothing got through in the first life");
    peer.up();
    let recovered = recover(&spool, &peer);
    assert_eq!((recovered.sessions, recovered.unreadable), (1, 0), "{recovered:?}");
    assert_eq!(recovered.delivered, recovered.events, "{recovered:?}");
    assert!(spool.files().is_empty(), "what is delivered is removed: {:?}", spool.files());
    assert_eq!(peer.duplicates(), 0);
    (status, stored(&peer, "first-life"))
}

/// Checks that all events of the child are there, without a gap, and behind them what follows.
fn assert_all_there(events: &[Value], last: &[&str]) {
    let indices: Vec<_> = events.iter().map(|event| event["event_session_index"].as_u64().unwrap()).collect();
    assert_eq!(indices, (0..events.len() as u64).collect::<Vec<_>>());
    assert_eq!(kinds(events)[0], "SESSION_START");
    let numbers: Vec<_> = events[1..=EVENTS].iter().map(|event| event["event_data"]["i"].as_u64()).collect();
    assert_eq!(numbers, (0..EVENTS as u64).map(Some).collect::<Vec<_>>());
    assert_eq!(kinds(events)[1 + EVENTS..], *last);
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: a child that nobody has waited for is there.
    assert_eq!(unsafe { libc::kill(child.id().cast_signed(), signal) }, 0);
}

#[test]
fn a_killed_process_loses_nothing() {
    if is_child() {
        let _reporter = logged();
        std::thread::park();
    }
    let (status, events) = two_lives("a_killed_process_loses_nothing", |child| child.kill().unwrap());
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    assert_all_there(&events, &CRASHED);
    let recovered = &events[1 + EVENTS]["event_data"];
    assert_eq!((recovered["events"].as_u64(), recovered["torn"].as_u64()), (Some(EVENTS as u64 + 1), Some(0)));
    assert!(recovered["age_ms"].as_u64().unwrap() < 60_000, "{recovered}");
    assert!(recovered.get("signal").is_none(), "nobody knows");
}

#[test]
fn a_killed_process_that_writes_each_event_to_its_file_loses_nothing() {
    if is_child() {
        let reporter = childs("first-life").durability(Durability::Write).start().unwrap();
        assert_eq!(reporter.health().durability, Durability::Write);
        log(&reporter, EVENTS as u64);
        println!("logged");
        std::thread::park();
    }
    let test = "a_killed_process_that_writes_each_event_to_its_file_loses_nothing";
    let (status, events) = two_lives(test, |child| child.kill().unwrap());
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    assert_all_there(&events, &CRASHED);
}

#[test]
fn a_process_that_is_asked_to_end_and_has_no_handler_loses_nothing() {
    if is_child() {
        let _reporter = logged();
        std::thread::park();
    }
    let test = "a_process_that_is_asked_to_end_and_has_no_handler_loses_nothing";
    let (status, events) = two_lives(test, |child| signal(child, libc::SIGTERM));
    assert_eq!(status.signal(), Some(libc::SIGTERM));
    assert_all_there(&events, &CRASHED);
}

#[test]
fn a_process_that_aborts_loses_nothing_and_says_so_where_it_was_asked_to() {
    if is_child() {
        let reporter = logged();
        lastword::crash::install(&reporter).unwrap();
        std::process::abort();
    }
    let test = "a_process_that_aborts_loses_nothing_and_says_so_where_it_was_asked_to";
    let (status, events) = two_lives(test, |_| {});
    assert_eq!(status.signal(), Some(libc::SIGABRT));
    assert_all_there(&events, &CRASHED);
    assert_eq!(events[1 + EVENTS]["event_data"]["signal"], "SIGABRT");
}

#[test]
fn a_process_that_exits_loses_nothing() {
    if is_child() {
        let _reporter = logged();
        std::process::exit(3);
    }
    let (status, events) = two_lives("a_process_that_exits_loses_nothing", |_| {});
    assert_eq!(status.code(), Some(3));
    assert_all_there(&events, &CRASHED);
}

#[test]
fn a_process_that_becomes_another_program_loses_nothing() {
    if is_child() {
        let _reporter = logged();
        panic!("{}", Command::new("true").exec());
    }
    let (status, events) = two_lives("a_process_that_becomes_another_program_loses_nothing", |_| {});
    assert_eq!(status.code(), Some(0));
    assert_all_there(&events, &CRASHED);
}

#[test]
fn a_process_that_returns_from_main_loses_nothing_and_has_said_that_its_session_ends() {
    if is_child() {
        drop(logged());
        return;
    }
    let test = "a_process_that_returns_from_main_loses_nothing_and_has_said_that_its_session_ends";
    let (status, events) = two_lives(test, |_| {});
    assert_eq!(status.code(), Some(0));
    assert_all_there(&events, &["SESSION_END"]);
}

#[test]
fn a_process_that_stops_without_a_server_leaves_everything_to_the_next() {
    if is_child() {
        let reporter = logged();
        let drain = reporter.blocking_stop(Duration::from_millis(50));
        let stats = reporter.stats();
        assert_eq!((drain.spooled, drain.pending, drain.dropped.total()), (EVENTS as u64 + 2, 0, 0), "{drain}");
        assert_eq!(
            stats.accepted,
            stats.delivered + stats.dropped.total() + stats.spooled + stats.in_flight,
            "{stats:?}"
        );
        return;
    }
    let test = "a_process_that_stops_without_a_server_leaves_everything_to_the_next";
    let (status, events) = two_lives(test, |_| {});
    assert_eq!(status.code(), Some(0));
    assert_all_there(&events, &["SESSION_END"]);
}

#[test]
fn a_panic_past_a_guard_without_a_server_is_held_for_its_time_and_leaves_everything() {
    if is_child() {
        let reporter = logged();
        let _guard = reporter.guard(Duration::from_millis(50));
        panic!("the program fails");
    }
    let test = "a_panic_past_a_guard_without_a_server_is_held_for_its_time_and_leaves_everything";
    let (status, events) = two_lives(test, |_| {});
    assert_eq!(status.code(), Some(101));
    assert_all_there(&events, &["SESSION_END"]);
}

#[test]
fn a_signal_with_a_handler_and_without_a_server_is_held_for_its_grace_and_leaves_everything() {
    if is_child() {
        let reporter = childs("first-life").start().unwrap();
        lastword::signal::install(&reporter, Duration::from_millis(50)).unwrap();
        log(&reporter, EVENTS as u64);
        println!("logged");
        loop {
            std::thread::park();
        }
    }
    let test = "a_signal_with_a_handler_and_without_a_server_is_held_for_its_grace_and_leaves_everything";
    let (status, events) = two_lives(test, |child| signal(child, libc::SIGTERM));
    assert_eq!(status.signal(), Some(libc::SIGTERM));
    assert_all_there(&events, &["SESSION_END"]);
}

#[test]
fn an_exit_with_a_handler_and_without_a_server_is_held_for_its_time_and_leaves_everything() {
    if is_child() {
        let reporter = logged();
        lastword::exit::install(&reporter, Duration::from_millis(50)).unwrap();
        std::process::exit(3);
    }
    let test = "an_exit_with_a_handler_and_without_a_server_is_held_for_its_time_and_leaves_everything";
    let (status, events) = two_lives(test, |_| {});
    assert_eq!(status.code(), Some(3));
    assert_all_there(&events, &["SESSION_END"]);
}

#[test]
fn what_is_refused_after_the_end_of_a_session_leaves_nothing_behind_that_waits() {
    if is_child() {
        let reporter = logged();
        reporter.blocking_stop(Duration::from_millis(50));
        assert_eq!(reporter.log("n", ()), Admission::Dropped(DropReason::Stopped));
        return;
    }
    let test = "what_is_refused_after_the_end_of_a_session_leaves_nothing_behind_that_waits";
    let (status, events) = two_lives(test, |_| {});
    assert_eq!(status.code(), Some(0));
    assert_all_there(&events, &["SESSION_END"]);
}

#[test]
fn a_fatal_error_without_a_server_is_held_for_its_time_and_arrives_later() {
    if is_child() {
        let reporter = childs("first-life").flush_timeout(Duration::from_millis(50)).start().unwrap();
        log(&reporter, EVENTS as u64);
        println!("logged");
        let drain = reporter.blocking_log_fatal("the last word");
        assert_eq!((drain.spooled, drain.is_drained()), (EVENTS as u64 + 3, false), "{drain}");
        std::process::exit(7);
    }
    let test = "a_fatal_error_without_a_server_is_held_for_its_time_and_arrives_later";
    let (status, events) = two_lives(test, |_| {});
    assert_eq!(status.code(), Some(7));
    assert_all_there(&events, &["UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert_eq!(events[1 + EVENTS]["error_message"], "the last word");
}

/// Writes where nothing is.
#[allow(invalid_null_arguments, deref_nullptr)]
fn segfault() {
    // SAFETY: none; it is meant to end the process.
    unsafe { std::hint::black_box(std::ptr::without_provenance_mut::<u8>(8)).write_volatile(1) };
}

#[test]
fn a_process_that_crashes_loses_nothing_and_says_how() {
    if is_child() {
        let reporter = logged();
        lastword::crash::install(&reporter).unwrap();
        segfault();
    }
    let (status, events) = two_lives("a_process_that_crashes_loses_nothing_and_says_how", |_| {});
    assert_eq!(status.signal(), Some(libc::SIGSEGV));
    assert_all_there(&events, &CRASHED);
    assert_eq!(events[1 + EVENTS]["event_data"]["signal"], "SIGSEGV");
}

#[allow(unconditional_recursion)]
fn recurse(depth: &mut [u64; 512]) -> u64 {
    let mut next = *depth;
    next[1] += 1;
    recurse(std::hint::black_box(&mut next)) + depth[0]
}

#[test]
fn a_stack_overflow_loses_nothing_and_says_how() {
    if is_child() {
        let reporter = logged();
        lastword::crash::install(&reporter).unwrap();
        recurse(&mut [1; 512]);
    }
    let (status, events) = two_lives("a_stack_overflow_loses_nothing_and_says_how", |_| {});
    assert_eq!(status.signal(), Some(libc::SIGABRT), "as it ends without us: the language aborts it");
    assert_all_there(&events, &CRASHED);
    assert_eq!(events[1 + EVENTS]["event_data"]["signal"], "SIGSEGV");
}

#[test]
fn a_process_that_gets_no_more_memory_loses_nothing() {
    if is_child() {
        let _reporter = logged();
        let limit = libc::rlimit { rlim_cur: 1, rlim_max: 1 };
        // SAFETY: a limit of this process is set from a value of the right type.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
        std::hint::black_box(vec![1_u8; 1 << 30]);
    }
    let (status, events) = two_lives("a_process_that_gets_no_more_memory_loses_nothing", |_| {});
    assert_eq!(status.signal(), Some(libc::SIGABRT));
    assert_all_there(&events, &CRASHED);
}
