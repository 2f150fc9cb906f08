//! 250 events, and a server that fails in one way: what was accepted, delivered, dropped and stored agrees exactly.

use std::time::Duration;

use lastword::{DropReason, Reporter};

use crate::peers::{Answer, Peer, Recorded};
use crate::support::{
    DEADLINE, assert_books, assert_law, indices, log, ms, quick, reporter_for, tinker, until, warnings, warnings_about,
    within,
};

const EVENTS: u64 = 250;
/// With SESSION_START.
const ACCEPTED: u64 = EVENTS + 1;

/// Sends 250 events to a peer with this script, and checks that every one arrives, whatever happens on the way.
fn all_arrive(script: impl IntoIterator<Item = Answer>) -> (Peer, Reporter) {
    let peer = Peer::with(script);
    let reporter = reporter_for(&peer);
    log(&reporter, EVENTS);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    let stats = assert_books(&reporter, &peer.stored());
    assert_eq!(stats.sinks[0].delivered, stats.delivered);
    assert_eq!((drain.delivered, stats.accepted, stats.delivered), (ACCEPTED, ACCEPTED, ACCEPTED));
    assert_eq!(indices(&peer.stored()), (0..ACCEPTED).collect());
    (peer, reporter)
}

fn keys(requests: &[Recorded]) -> Vec<&str> {
    requests.iter().map(|request| request.header("x-idempotency-key").unwrap()).collect()
}

#[test]
fn a_healthy_server_stores_every_event_once() {
    let (peer, _reporter) = all_arrive([]);
    assert_eq!(peer.duplicates(), 0);
    assert_eq!(peer.requests().len(), 3, "batches of a hundred, and the rest");
}

#[test]
fn a_server_that_fails_once_is_asked_again_and_stores_every_event_once() {
    let (peer, _reporter) = all_arrive([Answer::Status(500)]);
    assert_eq!((peer.requests().len(), peer.duplicates()), (4, 0));
}

#[test]
fn a_server_that_fails_three_times_is_asked_a_fourth_time() {
    let (peer, _reporter) = all_arrive([Answer::Status(500), Answer::Status(502), Answer::Status(503)]);
    let requests = peer.requests();
    assert_eq!((requests.len(), peer.duplicates()), (6, 0));
    let keys = keys(&requests[..4]);
    assert!(keys.iter().all(|key| *key == keys[0]), "one batch, one key: {keys:?}");
    let waits: Vec<Duration> = requests[..4].windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(waits[0] >= ms(5) && waits[1] >= ms(10) && waits[2] >= ms(20), "each wait is twice as long: {waits:?}");
}

#[test]
fn the_other_statuses_that_may_pass_are_tried_again() {
    for status in [408, 409, 425, 429, 504] {
        let (peer, _reporter) = all_arrive([Answer::Status(status)]);
        assert_eq!(peer.requests().len(), 4, "{status}");
    }
}

#[test]
fn a_server_that_asks_for_two_seconds_gets_them() {
    let (peer, _reporter) = all_arrive([Answer::with_header(429, "retry-after", "2")]);
    let requests = peer.requests();
    let wait = requests[1].at - requests[0].at;
    assert!(wait >= Duration::from_secs(2) && wait < Duration::from_secs(10), "{wait:?}");
}

#[test]
fn a_server_that_asks_for_milliseconds_gets_them_instead_of_the_usual_wait() {
    let peer = Peer::with([Answer::with_header(503, "retry-after-ms", "40")]);
    let reporter = quick("s").retry_base_delay(DEADLINE).sink(tinker(&peer)).start().unwrap();
    log(&reporter, 10);
    assert!(within(Duration::from_secs(5), || reporter.blocking_flush(DEADLINE)).is_drained());
    let requests = peer.requests();
    assert!(requests[1].at - requests[0].at >= ms(40));
}

#[test]
fn a_connection_that_drops_before_the_answer_costs_nothing() {
    for answer in [Answer::DropAfterBody, Answer::DropBeforeBody, Answer::Garbage] {
        let (peer, _reporter) = all_arrive([answer]);
        assert_eq!(peer.duplicates(), 0);
    }
}

