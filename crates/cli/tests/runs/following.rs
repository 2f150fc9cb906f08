//! `lastword runs tail`, beside a process that writes.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use lastword::runs::Status;
use serde_json::json;

use crate::children::{again, is_child};
use crate::common::Running;
use crate::support::Runs;

#[test]
fn each_event_is_shown_as_it_happens_and_the_end_ends_it() {
    let runs = Runs::new();
    let run = runs.start("watched");
    let mut tail = Running::start(runs.command(&["tail", run.id()]).stdout(Stdio::piped()));
    let mut lines = BufReader::new(tail.child().stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), format!("Following  {}  watched", run.id()));
    assert_eq!(lines.next().unwrap(), "  [>] +0.00s  run_start      watched");
    run.emit("step_start", json!({"description": "now"}));
    let line = lines.next().unwrap();
    assert!(line.starts_with("  [+] +") && line.ends_with("s  step_start     now"), "{line}");
    run.end(Status::Completed).unwrap();
    assert!(lines.next().unwrap().ends_with("run_end        completed"));
    assert!(lines.next().unwrap().starts_with("[DONE]  completed after "));
    assert_eq!(lines.next(), None);
    assert!(tail.wait().success());
}

#[test]
fn a_large_run_is_followed_byte_for_byte_to_the_death_of_its_process() {
    const PATH: &str = "LASTWORD_RUNS_DIR";
    if is_child() {
        let store = lastword::runs::RunStore::open(std::env::var_os(PATH).unwrap()).unwrap();
        let run = store.start("large", lastword::runs::RunMetadata::new()).unwrap();
        println!("\nrun {}", run.id());
        for number in 0..5_500_usize {
            run.emit("tool_result", json!({"n": number, "text": "\u{1f980}\u{e9}\u{6f22}".repeat(200 + number % 23)}));
        }
        println!("written");
        loop {
            std::thread::park();
        }
    }
    let runs = Runs::new();
    let mut child = again("following::a_large_run_is_followed_byte_for_byte_to_the_death_of_its_process");
    let mut child = child.env(PATH, runs.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let id = lines.by_ref().find_map(|line| line.strip_prefix("run ").map(str::to_owned)).unwrap();
    let mut tail = Running::start(runs.command(&["tail", &id, "--json"]).stdout(Stdio::piped()));
    let mut stdout = tail.child().stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        bytes
    });
    assert_eq!(lines.next().unwrap(), "written");
    child.kill().unwrap();
    child.wait().unwrap();
    let bytes = reader.join().unwrap();
    assert!(tail.wait().success());
    let written = std::fs::read(runs.path().join(&id).join("events.jsonl")).unwrap();
    assert!(written.len() > 10 * 1024 * 1024 && bytes == written, "{} bytes of {}", bytes.len(), written.len());
    let shown = runs.stdout(&["list"]);
    assert!(shown.contains(&format!("[FAIL]     {id}")), "{shown}");
}

#[test]
fn a_run_that_goes_on_is_left_after_the_time_that_was_given() {
    let runs = Runs::new();
    let run = runs.start("long");
    let said = runs.failure(&["tail", run.id(), "--timeout", "10ms"]);
    assert!(said.contains("has not ended after 10ms"), "{said}");
    assert_eq!(run.end(Status::Completed).unwrap().event_count, 2, "and is as it was");
}
