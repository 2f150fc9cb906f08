//! What is on the disk, and who may read it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lastword::privacy::Privacy;
use lastword::runs::{RunMetadata, Status};
use serde_json::json;

use crate::support::{Runs, events, start};

const KEY: &str = "sk-proj-4f9aZ1qXw7RtY2uI8oPl3KjH6gFdS5aQ";

fn all_bytes(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(path.file_name().unwrap().as_encoded_bytes());
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { fs::read(&path).unwrap() });
    }
    bytes
}

#[test]
fn no_secret_reaches_the_disk_in_any_file_of_a_run() {
    let runs = Runs::new();
    let store = runs.open();
    let metadata = RunMetadata::new().tag(KEY).channel(format!("token={KEY}"));
    let run = store.start(&format!("Use the key {KEY}"), metadata).unwrap();
    run.emit("tool_call", json!({"toolName": "bash", "args": {"command": format!("curl -H 'Authorization: Bearer {KEY}' x"), "password": "hunter2-long"}}));
    run.emit("error", json!({"message": format!("401 for {KEY}")}));
    run.save_artifact("commands.log", format!("{}\nexport OPENAI_API_KEY={KEY}\n", "line\n".repeat(40_000))).unwrap();
    run.fork(KEY, RunMetadata::new()).unwrap().end(Status::Completed).unwrap();
    run.end(Status::Completed).unwrap();
    let text = String::from_utf8(all_bytes(runs.path())).unwrap();
    assert!(!text.contains(KEY) && !text.contains("hunter2"), "a secret is on the disk");
    assert!(text.contains("[redacted:"));
    assert!(
        fs::metadata(run.directory().join("artifacts/commands.log")).unwrap().len() > 200_000,
        "nothing else is missing"
    );
    let event = events(&store, run.id()).into_iter().find(|event| event.kind == "artifact_saved").unwrap();
    assert_eq!(event.data["redacted"], true);
}

#[test]
fn artifacts_that_are_no_text_or_are_asked_for_as_they_are_stay_so() {
    let runs = Runs::new();
    let bytes = [b"\xff\xfe".as_slice(), KEY.as_bytes()].concat();
    let run = start(&runs.open(), "binary");
    let path = run.save_artifact("picture.png", &bytes).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
    let run = start(&runs.builder().artifacts_as_they_are().open().unwrap(), "text");
    let path = run.save_artifact("patch.diff", KEY).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), KEY);
    let store = runs.builder().privacy(Privacy::off()).open().unwrap();
    let run = start(&store, KEY);
    assert_eq!(store.get(run.id()).unwrap().summary.objective, KEY);
}

#[test]
fn what_is_made_is_its_owners_alone() {
    let outer = Runs::new();
    let store = lastword::runs::RunStore::open(outer.path().join("a/runs")).unwrap();
    let run = start(&store, "private");
    run.save_artifact("plan.md", "x").unwrap();
    let check = |path: &Path, expected: u32| {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}", path.display());
    };
    let place = run.directory();
    for directory in [store.directory(), &place, &place.join("artifacts"), &store.directory().join(".running")] {
        check(directory, 0o700);
    }
    for file in ["events.jsonl", "summary.json", "metrics.json", "artifacts/plan.md"] {
        check(&place.join(file), 0o600);
    }
    check(&store.directory().join(".lock"), 0o600);
    check(&store.directory().join(".running").join(run.id()), 0o600);
}
