//! The store in a server that is there: see [`Live`].

mod beside;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use lastword::Severity;
use lastword::event::names;
use serde_json::json;

use super::engine::Blocks;
use super::open;
use crate::clickhouse::{Client, Lease, Live, Spans, Sql};
use crate::clock;
use crate::ingest::{Draft, Drafts, Source};
use crate::limits::QUERY_TIMEOUT;
use crate::store::batch::Stored;
use crate::store::engine::Engine;
use crate::store::erase::Target;
use crate::store::index::Indexed;
use crate::store::trail::{InForce, What, Who};
use crate::store::{Consents, WriteError};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A store of this name, with what writes it.
fn store(live: &Live, name: &str) -> (Client, Box<dyn Engine>) {
    let client = live.client(name);
    let opened = open(&client, &live.dir(name), true).unwrap();
    (client, opened.engine)
}

/// A request of a session: an event of each kind that something is grouped by, of a user. `at` tells it from others.
fn request(session: &str, user: &str, at: usize) -> Vec<Indexed> {
    let now_us = clock::now_us() / 3_600_000_000 * 3_600_000_000;
    let mut drafts = Drafts::new(now_us - 1);
    let to = drafts.session(&Source { session_id: session, ..Source::default() });
    for (place, name) in
        [names::SPAN_END, "run.run_start", names::METRICS, names::ERROR, session].into_iter().enumerate()
    {
        let id = format!("{session}-{at}-{place}");
        let mut draft = Draft::generic(name, &id, Severity::Info, now_us + i64::try_from(at * 10 + place).unwrap());
        draft.index = u64::try_from(at * 10 + place).ok();
        if name == names::ERROR {
            draft.error = Some(("TimeoutError", "no answer"));
        }
        drafts
            .add(to, place, &draft, |data| {
                data.text("user_id", user);
                match place {
                    0 => data.text("trace_id", TRACE),
                    1 => data.text("run_id", "run-1"),
                    2 => data.value("series", &json!([{"name":"tokens","type":"counter","value":2}])),
                    _ => {}
                }
            })
            .unwrap();
    }
    drafts.finish().envelopes.into_iter().map(Indexed::of).collect()
}

fn count(client: &Client, question: &str) -> u64 {
    client.row::<(u64,)>(&Sql::new(&format!("SELECT count() FROM {question}"))).unwrap().unwrap().0
}

fn told(stored: &[Stored]) -> Vec<(usize, usize)> {
    stored.iter().map(|stored| (stored.accepted, stored.duplicates)).collect()
}

#[test]
fn what_is_sent_again_is_known_and_what_is_acknowledged_may_be_read() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "again");
    let (one, two) = (request("one", "ada", 0), request("two", "ada", 0));
    assert_eq!(told(&engine.commit(&[&one, &two, &one]).unwrap()), [(5, 0), (5, 0), (0, 5)]);
    assert_eq!(told(&engine.commit(&[&two]).unwrap()), [(0, 5)]);
    assert_eq!(count(&client, "events"), 10, "none is there twice, and none is hidden by another");
    assert_eq!(count(&client, "occurrences FINAL"), 2);
    let newest = engine.newest().unwrap();
    assert_eq!(count(&client, &format!("events WHERE row <= {newest}")), 10);
    let mut numbers = Sql::new("SELECT session, toInt64(groupBitmapMerge(indexes)) FROM sessions GROUP BY session ");
    let numbers: Vec<(String, i64)> = client.rows(numbers.add("ORDER BY min(row)")).unwrap();
    assert_eq!(numbers, [("one".to_owned(), 5), ("two".to_owned(), 5)]);
    engine.close();
}

