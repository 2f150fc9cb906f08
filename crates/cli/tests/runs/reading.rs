//! What is shown of runs.

use std::fs;
use std::process::{Command, Stdio};

use lastword::runs::{RunMetadata, Status};
use serde_json::{Value, json};

use crate::support::Runs;

fn sample() -> Runs {
    let runs = Runs::new();
    runs.write(
        "run_mi79lyxi_ab12cd",
        "completed",
        &[
            (0, "run_start", json!({"objective": "Fix the login timeout"})),
            (900, "tool_call", json!({"toolName": "bash", "args": {"command": "cargo test"}})),
            (
                2_900,
                "tool_result",
                json!({"toolName": "bash", "success": false, "durationMs": 2_000, "error": "FAILED"}),
            ),
            (3_000, "error", json!({"message": "no \u{1b}[31m such file"})),
            (151_000, "run_end", json!({"status": "completed"})),
        ],
    );
    runs.write(
        "run_mi79o43i_ffffff",
        "cancelled",
        &[(0, "run_start", json!({"objective": "x".repeat(60)})), (427, "run_end", json!({"status": "cancelled"}))],
    );
    runs
}

#[test]
fn a_run_is_shown_with_its_facts_metrics_artifacts_and_events() {
    let runs = sample();
    fs::write(runs.path().join("run_mi79lyxi_ab12cd/artifacts/plan.md"), "x").unwrap();
    let expected = "\
Run         run_mi79lyxi_ab12cd  [DONE]
Objective   Fix the login timeout
Started     2025-11-20 09:20:34
Ended       2025-11-20 09:23:05 (2m31s)

Metrics
  Duration    2m31s
  Tokens      12,345 (prompt 12,000, completion 345)
  Cost        $0.012346
  Tool calls  2

Artifacts
  plan.md

Timeline
  [>] +0.00s  run_start      Fix the login timeout
  [T] +0.90s  tool_call      bash  command=\"cargo test\"
  [.] +2.90s  tool_result    bash  fail  2000ms  error=\"FAILED\"
  [!] +3.00s  error          no \\u{1b}[31m such file
  [=] +151.00s  run_end        completed
";
    assert_eq!(runs.stdout(&["show", "run_mi79l"]), expected);
    assert_eq!(runs.stdout(&["show", "mi79lyxi"]), expected, "the beginning is enough, without `run_` too");
    let shown: Value = serde_json::from_str(&runs.stdout(&["show", "mi79l", "--json"])).unwrap();
    assert_eq!((&shown["summary"]["status"], &shown["metrics"]["totalTokens"]), (&json!("completed"), &json!(12_345)));
    assert_eq!((shown["events"].as_array().unwrap().len(), &shown["artifacts"]), (5, &json!(["plan.md"])));
}

#[test]
fn runs_are_listed_with_a_count_the_newest_first() {
    let runs = sample();
    let running = runs.start("now");
    let lines: Vec<_> = runs.stdout(&["list"]).lines().map(str::to_owned).collect();
    assert_eq!(lines[0], format!("3 runs in {}", runs.path().display()));
    assert!(
        lines[1].starts_with(&format!("[RUNNING]  {}  ", running.id())) && lines[1].ends_with("  running  now"),
        "{}",
        lines[1]
    );
    let second = format!("[STOP]     run_mi79o43i_ffffff  2025-11-20 09:20:34  427ms    {}…", "x".repeat(49));
    assert_eq!(lines[2], second);
    assert_eq!(lines[3], "[DONE]     run_mi79lyxi_ab12cd  2025-11-20 09:20:34  2m31s    Fix the login timeout");
    let limited = runs.stdout(&["list", "-n", "1"]);
    assert!(limited.starts_with("1 of 3 runs in ") && limited.lines().count() == 2, "{limited}");
    let json = runs.stdout(&["list", "--json"]);
    let ids: Vec<Value> =
        json.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["runId"].clone()).collect();
    assert_eq!(ids, [json!(running.id()), json!("run_mi79o43i_ffffff"), json!("run_mi79lyxi_ab12cd")]);
    let none = Runs::new();
    assert_eq!(none.stdout(&["list"]), format!("no runs in {}\n", none.path().display()));
    let hint = String::from_utf8(none.run(&["list"]).stderr).unwrap();
    assert!(hint.contains("runs that a collector has are at http://") && hint.contains("/runs"), "{hint}");
    let elsewhere = none.stdout(&["list", "--dir", runs.path().to_str().unwrap(), "--json"]);
    assert_eq!(elsewhere.lines().count(), 3, "the flag beats the environment");
}

