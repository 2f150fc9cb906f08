//! Servers that die, hang, or are not there.

use std::time::{Duration, Instant};

use lastword::event;
use lastword::sink::Sink;
use lastword::testing::{MemorySink, batch};
use serde_json::json;

use crate::client::Client;
use crate::server::Server;
use crate::{PATIENCE, numbers, outcome, quick, sink};

#[test]
fn a_server_that_is_killed_and_comes_back_has_every_event_once() {
    let Some(mut server) = Server::start() else { return };
    let reporter = quick("s").sink(sink(&server)).max_queue_size(40_000).start().unwrap();
    let logging = std::thread::spawn({
        let reporter = reporter.clone();
        move || {
            for number in 0..20_000_u64 {
                assert!(event!(reporter, "n", number).is_accepted());
                if number % 100 == 0 {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    });
    for round in 1..=3 {
        let end = Instant::now() + PATIENCE;
        while reporter.stats().delivered < round * 3_000 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        server.kill();
        std::thread::sleep(Duration::from_millis(100));
        server.run("");
    }
    logging.join().unwrap();
    let drain = reporter.blocking_stop(PATIENCE);
    assert!(drain.is_drained() && drain.delivered == 20_002, "{drain}");
    assert!(reporter.stats().sinks[0].failures > 0, "the server was killed while it was being written to");
    let stored = Client::connect(&server, &json!({})).stored("T");
    let mut found = numbers(&stored);
    found.sort_unstable();
    assert_eq!((stored.len(), found), (20_002, (0..20_000).collect::<Vec<_>>()));
}

#[test]
fn a_server_that_is_not_there_at_the_start_has_everything_once_it_is() {
    let Some(mut server) = Server::not_yet() else { return };
    let reporter = quick("s").sink(sink(&server)).start().unwrap();
    for number in 0..500_u64 {
        event!(reporter, "n", number);
    }
    let drain = reporter.blocking_flush(Duration::from_millis(300));
    assert_eq!((drain.pending, drain.dropped.total()), (501, 0), "{drain}");
    let error = reporter.health().sinks[0].last_error.clone().unwrap();
    assert!(error.contains("can't be reached") && error.contains(&server.address()), "{error}");
    server.run("");
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    assert_eq!(Client::connect(&server, &json!({})).stored("T").len(), 502);
}

#[test]
fn a_batch_that_comes_again_is_stored_once() {
    let Some(server) = Server::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let batch = batch("s", 4, &[("n", json!({"number": 1})), ("n", json!({"number": 2}))]).unwrap();
    for _ in 0..3 {
        // Another process, another connection: the ids are the events' own.
        assert_eq!(outcome(runtime.block_on(sink(&server).deliver(&batch))).0, "delivered");
    }
    assert_eq!(numbers(&Client::connect(&server, &json!({})).stored("T")), [1, 2]);
}

#[test]
fn a_server_that_hangs_costs_the_timeout_and_holds_neither_log_nor_another_sink() {
    let Some(server) = Server::start() else { return };
    let memory = MemorySink::new();
    let nats = sink(&server).timeout(Duration::from_millis(500));
    let reporter = quick("s").sink(nats).sink(memory.clone()).start().unwrap();
    event!(reporter, "n", number = 0);
    assert!(reporter.blocking_flush(PATIENCE).is_drained());
    server.signal("STOP");
    let begun = Instant::now();
    for number in 1..1_000_u64 {
        event!(reporter, "n", number);
    }
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
    let end = Instant::now() + PATIENCE;
    while memory.events().len() < 1_001 {
        assert!(Instant::now() < end, "the other sink has {} events", memory.events().len());
        std::thread::sleep(Duration::from_millis(1));
    }
    while reporter.stats().sinks[0].failures == 0 {
        assert!(Instant::now() < end, "the attempt does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    let slowest = reporter.stats().sinks[0].slowest;
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    server.signal("CONT");
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let mut found = numbers(&Client::connect(&server, &json!({})).stored("T"));
    found.sort_unstable();
    assert_eq!(found, (0..1_000).collect::<Vec<_>>());
}

#[test]
fn what_was_left_in_a_spool_is_brought_by_the_next_session_with_the_same_sink() {
    let Some(mut server) = Server::not_yet() else { return };
    let spool = tempfile::tempdir().unwrap();
    let reporter = quick("first").sink(sink(&server)).spool(spool.path()).start().unwrap();
    for number in 0..300_u64 {
        event!(reporter, "n", number);
    }
    let drain = reporter.blocking_stop(Duration::from_millis(200));
    assert_eq!((drain.spooled, drain.dropped.total()), (302, 0), "{drain}");
    drop(reporter);
    server.run("");
    let reporter = quick("second").sink(sink(&server)).spool(spool.path()).start().unwrap();
    let end = Instant::now() + PATIENCE;
    while reporter.stats().recovered.delivered < 302 {
        assert!(Instant::now() < end, "{:?}", reporter.stats().recovered);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let stored = Client::connect(&server, &json!({})).stored("T");
    let first = stored.iter().filter(|message| message.event["session_id"] == "first").count();
    let mut found = numbers(&stored);
    found.sort_unstable();
    assert_eq!((first, found), (302, (0..300).collect::<Vec<_>>()));
}
