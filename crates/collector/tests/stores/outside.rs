//! Large values outside of the store, whatever store it is: a real object store on a directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lastword_collector::{Config, admin};
use serde_json::{Value, json};

use crate::common::large::{large, said};
use crate::common::until;
use crate::common::{Dir, Server, body, event, named};
use crate::fixture::Place;

/// A store, and where its large values go.
pub struct Kept {
    place: Place,
    dir: Dir,
    values: Dir,
}

impl Kept {
    pub fn new(place: Place) -> Self {
        Self { place, dir: Dir::new(), values: Dir::new() }
    }

    /// A collector of the store, with a directory of its own.
    fn plain(&self, dir: &Dir) -> Config {
        match &self.place {
            Place::Directory => dir.config(),
            #[cfg(feature = "clickhouse")]
            Place::ClickHouse { port, database } => {
                let cluster = crate::engine::cluster();
                dir.config().store(format!("clickhouse://127.0.0.1:{port}/{database}{cluster}"))
            }
        }
    }

    fn config(&self) -> Config {
        self.plain(&self.dir).blobs(format!("file://{}", self.values.path().display()))
    }

    fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Directory)
    }

    /// All objects that there are.
    fn objects(&self) -> Vec<PathBuf> {
        self.values.files()
    }

    /// Takes the object store away: where the directory was is a file.
    fn goes_away(&self) {
        std::fs::rename(self.values.path(), self.values.path().with_extension("away")).unwrap();
        std::fs::write(self.values.path(), "").unwrap();
    }

    fn comes_back(&self) {
        std::fs::remove_file(self.values.path()).unwrap();
        std::fs::rename(self.values.path().with_extension("away"), self.values.path()).unwrap();
    }
}

/// The addresses of the pages of events, those first that came first.
fn pages(server: &Server) -> Vec<String> {
    let list = server.get("/events").is(200).body;
    let rows = list.split("/events/").skip(1).filter_map(|rest| {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        rest[..digits].parse::<u64>().ok()
    });
    let mut rows: Vec<u64> = rows.collect();
    rows.sort_unstable();
    rows.dedup();
    rows.into_iter().map(|row| format!("/events/{row}")).collect()
}

pub fn each_event_comes_back_byte_for_byte(kept: &Kept) {
    let server = Server::start(kept.config());
    let events: Vec<String> = (0..10).map(|index| said(index, 0)).chain([said(10, 1), event(11)]).collect();
    server.telemetry(body("s", &events)).is(200);
    server.telemetry(body("t", &events[..10])).is(200);
    let holds = |answer: &str| {
        for event in &events {
            let expected = format!("{},\"session_id\":\"s\"}}", event.strip_suffix('}').unwrap());
            assert!(answer.contains(&expected), "byte for byte");
        }
    };
    holds(&server.get("/api/events?order=asc&session=s&limit=100").is(200).body);
    assert_eq!(kept.objects().len(), 2);
    // One on a page at a time: what is skipped is skipped once.
    for filter in ["text=needle-0&limit=3", "text=needle-0", "text=NEEDLE-0&name=model"] {
        assert_eq!(server.all(&format!("/api/events?{filter}"), "events").len(), 20, "{filter}");
    }
    assert_eq!((server.events("text=NEEDLE-1").len(), server.events("text=needle-2").len()), (1, 0));
    assert_eq!(server.events("text=e-11").len(), 0);
    assert_eq!(server.events("text=id-11").len(), 1, "what is in the store is found there");
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("lastword_blob_puts_total 2\n"), "{metrics}");
    let pages = pages(&server);
    assert_eq!(pages.len(), 22);
    assert!(server.get(&pages[0]).is(200).body.contains("needle-0"));
    // Who only reads is told by the store where they are.
    let beside = Dir::new();
    if !kept.is_sqlite() {
        let server = Server::start(kept.plain(&beside));
        holds(&server.get("/api/events?order=asc&session=s&limit=100").is(200).body);
        assert!(server.get(&pages[10]).is(200).body.contains("needle-1"));
        // What comes to it stays in the store.
        server.telemetry(body("u", &[said(0, 7)])).is(200);
        until("how far both are is known", || server.events("text=needle-7").len() == 1);
        assert_eq!(kept.objects().len(), 2);
        server.stop().unwrap();
    }
    // The same again is there already.
    assert_eq!(server.telemetry(body("t", &events[..10])).is(200).json()["duplicates"], 10);
    server.stop().unwrap();
}