#[test]
fn of_a_session_that_is_removed_no_table_has_anything_and_what_it_shared_is_of_the_others() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "removed");
    let (gone, left) = (request("gone", "ada", 0), request("left", "bob", 1));
    engine.commit(&[&gone, &left]).unwrap();
    let step = engine.remove(&Target::Session("gone".to_owned()), 0).unwrap().wait().unwrap();
    assert_eq!((step.events, step.sessions, step.next), (5, 1, None));
    for table in ["events", "sessions", "occurrences"] {
        assert_eq!(count(&client, &format!("{table} WHERE session = 'gone'")), 0, "{table}");
        assert!(count(&client, &format!("{table} WHERE session = 'left'")) > 0, "{table}");
    }
    assert_eq!((count(&client, "users WHERE user = 'ada'"), count(&client, "names WHERE name = 'gone'")), (0, 0));
    let mut sql = Sql::new("SELECT argMinMerge(session), sum(1) FROM ");
    sql.add("(SELECT session FROM traces UNION ALL SELECT session FROM runs)");
    assert_eq!(client.row::<(String, u64)>(&sql).unwrap(), Some(("left".to_owned(), 2)));
    assert_eq!(count(&client, "series"), 1);
    // The same events may come again.
    assert_eq!(told(&engine.commit(&[&gone]).unwrap()), [(5, 0)]);
    engine.close();
}

#[test]
fn groups_that_a_removal_did_not_make_anew_are_made_by_the_next_one_also_where_they_have_begun_again() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "begun");
    engine.commit(&[&request("gone", "ada", 0), &request("left", "bob", 1)]).unwrap();
    // As one leaves it that did not come to its end; then the same trace and run have an event of another hour.
    let delete = |table: &str, which: &str| {
        client.run(&Sql::new(&format!("DELETE FROM {} WHERE {which}", client.changed(table)))).unwrap();
    };
    delete("traces", "TRUE");
    delete("runs", "TRUE");
    let mut later = request("later", "eve", 2);
    later[0].envelope.events.iter_mut().for_each(|event| event.time_us -= 2 * 3_600_000_000);
    engine.commit(&[&later]).unwrap();
    delete("names", "name NOT IN ('left', 'later')");
    let step = engine.remove(&Target::Session("gone".to_owned()), 0).unwrap().wait().unwrap();
    assert_eq!((step.events, step.sessions, step.next), (5, 1, None));
    for hours in ["(SELECT DISTINCT hour FROM traces)", "(SELECT DISTINCT hour FROM runs)"] {
        assert_eq!(count(&client, hours), 2, "{hours}");
    }
    assert_eq!(count(&client, "(SELECT DISTINCT name FROM names)"), 6, "the two of their own, and what both have");
    engine.close();
}

#[test]
fn a_user_who_is_forgotten_is_in_no_event_and_whose_events_are_removed_has_none() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "users");
    engine.commit(&[&request("one", "ada\"x", 0), &request("two", "bob", 1)]).unwrap();
    engine.opt_in(&Who::local("cli:test"), "bob").unwrap();
    let step = engine.remove(&Target::UserId("ada\"x".to_owned()), 0).unwrap().wait().unwrap();
    assert_eq!((step.events, step.next), (5, None));
    assert_eq!(count(&client, "events WHERE position(body, 'ada') > 0 OR position(user, 'ada') > 0"), 0);
    assert_eq!(count(&client, r#"events WHERE session = 'one' AND position(body, '"user_id":null') > 0"#), 5);
    let step = engine.remove(&Target::User("bob".to_owned()), 0).unwrap().wait().unwrap();
    assert_eq!((step.events, step.next), (5, None));
    assert_eq!((count(&client, "events"), count(&client, "users"), count(&client, "opt_ins")), (5, 0, 0));
    assert_eq!(count(&client, "sessions WHERE session = 'two'"), 1, "what has arrived of it stays");
    engine.close();
}

#[test]
fn what_was_removed_is_taken_off_the_disk_once_a_day() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "unmasked");
    engine.commit(&[&request("gone", "ada", 0), &request("left", "bob", 1)]).unwrap();
    engine.remove(&Target::Session("gone".to_owned()), 0).unwrap().wait().unwrap();
    let masked = format!("{} WHERE has_lightweight_delete", client.parts());
    assert!(count(&client, &masked) > 0);
    engine.give_back().unwrap();
    // Nobody waits for it.
    let end = Instant::now() + QUERY_TIMEOUT;
    while count(&client, &masked) > 0 {
        assert!(Instant::now() < end, "{masked}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(count(&client, "events"), 5);
    engine.close();
}

#[test]
fn beyond_its_bytes_the_oldest_week_goes_and_the_last_one_stays() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "oldest");
    engine.commit(&[&request("new", "ada", 0)]).unwrap();
    let old = "INSERT INTO events (hour, session, time_us, id, row, severity) \
               SELECT toDateTime(1000000800, 'UTC'), toString(number), 1000000800000000, 'id', 7 + number, 1 FROM numbers(8)";
    client.run(&Sql::new(old)).unwrap();
    let size = engine.remove(&Target::Oldest(u64::MAX), 0).unwrap().wait().unwrap();
    assert_eq!((size.events, size.next), (0, None));
    assert_eq!(engine.remove(&Target::Oldest(1), 0).unwrap().wait().unwrap().events, 8, "of all servers");
    assert_eq!(engine.remove(&Target::Oldest(1), 0).unwrap().wait().unwrap().events, 0);
    assert_eq!(count(&client, "events WHERE session = 'new'"), count(&client, "events"));
    engine.close();
}

