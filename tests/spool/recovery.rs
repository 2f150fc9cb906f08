//! What a reporter does at its start, and later, with what earlier processes have left: each event arrives under its own
//! session, where it was meant to go, and once.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use lastword::reporter::{Flush, Recovered};
use lastword::sink::Tinker;
use lastword::testing::MemorySink;
use lastword::{Builder, DropReason, Reporter};
use serde_json::Value;

use crate::peers::{Answer, Peer};
use crate::support::{
    CRASHED, DEADLINE, KEY, Spool, childs, is_child, kinds, leave, leave_for, log, read_until, recover, spooled, start,
    stored, unreachable, wait_until_left,
};

/// The numbers that the events of a session have in it.
fn indices(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["event_session_index"].as_u64().unwrap()).collect()
}

fn tinker(url: &str, key: &str) -> Tinker {
    Tinker::new(url).api_key(key).http_timeout(DEADLINE)
}

/// Lets a reporter find a spool, and stops it when it has delivered all it can.
fn find(spool: &Path, builder: Builder) -> Recovered {
    let reporter = builder.enabled(true).spool(spool).start().unwrap();
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    reporter.stats().recovered
}

/// Checks that a session has arrived wholly: so many events, and that it was recovered and is over.
fn assert_recovered(peer: &Peer, session: &str, events: u64) {
    let arrived = stored(peer, session);
    assert_eq!(indices(&arrived), (0..events + 3).collect::<Vec<_>>(), "{session}");
    assert_eq!(kinds(&arrived)[events as usize + 1..], CRASHED, "{session}");
}

#[test]
fn more_queues_than_are_delivered_at_once_arrive_each_under_its_own_session() {
    let (spool, peer) = (Spool::new(), Peer::start());
    for session in 0..9 {
        leave_for(spool.path(), &format!("life-{session}"), &peer.url(), 120 + session);
    }
    let recovered = recover(&spool, &peer);
    let events: u64 = (0..9).map(|session| 120 + session + 3).sum();
    assert_eq!((recovered.sessions, recovered.events, recovered.delivered), (9, events, events));
    assert_eq!((recovered.torn, recovered.unreadable, recovered.dropped.total()), (0, 0, 0));
    (0..9).for_each(|session| assert_recovered(&peer, &format!("life-{session}"), 120 + session));
    assert_eq!(peer.duplicates(), 0);
    assert!(spool.files().is_empty(), "{:?}", spool.files());
}

#[test]
fn events_arrive_only_at_the_server_and_under_the_key_that_they_were_meant_for() {
    let (spool, peer, other) = (Spool::new(), Peer::start(), Peer::start());
    let file = leave_for(spool.path(), "life", &peer.url(), 10);
    let (before, written) = (std::fs::read(&file).unwrap(), std::fs::metadata(&file).unwrap().modified().unwrap());
    for sink in [tinker(&peer.url(), "another"), tinker(&other.url(), KEY), Tinker::new(peer.url())] {
        let recovered = find(spool.path(), Reporter::builder("finder").sink(sink));
        assert_eq!(recovered, Recovered::default());
    }
    assert!(stored(&peer, "life").is_empty() && stored(&other, "life").is_empty());
    assert!(std::fs::read(&file).unwrap() == before, "it is left as it was");
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), written, "and as old as it was");
    assert_eq!(recover(&spool, &peer).sessions, 1);
    assert_recovered(&peer, "life", 10);
}

#[test]
fn the_part_of_a_sink_that_is_not_here_waits_for_it_and_the_others_is_not_sent_twice() {
    let (spool, first, second) = (Spool::new(), Peer::start(), Peer::start());
    let sinks = (unreachable(&first.url(), KEY).name("first"), unreachable(&second.url(), KEY).name("second"));
    leave(spool.path(), Reporter::builder("life").sink(sinks.0).sink(sinks.1), |reporter| log(reporter, 150));
    assert_eq!(recover(&spool, &first).sessions, 1);
    assert_recovered(&first, "life", 150);
    assert_eq!(spool.files().len(), 1, "the other one's part is kept");
    assert_eq!(recover(&spool, &first), Recovered::default(), "there is nothing more for this one");
    assert!(stored(&second, "life").is_empty());
    assert_eq!(recover(&spool, &second).sessions, 1);
    assert_recovered(&second, "life", 150);
    assert_eq!((first.duplicates(), second.duplicates()), (0, 0));
    assert!(spool.files().is_empty(), "now it is over");
}

#[test]
fn both_sinks_get_their_part_where_both_are_here() {
    let (spool, first, second) = (Spool::new(), Peer::start(), Peer::start());
    let sinks = (unreachable(&first.url(), KEY).name("first"), unreachable(&second.url(), KEY).name("second"));
    leave(spool.path(), Reporter::builder("life").sink(sinks.0).sink(sinks.1), |reporter| log(reporter, 150));
    let (one, other) = (tinker(&first.url(), KEY).name("a"), tinker(&second.url(), KEY).name("b"));
    let recovered = find(spool.path(), Reporter::builder("finder").sink(one).sink(other));
    assert_eq!((recovered.events, recovered.delivered), (153, 153));
    assert_recovered(&first, "life", 150);
    assert_recovered(&second, "life", 150);
    assert!(spool.files().is_empty());
}

