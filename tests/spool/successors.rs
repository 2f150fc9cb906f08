//! Several processes over one spool: each queue is delivered by one of them.

use std::process::Child;
use std::thread;
use std::time::Duration;

use lastword::Durability;

use crate::peers::{Answer, Peer};
use crate::support::{DEADLINE, Spool, childs, is_child, log, read_until, start, stored};

/// Sessions that one process leaves: more than a successor delivers at once, several times.
const SESSIONS: usize = 24;
/// Events of each.
const EVENTS: u64 = 40;

/// In a child: leaves many sessions, or delivers what it finds and says how much that was.
fn leave_or_find() {
    let is_first = std::fs::read_dir(std::env::var("LASTWORD_TEST_SPOOL").unwrap()).unwrap().next().is_none();
    if !is_first {
        let finder = childs("finder").start().unwrap();
        finder.blocking_stop(DEADLINE);
        let recovered = finder.stats().recovered;
        println!("found {} {} {}", recovered.sessions, recovered.events, recovered.delivered);
        return;
    }
    let reporter = |session: usize| {
        let builder = childs(&format!("left-{session}")).max_queue_bytes(1 << 19);
        let reporter = builder.start().unwrap();
        assert_eq!(reporter.health().durability, Durability::ProcessDeath);
        log(&reporter, EVENTS);
        reporter
    };
    let _reporters: Vec<_> = (0..SESSIONS).map(reporter).collect();
    println!("left");
    thread::park();
}

/// Waits for the end of a successor; returns the sessions and events that it found, and the events that it delivered.
fn found(child: Child) -> [u64; 3] {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers = said.lines().find_map(|line| line.split_once("found ")).expect("it says what it found").1;
    let numbers: Vec<u64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn two_processes_that_start_at_once_deliver_each_queue_once_between_them() {
    if is_child() {
        return leave_or_find();
    }
    let test = "successors::two_processes_that_start_at_once_deliver_each_queue_once_between_them";
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    let mut first = start(test, &spool, &peer.url());
    read_until(&mut first, "left");
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(spool.files().len(), SESSIONS);
    peer.up();
    // Slow, so that either finds the other one at work.
    peer.always(Answer::Slow(Duration::from_millis(100)));
    let successors: Vec<_> = (0..2).map(|_| start(test, &spool, &peer.url())).collect();
    let [one, other] = successors.into_iter().map(found).collect::<Vec<_>>().try_into().unwrap();
    assert!(one[0] > 0 && other[0] > 0, "both had some: {one:?} {other:?}");
    let all = [0, 1, 2].map(|number| one[number] + other[number]);
    // Each with SESSION_START, and with what is said of its end.
    let events = SESSIONS as u64 * (EVENTS + 3);
    assert_eq!(all, [SESSIONS as u64, events, events]);
    assert_eq!(peer.duplicates(), 0, "nothing is sent by both");
    for session in 0..SESSIONS {
        let events = stored(&peer, &format!("left-{session}"));
        let numbers: Vec<_> = events.iter().filter_map(|event| event["event_data"]["i"].as_u64()).collect();
        assert_eq!(numbers, (0..EVENTS).collect::<Vec<_>>());
    }
    assert!(spool.files().is_empty(), "{:?}", spool.files());
}
