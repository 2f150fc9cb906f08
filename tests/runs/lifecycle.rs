//! A run from its start to its end, and its forks.

use std::io::Read;

use lastword::Reporter;
use lastword::runs::{RunError, RunMetadata, RunMetrics, RunStore, Status, Written};
use lastword::testing::MemorySink;
use serde_json::json;

use crate::children::{again, is_child};
use crate::support::{Hand, PATIENCE, Runs, events, json as read, kinds, names, start};

#[test]
fn a_run_is_a_directory_of_the_layout_that_other_tools_read() {
    let (runs, hand) = (Runs::new(), Hand::at_ms(1_700_000_000_123));
    let store = runs.builder().clock(hand.clock()).open().unwrap();
    let metadata =
        RunMetadata::new().channel("terminal").tag("bugfix").session_id("s-1").user_id("u-1").cwd("/srv/project");
    let run = store.start("Fix the bug", metadata).unwrap();
    let place = run.directory();
    assert!(run.id().starts_with("run_loyw3v5n_"), "{}", run.id());
    assert_eq!(names(&place), ["artifacts", "events.jsonl", "metrics.json", "summary.json"]);
    assert_eq!(read(place.join("summary.json"))["status"], "running");
    let zero = json!({"totalTokens": 0, "promptTokens": 0, "completionTokens": 0, "totalCost": 0.0, "durationMs": 0,
        "toolCallCount": 0, "failoverCount": 0});
    assert_eq!(read(place.join("metrics.json")), zero);

    hand.pass_ms(250);
    run.emit("tool_call", json!({"toolName": "bash", "args": {"command": "ls -la"}}));
    run.update_metrics(|metrics| {
        metrics.total_tokens += 500;
        metrics.total_cost += 0.01;
    });
    hand.pass_ms(1_250);
    let summary = run.end(Status::Completed).unwrap();
    let metadata =
        json!({"channel": "terminal", "userId": "u-1", "sessionId": "s-1", "tags": ["bugfix"], "cwd": "/srv/project"});
    let expected = json!({"runId": run.id(), "objective": "Fix the bug", "status": "completed", "startedAt": 1_700_000_000_123_u64,
        "endedAt": 1_700_000_001_623_u64, "eventCount": 4, "artifactCount": 0, "metadata": metadata});
    assert_eq!(read(place.join("summary.json")), expected);
    assert_eq!(serde_json::to_value(&summary).unwrap(), expected);
    assert_eq!(read(place.join("metrics.json"))["durationMs"], 1_500);
    let text = std::fs::read_to_string(place.join("events.jsonl")).unwrap();
    let first = format!(
        r#"{{"ts":1700000000123,"runId":"{}","type":"run_start","data":{{"objective":"Fix the bug","metadata":"#,
        run.id()
    );
    assert!(text.starts_with(&first), "{text}");
    let last =
        format!(r#"{{"ts":1700000001623,"runId":"{}","type":"run_end","data":{{"status":"completed"}}}}"#, run.id());
    assert_eq!(text.lines().last().unwrap(), last);
    assert!(
        std::fs::read_to_string(place.join("summary.json")).unwrap().starts_with("{\n  \"runId\""),
        "for people too"
    );
}

#[test]
fn what_a_run_comes_to_is_told_while_it_runs_and_after_its_end() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "count");
    for _ in 0..3 {
        run.emit("tool_call", json!({"toolName": "bash"}));
    }
    run.update_metrics(|metrics| metrics.failover_count = 1);
    let record = store.get(run.id()).unwrap();
    assert_eq!((record.summary.event_count, record.metrics.tool_call_count, record.metrics.failover_count), (5, 3, 1));
    assert_eq!(run.metrics().tool_call_count, 3);
    run.end(Status::Cancelled).unwrap();
    let record = store.get(run.id()).unwrap();
    assert_eq!((record.summary.status, record.summary.event_count), (Status::Cancelled, 6));
    assert_eq!(
        RunMetrics { duration_ms: 0, ..record.metrics },
        RunMetrics { tool_call_count: 3, failover_count: 1, ..RunMetrics::default() }
    );
}

#[test]
fn metrics_are_written_whole_once_a_second_at_most_and_at_the_end() {
    let (runs, hand) = (Runs::new(), Hand::at_ms(1_700_000_000_000));
    let run = start(&runs.builder().clock(hand.clock()).open().unwrap(), "count");
    let path = run.directory().join("metrics.json");
    let written = || read(path.clone())["toolCallCount"].clone();
    let call = |times: u64| {
        for _ in 0..times {
            run.emit("tool_call", json!({}));
        }
    };
    call(100);
    assert_eq!((written(), run.metrics().tool_call_count), (json!(0), 100), "they are in memory");
    let mut opened = std::fs::File::open(&path).unwrap();
    hand.pass_ms(1_000);
    call(1);
    assert_eq!(written(), 101);
    call(7);
    assert_eq!(written(), 101, "a second has not passed");
    let mut before = String::new();
    opened.read_to_string(&mut before).unwrap();
    let before: serde_json::Value = serde_json::from_str(&before).unwrap();
    assert_eq!(before["toolCallCount"], 0, "who reads has the one file or the other");
    run.end(Status::Completed).unwrap();
    assert_eq!(written(), 108);
    assert_eq!(names(&run.directory()), ["artifacts", "events.jsonl", "metrics.json", "summary.json"]);
}

