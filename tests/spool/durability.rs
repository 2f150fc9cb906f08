//! What events outlive: the level that is in force, and that it is true of it.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use lastword::spool::Directory;
use lastword::testing::MemorySink;
use lastword::{Builder, DropReason, Durability, NotDurable, Reporter, Severity};
use serde_json::json;

use crate::mounts::Mount;
use crate::peers::Peer;
use crate::support::{CRASHED, DEADLINE, KEY, Spool, kinds, leave, log, recover, spooled, stored, unreachable};

/// A disk that a test can look at from below: what is on it is what this file holds.
struct Disk {
    directory: Spool,
    mount: Mount,
}

impl Disk {
    fn new() -> Option<Self> {
        let directory = Spool::new();
        let mount = Mount::of_image(&directory.path().join("disk"), "ext4", 16 * 1024 * 1024)?;
        Some(Self { directory, mount })
    }

    fn holds(&self, text: &str) -> bool {
        let bytes = fs::read(self.directory.path().join("disk")).unwrap();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    }

    /// What another machine would find that the disk was put into after a power cut.
    fn after_a_power_cut(&self) -> Option<Mount> {
        let copy = self.directory.path().join("copy");
        fs::copy(self.directory.path().join("disk"), &copy).unwrap();
        Mount::image(&copy)
    }
}

fn started(builder: Builder) -> Reporter {
    builder.enabled(true).sink(MemorySink::new()).max_queue_bytes(512 * 1024).start().unwrap()
}

fn durable(reporter: &Reporter, name: &str, deadline: Duration) -> Result<u64, NotDurable> {
    reporter.blocking_log_durable(Severity::Info, name, json!({}), deadline)
}

#[test]
fn the_level_in_force_is_the_one_that_was_asked_for() {
    for (asked, level) in [
        (None, Durability::ProcessDeath),
        (Some(Durability::PowerLoss), Durability::PowerLoss),
        (Some(Durability::Write), Durability::Write),
    ] {
        let spool = Spool::new();
        let builder = Reporter::builder("s").spool(spool.path());
        let reporter = started(if let Some(asked) = asked { builder.durability(asked) } else { builder });
        let health = reporter.health();
        assert_eq!((health.durability, health.spool.unwrap().trouble), (level, None));
        reporter.blocking_stop(DEADLINE);
    }
    let health = started(Reporter::builder("s")).health();
    assert_eq!((health.durability, health.spool), (Durability::Memory, None));
}

#[test]
fn a_durable_event_is_on_the_disk_when_the_call_returns_and_others_are_not_held() {
    let Some(disk) = Disk::new() else { return };
    let reporter = started(Reporter::builder("s").spool(disk.mount.spool()));
    assert!(reporter.log("not.on.the.disk.yet", ()).is_accepted());
    assert!(!disk.holds("not.on.the.disk.yet"), "it is in the page cache, as was asked for");
    assert_eq!(durable(&reporter, "on.the.disk.now", DEADLINE), Ok(2));
    assert!(disk.holds("on.the.disk.now") && disk.holds("not.on.the.disk.yet"), "and all that was there before it");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let logged = reporter.log_durable(Severity::Info, "and.async", json!({}), DEADLINE);
    assert_eq!(runtime.block_on(logged), Ok(3), "a runtime without timers will do");
    assert!(disk.holds("and.async"));
    reporter.blocking_stop(DEADLINE);
}

#[test]
fn many_durable_events_at_once_are_all_on_the_disk() {
    let Some(disk) = Disk::new() else { return };
    let reporter = started(Reporter::builder("s").spool(disk.mount.spool()));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (reporter, disk) = (&reporter, &disk);
            scope.spawn(move || {
                for event in 0..5 {
                    let name = format!("event.{event}.of.{thread}.");
                    assert!(durable(reporter, &name, DEADLINE).is_ok());
                    assert!(disk.holds(&name), "{name}");
                }
            });
        }
    });
    reporter.blocking_stop(DEADLINE);
}

