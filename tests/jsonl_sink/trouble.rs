//! What can be wrong with a path or a disk: events wait, nothing is half written, and the reason is said.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;

use lastword::sink::{Ack, Jsonl, SinkError};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::children::{again, is_child};
use crate::mounts::Mount;
use crate::support::{DEADLINE, Logs, deliver, events, lines, names, numbers, reason, reporter};

const PATH: &str = "LASTWORD_TEST_PATH";

fn refused_for(logs: &Logs) -> String {
    reason(deliver(&Jsonl::new(logs.path()), &events(0, 1, 10)))
}

#[test]
fn a_link_is_not_followed() {
    let logs = Logs::new();
    fs::write(logs.at("target"), "mine\n").unwrap();
    for target in ["target", "nothing"] {
        symlink(logs.at(target), logs.path()).unwrap();
        let said = refused_for(&logs);
        assert!(said.contains("is a link"), "{said}");
        fs::remove_file(logs.path()).unwrap();
    }
    assert_eq!(
        (fs::read_to_string(logs.at("target")).unwrap(), logs.names()),
        ("mine\n".into(), vec!["target".into()])
    );
}

#[test]
fn a_directory_a_pipe_and_a_file_where_a_directory_should_be_are_no_place_for_lines() {
    let logs = Logs::new();
    fs::create_dir(logs.path()).unwrap();
    let said = refused_for(&logs);
    assert!(said.contains("is no plain file"), "{said}");
    fs::remove_dir(logs.path()).unwrap();

    assert!(Command::new("mkfifo").arg(logs.path()).status().unwrap().success());
    let said = refused_for(&logs);
    assert!(said.contains("is no plain file"), "{said}");
    fs::remove_file(logs.path()).unwrap();

    fs::write(logs.at("file"), "").unwrap();
    let said = reason(deliver(&Jsonl::new(logs.at("file/events.jsonl")), &events(0, 1, 10)));
    assert!(said.contains("Not a directory"), "{said}");
}

#[test]
fn a_file_of_another_user_is_left_alone() {
    let logs = Logs::new();
    fs::write(logs.path(), "theirs\n").unwrap();
    // For root alone: nobody else can give a file away.
    if std::os::unix::fs::chown(logs.path(), Some(12_345), None).is_err() {
        return;
    }
    let said = refused_for(&logs);
    assert!(said.contains("belongs to the user 12345"), "{said}");
    assert_eq!(fs::read_to_string(logs.path()).unwrap(), "theirs\n");
}

#[test]
fn a_file_that_somebody_keeps_locked_is_waited_for_and_no_longer_than_that() {
    let logs = Logs::new();
    let sink = Jsonl::new(logs.path());
    deliver(&sink, &events(0, 1, 10)).unwrap();
    let holder = File::open(logs.path()).unwrap();
    holder.lock().unwrap();
    let said = reason(deliver(&sink, &events(1, 1, 10)));
    assert!(said.contains("was locked by somebody else for 5s"), "{said}");
    holder.unlock().unwrap();
    deliver(&sink, &events(1, 1, 10)).unwrap();
    assert_eq!(numbers(&lines(&logs.path())), [0, 1]);
}

#[test]
fn on_a_full_disk_nothing_stays_half_written_and_events_wait_until_there_is_room() {
    let Some(mount) = Mount::in_memory("size=256k") else { return };
    let path = mount.spool().join("events.jsonl");
    let reporter = reporter("s", Jsonl::new(&path));
    let log = |range: std::ops::Range<u64>| {
        for i in range {
            assert!(reporter.log("n", serde_json::json!({"i": i, "text": "x".repeat(500)})).is_accepted());
        }
    };
    log(0..50);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let before = fs::read(&path).unwrap();
    mount.fill();
    log(50..150);
    let drain = reporter.blocking_flush(std::time::Duration::from_millis(100));
    assert!(!drain.is_drained(), "{drain}");
    let health = reporter.health();
    let said = health.sinks[0].last_error.as_deref().unwrap_or_default();
    assert!(said.contains("No space left on device"), "{said}");
    fs::remove_file(mount.spool().with_file_name("filler")).unwrap();
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    assert!(fs::read(&path).unwrap().starts_with(&before));
    assert_eq!(numbers(&lines(&path)), (0..150).collect::<Vec<_>>(), "each once, in order");
}

#[test]
fn what_a_full_disk_took_of_a_batch_is_cut_off_at_once() {
    let Some(mount) = Mount::in_memory("size=256k") else { return };
    let path = mount.spool().join("events.jsonl");
    let sink = Jsonl::new(&path);
    deliver(&sink, &events(0, 10, 10)).unwrap();
    mount.fill();
    // The page that the file ends in has room for some of it.
    let said = reason(deliver(&sink, &events(10, 50, 1_000)));
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(numbers(&lines(&path)), (0..10).collect::<Vec<_>>());
    // Where there is no room for the name of a rotated file, or for the file that follows it, the log is whole as well.
    let rotating = Jsonl::new(&path).rotate_at_bytes(4_096);
    reason(deliver(&rotating, &events(10, 1, 5_000)));
    let all: Vec<_> = names(&mount.spool()).iter().flat_map(|name| lines(&mount.spool().join(name))).collect();
    assert_eq!(numbers(&all), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_disk_that_is_read_only_is_said_and_tried_again() {
    let Some(mount) = Mount::in_memory("size=256k") else { return };
    fs::create_dir(mount.spool()).unwrap();
    mount.make_read_only();
    let said = reason(deliver(&Jsonl::new(mount.spool().join("events.jsonl")), &events(0, 1, 10)));
    assert!(said.contains("Read-only file system"), "{said}");
}

#[test]
fn a_limit_on_the_size_of_files_ends_nobody_and_rotates_earlier() {
    let test = "trouble::a_limit_on_the_size_of_files_ends_nobody_and_rotates_earlier";
    if is_child() {
        let limit = Rlimit { current: Some(8 * 1024), maximum: Some(8 * 1024) };
        setrlimit(Resource::Fsize, limit).unwrap();
        let sink = Jsonl::new(std::env::var(PATH).unwrap()).keep(100);
        for i in 0..20 {
            assert_eq!(deliver(&sink, &events(i, 1, 1_000)), Ok(Ack::all()));
        }
        assert_eq!(deliver(&sink, &events(20, 20, 1_000)), Err(SinkError::TooLarge), "half of it would do");
        assert!(reason(deliver(&sink, &events(20, 1, 9_000))).contains("files of 8192 bytes at most"));
        return;
    }
    let logs = Logs::new();
    let output = again(test).env(PATH, logs.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(numbers(&logs.all_lines()).len(), 20);
    assert!(logs.names().len() > 2, "{:?}", logs.names());
}
