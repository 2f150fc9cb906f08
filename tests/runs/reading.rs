//! What is made of runs: families, what is found, compared and exported, and what is wrong with them.

use std::fs;
use std::io::Write;

use lastword::runs::{Ailment, Change, Export, ExportLimits, RunMetadata, RunStore, Search, Status};
use serde_json::json;

use crate::support::{Hand, Runs, events, start};

fn ids(runs: &[lastword::runs::Ancestor]) -> Vec<&str> {
    runs.iter().map(|ancestor| ancestor.run_id.as_str()).collect()
}

#[test]
fn a_family_of_four_knows_its_ancestors_and_what_came_of_whom() {
    let (runs, hand) = (Runs::new(), Hand::at_ms(1_700_000_000_000));
    let store = runs.builder().clock(hand.clock()).open().unwrap();
    let fork = |parent: &lastword::runs::Run, reason| {
        hand.pass_ms(1);
        parent.fork(reason, RunMetadata::new()).unwrap()
    };
    let root = start(&store, "root");
    let child = fork(&root, "retry");
    let grandchild = fork(&child, "ab-variant-B");
    let sibling = fork(&root, "checkpoint-rollback");
    let lineage = store.lineage(grandchild.id()).unwrap();
    assert_eq!((ids(&lineage.ancestors), lineage.family_size), (vec![root.id(), child.id()], 4));
    let lineage = store.lineage(root.id()).unwrap();
    assert_eq!(lineage.family_size, 4);
    let children: Vec<_> = lineage.descendants.iter().map(|one| one.summary.run_id.as_str()).collect();
    assert_eq!(children, [child.id(), sibling.id()], "the oldest first");
    assert_eq!(lineage.descendants[0].children[0].summary.run_id, grandchild.id());
    root.end(Status::Completed).unwrap();
    child.end(Status::Completed).unwrap();
    fs::remove_dir_all(root.directory()).unwrap();
    let lineage = store.lineage(grandchild.id()).unwrap();
    assert_eq!((ids(&lineage.ancestors), lineage.family_size), (vec![root.id(), child.id()], 3));
    assert!(lineage.ancestors[0].summary.is_none() && lineage.ancestors[1].summary.is_some());
}

/// Writes a run as another tool would, or somebody who means harm.
fn write(store: &RunStore, id: &str, parent: Option<&str>) {
    let place = store.directory().join(id);
    fs::create_dir_all(&place).unwrap();
    let summary = json!({"runId": id, "objective": id, "status": "completed", "startedAt": 1, "endedAt": 2, "eventCount": 0,
        "artifactCount": 0, "metadata": {"parentRolloutId": parent}});
    fs::write(place.join("summary.json"), summary.to_string()).unwrap();
    fs::write(place.join("events.jsonl"), "").unwrap();
}

#[test]
fn a_family_that_goes_round_in_circles_or_on_for_ever_has_an_end() {
    let runs = Runs::new();
    let store = runs.open();
    write(&store, "run_a", Some("run_b"));
    write(&store, "run_b", Some("run_a"));
    write(&store, "run_self", Some("run_self"));
    let lineage = store.lineage("run_a").unwrap();
    assert_eq!((ids(&lineage.ancestors), lineage.family_size), (vec!["run_b"], 2));
    assert_eq!(store.lineage("run_self").unwrap().family_size, 1);
    for number in 0..250 {
        write(&store, &format!("run_chain-{number}"), Some(&format!("run_chain-{}", number + 1)));
    }
    assert_eq!(store.lineage("run_chain-0").unwrap().ancestors.len(), 100);
    let mut depth = 0;
    let mut below = store.lineage("run_chain-249").unwrap().descendants;
    while let Some(child) = below.pop() {
        depth += 1;
        below = child.children;
    }
    assert_eq!(depth, 100);
}

#[test]
fn all_words_are_found_in_summaries_events_and_artifacts_the_best_place_first() {
    let runs = Runs::new();
    let store = runs.open();
    let run = store.start("Fix the login TIMEOUT", RunMetadata::new().channel("terminal").tag("urgent")).unwrap();
    run.emit("error", json!({"message": "the login had a timeout after 30 s"}));
    run.save_artifact("notes.md", "Timeout of the login: see above").unwrap();
    run.save_artifact("picture.png", [0xff, 0xfe, 0x00]).unwrap();
    start(&store, "Something else").end(Status::Completed).unwrap();
    let hits = store.search(&Search::new("login timeout")).unwrap();
    let places: Vec<_> = hits.iter().map(|hit| (hit.place, hit.name.as_deref())).collect();
    let found = serde_json::to_value(&places).unwrap();
    assert_eq!(found, json!([["artifact", "notes.md"], ["summary", null], ["event", "error"]]));
    assert!(hits.iter().all(|hit| hit.run_id == run.id() && hit.snippet.to_lowercase().contains("login")));
    assert_eq!(store.search(&Search::new("timeout urgent")).unwrap().len(), 1, "tags are of the summary");
    assert_eq!(store.search(&Search::new("timeout nowhere")).unwrap(), []);
    assert_eq!(store.search(&Search::new("  ")).unwrap(), []);
    assert_eq!(store.search(&Search::new("login").source("cli").limit(1)).unwrap().len(), 1);
    assert_eq!(store.search(&Search::new("login").source("phone")).unwrap(), []);
}

