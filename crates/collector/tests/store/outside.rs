//! Large values outside of the store: a real object store on a directory. What is so of every store is held in `tests/stores/outside.rs`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lastword_collector::{Config, admin};
use serde_json::{Value, json};

use super::common::large::{large, said};
use super::common::until;
use super::common::{Dir, Server, body, event, named};
use super::is_whole;

/// A store, and where its large values go.
struct Place {
    store: Dir,
    values: Dir,
}

impl Place {
    fn new() -> Self {
        Self { store: Dir::new(), values: Dir::new() }
    }

    fn config(&self) -> Config {
        self.store.config().blobs(format!("file://{}", self.values.path().display()))
    }

    /// All objects that there are.
    fn objects(&self) -> Vec<PathBuf> {
        self.values.files()
    }

    fn one(&self, sql: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.store.path().join("lastword.db")).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn a_large_value_is_one_object_and_each_event_comes_back_byte_for_byte() {
    let place = Place::new();
    let server = Server::start(place.config());
    let events: Vec<String> = (0..10).map(|index| said(index, 0)).chain([said(10, 1), event(11)]).collect();
    server.telemetry(body("s", &events)).is(200);
    server.telemetry(body("t", &events[..10])).is(200);
    let answer = server.get("/api/events?order=asc&session=s&limit=100").is(200).body;
    for event in &events {
        let expected = format!("{},\"session_id\":\"s\"}}", event.strip_suffix('}').unwrap());
        assert!(answer.contains(&expected), "byte for byte");
    }
    assert_eq!(place.objects().len(), 2);
    assert_eq!(place.one("SELECT count(*) FROM blobs WHERE outside > 20000 AND text = ''"), 2);
    assert_eq!(place.one("SELECT max(length(body)) < 1000 FROM events"), 1);
    assert_eq!(server.events("text=needle-0").len(), 20);
    assert_eq!((server.events("text=NEEDLE-1").len(), server.events("text=needle-2").len()), (1, 0));
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("lastword_blob_puts_total 2\n"), "{metrics}");

    // The other session has one of them still.
    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    assert_eq!(place.objects().len(), 1);
    assert_eq!(server.events("text=needle-0").len(), 10);
    assert!(admin::verify_blobs(place.store.path(), |_, _| {}).unwrap().ok);
    server.client().send("DELETE", "/api/sessions/t", &[], b"").is(200);
    assert_eq!((place.objects().len(), place.one("SELECT count(*) FROM unnamed")), (0, 0));
    // What was deleted is put there again.
    server.telemetry(body("u", &[said(0, 0)])).is(200);
    assert_eq!(server.events("text=needle-0").len(), 1);
    server.stop().unwrap();
    is_whole(&place.store);
}

#[test]
fn a_store_has_values_of_both_kinds_and_remembers_where_those_outside_are() {
    let place = Place::new();
    let server = Server::start(place.store.config());
    server.telemetry(body("s", &[said(0, 0)])).is(200);
    server.stop().unwrap();
    // As the version before left it.
    let connection = rusqlite::Connection::open(place.store.path().join("lastword.db")).unwrap();
    connection.execute_batch(super::TO_FORMAT_7).unwrap();
    drop(connection);

    let server = Server::start(place.config());
    server.telemetry(body("s", &[said(1, 1), said(2, 0)])).is(200);
    server.stop().unwrap();
    assert_eq!(place.objects().len(), 2, "the same value as inside is another one outside");
    is_whole(&place.store);
    let reader = lastword_collector::query::Reader::open(place.store.path()).unwrap();
    let found = reader.events(&lastword_collector::query::EventQuery::default()).unwrap();
    assert!(
        found.items[0].json.contains("needle-0") && found.items[1].json.contains("needle-1"),
        "whoever reads knows where"
    );
    let outside = admin::info(place.store.path(), false).unwrap().outside.unwrap();
    assert_eq!((outside.values, outside.url), (2, format!("file://{}", place.values.path().display())));

    let server = Server::start(place.store.config());
    server.telemetry(body("s", &[said(3, 3)])).is(200);
    for number in [0, 1, 3] {
        assert_eq!(server.events(&format!("text=needle-{number}")).len(), if number == 0 { 2 } else { 1 });
    }
    assert_eq!(place.objects().len(), 2, "those that come are in the store again");
    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    assert_eq!(place.objects().len(), 0, "those of before are deleted where they are");
    server.stop().unwrap();
    is_whole(&place.store);
}

