//! Runs whose process is gone, and runs of processes that live.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use lastword::runs::{RunStore, Status};
use serde_json::json;

use crate::children::{again, is_child};
use crate::support::{Runs, events, kinds, names, start};

const PATH: &str = "LASTWORD_TEST_PATH";

/// Starts a run, says its id, and lives until it is killed.
fn live_with_a_run() {
    let store = RunStore::open(PathBuf::from(std::env::var_os(PATH).unwrap())).unwrap();
    let run = start(&store, "interrupted");
    for _ in 0..100 {
        run.emit("tool_call", json!({"toolName": "bash"}));
    }
    run.save_artifact("plan.md", "x").unwrap();
    run.update_metrics(|metrics| metrics.total_tokens += 42);
    println!("\nrun {}", run.id());
    loop {
        std::thread::park();
    }
}

/// A process that has a run; returns it and the run's id.
fn process_with_a_run(test: &str, runs: &Runs) -> (Child, String) {
    let mut child = again(test).env(PATH, runs.path()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let id = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("run ").map(str::to_owned)).unwrap();
    (child, id)
}

#[test]
fn a_run_whose_process_was_killed_has_failed_with_all_it_did_and_one_that_lives_is_left_alone() {
    if is_child() {
        live_with_a_run();
    }
    let test = "owners::a_run_whose_process_was_killed_has_failed_with_all_it_did_and_one_that_lives_is_left_alone";
    let runs = Runs::new();
    let ((mut dead, killed), (mut living, alive)) = (process_with_a_run(test, &runs), process_with_a_run(test, &runs));
    dead.kill().unwrap();
    dead.wait().unwrap();
    let store = runs.builder().without_recovery().open().unwrap();
    assert!(!store.is_alive(&killed) && store.is_alive(&alive));
    assert_eq!(store.recover().unwrap(), std::slice::from_ref(&killed));
    let record = store.get(&killed).unwrap();
    assert_eq!((record.summary.status, record.summary.abandoned), (Status::Failed, true));
    assert_eq!((record.summary.event_count, record.summary.artifact_count), (104, 1));
    assert_eq!((record.metrics.tool_call_count, record.metrics.total_tokens), (100, 42));
    let events = events(&store, &killed);
    assert_eq!(record.summary.ended_at, Some(events[102].ts), "it ended with its last event");
    assert_eq!((events.len(), &events[103].data), (104, &json!({"status": "failed", "abandoned": true})));
    assert_eq!(store.get(&alive).unwrap().summary.status, Status::Running);
    assert_eq!(names(&runs.path().join(".running")), [alive]);
    living.kill().unwrap();
    living.wait().unwrap();
    assert_eq!(
        runs.open().list(9).unwrap().iter().filter(|summary| summary.abandoned).count(),
        2,
        "the next open ends it"
    );
}

/// A run as a killed process leaves it: the marker is there, and nobody has it.
fn left_behind(runs: &Runs, change: impl FnOnce(&RunStore, &str)) -> String {
    let store = runs.open();
    let run = start(&store, "left");
    run.emit("tool_call", json!({"n": 1}));
    let id = run.hand_over().unwrap();
    fs::write(runs.path().join(".running").join(&id), "1").unwrap();
    change(&store, &id);
    id
}

#[test]
fn a_line_that_was_torn_is_skipped_by_readers_and_cut_off_by_whoever_writes_next() {
    let runs = Runs::new();
    let append = |store: &RunStore, id: &str, text: &str| {
        let path = store.directory().join(id).join("events.jsonl");
        OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let id = left_behind(&runs, |store, id| {
        append(store, id, "no event\n{\"ts\":1,\"ru");
        let mut events = store.events(id).unwrap();
        assert_eq!((events.by_ref().map(Result::unwrap).count(), events.skipped()), (2, 2));
    });
    let store = runs.open();
    assert_eq!(kinds(&store, &id), ["run_start", "tool_call", "run_end"]);
    let text = fs::read_to_string(store.directory().join(&id).join("events.jsonl")).unwrap();
    assert_eq!((text.lines().count(), text.contains("\"ru{")), (4, false), "{text}");
    // What lacks nothing but its end is an event.
    let id = left_behind(&runs, |store, id| append(store, id, "{\"ts\":1700000000000,\"type\":\"last\"}"));
    assert_eq!(kinds(&runs.open(), &id), ["run_start", "tool_call", "last", "run_end"]);
}

#[test]
fn a_run_that_had_said_its_end_ended_so_whatever_its_summary_says() {
    let runs = Runs::new();
    let id = left_behind(&runs, |store, id| {
        let path = store.directory().join(id).join("events.jsonl");
        let end = format!(
            "{{\"ts\":1800000000000,\"runId\":\"{id}\",\"type\":\"run_end\",\"data\":{{\"status\":\"completed\"}}}}\n"
        );
        OpenOptions::new().append(true).open(path).unwrap().write_all(end.as_bytes()).unwrap();
    });
    let store = runs.open();
    let summary = store.get(&id).unwrap().summary;
    assert_eq!(
        (summary.status, summary.abandoned, summary.ended_at),
        (Status::Completed, false, Some(1_800_000_000_000))
    );
    assert_eq!(kinds(&store, &id), ["run_start", "tool_call", "run_end"]);
}

#[test]
fn a_summary_that_was_lost_is_made_anew_from_the_events() {
    let runs = Runs::new();
    let id = left_behind(&runs, |store, id| {
        for file in ["summary.json", "metrics.json"] {
            fs::write(store.directory().join(id).join(file), "").unwrap();
        }
    });
    let record = runs.open().get(&id).unwrap();
    assert_eq!((record.summary.objective.as_str(), record.summary.event_count), ("left", 3));
    assert_eq!(record.metrics.tool_call_count, 1);
}

#[test]
fn what_is_left_of_a_start_that_was_interrupted_is_no_run() {
    let runs = Runs::new();
    let store = runs.open();
    start(&store, "real").end(Status::Completed).unwrap();
    fs::write(runs.path().join(".running/run_interrupted"), "1").unwrap();
    fs::write(runs.path().join(".running/..not a run"), "1").unwrap();
    let store = runs.open();
    assert_eq!(store.list(20).unwrap().len(), 1);
    assert_eq!(names(&runs.path().join(".running")), ["..not a run"]);
}

#[test]
fn a_line_that_is_longer_than_any_event_costs_a_run_that_is_ended_none_of_those_behind_it() {
    let runs = Runs::new();
    let id = left_behind(&runs, |store, id| {
        let path = store.directory().join(id).join("events.jsonl");
        let huge = format!("{{\"ts\":5,\"type\":\"huge\",\"data\":\"{}\"}}\n", "x".repeat(5 * 1024 * 1024));
        let behind = "{\"ts\":1700000000000,\"type\":\"behind\"}\n{\"ts\":17000";
        OpenOptions::new().append(true).open(path).unwrap().write_all((huge + behind).as_bytes()).unwrap();
    });
    let store = runs.open();
    assert_eq!(kinds(&store, &id), ["run_start", "tool_call", "behind", "run_end"]);
    let length = fs::metadata(store.directory().join(&id).join("events.jsonl")).unwrap().len();
    assert!(length > 5 * 1024 * 1024, "the long line stays where it is");
}
