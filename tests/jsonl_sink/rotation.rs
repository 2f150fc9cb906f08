//! Rotation: by size, by day, what is kept, what is left alone, and what a kill leaves half done.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use lastword::clock::Timestamp;
use lastword::sink::Jsonl;
use lastword::testing::ManualClock;

use crate::support::{DEADLINE, Logs, SMALL, deliver, events, lines, numbers, reporter};

/// 2023-11-14T23:59:59Z.
const LATE_NANOS: u64 = 1_700_006_399_000_000_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A sink with small files, of which a batch of one event with 4,000 bytes fills one.
fn small(logs: &Logs) -> Jsonl {
    Jsonl::new(logs.path()).rotate_at_bytes(SMALL)
}

#[test]
fn a_full_file_gets_the_next_number_and_only_the_newest_are_kept() {
    let logs = Logs::new();
    let sink = small(&logs).keep(3);
    for i in 0..10 {
        deliver(&sink, &events(i, 1, 3_500)).unwrap();
    }
    assert_eq!(logs.names(), ["events.000007.jsonl", "events.000008.jsonl", "events.000009.jsonl", "events.jsonl"]);
    assert_eq!(numbers(&logs.all_lines()), [6, 7, 8, 9]);
    assert_eq!(sink.counts().rotated(), 9);
}

#[test]
fn a_file_is_never_larger_than_it_may_be_but_for_one_batch_that_is() {
    let logs = Logs::new();
    let sink = small(&logs).keep(1_000);
    for i in 0..50 {
        deliver(&sink, &events(i * 3, 3, 100)).unwrap();
    }
    for name in logs.names() {
        assert!(fs::metadata(logs.at(&name)).unwrap().len() <= SMALL, "{name}");
    }
    assert_eq!(numbers(&logs.all_lines()).len(), 150);
    deliver(&sink, &events(150, 100, 100)).unwrap();
    assert_eq!(lines(&logs.path()).len(), 100, "a batch is in one file");
}

#[test]
fn a_day_that_is_over_begins_a_new_file_where_that_was_asked_for() {
    for (daily, files) in [(true, 3), (false, 1)] {
        let (logs, clock) = (Logs::new(), ManualClock::new(Timestamp::from_unix_nanos(LATE_NANOS)));
        let sink = Jsonl::new(logs.path()).rotate_daily(daily).clock(clock.clock());
        deliver(&sink, &events(0, 1, 0)).unwrap();
        clock.advance(Duration::from_millis(999));
        deliver(&sink, &events(1, 1, 0)).unwrap();
        assert_eq!(logs.names().len(), 1, "not before midnight");
        clock.advance(Duration::from_millis(1));
        deliver(&sink, &events(2, 1, 0)).unwrap();
        deliver(&sink, &events(3, 1, 0)).unwrap();
        clock.advance(DAY * 3);
        deliver(&sink, &events(4, 1, 0)).unwrap();
        assert_eq!((logs.names().len(), numbers(&logs.all_lines())), (files, vec![0, 1, 2, 3, 4]));
        if daily {
            assert_eq!(numbers(&lines(&logs.at("events.000001.jsonl"))), [0, 1]);
            assert_eq!(numbers(&lines(&logs.at("events.000002.jsonl"))), [2, 3]);
        }
    }
}

#[test]
fn an_hour_that_is_over_begins_a_new_file_where_that_was_asked_for() {
    let (logs, clock) = (Logs::new(), ManualClock::new(Timestamp::from_unix_nanos(LATE_NANOS)));
    let sink = Jsonl::new(logs.path()).rotate_hourly(true).clock(clock.clock());
    for i in 0..5 {
        deliver(&sink, &events(i, 1, 0)).unwrap();
        clock.advance(DAY / 48);
    }
    assert_eq!(logs.names(), ["events.000001.jsonl", "events.000002.jsonl", "events.jsonl"]);
    assert_eq!(numbers(&lines(&logs.at("events.000002.jsonl"))), [1, 2]);
    assert_eq!(numbers(&lines(&logs.path())), [3, 4]);
}

#[test]
fn a_clock_that_is_set_back_rotates_nothing() {
    let (logs, clock) = (Logs::new(), ManualClock::new(Timestamp::from_unix_nanos(LATE_NANOS)));
    let sink = Jsonl::new(logs.path()).rotate_daily(true).clock(clock.clock());
    deliver(&sink, &events(0, 1, 0)).unwrap();
    clock.set(Timestamp::from_unix_nanos(LATE_NANOS - 5 * 24 * 3_600 * 1_000_000_000));
    deliver(&sink, &events(1, 1, 0)).unwrap();
    assert_eq!(logs.names(), ["events.jsonl"]);
}

