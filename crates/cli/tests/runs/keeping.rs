//! `lastword runs prune` and `doctor`.

use std::fs;

use lastword::runs::Status;
use serde_json::{Value, json};

use crate::support::Runs;

#[test]
fn runs_are_pruned_only_with_yes_and_none_that_runs() {
    let runs = Runs::new();
    let running = runs.start("running");
    for _ in 0..3 {
        runs.start("short").end(Status::Completed).unwrap();
    }
    let said = runs.stdout(&["prune", "--keep", "1"]);
    assert!(said.contains("would be removed: 3 runs; --yes removes them"), "{said}");
    assert_eq!(runs.open().ids().unwrap().len(), 4);
    let pruned: Value = serde_json::from_str(&runs.stdout(&["prune", "--keep", "1", "--yes", "--json"])).unwrap();
    assert_eq!((pruned["removed"].as_array().unwrap().len(), &pruned["failed"]), (3, &json!([])));
    assert_eq!(runs.open().ids().unwrap(), [running.id()]);
}

#[test]
fn the_doctor_says_what_is_wrong_and_mends_it_when_asked() {
    let runs = Runs::new();
    runs.write("run_1_a", "running", &[(0, "run_start", json!({"objective": "old"}))]);
    let ended = runs.start("ended").end(Status::Completed).unwrap().run_id;
    fs::write(runs.path().join(&ended).join("artifacts/.x.new"), "").unwrap();
    let said = runs.failure(&["doctor"]);
    assert!(said.contains("wrong, and not mended: 2 things") && said.contains("--repair"), "{said}");
    let output = runs.run(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut kinds: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!((&report["schemaVersion"], kinds), (&json!(1), vec!["left_over", "stale"]));
    assert!(runs.stdout(&["doctor", "--repair"]).contains("2 mended"));
    assert!(runs.stdout(&["doctor"]).contains("all is well"));
    assert!(runs.stdout(&["list"]).contains("[FAIL]     run_1_a"));
}