#[test]
fn a_lost_answer_makes_the_same_batch_come_again_under_the_same_ids() {
    let (peer, _reporter) = all_arrive([Answer::LoseAck]);
    assert_eq!(peer.duplicates(), 100, "it came twice, and is stored once by its ids");
    let requests = peer.requests();
    assert_eq!(keys(&requests)[0], keys(&requests)[1]);
    assert_eq!(requests[0].body, requests[1].body, "byte for byte");
}

#[test]
fn a_batch_keeps_its_key_through_every_retry_and_no_other_has_it() {
    let lost = [Answer::LoseAck, Answer::LoseAck, Answer::LoseAck];
    let (peer, _reporter) = all_arrive(lost);
    let requests = peer.requests();
    let keys = keys(&requests);
    assert!(keys[..4].iter().all(|key| *key == keys[0]), "{keys:?}");
    assert!(keys[4] != keys[0] && keys[5] != keys[4] && keys[5] != keys[0], "{keys:?}");
}

#[test]
fn a_success_is_a_success_whatever_its_body_says() {
    let bodies = ["", r#"{"status":"ok"}"#, "<html>"].map(|body| Answer::with_body(202, body));
    let (peer, _reporter) = all_arrive(bodies);
    assert_eq!((peer.requests().len(), peer.duplicates()), (3, 0));
}

#[test]
fn a_server_that_hangs_costs_its_retries_and_every_event_is_counted_as_lost() {
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let reporter = quick("s").sink(tinker(&peer).http_timeout(ms(30))).start().unwrap();
    log(&reporter, EVENTS);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(!drain.is_drained());
    assert_eq!((drain.delivered, drain.pending), (0, 0));
    assert_eq!(drain.dropped.get(DropReason::RetriesExhausted), drain.dropped.total());
    let stats = assert_books(&reporter, &[]);
    assert!(stats.dropped.total() >= ACCEPTED, "and the events that told of it");
    assert_eq!(peer.requests().len() as u64, stats.sinks[0].failures);
}

#[test]
fn a_hung_server_is_no_drain_and_its_events_are_pending_at_the_deadline() {
    let peer = Peer::start();
    peer.always(Answer::Hang);
    let reporter = reporter_for(&peer);
    log(&reporter, EVENTS);
    let drain = within(ms(200), || reporter.blocking_wait_until_drained(ms(200)));
    assert_eq!((drain.delivered, drain.dropped.total(), drain.pending), (0, 0, ACCEPTED));
    assert!(!drain.is_drained());
    let stats = reporter.stats();
    assert_law(&stats);
    assert_eq!((stats.in_flight, stats.queued), (100, ACCEPTED - 100), "one batch is under way: {stats:?}");
    peer.always(Answer::Ok);
}

#[test]
fn a_batch_is_tried_four_times_and_then_dropped_with_one_warning() {
    warnings();
    let peer = Peer::start();
    peer.always(Answer::Status(500));
    let reporter = quick("s").sink(tinker(&peer).name("exhausted")).start().unwrap();
    log(&reporter, EVENTS);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert_eq!((drain.delivered, drain.pending), (0, 0), "{drain}");
    assert!(drain.dropped.get(DropReason::RetriesExhausted) >= ACCEPTED, "{drain}");
    let requests = peer.requests();
    let first = requests.iter().filter(|request| keys(&requests[..1]) == keys(std::slice::from_ref(request)));
    assert_eq!(first.count(), 4, "the first attempt and three retries");
    until("it is warned about", || warnings_about("exhausted") > 0);

    peer.always(Answer::Ok);
    log(&reporter, 1);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(drain.delivered >= 1 && !drain.is_drained(), "what was lost stays lost: {drain}");
    assert_eq!(warnings_about("exhausted"), 1, "one warning for all batches");
    assert_books(&reporter, &peer.stored());
}

#[test]
fn without_retries_the_first_failure_is_the_last() {
    let peer = Peer::with([Answer::Status(500)]);
    let reporter = quick("s").max_retries(0).sink(tinker(&peer)).start().unwrap();
    log(&reporter, 9);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::RetriesExhausted)), (0, 10));
    assert_eq!(peer.requests().len(), 1);
}
