//! Files that are damaged, that are no queues, or are not ours: never a reason not to start, never in the way of their
//! neighbours, and each is counted.
//!
//! Where something stands in a file is as docs/spool-format.md has it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use lastword::Reporter;
use lastword::reporter::Recovered;
use lastword::testing::{Fault, FaultySink, MemorySink};
use serde_json::Value;

use crate::support::{DEADLINE, Spool, kinds, leave, log};

const HEADER_BYTES: usize = 16_384;
const LABEL: usize = 4_096;
/// Events of the session whose file is damaged, and of its neighbour.
const EVENTS: u64 = 50;
const NEIGHBOURS: u64 = 20;

/// The file of a session that was killed: its events are meant for the sink `memory`.
fn file_of(session: &str, events: u64) -> Vec<u8> {
    let (spool, sink) = (Spool::new(), FaultySink::new().name("memory").afterwards(Fault::Transient));
    fs::read(leave(spool.path(), Reporter::builder(session).sink(sink), |reporter| log(reporter, events))).unwrap()
}

fn damaged_one() -> Vec<u8> {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| file_of("life", EVENTS)).clone()
}

/// What a reporter makes of a spool.
struct Outcome {
    recovered: Recovered,
    life: Vec<Value>,
    files: Vec<String>,
}

impl Outcome {
    /// The numbers that the program gave those of its events that arrived, in their order.
    fn numbers(&self) -> Vec<u64> {
        let numbers = self.life.iter().filter(|event| event["event_name"] == "n");
        numbers.map(|event| event["event_data"]["i"].as_u64().unwrap()).collect()
    }
}

/// A spool with the file of a session's neighbour in it.
fn with_a_neighbour() -> Spool {
    let spool = Spool::new();
    add_a_neighbour(&spool);
    spool
}

fn add_a_neighbour(spool: &Spool) {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    put(spool, "neighbour.ring", FILE.get_or_init(|| file_of("neighbour", NEIGHBOURS)));
}

fn put(spool: &Spool, name: &str, bytes: &[u8]) -> PathBuf {
    let file = spool.path().join(name);
    fs::write(&file, bytes).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// Lets a reporter find a spool with a neighbour in it: that one is delivered wholly, and nothing of the other session is
/// made up.
fn find(spool: &Spool) -> Outcome {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("finder").enabled(true).spool(spool.path()).sink(sink.clone()).start().unwrap();
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    let of = |session: &str| -> Vec<Value> {
        let batches = sink.batches().into_iter().filter(|batch| batch.session_id == session);
        batches.flat_map(|batch| batch.events).collect()
    };
    assert_eq!(of("neighbour").len() as u64, NEIGHBOURS + 3, "the neighbour is delivered");
    let life = of("life");
    for event in life.iter().filter(|event| event["event_name"] == "n") {
        let place = event["event_session_index"].as_u64().unwrap();
        assert_eq!(event["event_data"]["i"].as_u64(), Some(place - 1), "{event}");
    }
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let recovered = reporter.stats().recovered;
    Outcome { recovered, life, files: spool.files().into_iter().map(name).collect() }
}

/// Lets a reporter find a file with these bytes beside its neighbour.
fn find_file(bytes: &[u8]) -> Outcome {
    let spool = with_a_neighbour();
    put(&spool, "life.ring", bytes);
    find(&spool)
}

fn assert_moved_aside(outcome: &Outcome, what: &str) {
    assert_eq!((outcome.recovered.unreadable, outcome.recovered.sessions), (1, 1), "{what}: {:?}", outcome.recovered);
    assert_eq!((outcome.life.len(), &*outcome.files), (0, &["life.unreadable".to_owned()][..]), "{what}");
}

/// Where the records of a file begin, in bytes.
fn records(file: &[u8]) -> Vec<usize> {
    let word = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap());
    let (mut records, mut at) = (Vec::new(), HEADER_BYTES);
    while word(at) & 3 == 2 {
        records.push(at);
        let payload = usize::try_from(word(at) >> 2 & 0x3f_ffff).unwrap();
        at += 24 + payload.next_multiple_of(8);
    }
    assert_eq!(records.len() as u64, EVENTS + 1);
    records
}