pub fn a_value_that_is_missing_or_was_changed_is_told_in_its_place_and_all_else_is_shown(kept: &Kept) {
    let server = Server::start(kept.config());
    server.telemetry(body("s", &[said(0, 0), said(1, 1), said(2, 2)])).is(200);
    let find = |number: usize| {
        let has = |path: &PathBuf| std::fs::read_to_string(path).unwrap().contains(&format!("needle-{number}"));
        kept.objects().into_iter().find(has).unwrap()
    };
    let (missing, changed) = (find(0), find(1));
    std::fs::remove_file(missing).unwrap();
    let text = std::fs::read_to_string(&changed).unwrap();
    std::fs::write(changed, text.replace('x', "y")).unwrap();
    let events = server.events("");
    let prompt = |index: usize| events[index]["event_data"]["prompt"].as_str().unwrap();
    assert!(prompt(0).contains("is missing in the object store: sha256 "), "{}", prompt(0));
    assert!(prompt(1).contains("its object was changed: sha256 "), "{}", prompt(1));
    assert_eq!((prompt(2), &events[0]["event_data"]["n"]), (large(2).as_str(), &json!(0)));
    if kept.is_sqlite() {
        let report = admin::verify_blobs(kept.dir.path(), |_, _| {}).unwrap();
        assert_eq!(
            report.problems,
            ["large values are missing in the object store: 1", "large values were changed in the object store: 1"]
        );
    }
}

pub fn nothing_is_acknowledged_whose_values_are_not_in_the_object_store(kept: &Kept) {
    let server = Server::start(kept.config());
    server.telemetry(body("s", &[said(0, 0)])).is(200);
    kept.goes_away();
    let refused = server.telemetry(body("s", &[event(1), said(2, 2)]));
    let told = "the object store of large values can't be used";
    assert!(refused.status == 503 && refused.body.contains(told), "{}", refused.body);
    // What has none is stored all the same.
    server.telemetry(body("s", &[event(3)])).is(200);
    assert_eq!(server.events("kind=GENERIC_EVENT&name=n").len(), 1);
    until("health says so", || server.get("/api/health/storage").status == 503);
    let status = server.get("/api/status").json();
    assert_eq!((&status["ok"], &status["services"]["storage"]), (&json!(false), &json!(false)));
    assert!(server.get("/api/health").body.contains("the object store of large values can't be used"));
    assert!(server.get("/metrics").body.contains("lastword_blob_put_failed_total 1\n"));

    kept.comes_back();
    server.telemetry(body("s", &[event(1), said(2, 2)])).is(200);
    until("health says so", || server.get("/api/health/storage").status == 200);
    assert_eq!(server.events("text=needle-2").len(), 1);
}

pub fn while_the_object_store_is_away_what_needs_a_value_is_told_to_come_back_and_pages_show_the_rest(kept: &Kept) {
    let server = Server::start(kept.config());
    let span = r#"{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","span_name":"root","gen_ai.input.messages":"LARGE"}"#;
    let span = named(2, "e-2", "span.start", "INFO", &span.replace("LARGE", &large(2)));
    server.telemetry(body("s", &[said(0, 0), event(1), span])).is(200);
    let pages = pages(&server);
    server.stop().unwrap();
    // Of what was read before some is known.
    let server = Server::start(kept.config());
    kept.goes_away();
    for path in ["/api/events", "/api/events?text=needle-0", &pages[0]] {
        let refused = server.get(path);
        assert_eq!(refused.status, 503, "{path}: {}", refused.body);
        // Where it is and what it said is for the log.
        let (told, place) = ("a little later", "file://");
        assert!(refused.body.contains(told) && !refused.body.contains(place), "{}", refused.body);
    }
    // What has no such value is told.
    server.get(&pages[1]).is(200);
    for path in ["/events", "/live", "/sessions/s", "/traces", "/traces/0af7651916cd43dd8448eb211c80319c"] {
        let page = server.get(path).is(200).body;
        assert!(!page.contains("needle-"), "{path}");
    }
    assert!(server.get("/sessions/s").body.contains("bytes can't be read now: the object store does not answer"));

    kept.comes_back();
    assert_eq!(server.events("text=needle-0").len(), 1);
    server.get(&pages[0]).is(200);
}