#[test]
fn what_threads_add_to_a_metric_adds_up_and_no_number_is_none() {
    let runs = Runs::new();
    let run = start(&runs.open(), "add");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| run.update_metrics(|metrics| metrics.total_tokens += 2)));
        }
    });
    run.update_metrics(|metrics| metrics.total_cost = f64::NAN);
    // It may use the run: nothing is locked meanwhile.
    run.update_metrics(|metrics| metrics.failover_count = run.metrics().total_tokens);
    run.end(Status::Completed).unwrap();
    let record = runs.open().get(run.id()).unwrap();
    assert_eq!(
        (record.metrics.total_tokens, record.metrics.failover_count, record.metrics.total_cost),
        (800, 800, 0.0)
    );
}

#[test]
fn an_end_is_the_last_word_and_its_own_only_once() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "end");
    assert!(matches!(run.end(Status::Running), Err(RunError::NoEnd)));
    run.end(Status::Failed).unwrap();
    assert_eq!(run.end(Status::Completed).unwrap().status, Status::Failed);
    assert_eq!(run.emit("late", ()), Written::Over);
    run.update_metrics(|metrics| metrics.total_tokens = 7);
    assert!(matches!(run.save_artifact("late.md", "late"), Err(RunError::Ended(_))));
    drop(run.clone());
    assert_eq!(kinds(&store, run.id()), ["run_start", "run_end"]);
}

#[test]
fn a_run_whose_last_handle_is_dropped_is_abandoned_and_says_so() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "forgotten");
    let (id, clone) = (run.id().to_owned(), run.clone());
    drop(run);
    assert_eq!(store.get(&id).unwrap().summary.status, Status::Running);
    drop(clone);
    let summary = store.get(&id).unwrap().summary;
    assert_eq!((summary.status, summary.abandoned), (Status::Failed, true));
    assert_eq!(events(&store, &id)[1].data, json!({"status": "failed", "abandoned": true}));
}

#[test]
fn a_fork_has_what_its_parent_had_and_says_whose_it_is() {
    let runs = Runs::new();
    let store = runs.open();
    let parent = store.start("Fix it", RunMetadata::new().channel("terminal").tag("a").cwd("/srv")).unwrap();
    let child = parent.fork("retry", RunMetadata::new().tag("b")).unwrap();
    let summary = store.get(child.id()).unwrap().summary;
    assert_eq!(summary.objective, "[fork:retry] Fix it");
    let metadata = summary.metadata.unwrap();
    assert_eq!((metadata.channel.as_deref(), metadata.tags.as_slice()), (Some("terminal"), &["b".to_owned()][..]));
    assert_eq!(
        (metadata.parent_rollout_id.as_deref(), metadata.fork_reason.as_deref()),
        (Some(parent.id()), Some("retry"))
    );
    let decision = events(&store, child.id()).remove(1);
    assert_eq!(decision.kind, "decision");
    assert_eq!(decision.data, json!({"kind": "fork", "parentRunId": parent.id(), "reason": "retry"}));

    let orphan = store.fork("run_gone_000000", "retry", RunMetadata::new()).unwrap();
    assert_eq!(store.get(orphan.id()).unwrap().summary.objective, "[fork:retry]");
    assert!(store.fork("../etc", "retry", RunMetadata::new()).is_err());
}

#[test]
fn a_run_that_is_handed_over_goes_on_in_the_next_process() {
    let runs = Runs::new();
    let store = runs.open();
    let first = start(&store, "long");
    first.emit("tool_call", json!({}));
    let id = first.hand_over().unwrap();
    first.emit("tool_call", json!({}));
    drop(first);
    assert_eq!(store.recover().unwrap(), Vec::<String>::new(), "it waits, and is not abandoned");
    let second = runs.open().attach(&id).unwrap();
    assert!(matches!(store.attach(&id), Err(RunError::NotWaiting(_))), "once");
    second.emit("tool_call", json!({}));
    second.end(Status::Completed).unwrap();
    assert_eq!(kinds(&store, &id), ["run_start", "tool_call", "tool_call", "run_end"]);
    assert_eq!(store.get(&id).unwrap().metrics.tool_call_count, 2);
}