#[test]
fn a_record_that_was_being_written_at_the_end_is_counted_and_costs_no_other() {
    let mut file = damaged_one();
    // Reserved, and not committed.
    let last = *records(&file).last().unwrap();
    file[last] ^= 3;
    let outcome = find_file(&file);
    assert_eq!((outcome.recovered.torn, outcome.recovered.dropped.total()), (1, 0));
    assert_eq!(outcome.numbers(), (0..EVENTS - 1).collect::<Vec<_>>());
    let said = &outcome.life[usize::try_from(EVENTS).unwrap()];
    assert_eq!((&said["event_data"]["events"], &said["event_data"]["torn"]), (&Value::from(EVENTS), &Value::from(1)));
    assert_eq!(outcome.files, [""; 0]);
}

#[test]
fn a_damaged_record_in_the_middle_costs_itself_and_its_number() {
    let mut file = damaged_one();
    let records = records(&file);
    for damaged in [3, 4, 20] {
        file[records[damaged] + 30] ^= 0x10;
    }
    let outcome = find_file(&file);
    let expected: Vec<_> = (0..EVENTS).filter(|number| ![2, 3, 19].contains(number)).collect();
    assert_eq!(outcome.numbers(), expected);
    assert_eq!((outcome.recovered.torn, outcome.recovered.dropped.to_string()), (3, "3 (damaged 3)".to_owned()));
    assert_eq!(kinds(&outcome.life).iter().filter(|kind| **kind == "SESSION_END").count(), 1);
    assert_eq!(outcome.files, [""; 0]);
}

#[test]
fn a_file_that_was_cut_off_anywhere_gives_what_is_before_the_cut() {
    let file = damaged_one();
    let records = records(&file);
    let label = LABEL + usize::try_from(u32::from_le_bytes(file[32..36].try_into().unwrap())).unwrap();
    for length in [0, 1, 7, 8, 16, 31, 40, 2_048, LABEL, label - 1, label, HEADER_BYTES, HEADER_BYTES + 30] {
        assert_moved_aside(&find_file(&file[..length]), &format!("{length} bytes"));
    }
    let within = |record: &usize| [*record, *record + 1, *record + 25, *record + 40];
    for length in records[1..].iter().step_by(7).flat_map(within).chain([file.len() - 1]) {
        let outcome = find_file(&file[..length]);
        let numbers = outcome.numbers();
        // What is cut off may be only what fills a record's last word.
        let whole = records[2..].iter().filter(|end| **end <= length).count();
        assert!(numbers.len() >= whole && numbers.len() <= whole + 1, "{length}: {numbers:?}");
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{length}");
        assert_eq!(outcome.recovered.torn + numbers.len() as u64, EVENTS, "{length}");
        assert_eq!(outcome.files, [""; 0], "{length}");
    }
}

#[test]
fn a_bit_that_flips_anywhere_costs_one_event_at_the_most_or_the_file_is_kept() {
    let file = damaged_one();
    let used = *records(&file).last().unwrap() + 100;
    let (mut random, mut kept) = (42_u64, 0);
    for case in 0..200 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The first words, what is kept behind them, the label, the records: each as often.
        let (from, to) = [(0, 64), (512, 3_080), (LABEL, LABEL + 400), (HEADER_BYTES, used)][case % 4];
        let bit = from * 8 + usize::try_from(random >> 33).unwrap() % ((to - from) * 8);
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let outcome = find_file(&flipped);
        if outcome.files.is_empty() {
            let numbers = outcome.numbers();
            assert!(numbers.len() as u64 >= EVENTS - 1, "bit {bit}: {} arrived", numbers.len());
            assert_eq!(outcome.recovered.unreadable, 0, "bit {bit}");
        } else {
            kept += 1;
            assert!(outcome.life.is_empty(), "bit {bit}");
            let is_moved = outcome.files == ["life.unreadable"];
            let is_another_version = outcome.files == ["life.ring"] && (64..128).contains(&bit);
            assert!(is_moved || is_another_version, "bit {bit}: {:?}", outcome.files);
            assert_eq!(outcome.recovered.unreadable, u64::from(is_moved), "bit {bit}");
        }
    }
    assert!((20..180).contains(&kept), "{kept} of 200 files can't be read");
}

#[test]
fn what_is_no_queue_is_moved_aside_and_a_version_of_the_future_is_left_alone() {
    assert_moved_aside(&find_file(b""), "no bytes");
    assert_moved_aside(&find_file(b"no queue at all"), "text");
    assert_moved_aside(&find_file(&[0xa5; 600_000]), "noise");
    assert_moved_aside(&find_file(&[0; 600_000]), "zeroes");
    for version in [1_u64, 3, u64::MAX] {
        let mut file = damaged_one();
        file[8..16].copy_from_slice(&version.to_le_bytes());
        let spool = with_a_neighbour();
        let future = put(&spool, "life.ring", &file);
        let outcome = find(&spool);
        assert_eq!((outcome.recovered.unreadable, &*outcome.files), (0, &["life.ring".to_owned()][..]));
        assert!(fs::read(&future).unwrap() == file, "not a byte of it is changed");
    }
}

