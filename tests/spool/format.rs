//! The format as docs/spool-format.md has it: a reader in another language, written from that page, finds in each file what
//! the library finds.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lastword::event::Body;
use lastword::spool::{Directory, Queue};
use lastword::testing::{Fault, FaultySink};
use lastword::{Builder, Durability, Reporter, Severity, wire};
use serde_json::{Value, json};

use crate::peers::Peer;
use crate::support::{DEADLINE, Spool, childs, is_child, leave, leave_for, log, read_until, spooled, start};

/// What the other reader prints of a file; `None` where it says that it can't be read.
fn read_by_python(file: &Path) -> Option<Vec<Value>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suites/read_spool.py");
    let output = Command::new("python3").arg(script).arg(file).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        assert!(complaint.starts_with("no ") || complaint == "another version\n", "{complaint}");
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn has_python() -> bool {
    let has_it = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has_it {
        println!("SKIPPED: there is no python3");
        assert!(std::env::var_os("CI").is_none(), "CI has python3");
    }
    has_it
}

/// What the library finds in a file, in the same form.
fn read_by_us(queue: &Queue) -> Vec<Value> {
    let mut events = Vec::new();
    for batch in queue.batches() {
        for event in batch.events() {
            let view = event.view().unwrap();
            let mut text = Vec::new();
            wire::write_event(&mut text, event.index(), event.id(&view), &view).unwrap();
            let mut said: Value = serde_json::from_slice(&text).unwrap();
            let fields = said.as_object_mut().unwrap();
            // As they stand in the file.
            fields.remove("timestamp");
            fields.insert("nanos".into(), json!(view.time().unix_nanos()));
            if let Body::SessionEnd { duration } = view.body() {
                fields.remove("duration");
                fields.insert("micros".into(), json!(u64::try_from(duration.as_micros()).unwrap()));
            }
            if let Body::UnhandledException { traceback: None, .. } = view.body() {
                fields.insert("traceback".into(), Value::Null);
            }
            events.push(said);
        }
    }
    events
}

/// Checks that both find the same in each file of a spool; returns how many events and torn records that is in all.
fn assert_same(spool: &Path) -> (usize, u64) {
    let (mut events, mut torn) = (0, 0);
    let entries = Directory::existing(spool).unwrap().entries().unwrap();
    assert!(!entries.is_empty());
    for entry in entries {
        let theirs = read_by_python(&entry.path);
        let Ok(queue) = entry.read() else {
            assert!(theirs.is_none(), "{}: only we can't read it", entry.path.display());
            continue;
        };
        let theirs = theirs.unwrap_or_else(|| panic!("{}: only we can read it", entry.path.display()));
        let ours = read_by_us(&queue);
        assert_eq!(theirs[1..], ours[..], "{}", entry.path.display());
        let facts = &theirs[0];
        assert_eq!(facts["label"]["session_id"], queue.session_id());
        assert_eq!(facts["label"]["process_uuid"], queue.process_uuid().to_string());
        assert_eq!(facts["label"]["pid"], queue.pid());
        assert_eq!(facts["label"]["started_unix_nanos"], queue.started().unix_nanos());
        assert_eq!((&facts["records"], &facts["torn"]), (&json!(queue.waiting()), &json!(queue.torn())));
        assert_eq!(facts["cause"] != 0, queue.signal().is_some());
        let sinks = facts["label"]["sinks"].as_array().unwrap();
        for (place, target) in queue.targets().into_iter().enumerate() {
            assert_eq!(sinks[place]["name"], target.name);
            let to = target.destination.as_ref();
            assert_eq!(sinks[place]["address"].as_str(), to.map(lastword::sink::Destination::address));
            assert_eq!(sinks[place]["key"].as_str(), to.and_then(lastword::sink::Destination::key));
        }
        (events, torn) = (events + ours.len(), torn + queue.torn());
    }
    (events, torn)
}

/// A session for a sink that takes nothing.
fn builder() -> Builder {
    Reporter::builder("life").sink(FaultySink::new().afterwards(Fault::Transient))
}