#[test]
fn with_a_reporter_each_event_is_reported_and_without_one_the_files_are_the_same() {
    let (runs, sink) = (Runs::new(), MemorySink::new());
    let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start().unwrap();
    let store = runs.builder().reporter(&reporter).open().unwrap();
    let run = store.start("Report", RunMetadata::new().user_id("ada-1")).unwrap();
    run.emit("tool_result", json!({"tool": "bash", "success": true, "duration_ms": 12}));
    run.emit("error", json!({"message": "no"}));
    run.emit("odd", 5);
    run.end(Status::Completed).unwrap();
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let reported: Vec<_> = sink.events().into_iter().filter(|event| event["event"] == "GENERIC_EVENT").collect();
    let told: Vec<_> = reported
        .iter()
        .map(|event| (event["event_name"].as_str().unwrap(), event["severity"].as_str().unwrap()))
        .collect();
    let expected = [
        ("run.run_start", "INFO"),
        ("run.tool_result", "INFO"),
        ("run.error", "ERROR"),
        ("run.odd", "INFO"),
        ("run.run_end", "INFO"),
    ];
    assert_eq!(told, expected);
    assert!(reported.iter().all(|event| event["event_data"]["run_id"] == run.id()));
    assert_eq!(
        reported[1]["event_data"],
        json!({"run_id": run.id(), "tool": "bash", "success": true, "duration_ms": 12})
    );
    assert_eq!(reported[3]["event_data"]["value"], 5);
    assert_eq!(reported[4]["event_data"]["status"], "completed");
    let start = &reported[0]["event_data"];
    assert!(
        start["user_bucket"].is_u64() && !start.to_string().contains("ada-1"),
        "the user's id does not leave: {start}"
    );

    let silent = start_without(&runs);
    assert_eq!(kinds(&runs.open(), &silent), ["run_start", "odd", "run_end"]);
}

fn start_without(runs: &Runs) -> String {
    let store = runs.builder().reporter(&Reporter::disabled()).open().unwrap();
    let run = start(&store, "Silent");
    run.emit("odd", 5);
    run.end(Status::Completed).unwrap().run_id
}

#[test]
fn the_newest_are_listed_first_and_what_is_no_run_is_left_out() {
    let (runs, hand) = (Runs::new(), Hand::at_ms(1_700_000_000_000));
    let store = runs.builder().clock(hand.clock()).open().unwrap();
    let mut ids = Vec::new();
    for number in 0..5 {
        let run = start(&store, &format!("number {number}"));
        run.end(Status::Completed).unwrap();
        ids.insert(0, run.id().to_owned());
        hand.pass_ms(1);
    }
    std::fs::create_dir(runs.path().join("run_broken")).unwrap();
    std::fs::create_dir(runs.path().join("other")).unwrap();
    std::fs::write(runs.path().join("run_file_1"), "").unwrap();
    std::fs::write(store.directory().join(&ids[4]).join("summary.json"), "{").unwrap();
    let listed: Vec<_> = store.list(20).unwrap().into_iter().map(|summary| summary.run_id).collect();
    assert_eq!(listed, ids[..4]);
    assert_eq!(store.list(2).unwrap().len(), 2);
    assert_eq!(RunStore::open(runs.path().join("none")).unwrap().list(20).unwrap(), []);
    assert!(!runs.path().join("none").exists(), "looking makes nothing");
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id_and_what_is_not_found_names_what_is_near() {
    let (runs, hand) = (Runs::new(), Hand::at_ms(1_700_000_000_000));
    let store = runs.builder().clock(hand.clock()).open().unwrap();
    let one = start(&store, "one");
    hand.pass_ms(1_000_000_000);
    let other = start(&store, "other");
    assert_eq!(store.resolve(one.id()).unwrap(), one.id());
    assert_eq!(store.resolve(&one.id()[..12]).unwrap(), one.id());
    assert_eq!(store.resolve(&other.id()["run_".len()..]).unwrap(), other.id());
    assert!(matches!(store.resolve("run_l"), Err(RunError::Ambiguous { ids, .. }) if ids.len() == 2));
    let said = store.resolve(&format!("{}x", one.id())).unwrap_err().to_string();
    assert!(said.contains("there is no run") && said.contains(&format!("there is {}", one.id())), "{said}");
    assert!(store.resolve("").is_err());
}

#[test]
fn the_base_is_what_the_environment_says() {
    let test = "lifecycle::the_base_is_what_the_environment_says";
    if is_child() {
        println!("\nbase {}", RunStore::directory_of_user().unwrap().display());
        return;
    }
    let base = |variables: &[(&str, &str)]| {
        let mut child = again(test);
        for name in ["LASTWORD_RUNS_DIR", "CODEBUDDY_RUNS_DIR", "XDG_STATE_HOME"] {
            child.env_remove(name);
        }
        let output = child.env("HOME", "/home/ada").envs(variables.iter().copied()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.strip_prefix("base ").map(str::to_owned)).unwrap()
    };
    let (ours, theirs, state) = (("LASTWORD_RUNS_DIR", "/a"), ("CODEBUDDY_RUNS_DIR", "/b"), ("XDG_STATE_HOME", "/c"));
    assert_eq!(base(&[ours, theirs, state]), "/a");
    assert_eq!(base(&[("LASTWORD_RUNS_DIR", ""), theirs, state]), "/b");
    assert_eq!(base(&[state]), "/c/lastword/runs");
    assert_eq!(base(&[]), "/home/ada/.local/state/lastword/runs");
}
