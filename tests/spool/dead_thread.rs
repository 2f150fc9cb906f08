//! A process whose reporter's thread is gone: nothing waits for it, and the spool keeps all.

#![allow(unsafe_code)]

use std::fs;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use lastword::Reporter;

use crate::peers::Peer;
use crate::support::{DEADLINE, Spool, childs, is_child, kinds, log, recover, start, stored};

/// Longer than anything takes that waits for nobody.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Ends the reporter's thread: puts something else in the place of what it waits on, as a program does that believes all
/// open files to be its own.
fn end_the_reporters_thread(reporter: &Reporter) {
    let nothing = fs::File::open("/dev/null").unwrap();
    let mut waited_on = 0;
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let is_waited_on = fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().contains("[eventpoll]"));
        if is_waited_on {
            let descriptor = entry.file_name().to_str().unwrap().parse().unwrap();
            // SAFETY: both are open. Whoever uses the second is told that it is something else; that is what this is about.
            assert_eq!(unsafe { libc::dup2(nothing.as_raw_fd(), descriptor) }, descriptor);
            waited_on += 1;
        }
    }
    assert!(waited_on > 0, "its runtime waits on something");
    while is_there() {
        // It looks when it is called.
        log(reporter, 100);
        std::thread::yield_now();
    }
}

/// Returns whether the reporter's thread runs.
fn is_there() -> bool {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    threads
        .into_iter()
        .any(|thread| fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.trim() == "lastword"))
}

fn takes_no_time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = run();
    assert!(began.elapsed() < AT_ONCE, "{what} took {:?}", began.elapsed());
    result
}

#[test]
fn nothing_waits_for_a_reporter_whose_thread_is_dead_and_the_spool_keeps_all() {
    if is_child() {
        let reporter = childs("first-life").max_queue_size(1_000_000).start().unwrap();
        assert!(is_there());
        end_the_reporters_thread(&reporter);
        let before = reporter.stats().accepted;
        log(&reporter, 100);
        let drain = takes_no_time("a flush", || reporter.blocking_flush(DEADLINE));
        assert_eq!((drain.delivered, drain.spooled, drain.pending), (0, before + 100, 0), "{drain}");
        let drain = takes_no_time("a fatal error", || reporter.blocking_log_fatal("the last word"));
        assert_eq!(drain.spooled, before + 102, "{drain}");
        takes_no_time("a stop", || reporter.blocking_stop(DEADLINE));
        println!("accepted {}", reporter.stats().accepted);
        return;
    }
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    let test = "dead_thread::nothing_waits_for_a_reporter_whose_thread_is_dead_and_the_spool_keeps_all";
    let output = start(test, &spool, &peer.url()).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let accepted: usize = said.lines().find_map(|line| line.split_once("accepted ")).unwrap().1.parse().unwrap();
    peer.up();
    assert_eq!(recover(&spool, &peer).sessions, 1);
    let events = stored(&peer, "first-life");
    assert_eq!(events.len(), accepted);
    assert_eq!(kinds(&events)[accepted - 2..], ["UNHANDLED_EXCEPTION", "SESSION_END"]);
}