#[test]
fn every_kind_of_event_and_of_value_is_read_by_another_reader_as_by_us() {
    if !has_python() {
        return;
    }
    let spool = Spool::new();
    leave(spool.path(), builder(), |reporter| {
        let text = "é".repeat(70_000);
        let values = json!({
            "small": [0, 127, 128, 255, 256, 65_535, 65_536, u64::MAX, -1, -32, -33, -128, -129, -32_769, i64::MIN],
            "others": [null, true, false, 1.5, -0.25, 1e300, "", "x".repeat(31), "x".repeat(32), "x".repeat(300), text],
            "nested": {"list": (0..100).collect::<Vec<_>>(), "map": {"": {"deep": [[[]]]}}},
        });
        assert!(reporter.log_with(Severity::Critical, "values", values).is_accepted());
        let many: std::collections::BTreeMap<_, _> = (0..12_000).map(|key| (format!("{key}"), key % 3)).collect();
        assert!(reporter.log("many", many).is_accepted());
        for severity in Severity::ALL {
            assert!(reporter.log_with(severity, severity.as_str(), ()).is_accepted());
        }
        lastword::event!(reporter, "wide", least = i128::MIN, most = u128::MAX);
        assert!(reporter.log_error("no traceback").is_accepted());
        reporter.blocking_log_fatal(&std::io::Error::other(std::fmt::Error));
    });
    let (events, torn) = assert_same(spool.path());
    assert!(events >= 11 && torn == 0, "{events} events");
}

#[test]
fn queues_that_went_around_were_killed_written_to_and_taken_over_are_read_as_by_us() {
    if is_child() {
        let reporter = childs("child").max_queue_bytes(512 * 1024).start().unwrap();
        lastword::crash::install(&reporter).unwrap();
        log(&reporter, 300);
        println!("logged");
        std::process::abort();
    }
    if !has_python() {
        return;
    }
    let (spool, peer) = (Spool::new(), Peer::start());
    let test = "format::queues_that_went_around_were_killed_written_to_and_taken_over_are_read_as_by_us";
    peer.down();
    let mut child = start(test, &spool, &peer.url());
    read_until(&mut child, "logged");
    child.wait().unwrap();
    peer.up();
    for level in [Durability::ProcessDeath, Durability::Write] {
        // Some of its events are delivered and freed, again and again.
        let own = Spool::new();
        let builder = spooled("lapped", own.path(), &peer.url()).durability(level).flush_threshold(1_000_000);
        let reporter = builder.max_queue_bytes(512 * 1024).start().unwrap();
        for round in 0..5_usize {
            for i in 0..200 {
                assert!(reporter.log("n", json!({"i": i, "x": "x".repeat(700 + round)})).is_accepted());
            }
            assert!(reporter.blocking_flush(DEADLINE).is_drained());
        }
        log(&reporter, 50);
        let file = own.files().remove(0);
        fs::copy(&file, spool.path().join(file.file_name().unwrap())).unwrap();
        reporter.blocking_stop(DEADLINE);
    }
    peer.down();
    let (events, torn) = assert_same(spool.path());
    assert_eq!((events, torn), (50 + 50 + 301, 0));
    // Taken over by somebody who can't deliver them.
    let finder = spooled("finder", spool.path(), &peer.url()).max_queue_bytes(512 * 1024).start().unwrap();
    let began = Instant::now();
    while finder.stats().recovered.sessions < 3 {
        assert!(began.elapsed() < DEADLINE, "{:?}", finder.stats().recovered);
        std::thread::yield_now();
    }
    finder.blocking_stop(Duration::ZERO);
    let (events, torn) = assert_same(spool.path());
    assert_eq!((events, torn), (52 + 52 + 303 + 2, 0), "each says that it was recovered");
}

#[test]
fn damaged_files_are_read_as_by_us() {
    if !has_python() {
        return;
    }
    let (spool, source) = (Spool::new(), Spool::new());
    let file = fs::read(leave_for(source.path(), "life", "http://127.0.0.1:9", 40)).unwrap();
    let put = |name: &str, damage: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = file.clone();
        damage(&mut bytes);
        fs::write(spool.path().join(format!("{name}.ring")), bytes).unwrap();
    };
    put("whole", &|_| {});
    let mut random = 7_u64;
    for case in 0..20 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (from, to) = [(0, 64), (512, 4_096), (4_096, 4_400), (16_384, 20_000)][case % 4];
        let bit = from * 8 + (random >> 33) as usize % ((to - from) * 8);
        put(&format!("bit-{bit}"), &|bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
    for length in [0, 40, 4_100, 16_384, 18_000, 19_999] {
        put(&format!("cut-at-{length}"), &|bytes| bytes.truncate(length));
    }
    put("no-tails", &|bytes| bytes[1_088..1_144].fill(1));
    put("no-tails-and-holes", &|bytes| {
        bytes[1_088..1_144].fill(1);
        bytes[17_000..17_600].fill(0);
    });
    put("future", &|bytes| bytes[8] = 3);
    put("jump", &|bytes| bytes[516..520].fill(0xff));
    let (events, torn) = assert_same(spool.path());
    assert!(events > 40 * 15 && torn > 20, "{events} events, {torn} torn");
}
