//! Servers that refuse: what can't be delivered is dropped alone, and what may be is kept.

use std::time::Duration;

use lastword::DropReason;
use serde_json::json;

use crate::peers::{Answer, Peer};
use crate::support::{
    DEADLINE, assert_books, assert_law, kinds, log, ms, numbers, quick, reporter_for, tinker, until, warnings,
    warnings_about,
};

#[test]
fn a_server_that_refuses_everything_gets_each_event_once_alone_and_nothing_is_called_delivered() {
    for status in [400, 404, 422] {
        let peer = Peer::start();
        peer.always(Answer::Status(status));
        let reporter = reporter_for(&peer);
        log(&reporter, 20);
        let drain = reporter.blocking_wait_until_drained(DEADLINE);
        assert_eq!((drain.delivered, drain.dropped.get(DropReason::Rejected)), (0, 21), "{status}: {drain}");
        assert!(!drain.is_drained());
        let alone = peer.requests().iter().filter(|request| request.events().len() == 1).count();
        assert_eq!((alone, peer.requests().len()), (21, 41), "halved, and none of it twice");
        assert_books(&reporter, &[]);
    }
}

#[test]
fn one_bad_event_is_dropped_alone_and_its_neighbours_are_stored() {
    for status in [400, 404, 422] {
        let peer = Peer::start();
        peer.always(Answer::StatusIf(status, "poison"));
        let reporter = quick("s").flush_threshold(1_000).sink(tinker(&peer)).start().unwrap();
        log(&reporter, 120);
        assert!(reporter.log("bad", json!({"text": "poison"})).is_accepted());
        log(&reporter, 129);
        let drain = reporter.blocking_wait_until_drained(DEADLINE);
        assert_eq!((drain.delivered, drain.dropped.get(DropReason::Rejected)), (250, 1), "{status}: {drain}");
        assert_eq!(drain.dropped.total(), 1);
        assert_eq!(numbers(&peer.stored()).len(), 249);
        assert_eq!(peer.duplicates(), 0);
        assert!(peer.requests().len() < 20, "halves, not one by one: {}", peer.requests().len());
        assert_books(&reporter, &peer.stored());
    }
}

#[test]
fn an_event_that_the_answer_names_as_refused_is_counted_and_the_batch_is_not_sent_again() {
    let peer = Peer::start();
    peer.always(Answer::RefuseNamed("bad"));
    let reporter = reporter_for(&peer);
    assert!(reporter.log("bad", ()).is_accepted());
    log(&reporter, 9);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Rejected)), (10, 1), "{drain}");
    assert_eq!(peer.requests().len(), 1);
    assert_books(&reporter, &peer.stored());
}

#[test]
fn a_wrong_key_holds_every_event_with_one_warning_until_the_key_is_right() {
    warnings();
    for (status, name) in [(401, "held-401"), (403, "held-403")] {
        let peer = Peer::start();
        peer.always(Answer::Status(status));
        let reporter = quick("s").flush_interval(ms(30)).sink(tinker(&peer).name(name)).start().unwrap();
        log(&reporter, 250);
        let drain = reporter.blocking_wait_until_drained(ms(50));
        assert_eq!((drain.delivered, drain.dropped.total(), drain.pending), (0, 0, 251), "{drain}");
        let requests = peer.wait_for(4);
        assert!(requests.iter().all(|request| request.body == requests[0].body), "only the first batch knocks");
        assert!(requests[1].at - requests[0].at >= ms(30), "once an interval, not as retries are");
        assert!(reporter.health().sinks[0].last_error.as_ref().unwrap().contains(&status.to_string()));
        assert_law(&reporter.stats());

        peer.always(Answer::Ok);
        let drain = reporter.blocking_wait_until_drained(DEADLINE);
        assert!(drain.is_drained(), "nothing was dropped: {drain}");
        assert_eq!(numbers(&peer.stored()), (0..250).collect::<Vec<_>>());
        assert_eq!(reporter.health().sinks[0].last_error, None);
        assert_eq!(warnings_about(name), 1);
        assert_books(&reporter, &peer.stored());
    }
}

