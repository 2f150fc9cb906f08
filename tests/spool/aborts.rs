//! Programs that are built with `panic = "abort"`: a panic is the end at once, so the hook delivers what there is before it,
//! within its time. cargo builds no test so; these run `examples/last_words`, as `scripts/test` builds it.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lastword::Reporter;
use lastword::sink::Tinker;
use serde_json::Value;

use crate::peers::{Answer, Peer};
use crate::support::{DEADLINE, Spool, kinds, stored};

/// Where the program is.
const PROGRAM: &str = "LASTWORD_ABORTING";
/// What the hook may take, unless it is told otherwise.
const HOOK_MAX: Duration = Duration::from_secs(2);
/// What a process takes to begin, to log and to be gone, on a machine that has much else to do.
const ELSE_MAX: Duration = Duration::from_millis(1_500);

/// Lets the program end in a way, in the session `doomed`; returns how long it took. `None` where it was not built.
fn end(spool: &Spool, peer: &Peer, flags: &[&str]) -> Option<Duration> {
    let Some(program) = std::env::var_os(PROGRAM) else {
        // Past the test harness, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {PROGRAM} names no program; scripts/test builds it");
        return None;
    };
    let mut command = Command::new(program);
    command.args(flags).args(["--session", "doomed", "--micros", "5000", "--url", &peer.url(), "--spool"]);
    command.arg(spool.path()).env("TINKER_TELEMETRY", "1").env("RUST_BACKTRACE", "0").stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGABRT), "{status}");
    Some(began.elapsed())
}

/// Has another process deliver what the program left; returns all events of its session that arrived.
fn delivered(spool: &Spool, peer: &Peer) -> Vec<Value> {
    peer.always(Answer::Ok);
    let finder = Reporter::builder("finder").enabled(true).spool(spool.path()).sink(Tinker::new(peer.url()));
    let finder = finder.start().unwrap();
    assert!(finder.blocking_stop(DEADLINE).is_drained());
    assert!(spool.files().is_empty(), "{:?}", spool.files());
    stored(peer, "doomed")
}

/// Checks that what was logged is there from the first event on, without a gap and each once.
fn assert_whole(events: &[Value]) {
    let words = events.iter().filter(|event| event["event_name"] == "word");
    let numbers: Vec<_> = words.map(|event| event["event_data"]["number"].as_u64().unwrap()).collect();
    assert!(!numbers.is_empty());
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

fn last_words(events: &[Value]) -> Vec<(&str, &str)> {
    let exceptions = events.iter().filter(|event| event["event"] == "UNHANDLED_EXCEPTION");
    exceptions.map(|event| (event["error_message"].as_str().unwrap(), event["severity"].as_str().unwrap())).collect()
}

#[test]
fn a_panic_that_is_the_end_is_delivered_before_it_where_the_hook_is() {
    let (spool, peer) = (Spool::new(), Peer::start());
    let Some(took) = end(&spool, &peer, &["panic", "--install", "panic"]) else { return };
    assert!(took < HOOK_MAX + ELSE_MAX, "{took:?}");
    let by_itself = stored(&peer, "doomed");
    assert_eq!(last_words(&by_itself), [("the last word", "CRITICAL")], "by the dying process itself");
    assert!(kinds(&by_itself).contains(&"SESSION_END"));
    let events = delivered(&spool, &peer);
    assert_eq!(last_words(&events).len(), 1);
    assert_whole(&events);
}

#[test]
fn a_server_that_hangs_holds_the_end_for_no_longer_than_the_hook_may_take() {
    for (flags, held) in [(&[][..], HOOK_MAX), (&["--flush-ms", "300"], Duration::from_millis(300))] {
        let (spool, peer) = (Spool::new(), Peer::start());
        peer.always(Answer::Hang);
        let Some(took) = end(&spool, &peer, &[&["panic", "--install", "panic"], flags].concat()) else { return };
        assert!(held <= took && took < held + ELSE_MAX, "held for {took:?} instead of {held:?}");
        let events = delivered(&spool, &peer);
        assert_eq!(last_words(&events), [("the last word", "CRITICAL")]);
        assert_eq!(kinds(&events).iter().filter(|kind| **kind == "SESSION_END").count(), 1);
        assert_whole(&events);
    }
}

#[test]
fn without_the_hook_a_panic_is_the_end_at_once_and_the_spool_keeps_all() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.always(Answer::Hang);
    let Some(took) = end(&spool, &peer, &["panic"]) else { return };
    assert!(took < ELSE_MAX, "{took:?}");
    let events = delivered(&spool, &peer);
    assert_eq!(last_words(&events), []);
    assert_eq!(kinds(&events)[events.len() - 2..], ["session.recovered", "SESSION_END"]);
    assert_whole(&events);
}

#[test]
fn a_panic_of_the_reporters_own_is_the_end_at_once_and_the_spool_keeps_all() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.always(Answer::Hang);
    let Some(took) = end(&spool, &peer, &["reporter", "--install", "panic"]) else { return };
    assert!(took < ELSE_MAX, "nothing waits for the thread that panics: {took:?}");
    let events = delivered(&spool, &peer);
    assert_eq!(last_words(&events), [], "it is no panic of the program's");
    assert_eq!(kinds(&events)[events.len() - 2..], ["session.recovered", "SESSION_END"]);
    assert_whole(&events);
}