#[test]
fn a_file_of_an_earlier_day_that_is_found_is_rotated_first() {
    for (written, files) in [(LATE_NANOS, 1), (LATE_NANOS - 24 * 3_600 * 1_000_000_000, 2)] {
        let (logs, clock) = (Logs::new(), ManualClock::new(Timestamp::from_unix_nanos(LATE_NANOS)));
        deliver(&Jsonl::new(logs.path()), &events(0, 1, 0)).unwrap();
        let file = File::options().append(true).open(logs.path()).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(written)).unwrap();
        deliver(&Jsonl::new(logs.path()).rotate_daily(true).clock(clock.clock()), &events(1, 1, 0)).unwrap();
        assert_eq!((logs.names().len(), numbers(&logs.all_lines())), (files, vec![0, 1]));
    }
}

#[test]
fn no_name_that_is_taken_is_used_again_and_nothing_but_rotated_files_is_removed() {
    let logs = Logs::new();
    fs::write(logs.at("events.000007.jsonl"), "{}\n").unwrap();
    fs::write(logs.at("events.1.jsonl"), "mine\n").unwrap();
    fs::write(logs.at("events.000001.jsonl.gz"), "mine\n").unwrap();
    fs::write(logs.at("other.000099.jsonl"), "mine\n").unwrap();
    fs::create_dir(logs.at("events.000008.jsonl")).unwrap();
    fs::write(logs.at("target"), "").unwrap();
    symlink(logs.at("target"), logs.at("events.000009.jsonl")).unwrap();
    let sink = small(&logs).keep(2);
    for i in 0..5 {
        deliver(&sink, &events(i, 1, 4_000)).unwrap();
    }
    assert_eq!(
        logs.names(),
        [
            "events.000001.jsonl.gz",
            "events.000008.jsonl",
            "events.000009.jsonl",
            "events.000012.jsonl",
            "events.000013.jsonl",
            "events.1.jsonl",
            "events.jsonl",
            "other.000099.jsonl",
            "target"
        ]
    );
    for mine in ["events.1.jsonl", "events.000001.jsonl.gz", "other.000099.jsonl"] {
        assert_eq!(fs::read_to_string(logs.at(mine)).unwrap(), "mine\n");
    }
    assert_eq!(fs::read_to_string(logs.at("target")).unwrap(), "");
}

#[test]
fn a_rotation_that_ended_after_any_of_its_steps_is_finished_by_the_next() {
    // The name was made.
    let logs = Logs::new();
    deliver(&small(&logs), &events(0, 1, 4_000)).unwrap();
    File::create_new(logs.at("events.000001.jsonl")).unwrap();
    deliver(&small(&logs), &events(1, 1, 4_000)).unwrap();
    assert_eq!(logs.names(), ["events.000001.jsonl", "events.jsonl"]);
    assert_eq!(numbers(&logs.all_lines()), [0, 1]);

    // The log was renamed, and nothing stands at its path.
    fs::rename(logs.path(), logs.at("events.000002.jsonl")).unwrap();
    deliver(&small(&logs), &events(2, 1, 4_000)).unwrap();
    assert_eq!(numbers(&logs.all_lines()), [0, 1, 2]);

    // Not all that are too old were removed.
    deliver(&small(&logs).keep(1), &events(3, 1, 4_000)).unwrap();
    assert_eq!(logs.names(), ["events.000003.jsonl", "events.jsonl"]);
}

#[test]
fn a_file_that_somebody_else_moves_away_or_cuts_is_followed() {
    let logs = Logs::new();
    let sink = Jsonl::new(logs.path());
    deliver(&sink, &events(0, 2, 0)).unwrap();
    fs::rename(logs.path(), logs.at("moved")).unwrap();
    deliver(&sink, &events(2, 1, 0)).unwrap();
    assert_eq!((numbers(&lines(&logs.at("moved"))), numbers(&lines(&logs.path()))), (vec![0, 1], vec![2]));
    File::options().write(true).open(logs.path()).unwrap().set_len(0).unwrap();
    deliver(&sink, &events(3, 1, 0)).unwrap();
    assert_eq!(numbers(&lines(&logs.path())), [3]);
    fs::remove_file(logs.path()).unwrap();
    deliver(&sink, &events(4, 1, 0)).unwrap();
    assert_eq!(numbers(&lines(&logs.path())), [4]);
}

#[test]
fn two_sessions_of_one_process_share_a_file_and_its_rotation() {
    let logs = Logs::new();
    let both = ["a", "b"].map(|session| reporter(session, small(&logs).keep(10_000)));
    for i in 0..500 {
        for reporter in &both {
            assert!(reporter.log("n", serde_json::json!({"i": i})).is_accepted());
        }
    }
    for reporter in &both {
        let drain = reporter.blocking_stop(DEADLINE);
        assert!(drain.is_drained(), "{drain}");
    }
    let all = logs.all_lines();
    for session in ["a", "b"] {
        let own: Vec<_> = all.iter().filter(|line| line["session_id"] == session).cloned().collect();
        let mut numbers = numbers(&own);
        numbers.sort_unstable();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    }
}