#[test]
fn what_is_kept_is_what_was_kept_last_and_the_trail_tells_what_changed() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "kept");
    assert_eq!(engine.begin_cursor("forward.a", 7).unwrap(), 7);
    for row in [9, 8] {
        engine.keep_cursor("forward.a", row).unwrap();
        assert_eq!(engine.begin_cursor("forward.a", 0).unwrap(), row);
    }
    let name = engine.name().unwrap();
    assert!(name.starts_with("store ") && name == engine.name().unwrap(), "{name}");
    for value in ["30", "30", "7"] {
        let setting = InForce { what: What::Setting, name: "days".to_owned(), value: value.to_owned() };
        engine.observe(What::Setting, &[setting]).unwrap();
    }
    let key = InForce { what: What::Key, name: "ci".to_owned(), value: "ingest 01".to_owned() };
    engine.observe(What::Key, &[key]).unwrap();
    engine.observe(What::Key, &[]).unwrap();
    let who = Who::local("cli:test");
    assert!(!engine.resolve(&who, "none", true).unwrap());
    engine.commit(&[&request("one", "ada", 0)]).unwrap();
    let (fingerprint,): (String,) = client.row(&Sql::new("SELECT fingerprint FROM occurrences")).unwrap().unwrap();
    let came_back = "occurrences WHERE row > (SELECT resolved_row FROM marks FINAL)";
    assert!(engine.resolve(&who, &fingerprint, true).unwrap());
    assert_eq!(count(&client, came_back), 0);
    engine.commit(&[&request("two", "ada", 0)]).unwrap();
    assert_eq!(count(&client, came_back), 1);
    let told: Vec<(String,)> = client.rows(&Sql::new("SELECT action FROM audit FINAL ORDER BY row")).unwrap();
    let told: Vec<&str> = told.iter().map(|(action,)| action.as_str()).collect();
    assert_eq!(told, ["setting.changed", "key.added", "key.removed", "exception.resolve"]);
    engine.close();
}

#[test]
fn a_block_that_readers_may_be_past_is_not_written_and_is_when_it_is_sent_again() {
    let Some(live) = Live::start() else { return };
    let (client, mut engine) = store(&live, "late");
    let spans = Spans { silence_max: Duration::ZERO, ..Spans::default() };
    let lease = Lease::take_with(&client, &live.dir("late-too"), true, spans).unwrap();
    let mut late: Box<dyn Engine> = Box::new(Blocks::new(client.clone(), lease, Consents::of(HashSet::new())).unwrap());
    let one = request("one", "ada", 0);
    assert!(matches!(late.commit(&[&one]), Err(WriteError::Failed(_))));
    assert_eq!(count(&client, "events"), 0);
    late.close();
    assert_eq!(told(&engine.commit(&[&one]).unwrap()), [(5, 0)]);
    let newest = engine.newest().unwrap();
    assert_eq!(count(&client, &format!("events WHERE row <= {newest}")), 5);
    engine.close();
}