#[test]
fn an_export_is_one_file_with_all_that_a_reader_needs_and_no_secret() {
    const KEY: &str = "sk-proj-4f9aZ1qXw7RtY2uI8oPl3KjH6gFdS5aQ";
    let runs = Runs::new();
    // Written by somebody who redacts nothing.
    let store = runs.builder().privacy(lastword::privacy::Privacy::off()).open().unwrap();
    let run = start(&store, &format!("Fix it with {KEY}"));
    run.emit("context_snapshot", json!({"files": ["a.rs"]}));
    run.emit(
        "tool_call",
        json!({"toolName": "bash", "args": {"command": "make", "password": "hunter2-long"}, "callId": "1"}),
    );
    run.emit("tool_call", json!({"toolName": "bash", "args": {"command": "test"}, "callId": "2"}));
    run.emit("tool_result", json!({"toolName": "bash", "success": false, "error": "x".repeat(3_000), "callId": "2"}));
    run.save_artifact("plan.md", "y".repeat(5_000)).unwrap();
    run.save_artifact("summary.md", "All done.").unwrap();
    run.save_artifact("picture.png", [0xff]).unwrap();
    run.end(Status::Completed).unwrap();
    let export = store.export(&[run.id()], ExportLimits::default()).unwrap();
    let text = serde_json::to_string_pretty(&export).unwrap();
    assert!(!text.contains(KEY) && !text.contains("hunter2"));
    // The key in summary, prompt and run_start; the password in the event and in the call.
    assert_eq!(export.redactions, 5);
    let exported = &export.runs[0];
    assert_eq!(exported.context, [json!({"files": ["a.rs"]})]);
    assert_eq!(exported.final_answer, Some(json!("All done.")));
    assert!(exported.tool_calls[0].result.is_none());
    let result = exported.tool_calls[1].result.as_ref().unwrap();
    assert!(result["error"].as_str().unwrap().ends_with("x… (of 3000 bytes)"), "{result}");
    let plan = exported.artifacts.iter().find(|artifact| artifact.name == "plan.md").unwrap();
    assert_eq!((plan.bytes, plan.text.as_ref().unwrap().len()), (5_000, 4_000 + "… (of 5000 bytes)".len()));
    assert_eq!(exported.artifacts[0].text, None);
    assert_eq!(exported.events.len(), 9);

    let path = runs.path().join("exported.json");
    fs::write(&path, text).unwrap();
    assert_eq!(Export::read(&path).unwrap(), export);
    let whole = store.export(&[run.id()], ExportLimits::default().artifact_bytes(usize::MAX).value_bytes(0)).unwrap();
    assert!(
        whole.runs[0].artifacts.iter().any(|artifact| artifact.text.as_ref().is_some_and(|text| text.len() == 5_000))
    );
    let cut = whole.runs[0].tool_calls[1].result.as_ref().unwrap()["error"].as_str().unwrap().len();
    assert_eq!(cut, 200 + "… (of 3000 bytes)".len());

    for text in ["", "{}", "[1]", r#"{"format":"other","schemaVersion":1,"exportedAt":1,"redactions":0,"runs":[]}"#] {
        fs::write(&path, text).unwrap();
        assert!(Export::read(&path).unwrap_err().to_string().contains("exported.json is damaged"), "{text}");
    }
    assert!(Export::read(&runs.path().join("none.json")).unwrap_err().to_string().contains("no such file"));
}