#[test]
fn a_damaged_label_has_its_file_moved_aside_and_so_has_one_that_says_nothing() {
    let mut file = damaged_one();
    file[LABEL + 20] ^= 1;
    assert_moved_aside(&find_file(&file), "a bit of the label");
    for label in [b"".as_slice(), b"{}", b"\xff\xfe", b"[1, 2"] {
        let mut file = damaged_one();
        file[LABEL..LABEL + label.len()].copy_from_slice(label);
        file[32..36].copy_from_slice(&u32::try_from(label.len()).unwrap().to_le_bytes());
        file[36..40].copy_from_slice(&crc32c::crc32c(label).to_le_bytes());
        assert_moved_aside(&find_file(&file), "a label with a right check");
    }
}

#[test]
fn a_size_that_the_file_can_not_have_takes_no_memory() {
    for words in [0_u64, 100, 1 << 20, 1 << 30, 1 << 40, u64::MAX] {
        let mut file = damaged_one();
        file[24..32].copy_from_slice(&words.to_le_bytes());
        let outcome = find_file(&file);
        assert_eq!(outcome.files.len(), 1 - usize::from(words == 1 << 20), "{words}: {:?}", outcome.files);
        assert!(outcome.numbers().is_empty() || words == 1 << 20, "{words}");
    }
}

#[test]
fn counters_that_are_damaged_overflow_nothing() {
    let mut file = damaged_one();
    file[2_048..2_048 + 48 * 8].fill(0xff);
    let outcome = find_file(&file);
    assert_eq!(outcome.numbers().len() as u64, EVENTS);
    assert_eq!(outcome.files, [""; 0]);
}

#[test]
fn what_only_looks_like_a_queue_is_left_where_it_is() {
    let (spool, elsewhere) = (with_a_neighbour(), Spool::new());
    let target = put(&elsewhere, "life.ring", &damaged_one());
    symlink(&target, spool.path().join("link.ring")).unwrap();
    fs::create_dir(spool.path().join("directory.ring")).unwrap();
    assert!(Command::new("mkfifo").arg(spool.path().join("fifo.ring")).status().unwrap().success());
    put(&spool, "notes.txt", b"somebody's");
    let outcome = find(&spool);
    assert_eq!((outcome.recovered.sessions, outcome.recovered.unreadable, outcome.life.len()), (1, 0, 0));
    assert_eq!(outcome.files, ["directory.ring", "fifo.ring", "link.ring", "notes.txt"]);
    assert!(fs::symlink_metadata(spool.path().join("fifo.ring")).unwrap().file_type().is_fifo());
    assert!(fs::read(target).unwrap() == damaged_one(), "what a link leads to is not touched");
}

#[test]
fn another_users_file_is_left_alone() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        println!("SKIPPED: only root can give a file to another user");
        return;
    }
    let spool = with_a_neighbour();
    let file = put(&spool, "life.ring", &damaged_one());
    std::os::unix::fs::chown(&file, Some(12_345), None).unwrap();
    let outcome = find(&spool);
    assert_eq!((outcome.recovered.sessions, outcome.life.len(), outcome.files.len()), (1, 0, 1));
    assert!(fs::read(file).unwrap() == damaged_one());
}

#[test]
fn a_file_with_two_names_is_delivered_once() {
    let spool = with_a_neighbour();
    let file = put(&spool, "life.ring", &damaged_one());
    fs::hard_link(&file, spool.path().join("again.ring")).unwrap();
    let first = find(&spool);
    assert_eq!(first.numbers().len() as u64, EVENTS);
    assert!(first.files.len() <= 1, "{:?}", first.files);
    add_a_neighbour(&spool);
    let second = find(&spool);
    assert_eq!((second.life.len(), second.files), (0, Vec::new()), "the other name has nothing new");
}

#[test]
fn beginnings_that_nobody_finished_are_removed_after_a_while() {
    let spool = with_a_neighbour();
    let old = put(&spool, "old.new", b"");
    put(&spool, "young.new", b"");
    let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    fs::File::options().write(true).open(old).unwrap().set_modified(an_hour_ago).unwrap();
    let outcome = find(&spool);
    assert_eq!((outcome.recovered.unreadable, outcome.files), (0, vec!["young.new".to_owned()]));
}
