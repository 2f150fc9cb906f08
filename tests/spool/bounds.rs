//! A spool keeps within its bounds of bytes and of age: the oldest goes first, is counted, and the server is told.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use lastword::{DropReason, Reporter};
use serde_json::json;

use crate::peers::Peer;
use crate::support::{DEADLINE, KEY, Spool, kinds, leave_for, log, spooled, stored, unreachable};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// What the file of such a queue takes: its header, and 512 KiB.
const QUEUE_BYTES: u64 = 16_384 + 512 * 1_024;

/// Makes a file as old as that.
fn age(file: &Path, age: Duration) {
    File::options().write(true).open(file).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

/// What the sessions of a finder told the server to be lost.
fn told(peer: &Peer) -> Vec<serde_json::Value> {
    let events = stored(peer, "finder");
    let told = events.into_iter().filter(|event| event["event_name"] == "telemetry.dropped");
    told.map(|event| event["event_data"].clone()).collect()
}

#[test]
fn what_nobody_delivered_for_too_long_is_removed_and_counted_and_the_server_is_told() {
    let (spool, peer, dead) = (Spool::new(), Peer::start(), Peer::start());
    dead.down();
    for (days, events) in [(8, 10), (9, 20), (6, 5)] {
        age(&leave_for(spool.path(), &format!("{days}-days"), &dead.url(), events), days * DAY);
    }
    let reporter = spooled("finder", spool.path(), &peer.url()).start().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    // Each with its SESSION_START.
    let dropped = reporter.stats().recovered.dropped;
    assert_eq!((dropped.get(DropReason::SpoolExpired), dropped.total()), (11 + 21, 32));
    assert_eq!(told(&peer), [json!({"spool_expired": 32})]);
    assert_eq!(kinds(&stored(&peer, "finder")), ["SESSION_START", "telemetry.dropped", "SESSION_END"]);
    assert_eq!(spool.files().len(), 1, "the one that is not too old is kept");
    dead.up();
    let reporter = spooled("next", spool.path(), &dead.url()).start().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(stored(&dead, "6-days").len(), 8);
}

#[test]
fn how_long_that_is_can_be_said() {
    let (spool, peer) = (Spool::new(), Peer::start());
    age(&leave_for(spool.path(), "life", "http://127.0.0.1:9", 1), Duration::from_secs(90));
    let builder = spooled("finder", spool.path(), &peer.url()).max_spool_age(Duration::from_secs(60));
    let reporter = builder.start().unwrap();
    assert_eq!(reporter.stats().recovered.dropped.get(DropReason::SpoolExpired), 2);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
}

#[test]
fn what_a_dead_server_is_asked_to_take_again_and_again_grows_old_all_the_same() {
    let (spool, peer, dead) = (Spool::new(), Peer::start(), Peer::start());
    dead.down();
    let sink = || unreachable(&dead.url(), KEY).name("dead");
    let ended = Reporter::builder("life").enabled(true).spool(spool.path()).sink(sink()).start().unwrap();
    log(&ended, 3);
    ended.blocking_stop(Duration::ZERO);
    let file = spool.files().remove(0);
    age(&file, 6 * DAY);
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    // Each time it is taken over and tried, and left again.
    let builder = spooled("finder", spool.path(), &peer.url()).sink(sink()).max_retries(0);
    let reporter = builder.recovery_interval(Duration::from_millis(1)).start().unwrap();
    while reporter.stats().recovered.sessions == 0 {
        std::thread::yield_now();
    }
    reporter.blocking_stop(Duration::from_millis(100));
    drop(reporter);
    let until = Instant::now() + DEADLINE;
    while fs::metadata(&file).unwrap().modified().unwrap() != before {
        assert!(Instant::now() < until, "it is young again");
        std::thread::yield_now();
    }
}

#[test]
fn the_oldest_make_room_for_a_new_queue_and_are_counted_and_told() {
    let (spool, peer) = (Spool::new(), Peer::start());
    let files = [3, 1, 4, 2].map(|days| {
        let file = leave_for(spool.path(), &format!("{days}-days"), "http://127.0.0.1:9", days);
        age(&file, u32::try_from(days).unwrap() * DAY);
        file
    });
    let builder = spooled("finder", spool.path(), &peer.url()).max_queue_bytes(512 * 1_024);
    let reporter = builder.max_spool_bytes(3 * QUEUE_BYTES + 65_536).start().unwrap();
    assert!(reporter.health().spool.unwrap().trouble.is_none());
    let left: Vec<_> = files.iter().filter(|file| file.exists()).collect();
    assert_eq!(left, [&files[1], &files[3]], "those of four and of three days are gone");
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    let dropped = reporter.stats().recovered.dropped;
    assert_eq!((dropped.get(DropReason::SpoolFull), dropped.total()), (4 + 3 + 2, 9));
    assert_eq!(told(&peer), [json!({"spool_full": 9})]);
}

#[test]
fn what_is_in_use_is_never_removed_and_a_session_without_room_is_in_memory() {
    let (spool, peer) = (Spool::new(), Peer::start());
    peer.down();
    let builder = || spooled("living", spool.path(), &peer.url()).max_queue_bytes(512 * 1_024);
    let living = [(); 3].map(|()| builder().start().unwrap());
    for file in spool.files() {
        age(&file, 100 * DAY);
    }
    let late = builder().max_spool_bytes(3 * QUEUE_BYTES).start().unwrap();
    assert_eq!(spool.files().len(), 3, "all of them are there");
    let trouble = late.health().spool.unwrap().trouble.unwrap();
    assert!(trouble.contains("would exceed its"), "{trouble}");
    assert_eq!(late.health().durability, lastword::Durability::Memory);
    assert_eq!(late.stats().recovered.dropped.total(), 0);
    peer.up();
    log(&late, 1);
    assert!(late.blocking_stop(DEADLINE).is_drained(), "it is a session like any other");
    living.iter().for_each(|living| assert!(living.blocking_stop(DEADLINE).is_drained()));
}

#[test]
fn a_session_that_lives_for_long_keeps_its_file_young() {
    // In memory, where a mapping that is written to again and again never shows.
    let Ok(spool) = tempfile::tempdir_in("/dev/shm") else {
        println!("SKIPPED: there is no /dev/shm");
        return;
    };
    let peer = Peer::start();
    let reporter = spooled("living", &spool.path().join("spool"), &peer.url()).start().unwrap();
    let file = fs::read_dir(spool.path().join("spool")).unwrap().next().unwrap().unwrap().path();
    let is_old = || fs::metadata(&file).unwrap().modified().unwrap().elapsed().unwrap_or_default() > DAY;
    let until = Instant::now() + DEADLINE;
    // Until all the memory is there that a queue has ready: to make it does show.
    for _ in 0..10 {
        log(&reporter, 1);
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
    }
    age(&file, 2 * DAY);
    while is_old() {
        assert!(Instant::now() < until, "it looks dead");
        // It is looked at when the reporter has something to do, and once a second at the most.
        reporter.blocking_flush(DEADLINE);
    }
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
}

#[test]
fn unreadable_files_and_those_of_another_version_go_when_they_are_too_old() {
    let (spool, peer) = (Spool::new(), Peer::start());
    let future = leave_for(spool.path(), "life", &peer.url(), 3);
    let mut bytes = fs::read(&future).unwrap();
    bytes[8] = 99;
    fs::write(&future, bytes).unwrap();
    for name in ["old.unreadable", "young.unreadable"] {
        fs::write(spool.path().join(name), "noise").unwrap();
    }
    age(&spool.path().join("old.unreadable"), 8 * DAY);
    age(&future, 8 * DAY);
    let reporter = spooled("finder", spool.path(), &peer.url()).start().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(spool.files(), [spool.path().join("young.unreadable")]);
    assert_eq!(reporter.stats().recovered.dropped.total(), 0, "nobody knows what was in them");
}
