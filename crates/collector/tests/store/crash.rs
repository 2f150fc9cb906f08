//! A process that is killed while it removes, migrates or copies leaves a good store.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use lastword_collector::admin::{self, Offline};
use lastword_collector::{Collector, Config};

use super::common::{Dir, Server, body, event};
use super::is_whole;

/// Set in the processes that the tests below start and kill: what to do, and the directory.
const TASK: &str = "LASTWORD_STORE_TEST_TASK";
const DIRECTORY: &str = "LASTWORD_STORE_TEST_DIRECTORY";

/// Does nothing unless started by one of the tests that kill it.
#[test]
fn a_process_of_its_own() {
    let (Ok(task), Some(dir)) = (std::env::var(TASK), std::env::var_os(DIRECTORY)) else { return };
    println!("\nbegins");
    match task.as_str() {
        "remove" => {
            let mut store = Offline::open(&dir).unwrap();
            store.delete_session("gone", |events| println!("removed {events}")).unwrap();
        }
        "migrate" => drop(Collector::open(Config::new(&dir)).unwrap()),
        _ => {
            let file = std::path::Path::new(&dir).join("copy.db");
            admin::backup(&dir, file, |bytes, _| println!("copied {bytes}")).unwrap();
        }
    }
    println!("\ndone");
}

fn child(task: &str, dir: &Dir) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_process_of_its_own", "--nocapture"])
        .env(TASK, task)
        .env(DIRECTORY, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills a process as soon as it says a line that begins so, or at its end.
fn kill_at(mut child: Child, line: &str) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _ = lines.find(|said| said.as_ref().is_ok_and(|said| said.starts_with(line)));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Fills a store with two sessions.
fn fill(dir: &Dir, events: usize) {
    let server = Server::start(dir.config());
    let all: Vec<String> = (0..events).map(event).collect();
    for chunk in all.chunks(500) {
        server.telemetry(body("gone", chunk)).is(200);
    }
    server.telemetry(body("kept", &[event(0)])).is(200);
    server.stop().unwrap();
}

#[test]
fn a_removal_that_is_killed_has_removed_whole_steps_and_goes_on_when_it_is_asked_again() {
    let dir = Dir::new();
    fill(&dir, 10_000);
    kill_at(child("remove", &dir), "removed ");
    is_whole(&dir);
    let left = admin::info(dir.path(), false).unwrap().events;
    assert!((1..=8001).contains(&left), "{left}");
    let mut store = Offline::open(dir.path()).unwrap();
    store.delete_session("gone", |_| {}).unwrap();
    drop(store);
    assert_eq!(admin::info(dir.path(), false).unwrap().events, 1);
    is_whole(&dir);
}

#[test]
fn a_migration_that_is_killed_begins_anew() {
    let dir = Dir::new();
    super::format::of_format_2(&dir);
    // More events, so that it takes a while.
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    connection
        .execute_batch(
            "INSERT INTO sessions (session_id, first_received_us, last_received_us, events, info) VALUES ('many', 1, 1, 50000, 50000);
             INSERT INTO names (name) VALUES ('many');
             WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 50099)
             INSERT INTO events SELECT i, 1795166430000000 + i, i, 3, 2, (SELECT id FROM names WHERE name = 'many'),
                 '{\"event\":\"GENERIC_EVENT\",\"event_id\":\"m-' || i || '\",\"event_name\":\"many\",\"event_data\":{}}' FROM n;
             INSERT INTO ids SELECT (SELECT id FROM sessions WHERE session_id = 'many'), 'm-' || row FROM events WHERE row >= 100;
             INSERT INTO batches SELECT row + 99, row, (SELECT id FROM sessions WHERE session_id = 'many'), 1, 1795166430000000,
                 1795166440000000, 3080 FROM events WHERE row >= 100 AND row % 100 = 0;
             INSERT INTO batch_names SELECT (SELECT id FROM names WHERE name = 'many'), last_row FROM batches WHERE last_row >= 100;",
        )
        .unwrap();
    drop(connection);
    kill_at(child("migrate", &dir), "begins");
    let server = Server::start(dir.config());
    assert_eq!(server.events("name=cache.miss").len(), 1);
    assert_eq!(server.get("/api/sessions/many").json()["events"], 50_000);
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn a_copy_that_is_killed_leaves_no_file_under_its_name_and_the_next_one_is_whole() {
    let dir = Dir::new();
    fill(&dir, 5000);
    kill_at(child("copy", &dir), "begins");
    let file = dir.path().join("copy.db");
    // It may have been quicker than the kill: then it is whole.
    if !file.exists() {
        admin::backup(dir.path(), &file, |_, _| {}).unwrap();
    }
    let into = dir.path().join("restored");
    admin::restore(&file, &into, false).unwrap();
    assert!(admin::verify(&into, |_| {}).unwrap().ok);
    assert_eq!(admin::info(&into, false).unwrap().events, 5001);
    is_whole(&dir);
}