#[test]
fn what_was_to_outlive_a_power_cut_is_found_after_one() {
    let Some(disk) = Disk::new() else { return };
    let peer = Peer::start();
    peer.down();
    let builder = spooled("life", &disk.mount.spool(), &peer.url()).durability(Durability::PowerLoss);
    let reporter = builder.max_queue_bytes(512 * 1024).start().unwrap();
    log(&reporter, 30);
    assert!(reporter.log("the.last.one", ()).is_accepted());
    let began = Instant::now();
    while !disk.holds("the.last.one") {
        assert!(began.elapsed() < DEADLINE, "nobody brings it to the disk");
    }
    let Some(after) = disk.after_a_power_cut() else { return };
    peer.up();
    let finder = spooled("finder", &after.spool(), &peer.url()).start().unwrap();
    assert!(finder.blocking_stop(DEADLINE).is_drained());
    let arrived = stored(&peer, "life");
    assert_eq!(kinds(&arrived)[31..], ["the.last.one", CRASHED[0], CRASHED[1]]);
    reporter.blocking_stop(DEADLINE);
}

#[test]
fn a_durable_event_that_can_not_be_is_taken_all_the_same_and_said_to_be_so_at_once() {
    let reporter = started(Reporter::builder("s"));
    let began = Instant::now();
    let expected = Err(NotDurable::NotSynced { seq: 1, durability: Durability::Memory });
    assert_eq!(durable(&reporter, "n", DEADLINE), expected, "there is no spool");
    assert_eq!(reporter.blocking_stop(DEADLINE).delivered, 3);
    assert_eq!(durable(&reporter, "n", DEADLINE), Err(NotDurable::Dropped(DropReason::Stopped)));
    if let Ok(place) = tempfile::tempdir_in("/dev/shm") {
        let reporter = started(Reporter::builder("s").spool(place.path().join("spool")));
        let expected = Err(NotDurable::NotSynced { seq: 1, durability: Durability::ProcessDeath });
        assert_eq!(durable(&reporter, "n", DEADLINE), expected, "there is no disk");
        reporter.blocking_stop(DEADLINE);
    }
    assert!(began.elapsed() < DEADLINE / 2, "none of them waits");
}

#[test]
fn a_durable_event_of_a_file_that_is_gone_is_never_said_to_be_on_the_disk() {
    for asked in [Durability::ProcessDeath, Durability::PowerLoss, Durability::Write] {
        let spool = Spool::new();
        let reporter = started(Reporter::builder("s").spool(spool.path()).durability(asked));
        fs::remove_file(&spool.files()[0]).unwrap();
        let began = Instant::now();
        let expected = Err(NotDurable::NotSynced { seq: 1, durability: Durability::Memory });
        assert_eq!(durable(&reporter, "n", DEADLINE), expected);
        assert!(began.elapsed() < DEADLINE / 2, "and what can't be is not waited for");
        assert_eq!(reporter.blocking_stop(DEADLINE).delivered, 3, "it is delivered like any other");
    }
}

#[test]
fn a_file_system_that_can_not_be_relied_on_is_written_to_and_that_is_said() {
    let image = Spool::new();
    // It keeps no room for what is not written yet.
    let Some(mount) = Mount::of_image(&image.path().join("disk"), "ext2", 32 * 1024 * 1024) else { return };
    let peer = Peer::start();
    peer.down();
    let reporter = spooled("life", &mount.spool(), &peer.url()).start().unwrap();
    let health = reporter.health();
    assert_eq!(health.durability, Durability::Write);
    let trouble = health.spool.unwrap().trouble.unwrap();
    assert!(trouble.contains("each event is written"), "{trouble}");
    log(&reporter, 100);
    reporter.blocking_stop(Duration::ZERO);
    drop(reporter);
    peer.up();
    let builder = spooled("finder", &mount.spool(), &peer.url()).recovery_interval(Duration::from_millis(10));
    let finder = builder.start().unwrap();
    peer.wait_for_stored("life", 102);
    assert!(finder.blocking_stop(DEADLINE).is_drained());
    assert!(fs::read_dir(mount.spool()).unwrap().next().is_none());
}

// What follows is what recovery.rs and ends.rs have, with a file that is written to and not mapped.