#[test]
fn a_sink_without_an_address_is_known_by_its_name() {
    let spool = Spool::new();
    let sinks = || (MemorySink::new().name("kept"), MemorySink::new().name("other"));
    leave(spool.path(), Reporter::builder("life").sink(sinks().0), |reporter| log(reporter, 3));
    let (kept, other) = sinks();
    assert_eq!(find(spool.path(), Reporter::builder("finder").sink(other.clone())), Recovered::default());
    assert_eq!(find(spool.path(), Reporter::builder("finder").sink(kept.clone())).delivered, 6);
    let of = |sink: &MemorySink| sink.batches().iter().filter(|batch| batch.session_id == "life").count();
    assert_eq!((of(&kept), of(&other)), (1, 0));
    assert!(spool.files().is_empty());
}

#[test]
fn a_session_without_a_beginning_gets_no_end() {
    let (spool, peer) = (Spool::new(), Peer::start());
    leave(spool.path(), Reporter::sessionless().sink(unreachable(&peer.url(), KEY)), |reporter| log(reporter, 3));
    assert_eq!(recover(&spool, &peer).sessions, 1);
    let session = peer.requests().into_iter().map(|request| request.json()["session_id"].clone());
    let session = session.filter_map(|id| id.as_str().map(str::to_owned)).find(|id| id.starts_with("sessionless-"));
    let arrived = stored(&peer, &session.expect("it keeps its id"));
    assert_eq!(kinds(&arrived), ["n", "n", "n", "session.recovered"]);
    assert!(spool.files().is_empty());
}

#[test]
fn a_session_that_had_ended_is_not_called_crashed() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    let reporter = spooled("life", spool.path(), &peer.url()).start().unwrap();
    log(&reporter, 5);
    assert_eq!(reporter.blocking_stop(Duration::ZERO).spooled, 7);
    wait_until_left(&spool.files()[0]);
    peer.up();
    let recovered = recover(&spool, &peer);
    assert_eq!((recovered.sessions, recovered.events, recovered.delivered), (1, 7, 7));
    assert_eq!(kinds(&stored(&peer, "life"))[5..], ["n", "SESSION_END"]);
}

#[test]
fn what_a_dead_process_had_dropped_and_not_told_is_told_for_it() {
    let (spool, peer) = (Spool::new(), Peer::start());
    let builder = Reporter::builder("life").max_queue_size(10).sink(unreachable(&peer.url(), KEY));
    leave(spool.path(), builder, |reporter| {
        let refused = (0..50).filter(|_| !reporter.log("n", ()).is_accepted()).count();
        assert_eq!((refused, reporter.stats().refused.get(DropReason::QueueFull)), (41, 41));
    });
    assert_eq!(recover(&spool, &peer).sessions, 1);
    let arrived = stored(&peer, "life");
    let told = &arrived[10];
    assert_eq!(kinds(&arrived)[10..], ["telemetry.dropped", "session.recovered", "SESSION_END"]);
    assert_eq!(told["event_data"], serde_json::json!({"queue_full": 41}));
}

#[test]
fn a_successor_that_is_killed_in_the_middle_leaves_the_rest_to_another_one() {
    const EVENTS: u64 = 1_000;
    if is_child() {
        let _successor = childs("successor").start().unwrap();
        println!("started");
        loop {
            std::thread::park();
        }
    }
    let (spool, peer) = (Spool::new(), Peer::with([Answer::Ok, Answer::Ok, Answer::Ok, Answer::LoseAck]));
    peer.push(Answer::Hang);
    leave_for(spool.path(), "life", &peer.url(), EVENTS);
    let test = "recovery::a_successor_that_is_killed_in_the_middle_leaves_the_rest_to_another_one";
    let mut successor = start(test, &spool, &peer.url());
    read_until(&mut successor, "started");
    peer.wait_for(5);
    successor.kill().unwrap();
    successor.wait().unwrap();
    let before = stored(&peer, "life").len();
    assert!(before > 0 && before < EVENTS as usize, "{before} arrived before it was killed");
    peer.always(Answer::Ok);
    let recovered = recover(&spool, &peer);
    assert_eq!(recovered.dropped.total(), 0);
    assert_recovered(&peer, "life", EVENTS);
    assert!(peer.duplicates() <= 100, "{} came twice: more than the batch on its way", peer.duplicates());
    let ends = stored(&peer, "life").iter().filter(|event| event["event"] == "SESSION_END").count();
    assert_eq!(ends, 1, "it is said once that it was recovered, and is over");
    assert_eq!(kinds(&stored(&peer, "successor")), ["SESSION_START", CRASHED[0], CRASHED[1]]);
}

