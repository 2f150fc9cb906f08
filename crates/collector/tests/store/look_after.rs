//! Looking after a store: what is in it, whether it is whole, copies of it.

use lastword_collector::admin::{self, AdminError, Offline};

use super::common::{Dir, Server, body, event};
use super::is_whole;

#[test]
fn a_store_is_copied_while_it_is_written_and_the_copy_is_a_whole_store() {
    let (dir, other) = (Dir::new(), Dir::new());
    let server = Server::start(dir.config());
    let events: Vec<String> = (0..100).map(event).collect();
    server.telemetry(body("before", &events)).is(200);
    std::fs::create_dir(other.path()).unwrap();
    let file = other.path().join("copy.db");
    let stored = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for session in 0..20 {
                server.telemetry(body(&format!("during-{session}"), &events)).is(200);
            }
        });
        let bytes = admin::backup(dir.path(), &file, |_, _| {}).unwrap();
        writing.join().unwrap();
        bytes
    });
    assert_eq!(std::fs::metadata(&file).unwrap().len(), stored);
    assert!(matches!(admin::backup(dir.path(), &file, |_, _| {}), Err(AdminError::FileExists(_))));

    let into = other.path().join("restored");
    assert!(matches!(admin::restore(&file, dir.path(), true), Err(AdminError::Open(_))), "a collector has it");
    admin::restore(&file, &into, false).unwrap();
    assert!(matches!(admin::restore(&file, &into, false), Err(AdminError::StoreExists(_))));
    assert!(admin::verify(&into, |_| {}).unwrap().ok);
    let restored = Server::start(lastword_collector::Config::new(&into));
    assert_eq!(restored.events("session=before").len(), 100);
    restored.telemetry(body("after", &events)).is(200);
    restored.stop().unwrap();
    admin::restore(&file, &into, true).unwrap();
    let restored = Server::start(lastword_collector::Config::new(&into));
    restored.get("/api/sessions/after").is(404);
}

#[test]
fn what_is_no_store_is_not_restored() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path()).unwrap();
    let file = dir.path().join("noise");
    std::fs::write(&file, b"not a database, but some text that is long enough to be looked at").unwrap();
    let error = admin::restore(&file, dir.path().join("into"), false).unwrap_err();
    assert!(matches!(error, AdminError::NotAStore { .. }), "{error}");
    let error = admin::restore(dir.path().join("none"), dir.path().join("into"), false).unwrap_err().to_string();
    assert!(error.ends_with("there is no such file"), "{error}");
}

#[test]
fn a_store_that_disagrees_with_itself_is_told_what_is_wrong() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &(0..10).map(event).collect::<Vec<_>>())).is(200);
    server.stop().unwrap();
    is_whole(&dir);
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    connection.execute("DELETE FROM events WHERE row = 3", []).unwrap();
    let report = admin::verify(dir.path(), |_| {}).unwrap();
    assert!(!report.ok);
    for wrong in ["sessions count other events than there are: 1", "minutes count other events than there are: 1"] {
        assert!(report.problems.iter().any(|problem| problem == wrong), "{:#?}", report.problems);
    }
}

#[test]
fn what_is_in_a_store_is_told_whether_a_collector_runs_on_it_or_not() {
    let dir = Dir::new();
    assert!(admin::info(dir.path(), false).unwrap_err().to_string().starts_with("there is no store in "));
    let server = Server::start(dir.config());
    server.telemetry(body("s", &(0..10).map(event).collect::<Vec<_>>())).is(200);
    let info = admin::info(dir.path(), true).unwrap();
    assert_eq!((info.events, info.batches, info.sessions), (10, 1, 1));
    assert!(info.oldest.is_some() && info.tables.iter().any(|table| table.name == "events"), "{info:?}");
    assert!(matches!(Offline::open(dir.path()), Err(AdminError::Open(_))));
    server.stop().unwrap();
    let mut store = Offline::open(dir.path()).unwrap();
    store.vacuum().unwrap();
    assert_eq!(store.delete_session("s", |_| {}).unwrap(), 10);
    drop(store);
    is_whole(&dir);
}