#[test]
fn a_written_queue_that_laps_holds_what_was_not_delivered() {
    let (spool, peer) = (Spool::new(), Peer::start());
    let builder = spooled("life", spool.path(), &peer.url()).durability(Durability::Write);
    let reporter = builder.max_queue_bytes(512 * 1024).flush_threshold(1_000_000).start().unwrap();
    let text = "x".repeat(1_000);
    for _ in 0..4 {
        for i in 0..200_u64 {
            assert!(reporter.log("n", json!({"i": i, "text": text})).is_accepted());
        }
        assert!(reporter.blocking_flush(DEADLINE).is_drained());
    }
    let delivered = stored(&peer, "life").len();
    peer.down();
    log(&reporter, 40);
    let copy = Spool::new();
    let file = spool.files().remove(0);
    fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    peer.up();
    assert_eq!(recover(&copy, &peer).delivered, 42, "and nothing that was delivered before");
    assert_eq!(stored(&peer, "life").len(), delivered + 42);
    assert_eq!(peer.duplicates(), 0);
    reporter.blocking_stop(DEADLINE);
}

#[test]
fn what_a_process_that_writes_had_dropped_is_told_for_it() {
    /// Where a file counts what was refused because the queue was full.
    const QUEUE_FULL: usize = 2_048 + 8;
    let (spool, peer) = (Spool::new(), Peer::start());
    let sink = unreachable(&peer.url(), KEY);
    let builder = Reporter::builder("life").max_queue_size(10).durability(Durability::Write).sink(sink);
    leave(spool.path(), builder, |reporter| {
        assert_eq!((0..50).filter(|_| !reporter.log("n", ()).is_accepted()).count(), 41);
        let directory = reporter.health().spool.unwrap().directory;
        let file = fs::read_dir(directory).unwrap().next().unwrap().unwrap().path();
        let began = Instant::now();
        while fs::read(&file).unwrap()[QUEUE_FULL] != 41 {
            assert!(began.elapsed() < DEADLINE, "it is kept nowhere");
            reporter.blocking_flush(Duration::from_millis(10));
        }
    });
    assert_eq!(recover(&spool, &peer).sessions, 1);
    let arrived = stored(&peer, "life");
    let told: Vec<_> = arrived.iter().filter(|event| event["event_name"] == "telemetry.dropped").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["event_data"], json!({"queue_full": 41}));
}

#[test]
fn a_written_file_takes_room_only_for_what_was_written() {
    let spool = Spool::new();
    let reporter = started(Reporter::builder("s").spool(spool.path()).durability(Durability::Write));
    log(&reporter, 3);
    let du = Command::new("du").args(["-k", "-s"]).arg(spool.path()).output().unwrap();
    let kilobytes: u64 = String::from_utf8(du.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(kilobytes < 100, "{kilobytes} KiB for three events");
    assert_eq!(fs::metadata(&spool.files()[0]).unwrap().len(), 16_384 + 512 * 1_024);
    reporter.blocking_stop(DEADLINE);
    assert!(spool.files().is_empty());
}

#[test]
fn a_queue_of_more_than_is_usual_is_read_and_found_again_mapped_or_written() {
    for asked in [Durability::ProcessDeath, Durability::Write] {
        let (spool, peer) = (Spool::new(), Peer::start());
        peer.down();
        // In a file of 128 MiB and a little more.
        let builder = spooled("large", spool.path(), &peer.url()).durability(asked).max_queue_bytes(100 << 20);
        let reporter = builder.start().unwrap();
        assert_eq!(reporter.health().durability, asked, "{:?}", reporter.health().spool);
        log(&reporter, 3);
        let entries = Directory::existing(spool.path()).unwrap().entries().unwrap();
        assert_eq!(entries[0].read().unwrap().batches().map(|batch| batch.len()).sum::<usize>(), 4, "{asked}");
        assert_eq!(reporter.blocking_stop(Duration::from_millis(50)).spooled, 5);
        peer.up();
        assert_eq!(recover(&spool, &peer).delivered, 5, "{asked}");
        assert_eq!(kinds(&stored(&peer, "large")), ["SESSION_START", "n", "n", "n", "SESSION_END"]);
    }
}