#[test]
fn a_batch_that_is_too_large_is_halved_until_it_fits() {
    let peer = Peer::start();
    peer.always(Answer::TooLargeAbove(10_000));
    let reporter = reporter_for(&peer);
    log(&reporter, 250);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    let refused = peer.requests().iter().filter(|request| request.body.len() > 10_000).count();
    assert!(refused > 0, "the server had something to refuse");
    assert_eq!(peer.duplicates(), 0);
    assert_books(&reporter, &peer.stored());
}

#[test]
fn a_single_event_that_is_too_large_is_dropped_alone_and_counted() {
    let peer = Peer::start();
    peer.always(Answer::TooLargeAbove(50_000));
    let reporter = quick("s").flush_threshold(1_000).sink(tinker(&peer)).start().unwrap();
    log(&reporter, 60);
    assert!(reporter.log("large", json!({"text": "x".repeat(60_000)})).is_accepted());
    log(&reporter, 60);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::TooLarge)), (121, 1), "{drain}");
    assert_eq!(numbers(&peer.stored()).len(), 120);
    assert_books(&reporter, &peer.stored());
}

#[test]
fn two_hundred_events_of_twenty_kilobytes_fit_through_a_limit_of_a_megabyte() {
    let peer = Peer::start();
    peer.always(Answer::TooLargeAbove(1_000_000));
    let reporter = reporter_for(&peer);
    for i in 0..200 {
        assert!(reporter.log("n", json!({"i": i, "text": "x".repeat(20_000)})).is_accepted());
    }
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    assert_eq!(numbers(&peer.stored()), (0..200).collect::<Vec<_>>());
    assert!(peer.requests().iter().all(|request| request.body.len() <= 1024 * 1024), "no body is above its bound");
}

#[test]
fn a_redirect_is_no_delivery_and_is_not_followed() {
    let (peer, elsewhere) = (Peer::start(), Peer::start());
    peer.always(Answer::with_header(307, "location", elsewhere.url()));
    let reporter = reporter_for(&peer);
    log(&reporter, 3);
    let drain = reporter.blocking_wait_until_drained(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::RetriesExhausted)), (0, 4), "{drain}");
    assert_eq!((peer.requests().len(), elsewhere.connections()), (4, 0));
}

#[test]
fn no_answer_of_a_server_can_make_the_reporter_wait_for_an_hour() {
    let peer = Peer::with([Answer::with_header(429, "retry-after", "3600")]);
    let reporter = reporter_for(&peer);
    log(&reporter, 1);
    let drain = reporter.blocking_stop(Duration::from_millis(100));
    assert_eq!(drain.pending, 3, "SESSION_START, the event and SESSION_END: {drain}");
    until("the books are closed", || reporter.stats().dropped.get(DropReason::Stopped) == 3);
    assert_law(&reporter.stats());
}

#[test]
fn the_key_is_in_no_event_no_report_and_no_debug_output() {
    const KEY: &str = "tml-research-key";
    let peer = Peer::with([Answer::with_body(403, format!("{{\"x-api-key\":\"{KEY}\"}}"))]);
    let sink = tinker(&peer).api_key(KEY);
    let mut shown = format!("{sink:?}");
    let reporter = quick("s").flush_interval(ms(20)).sink(sink).start().unwrap();
    until("it was refused", || reporter.health().sinks[0].last_error.is_some() || !peer.stored().is_empty());
    let _ = reporter.log_error("the request has failed");
    shown += &format!("{reporter:?} {:?} {:?}", reporter.health(), reporter.stats());
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(kinds(&peer.stored()), ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert!(!shown.contains(KEY), "{shown}");
    assert!(peer.requests().iter().all(|request| !request.text().contains(KEY)));
    assert!(peer.requests().iter().all(|request| request.header("x-api-key") == Some(KEY)));
}