#[test]
fn a_reporter_that_runs_for_long_finds_what_is_left_later() {
    let (spool, peer) = (Spool::new(), Peer::start());
    let builder = spooled("finder", spool.path(), &peer.url()).recovery_interval(Duration::from_millis(10));
    let reporter = builder.start().unwrap();
    for life in 0..3 {
        leave_for(spool.path(), &format!("life-{life}"), &peer.url(), 3);
        peer.wait_for(life + 1);
    }
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    (0..3).for_each(|life| assert_recovered(&peer, &format!("life-{life}"), 3));
    assert_eq!(reporter.stats().recovered.sessions, 3);
}

#[test]
fn what_is_meant_for_a_dead_server_holds_nothing_back_and_arrives_when_it_is_back() {
    /// More than one process has at once.
    const LIVES: u64 = 70;
    let (spool, dead, peer) = (Spool::new(), Peer::start(), Peer::start());
    dead.down();
    for life in 0..LIVES {
        leave_for(spool.path(), &format!("dead-{life}"), &dead.url(), 3);
    }
    // The newest, so it is looked at last.
    leave_for(spool.path(), "life", &peer.url(), 3);
    let builder = spooled("finder", spool.path(), &peer.url()).sink(tinker(&dead.url(), KEY).name("dead"));
    let reporter = builder.max_retries(20).recovery_interval(Duration::from_millis(10)).start().unwrap();
    peer.wait_for(1);
    assert_recovered(&peer, "life", 3);
    dead.up();
    (0..LIVES).for_each(|life| dead.wait_for_stored(&format!("dead-{life}"), 6));
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    (0..LIVES).for_each(|life| assert_recovered(&dead, &format!("dead-{life}"), 3));
    let recovered = reporter.stats().recovered;
    assert_eq!(
        (recovered.sessions, recovered.events, recovered.delivered),
        (LIVES + 1, (LIVES + 1) * 6, (LIVES + 1) * 6),
        "each is counted once"
    );
    assert!(spool.files().is_empty(), "{:?}", spool.files());
}

#[test]
fn a_stop_waits_for_what_is_recovered_while_that_gets_on() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.always(Answer::Slow(Duration::from_millis(20)));
    leave_for(spool.path(), "life", &peer.url(), 1_000);
    assert_eq!(recover(&spool, &peer).delivered, 1_003);
    assert_recovered(&peer, "life", 1_000);
}

#[test]
fn a_stop_does_not_wait_for_what_is_recovered_where_the_server_does_not_take_it() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.always(Answer::StatusIf(503, "life"));
    leave_for(spool.path(), "life", &peer.url(), 3);
    let began = Instant::now();
    let reporter = spooled("finder", spool.path(), &peer.url()).start().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained(), "its own session has arrived");
    assert!(began.elapsed() < DEADLINE / 2, "it took {:?}", began.elapsed());
    assert_eq!(reporter.stats().recovered.delivered, 0);
    peer.always(Answer::Ok);
    let builder = spooled("another", spool.path(), &peer.url()).recovery_interval(Duration::from_millis(10));
    let another = builder.start().unwrap();
    peer.wait_for_stored("life", 6);
    assert!(another.blocking_stop(DEADLINE).is_drained());
    assert_recovered(&peer, "life", 3);
}

#[test]
fn a_flush_without_a_session_goes_on_until_the_server_is_back() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    leave_for(spool.path(), "life", &peer.url(), 3);
    let flushing = Flush::new(spool.path()).sink(tinker(&peer.url(), KEY)).start().unwrap();
    assert!(!flushing.blocking_wait(Duration::from_millis(20)));
    peer.up();
    assert!(flushing.blocking_wait(DEADLINE));
    assert_recovered(&peer, "life", 3);
    let sessions: HashSet<_> = peer.requests().iter().map(|request| request.json()["session_id"].to_string()).collect();
    assert_eq!(sessions.len(), 1, "it has none of its own");
}

#[test]
fn a_session_that_has_tried_often_enough_keeps_its_events_and_asks_again_at_each_interval() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.always(Answer::Status(503));
    let builder = spooled("patient", spool.path(), &peer.url()).flush_interval(Duration::from_millis(20));
    let reporter = builder.max_retries(1).start().unwrap();
    log(&reporter, 3);
    // Two attempts, and then one an interval.
    peer.wait_for(6);
    let sink = &reporter.stats().sinks[0];
    assert_eq!((sink.delivered, sink.dropped.total()), (0, 0), "{sink:?}");
    peer.always(Answer::Ok);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(kinds(&stored(&peer, "patient")), ["SESSION_START", "n", "n", "n", "SESSION_END"]);
    assert_eq!(peer.duplicates(), 0);
}
