//! A run that is followed while another process writes it.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use lastword::runs::{RunStore, Status, Tailed};
use serde_json::json;

use crate::children::{again, is_child};
use crate::support::{PATIENCE, Runs, follow, start};

const PATH: &str = "LASTWORD_TEST_PATH";

#[test]
fn ten_megabytes_of_another_process_arrive_byte_for_byte_and_end_with_the_run() {
    if is_child() {
        let store = RunStore::open(PathBuf::from(std::env::var_os(PATH).unwrap())).unwrap();
        let run = start(&store, "write");
        println!("\nrun {}", run.id());
        std::io::stdin().read_exact(&mut [0]).unwrap();
        // Texts of several bytes a sign, of many lengths: they lie over every border of 64 KiB.
        for number in 0..5_500_usize {
            run.emit("tool_result", json!({"n": number, "text": "\u{1f980}\u{e9}\u{6f22}".repeat(200 + number % 23)}));
        }
        run.end(Status::Completed).unwrap();
        std::process::exit(0);
    }
    let test = "following::ten_megabytes_of_another_process_arrive_byte_for_byte_and_end_with_the_run";
    let runs = Runs::new();
    let mut child = again(test).env(PATH, runs.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let id = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("run ").map(str::to_owned)).unwrap();
    let store = runs.open();
    let mut tail = store.tail(&id).unwrap();
    child.stdin.take().unwrap().write_all(b"g").unwrap();
    let bytes = follow(&mut tail);
    let path = store.directory().join(&id).join("events.jsonl");
    let written = fs::read(&path).unwrap();
    assert!(written.len() > 10 * 1024 * 1024, "{}", written.len());
    assert!(bytes == written, "{} bytes of {}", bytes.len(), written.len());
    assert!(child.wait().unwrap().success());
    // One that has ended already comes whole as well.
    assert!(follow(&mut store.tail(&id).unwrap()) == written);
}

#[test]
fn a_tail_ends_when_the_process_is_killed_and_hands_on_what_was_torn() {
    if is_child() {
        let store = RunStore::open(PathBuf::from(std::env::var_os(PATH).unwrap())).unwrap();
        let run = start(&store, "die");
        println!("\nrun {}", run.id());
        loop {
            std::thread::park();
        }
    }
    let test = "following::a_tail_ends_when_the_process_is_killed_and_hands_on_what_was_torn";
    let runs = Runs::new();
    let mut child = again(test).env(PATH, runs.path()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let id = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("run ").map(str::to_owned)).unwrap();
    let store = runs.open();
    let mut tail = store.tail(&id).unwrap();
    assert!(matches!(tail.next_line(PATIENCE).unwrap(), Tailed::Line(_)));
    assert_eq!(
        tail.next_line(Duration::from_millis(1)).unwrap(),
        Tailed::Nothing,
        "it is as long as its process lives"
    );
    let path = store.directory().join(&id).join("events.jsonl");
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"torn").unwrap();
    let begun = Instant::now();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(tail.next_line(PATIENCE).unwrap(), Tailed::Line(b"{\"torn".to_vec()));
    assert_eq!(tail.next_line(PATIENCE).unwrap(), Tailed::Over);
    assert!(begun.elapsed() < PATIENCE / 2, "it does not wait for anything else");
    assert_eq!(tail.next_line(PATIENCE).unwrap(), Tailed::Over);
}

#[test]
fn a_line_that_is_written_in_pieces_comes_whole() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "pieces");
    let mut tail = store.tail(run.id()).unwrap();
    assert!(matches!(tail.next_line(PATIENCE).unwrap(), Tailed::Line(_)));
    let mut file = OpenOptions::new().append(true).open(run.directory().join("events.jsonl")).unwrap();
    let line = "{\"ts\":1,\"type\":\"\u{1f980}\"}\n".as_bytes();
    for piece in line.chunks(1) {
        assert_eq!(tail.next_line(Duration::ZERO).unwrap(), Tailed::Nothing);
        file.write_all(piece).unwrap();
    }
    assert_eq!(tail.next_line(Duration::ZERO).unwrap(), Tailed::Line(line.to_vec()));
}

#[test]
fn a_run_that_another_tool_writes_is_followed_until_its_summary_says_its_end() {
    let runs = Runs::new();
    let place = runs.path().join("run_theirs");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("events.jsonl"), "{\"ts\":1,\"type\":\"run_start\"}\n").unwrap();
    let summary = |status: &str| {
        format!(
            r#"{{"runId":"run_theirs","objective":"o","status":"{status}","startedAt":1,"eventCount":1,"artifactCount":0}}"#
        )
    };
    fs::write(place.join("summary.json"), summary("running")).unwrap();
    let store = runs.open();
    let mut tail = store.tail("run_theirs").unwrap();
    assert!(matches!(tail.next_line(PATIENCE).unwrap(), Tailed::Line(_)));
    assert_eq!(tail.next_line(Duration::ZERO).unwrap(), Tailed::Nothing);
    fs::write(place.join("summary.json"), summary("completed")).unwrap();
    assert_eq!(tail.next_line(PATIENCE).unwrap(), Tailed::Over);
}
