//! Names that lead elsewhere, and sizes beyond their bounds.

use std::fs;
use std::os::unix::fs::symlink;

use lastword::limits::{ARTIFACT_BYTES_MAX, ARTIFACTS_MAX};
use lastword::runs::{RunError, Status};
use serde_json::json;

use crate::support::{Runs, events, kinds, names, start};

#[test]
fn no_name_of_an_artifact_leads_out_of_its_directory() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "hostile");
    for name in ["../../escaped", "/tmp/escaped", "..", "a/b", "a\\b", "", ".hidden", "nul.txt", "a\u{1b}[2J", "a\n"] {
        let refused = run.save_artifact(name, "text");
        assert!(matches!(refused, Err(RunError::ArtifactName { .. })), "{name:?}: {refused:?}");
        assert!(store.artifact(run.id(), name).is_err(), "{name:?}");
    }
    assert_eq!(names(&run.directory().join("artifacts")), Vec::<String>::new());
    assert_eq!(kinds(&store, run.id()), ["run_start"]);
    let target = runs.path().join("target");
    fs::write(&target, "mine").unwrap();
    symlink(&target, run.directory().join("artifacts/link.md")).unwrap();
    run.save_artifact("link.md", "theirs").unwrap();
    assert_eq!(fs::read_to_string(target).unwrap(), "mine", "a link is replaced, not followed");
}

#[test]
fn an_artifact_that_is_saved_again_counts_once_and_patches_are_told_apart() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "artifacts");
    run.save_artifact("plan.md", "first").unwrap();
    run.save_artifact("plan.md", "second").unwrap();
    let path = run.save_artifact("patch.diff", "+1").unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "+1");
    let summary = run.end(Status::Completed).unwrap();
    assert_eq!(summary.artifact_count, 2);
    assert_eq!(kinds(&store, run.id()), ["run_start", "artifact_saved", "artifact_saved", "patch_created", "run_end"]);
    let data = &events(&store, run.id())[3].data;
    assert_eq!(*data, json!({"artifact": "patch.diff", "path": "artifacts/patch.diff", "bytes": 2}));
    assert_eq!(store.artifact(run.id(), "plan.md").unwrap().unwrap(), b"second");
    assert_eq!(store.artifact(run.id(), "none.md").unwrap(), None);
    assert_eq!(store.get(run.id()).unwrap().artifacts, ["patch.diff", "plan.md"]);

    let compatible = runs.builder().all_artifacts_are_patches().open().unwrap();
    let run = start(&compatible, "as others expect it");
    run.save_artifact("commands.log", "ls").unwrap();
    assert_eq!(kinds(&store, run.id()), ["run_start", "patch_created"]);
}

#[test]
fn artifacts_are_bounded_in_size_and_number() {
    let runs = Runs::new();
    let run = start(&runs.open(), "large");
    let refused = run.save_artifact("large.bin", vec![0xff; ARTIFACT_BYTES_MAX + 1]);
    assert!(matches!(refused, Err(RunError::ArtifactSize { .. })));
    for number in 0..ARTIFACTS_MAX {
        run.save_artifact(&format!("{number}.md"), "").unwrap();
    }
    assert!(matches!(run.save_artifact("one-more.md", ""), Err(RunError::ArtifactCount(_))));
    run.save_artifact("7.md", "again").unwrap();
}

#[test]
fn no_id_leads_out_of_the_store() {
    let runs = Runs::new();
    fs::create_dir(runs.path().join("outside")).unwrap();
    let store = lastword::runs::RunStore::open(runs.path().join("store")).unwrap();
    start(&store, "inside");
    symlink(runs.path().join("outside"), runs.path().join("store/run_link")).unwrap();
    for id in ["../outside", "run_/../../outside", "/etc", "run_link", ".running", ""] {
        assert!(matches!(store.get(id), Err(RunError::Unknown { .. })), "{id}");
        assert!(store.events(id).is_err() && store.tail(id).is_err() && store.resolve(id).is_err(), "{id}");
    }
    assert_eq!(store.list(20).unwrap().len(), 1);
}

#[test]
fn what_is_too_large_or_cannot_be_written_is_said_in_its_place_and_counted() {
    struct Bad;
    impl serde::Serialize for Bad {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it has no form"))
        }
    }
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, &"long ".repeat(10_000));
    run.emit("huge", json!({"list": vec!["x".repeat(60_000); 20]}));
    run.emit("bad", Bad);
    run.emit(&"kind".repeat(100), json!({"fine": true}));
    let summary = run.end(Status::Completed).unwrap();
    assert_eq!((summary.event_count, summary.lost_writes), (5, 2));
    assert!(summary.objective.len() <= 16 * 1024);
    let events = events(&store, run.id());
    assert!(events[1].data["omitted"].as_str().unwrap().contains("at most"), "{:?}", events[1]);
    assert!(events[2].data["omitted"].as_str().unwrap().contains("it has no form"), "{:?}", events[2]);
    assert_eq!((events[3].kind.len(), &events[3].data), (64, &json!({"fine": true})));
}

#[test]
fn what_a_stranger_has_put_into_the_store_is_no_more_than_it_is() {
    let runs = Runs::new();
    let place = runs.path().join("run_strange");
    fs::create_dir_all(place.join("artifacts/nested")).unwrap();
    let summary =
        r#"{"runId":"../../elsewhere","objective":"\u001b[2J","status":"completed","startedAt":18446744073709551615}"#;
    fs::write(place.join("summary.json"), summary).unwrap();
    let long = "x".repeat(9 * 1024 * 1024);
    fs::write(
        place.join("events.jsonl"),
        format!("{long}\n[]\n{{\"ts\":-1}}\n\0\u{fffd}\n{{\"ts\":5,\"type\":\"fine\"}}\n"),
    )
    .unwrap();
    fs::write(place.join("metrics.json"), "7").unwrap();
    fs::write(place.join("artifacts/.hidden"), "x").unwrap();
    symlink("/etc/passwd", place.join("artifacts/link.md")).unwrap();
    let store = runs.open();
    assert_eq!(store.list(20).unwrap()[0].run_id, "run_strange");
    let mut read = store.events("run_strange").unwrap();
    assert_eq!(
        (read.by_ref().map(Result::unwrap).map(|event| event.ts).collect::<Vec<_>>(), read.skipped()),
        (vec![5], 4)
    );
    assert!(store.get("run_strange").unwrap_err().to_string().contains("metrics.json is damaged"));
    fs::remove_file(place.join("metrics.json")).unwrap();
    let record = store.get("run_strange").unwrap();
    assert_eq!((record.artifacts.len(), record.summary.duration_ms()), (0, None));
    assert!(store.artifact("run_strange", "link.md").is_err(), "no link is followed");
    let mut tail = store.tail("run_strange").unwrap();
    assert_eq!(crate::support::follow(&mut tail), fs::read(place.join("events.jsonl")).unwrap());
    let export = store.export(&["run_strange"], lastword::runs::ExportLimits::default()).unwrap();
    assert_eq!(export.runs[0].events.len(), 1);
}