#[test]
fn objects_that_nothing_names_are_deleted_when_they_are_a_day_old() {
    let place = Place::new();
    let server = Server::start(place.config());
    server.telemetry(body("s", &[said(0, 0)])).is(200);
    server.stop().unwrap();
    let named = place.objects().pop().unwrap();
    let old = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    let age = |path: &Path| File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    let beside = |digit: &str| {
        let directory = named.parent().and_then(Path::parent).unwrap().join(digit.repeat(2));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join(digit.repeat(64));
        std::fs::write(&path, "\"\"").unwrap();
        path
    };
    let (orphan, fresh) = (beside("a"), beside("b"));
    age(&named);
    age(&orphan);
    // No name of a value: somebody else's.
    let foreign = named.with_file_name("notes.txt");
    std::fs::write(&foreign, "").unwrap();
    age(&foreign);

    let server = Server::start(place.config());
    until("it is deleted", || !orphan.exists());
    server.telemetry(body("s", &[said(1, 1)])).is(200);
    assert!(named.exists() && fresh.exists() && foreign.exists());
    assert_eq!(server.events("text=needle-0").len(), 1);
}

#[test]
fn values_of_events_that_were_removed_while_their_place_was_away_are_deleted_later() {
    let place = Place::new();
    let server = Server::start(place.config());
    server.telemetry(body("s", &[said(0, 0)])).is(200);
    let away = place.values.path().with_extension("away");
    std::fs::rename(place.values.path(), &away).unwrap();
    std::fs::write(place.values.path(), "").unwrap();
    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    server.stop().unwrap();
    assert_eq!(place.one("SELECT count(*) FROM unnamed"), 1);
    std::fs::remove_file(place.values.path()).unwrap();
    std::fs::rename(&away, place.values.path()).unwrap();
    let server = Server::start(place.config());
    until("it is deleted", || place.objects().is_empty());
    server.stop().unwrap();
    assert_eq!(place.one("SELECT count(*) FROM unnamed"), 0);
    // Without a collector it is done at once.
    let server = Server::start(place.config());
    server.telemetry(body("t", &[said(0, 0)])).is(200);
    server.stop().unwrap();
    assert_eq!(place.objects().len(), 1);
    admin::Offline::open(place.store.path()).unwrap().delete_session("t", |_| {}).unwrap();
    assert_eq!(place.objects().len(), 0);
}

#[test]
fn whoever_is_forgotten_is_out_of_events_with_values_outside_and_all_else_of_them_stays() {
    let place = Place::new();
    let server = Server::start(place.config());
    super::opt_in(&server, "ada");
    let of = |index: usize, number: usize| {
        let data = format!(
            r#"{{"user_id":"ada","prompt":"{}","trace_id":"{}"}}"#,
            large(number),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        named(index, &format!("e-{index}"), "model", "INFO", &data)
    };
    server.telemetry(body("s", &[of(0, 0), of(1, 1), event(2)])).is(200);
    let json = [("content-type", "application/json")];
    server.client().send("PATCH", "/api/users/ada", &json, br#"{"telemetry_opt_in":false}"#).is(200);
    let events = server.events("text=needle-1");
    assert_eq!(events.len(), 1, "the text is found still");
    assert_eq!(
        (&events[0]["event_data"]["user_id"], &events[0]["event_data"]["prompt"]),
        (&Value::Null, &json!(large(1)))
    );
    assert_eq!((server.events("user=ada").len(), server.events("text=ada").len()), (0, 0));
    server.stop().unwrap();
    is_whole(&place.store);
}