#[test]
fn a_run_that_is_not_there_is_said_on_standard_error_with_those_that_are() {
    let runs = sample();
    for command in ["show", "tail", "replay", "lineage", "fork", "export"] {
        let output = runs.run(&[command, "run_none"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{command}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("there is no run run_none") && said.contains("lastword runs list"), "{command}: {said}");
    }
    let said = runs.failure(&["show", "run_mi79"]);
    assert!(
        said.contains("several runs") && said.contains("run_mi79lyxi_ab12cd, run_mi79o43i_ffffff")
            || said.contains("run_mi79o43i_ffffff, run_mi79lyxi_ab12cd"),
        "{said}"
    );
    let hostile = runs.failure(&["show", "run_\u{1b}[31m/../x"]);
    assert!(!hostile.contains('\u{1b}'), "{hostile:?}");
    assert_eq!(runs.run(&["show"]).status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let runs = Runs::new();
    let many: Vec<_> = (0..5_000)
        .map(|number| (number, "step_start", json!({"objective": "o", "description": "x".repeat(50)})))
        .collect();
    runs.write("run_1_a", "completed", &many);
    for command in ["show", "tail"] {
        let mut child =
            runs.command(&[command, "run_1_a"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let head = Command::new("head").args(["-n", "1"]).stdin(stdout).output().unwrap();
        assert!(head.status.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{command}");
    }
}

#[test]
fn a_family_is_a_tree_with_what_was_pruned_said() {
    let runs = Runs::new();
    let store = runs.open();
    let root = runs.start("root");
    let child = root.fork("retry", RunMetadata::new()).unwrap();
    let grandchild = child.fork("ab-variant-B", RunMetadata::new()).unwrap();
    let sibling = root.fork("checkpoint-rollback", RunMetadata::new()).unwrap();
    let shown = runs.stdout(&["lineage", child.id()]);
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[0], "family of 4 runs");
    for (line, beginning) in lines[1..].iter().zip([
        root.id().to_owned(),
        format!("└─ {}", child.id()),
        format!("   └─ {}", grandchild.id()),
    ]) {
        assert!(line.starts_with(&beginning), "{shown}");
    }
    let json: Value = serde_json::from_str(&runs.stdout(&["lineage", root.id(), "--json"])).unwrap();
    assert_eq!((&json["familySize"], json["descendants"].as_array().unwrap().len()), (&json!(4), 2));
    let id = root.id().to_owned();
    root.end(Status::Completed).unwrap();
    fs::remove_dir_all(store.directory().join(&id)).unwrap();
    assert!(runs.stdout(&["lineage", sibling.id()]).contains(&format!("{id}  (pruned)")));
}

#[test]
fn a_fork_waits_for_the_process_that_takes_it_over() {
    let runs = sample();
    let id = runs.stdout(&["fork", "mi79l", "--reason", "retry", "--tag", "again"]).trim().to_owned();
    let run = runs.open().attach(&id).unwrap();
    assert_eq!(run.summary().objective, "[fork:retry] Fix the login timeout");
    run.end(Status::Completed).unwrap();
    let json: Value = serde_json::from_str(&runs.stdout(&["fork", "mi79l", "--json"])).unwrap();
    assert_eq!((&json["parentRolloutId"], &json["forkReason"]), (&json!("run_mi79lyxi_ab12cd"), &json!("retry")));
}

#[test]
fn an_export_is_opened_without_the_store() {
    let runs = sample();
    let file = runs.path().join("run.json");
    let path = file.to_str().unwrap();
    let output = runs.run(&["export", "mi79l", "-o", path]);
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 run in "));
    let elsewhere = Runs::new();
    let shown = elsewhere.stdout(&["show", "--file", path]);
    assert_eq!(shown, runs.stdout(&["show", "mi79l"]));
    let all: Value = serde_json::from_str(&runs.stdout(&["export", "--all"])).unwrap();
    assert_eq!((&all["format"], all["runs"].as_array().unwrap().len()), (&json!("lastword-runs"), 2));
    fs::write(&file, all.to_string()).unwrap();
    let said = elsewhere.failure(&["show", "--file", path]);
    assert!(said.contains("has these runs: run_mi79"), "{said}");
    assert!(elsewhere.stdout(&["show", "--file", path, "mi79o"]).contains("[STOP]"));
    fs::write(&file, "{}").unwrap();
    assert!(elsewhere.failure(&["show", "--file", path]).contains("it is no export of runs"));
    assert_eq!(runs.run(&["export", "mi79l", "--value-bytes", "100"]).status.code(), Some(2), "beyond its bounds");
}

#[test]
fn what_was_said_is_found_and_what_differs_is_shown() {
    let runs = sample();
    let found = runs.stdout(&["search", "LOGIN", "timeout"]);
    assert!(
        found.starts_with("1 place") && found.contains("run_mi79lyxi_ab12cd") && found.contains("summary"),
        "{found}"
    );
    assert_eq!(runs.stdout(&["search", "nowhere"]), "found nowhere\n");
    let hit: Value = serde_json::from_str(&runs.stdout(&["search", "such file", "--json"])).unwrap();
    assert_eq!((&hit["place"], &hit["name"]), (&json!("event"), &json!("error")));
    let diff = runs.stdout(&["diff", "mi79l", "mi79o"]);
    for expected in [
        "[DONE]",
        "[STOP]",
        "bash            1 call, 1 failed",
        "-   [T] +0.90s  tool_call",
        "+   [=] +0.42s  run_end        cancelled",
    ] {
        assert!(diff.contains(expected), "{expected}\n{diff}");
    }
    let json: Value = serde_json::from_str(&runs.stdout(&["diff", "mi79l", "mi79o", "--json"])).unwrap();
    assert_eq!(json["tools"][0], json!({"tool": "bash", "calls": [1, 0], "failed": [1, 0]}));
}
