//! A disk that is full, and a store that can't be written.

use std::fs;

use lastword::runs::{RunMetadata, RunStore, Status, Written};
use serde_json::json;

use crate::mounts::Mount;
use crate::support::{Runs, events, start};

#[test]
fn on_a_full_disk_events_are_counted_as_lost_and_no_line_is_half_written() {
    let Some(mount) = Mount::in_memory("size=256k") else { return };
    let store = RunStore::open(mount.spool()).unwrap();
    let run = start(&store, "full");
    run.emit("before", ());
    mount.fill();
    // The page that the file ends in has room for some of it.
    for number in 0..50 {
        run.emit("lost", json!({"n": number, "text": "x".repeat(5_000)}));
    }
    assert_eq!(run.emit("lost", json!({"text": "x".repeat(5_000)})), Written::Lost);
    assert!(run.save_artifact("plan.md", vec![b'x'; 20_000]).is_err());
    let lost = run.summary().lost_writes;
    assert!(lost > 40, "{lost}");
    let ended = run.end(Status::Completed);
    fs::remove_file(mount.spool().with_file_name("filler")).unwrap();
    // Where the summary could not be written, the next process makes it anew from the file.
    let store = RunStore::open(mount.spool()).unwrap();
    let read = store.events(run.id()).unwrap();
    let whole = events(&store, run.id());
    assert_eq!(read.skipped(), 0);
    assert_eq!(whole[1].kind, "before");
    let summary = store.get(run.id()).unwrap().summary;
    assert_ne!(summary.status, Status::Running);
    assert_eq!(summary.event_count, whole.len() as u64);
    if ended.is_ok() {
        assert_eq!((summary.status, summary.lost_writes > 40), (Status::Completed, true));
    }
}

#[test]
fn events_that_were_lost_are_in_the_summary_once_there_is_room_again() {
    let Some(mount) = Mount::in_memory("size=256k") else { return };
    let store = RunStore::open(mount.spool()).unwrap();
    let run = start(&store, "full for a while");
    mount.fill();
    for _ in 0..20 {
        run.emit("lost", json!({"text": "x".repeat(5_000)}));
    }
    fs::remove_file(mount.spool().with_file_name("filler")).unwrap();
    assert_eq!(run.emit("after", ()), Written::Kept);
    let summary = run.end(Status::Completed).unwrap();
    let on_disk = store.get(run.id()).unwrap().summary;
    assert_eq!(summary, on_disk);
    assert!(on_disk.lost_writes >= 19, "{on_disk:?}");
    assert_eq!(on_disk.lost_writes + on_disk.event_count, 23);
    assert_eq!(events(&store, run.id()).last().unwrap().kind, "run_end");
}

#[test]
fn a_store_that_cannot_be_made_says_where_and_why() {
    let runs = Runs::new();
    fs::write(runs.path().join("file"), "").unwrap();
    let said = RunStore::open(runs.path().join("file")).unwrap_err().to_string();
    assert!(said.contains("file") && said.contains("not a directory"), "{said}");
    let store = RunStore::open(runs.path().join("file/below"));
    let said = match store {
        Ok(store) => store.start("x", RunMetadata::new()).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(said.contains("file/below") && said.contains("Not a directory"), "{said}");
}

#[test]
fn a_disk_that_cannot_be_written_is_read_all_the_same() {
    let Some(mount) = Mount::in_memory("size=1m") else { return };
    let store = RunStore::open(mount.spool()).unwrap();
    let id = start(&store, "read only").end(Status::Completed).unwrap().run_id;
    mount.make_read_only();
    let store = RunStore::open(mount.spool()).unwrap();
    assert_eq!(store.list(20).unwrap().len(), 1);
    assert_eq!(events(&store, &id).len(), 2);
    assert!(store.start("x", RunMetadata::new()).unwrap_err().to_string().contains("Read-only file system"));
}