#[test]
fn two_runs_are_compared_by_what_they_did_and_left() {
    let runs = Runs::new();
    let store = runs.open();
    let (one, other) = (start(&store, "one"), start(&store, "other"));
    for (run, fails) in [(&one, false), (&other, true)] {
        run.emit("tool_call", json!({"toolName": "bash"}));
        run.emit("tool_result", json!({"toolName": "bash", "success": !fails}));
        run.save_artifact("same.md", "same").unwrap();
    }
    other.emit("tool_call", json!({"toolName": "edit"}));
    one.save_artifact("plan.md", "a\nb\nc\n").unwrap();
    other.save_artifact("plan.md", "a\nB\nc\n").unwrap();
    one.save_artifact("only.md", "x").unwrap();
    one.end(Status::Completed).unwrap();
    other.end(Status::Failed).unwrap();
    let diff = store.diff(one.id(), other.id()).unwrap();
    let tools: Vec<_> = diff.tools.iter().map(|tool| (tool.tool.as_str(), tool.calls, tool.failed)).collect();
    assert_eq!(tools, [("bash", (1, 1), (0, 1)), ("edit", (0, 1), (0, 0))]);
    let changes: Vec<_> = diff.artifacts.iter().map(|one| (one.name.as_str(), one.change)).collect();
    assert_eq!(changes, [("only.md", Change::Removed), ("plan.md", Change::Changed), ("same.md", Change::Same)]);
    assert_eq!(diff.artifacts[1].lines, [" a", "-b", "+B", " c"]);
    let aligned = diff.events.unwrap();
    let alone: Vec<_> = aligned
        .iter()
        .filter(|pair| pair.one.is_none() || pair.other.is_none())
        .map(|pair| pair.one.as_ref().or(pair.other.as_ref()).unwrap().kind.as_str())
        .collect();
    assert_eq!(alone, ["tool_call", "artifact_saved"]);
    assert!(store.diff(one.id(), "run_none").is_err());
}

#[test]
fn the_doctor_finds_what_is_wrong_and_mends_what_no_process_has() {
    let (runs, hand) = (Runs::new(), Hand::at_ms(1_700_000_000_000));
    let store = runs.builder().clock(hand.clock()).without_recovery().open().unwrap();
    assert!(!store.check(false).unwrap().is_ill());
    let alive = start(&store, "alive");
    let ended = start(&store, "ended").end(Status::Completed).unwrap().run_id;
    let place = store.directory().join(&ended);
    let mut file = fs::OpenOptions::new().append(true).open(place.join("events.jsonl")).unwrap();
    file.write_all(b"no event\n{\"ts\":1,\"type\":\"extra\"}\n{\"torn").unwrap();
    fs::write(place.join("artifacts/.plan.md.new"), "x").unwrap();
    let dead = start(&store, "dead");
    let dead_id = dead.hand_over().unwrap();
    fs::write(store.directory().join(".running").join(&dead_id), "1").unwrap();
    fs::create_dir(store.directory().join(".removed-run_half")).unwrap();
    fs::create_dir(store.directory().join("run_theirs")).unwrap();
    let theirs =
        r#"{"runId":"run_theirs","objective":"o","status":"running","startedAt":1,"eventCount":0,"artifactCount":0}"#;
    fs::write(store.directory().join("run_theirs/summary.json"), theirs).unwrap();
    hand.pass_ms(59 * 60_000);
    let kinds = |repair| {
        let report = store.check(repair).unwrap();
        assert_eq!((report.schema_version, report.runs), (1, 4));
        let mut found: Vec<_> = report
            .findings
            .iter()
            .map(|finding| (finding.run_id.clone().unwrap_or_default(), finding.kind, finding.repaired))
            .collect();
        found.sort_by_key(|(id, kind, _)| (id.clone(), format!("{kind:?}")));
        found
    };
    let of = |id: &str, kind, repaired| (id.to_owned(), kind, repaired);
    let expected = |alive_is_stale: bool, repaired: bool| {
        let mut all = vec![
            of("", Ailment::LeftOver, repaired),
            of(&dead_id, if alive_is_stale { Ailment::Stale } else { Ailment::Abandoned }, repaired),
            of(&ended, Ailment::BadLines, false),
            of(&ended, Ailment::CountMismatch, repaired),
            of(&ended, Ailment::LeftOver, repaired),
            of(&ended, Ailment::Torn, repaired),
            of("run_theirs", Ailment::Stale, repaired),
        ];
        if alive_is_stale {
            all.push(of(alive.id(), Ailment::Stale, false));
        }
        all.sort_by_key(|(id, kind, _)| (id.clone(), format!("{kind:?}")));
        all
    };
    assert_eq!(kinds(false), expected(false, false));
    hand.pass_ms(60_000);
    assert_eq!(kinds(false), expected(true, false));
    assert_eq!(kinds(true), expected(true, true));
    let left = vec![of(&ended, Ailment::BadLines, false), of(alive.id(), Ailment::Stale, false)];
    let mut again = kinds(false);
    again.sort_by_key(|(id, _, _)| id != &ended);
    assert_eq!(again, left);
    assert_eq!(store.get(&dead_id).unwrap().summary.status, Status::Failed);
    assert_eq!((store.get(&ended).unwrap().summary.event_count, events(&store, &ended).len()), (3, 3));
    assert_eq!(store.get(alive.id()).unwrap().summary.status, Status::Running);
}
