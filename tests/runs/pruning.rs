//! How many runs are kept.

use std::fs;
use std::path::PathBuf;

use lastword::runs::{RunStore, Status};

use crate::children::{again, is_child};
use crate::support::{Hand, Runs, names, start};

const PATH: &str = "LASTWORD_TEST_PATH";

#[test]
fn of_thirty_five_runs_the_newest_thirty_are_kept() {
    let (runs, hand) = (Runs::new(), Hand::at_ms(1_700_000_000_000));
    let store = runs.builder().clock(hand.clock()).open().unwrap();
    let ids: Vec<_> = (0..35)
        .map(|number| {
            hand.pass_ms(1);
            start(&store, &format!("{number}")).end(Status::Completed).unwrap().run_id
        })
        .collect();
    let mut kept = store.ids().unwrap();
    kept.reverse();
    assert_eq!(kept, ids[5..]);
}

#[test]
fn a_run_that_runs_is_never_removed_however_old_it_is() {
    let runs = Runs::new();
    let store = runs.builder().keep(3).open().unwrap();
    let running = [start(&store, "a"), start(&store, "b")];
    let theirs = runs.path().join("run_theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("summary.json"), r#"{"runId":"run_theirs","status":"running","startedAt":1}"#).unwrap();
    for _ in 0..10 {
        start(&store, "short").end(Status::Completed).unwrap();
    }
    let ids = store.ids().unwrap();
    assert!(running.iter().all(|run| ids.contains(&run.id().to_owned())) && ids.contains(&"run_theirs".to_owned()));
    assert_eq!(ids.len(), 4, "they count among those that are kept, but for the one that has just ended: {ids:?}");
}

#[test]
fn two_processes_that_start_and_prune_at_once_remove_nothing_of_each_others() {
    if is_child() {
        let path = PathBuf::from(std::env::var_os(PATH).unwrap());
        let store = RunStore::builder(path).keep(5).open().unwrap();
        let mine = start(&store, "mine");
        for _ in 0..60 {
            let run = start(&store, "short");
            run.emit("step_start", ());
            assert!(run.directory().join("events.jsonl").exists());
            let summary = run.end(Status::Completed).unwrap();
            assert_eq!(summary.lost_writes, 0);
        }
        assert!(mine.directory().join("summary.json").exists());
        mine.end(Status::Completed).unwrap();
        std::process::exit(0);
    }
    let test = "pruning::two_processes_that_start_and_prune_at_once_remove_nothing_of_each_others";
    let runs = Runs::new();
    let mut children: Vec<_> = (0..2).map(|_| again(test).env(PATH, runs.path()).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let store = runs.builder().keep(5).open().unwrap();
    store.prune().unwrap();
    assert_eq!(store.list(99).unwrap().len(), 5);
    let left: Vec<_> = names(runs.path()).into_iter().filter(|name| name.starts_with(".removed")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn what_cannot_be_removed_is_told_and_what_somebody_was_killed_over_is_removed_by_the_next() {
    let runs = Runs::new();
    let store = runs.open();
    start(&store, "a").end(Status::Completed).unwrap();
    let doomed = store.list(1).unwrap().remove(0).run_id;
    fs::create_dir_all(runs.path().join(".removed-run_half/artifacts")).unwrap();
    // A name that is taken by something that can't be replaced.
    let taken = runs.path().join(format!(".removed-{doomed}"));
    fs::write(&taken, "").unwrap();
    let strict = runs.builder().keep(0).open().unwrap();
    assert_eq!(strict.prunable().unwrap(), std::slice::from_ref(&doomed));
    let pruned = strict.prune().unwrap();
    assert!(pruned.removed.is_empty() && pruned.failed.len() == 1, "{pruned:?}");
    assert!(pruned.failed[0].error.to_string().contains(&doomed), "{pruned:?}");
    assert!(!runs.path().join(".removed-run_half").exists());
    fs::remove_file(taken).unwrap();
    assert_eq!(strict.prune().unwrap().removed, [doomed]);
    assert_eq!(strict.ids().unwrap(), Vec::<String>::new());
}