pub fn whoever_is_forgotten_is_out_of_events_with_values_outside_and_all_else_of_them_stays(kept: &Kept) {
    let server = Server::start(kept.config());
    let opt = |is_in: bool| {
        let (said, json) = (json!({"telemetry_opt_in": is_in}).to_string(), [("content-type", "application/json")]);
        server.client().send("PATCH", "/api/users/ada", &json, said.as_bytes()).is(200);
    };
    opt(true);
    let of = |index: usize, number: usize| {
        let data = format!(
            r#"{{"user_id":"ada","prompt":"{}","trace_id":"{}"}}"#,
            large(number),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        named(index, &format!("e-{index}"), "model", "INFO", &data)
    };
    server.telemetry(body("s", &[of(0, 0), of(1, 1), event(2)])).is(200);
    opt(false);
    let events = server.events("text=needle-1");
    assert_eq!(events.len(), 1, "the text is found still");
    assert_eq!(
        (&events[0]["event_data"]["user_id"], &events[0]["event_data"]["prompt"]),
        (&Value::Null, &json!(large(1)))
    );
    assert_eq!((server.events("user=ada").len(), server.events("text=ada").len()), (0, 0));
}

/// Something that is held, by name.
pub type Case = (&'static str, fn(&Kept));

/// All that is held of each store.
pub const CASES: [Case; 5] = [
    ("byte for byte", each_event_comes_back_byte_for_byte),
    ("missing or changed", a_value_that_is_missing_or_was_changed_is_told_in_its_place_and_all_else_is_shown),
    ("not acknowledged", nothing_is_acknowledged_whose_values_are_not_in_the_object_store),
    ("away", while_the_object_store_is_away_what_needs_a_value_is_told_to_come_back_and_pages_show_the_rest),
    ("forgotten", whoever_is_forgotten_is_out_of_events_with_values_outside_and_all_else_of_them_stays),
];

/// Hours, in microseconds.
#[cfg(feature = "clickhouse")]
const HOUR_US: i64 = 3_600_000_000;

#[cfg(feature = "clickhouse")]
impl Kept {
    /// Makes all look as if it had been stored three hours before.
    fn age(&self) {
        let Place::ClickHouse { port, database } = &self.place else { panic!("only there") };
        crate::engine::age(*port, database, 3 * HOUR_US);
        for path in self.objects() {
            let (file, folder) = (path.file_name().unwrap(), path.parent().unwrap());
            let hour = folder.file_name().unwrap().to_str().unwrap();
            let before = format!("{:06x}", i64::from_str_radix(hour, 16).unwrap() - 3);
            crate::engine::rename_values(*port, database, hour, &before);
            let to = folder.with_file_name(before);
            std::fs::create_dir_all(&to).unwrap();
            std::fs::rename(&path, to.join(file)).unwrap();
        }
    }
}

/// Deletes a session.
#[cfg(feature = "clickhouse")]
fn delete(server: &Server, session: &str) {
    server.client().send("DELETE", &format!("/api/sessions/{session}"), &[], b"").is(200);
}

/// A value of an hour that is over goes with the last event that has it. One of this hour may be named by another process yet: it goes later.
#[cfg(feature = "clickhouse")]
pub fn what_is_removed_is_gone_from_the_object_store(kept: &Kept) {
    let server = Server::start(kept.config());
    for (session, number) in [("s", 0), ("t", 0), ("s-1", 1), ("s-2", 2)] {
        server.telemetry(body(session, &[said(number, number)])).is(200);
    }
    delete(&server, "s-1");
    assert_eq!(kept.objects().len(), 3, "the hour is not over");
    server.stop().unwrap();
    kept.age();
    let server = Server::start(kept.config());
    until("what was removed before goes", || kept.objects().len() == 2);
    // Whichever process it is told.
    let beside = Dir::new();
    let other = Server::start(kept.plain(&beside));
    delete(&other, "s");
    assert_eq!((kept.objects().len(), other.events("text=needle-0").len()), (2, 1), "another session has it");
    delete(&other, "t");
    assert_eq!((kept.objects().len(), other.events("text=needle-0").len()), (1, 0));
    other.stop().unwrap();
    // What was deleted is put there again.
    server.telemetry(body("u", &[said(0, 0)])).is(200);
    assert_eq!((server.events("text=needle-0").len(), server.events("text=needle-2").len()), (1, 1));
    server.stop().unwrap();
}

/// As a process leaves it that dies before it has stored what names the value.
#[cfg(feature = "clickhouse")]
pub fn objects_that_nothing_names_are_deleted_when_they_are_a_day_old(kept: &Kept) {
    let server = Server::start(kept.config());
    server.telemetry(body("s", &[said(0, 0)])).is(200);
    server.stop().unwrap();
    kept.age();
    let named = kept.objects().pop().unwrap();
    let old = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    let age = |path: &Path| File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    let beside = |digit: &str| {
        let path = named.with_file_name(digit.repeat(64));
        std::fs::write(&path, "\"\"").unwrap();
        path
    };
    let (orphan, fresh) = (beside("a"), beside("b"));
    age(&named);
    age(&orphan);
    let server = Server::start(kept.config());
    until("it is deleted", || !orphan.exists());
    assert!(named.exists() && fresh.exists());
    assert_eq!(server.events("text=needle-0").len(), 1);
    server.stop().unwrap();
}
