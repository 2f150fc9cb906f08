//! Removals that go on while events are stored.

use super::*;
use crate::clickhouse::Gate;

/// How a statement begins that deletes from a table, as a server is told it that is alone or in a cluster.
fn deletes(live: &Live, [alone, in_cluster]: [&'static str; 2]) -> &'static str {
    if live.client("any").location().cluster().is_some() { in_cluster } else { alone }
}

/// A store behind a gate.
fn store_at(live: &Live, port: u16, name: &str) -> Box<dyn Engine> {
    open(&Live::client_at(port, name), &live.dir(name), true).unwrap().engine
}

/// Waits until there is none of it.
fn wait_for_none(client: &Client, question: &str) {
    let end = Instant::now() + QUERY_TIMEOUT;
    while count(client, question) > 0 {
        assert!(Instant::now() < end, "{question}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn while_events_of_a_session_go_others_are_stored_and_what_comes_of_it_goes_too() {
    let Some(live) = Live::start() else { return };
    let gate = Gate::before(&live, deletes(&live, ["DELETE FROM events ", "DELETE FROM events_local "]));
    let (client, mut engine) = (live.client("beside"), store_at(&live, gate.port(), "beside"));
    engine.commit(&[&request("gone", "ada", 0), &request("left", "bob", 1)]).unwrap();
    let going = engine.remove(&Target::Session("gone".to_owned()), 0).unwrap();
    gate.wait();
    let (more, new) = (request("gone", "ada", 2), request("new", "eve", 3));
    assert_eq!(told(&engine.commit(&[&more, &new]).unwrap()), [(5, 0), (5, 0)]);
    let newest = engine.newest().unwrap();
    assert_eq!(count(&client, &format!("events WHERE session = 'new' AND row <= {newest}")), 5, "it may be read");
    gate.open();
    let step = going.wait().unwrap();
    assert_eq!((step.events, step.sessions, step.next), (10, 1, None));
    for table in ["events", "sessions", "occurrences"] {
        assert_eq!(count(&client, &format!("{table} WHERE session = 'gone'")), 0, "{table}");
        assert!(count(&client, &format!("{table} WHERE session = 'new'")) > 0, "{table}");
    }
    assert_eq!((count(&client, "users WHERE user = 'ada'"), count(&client, "users WHERE user = 'eve'")), (0, 1));
    assert_eq!(count(&client, "events"), 10);
    engine.close();
}

#[test]
fn an_event_whose_groups_are_deleted_before_it_is_in_has_them_after_the_removal() {
    let Some(live) = Live::start() else { return };
    let text = deletes(&live, ["DELETE FROM traces ", "DELETE FROM traces_local "]);
    let (client, mut first) = store(&live, "between");
    first.commit(&[&request("gone", "ada", 0)]).unwrap();
    first.close();
    let deletion = Gate::before(&live, text);
    let insert = Gate::before_port(deletion.port(), "INSERT+INTO+events+");
    let mut engine = store_at(&live, insert.port(), "between");
    let going = engine.remove(&Target::Session("gone".to_owned()), 0).unwrap();
    deletion.wait();
    // Of the same trace, run and series, which the removal makes anew.
    let new = std::thread::spawn(move || {
        let stored = told(&engine.commit(&[&request("new", "eve", 1)]).unwrap());
        (engine, stored)
    });
    insert.wait();
    assert_eq!(count(&client, "events WHERE session = 'new'"), 0, "its groups are in, and it is not");
    deletion.open();
    wait_for_none(&client, "traces");
    insert.open();
    let (engine, stored) = new.join().unwrap();
    assert_eq!(stored, [(5, 0)]);
    assert_eq!(going.wait().unwrap().events, 5);
    let mut sql = Sql::new("SELECT argMinMerge(session), uniqExact(kind) FROM ");
    sql.add("(SELECT session, 't' AS kind FROM traces UNION ALL SELECT session, 'r' AS kind FROM runs)");
    assert_eq!(client.row::<(String, u64)>(&sql).unwrap(), Some(("new".to_owned(), 2)));
    assert_eq!((count(&client, "users WHERE user = 'eve'"), count(&client, "series")), (1, 1));
    assert_eq!(count(&client, "(SELECT DISTINCT name FROM names)"), 5, "of the one, and what both have");
    engine.close();
}

#[test]
fn who_opts_in_while_what_is_known_of_them_goes_has_opted_in() {
    let Some(live) = Live::start() else { return };
    let gate = Gate::before(&live, deletes(&live, ["DELETE FROM events ", "DELETE FROM events_local "]));
    let (client, mut engine) = (live.client("opted"), store_at(&live, gate.port(), "opted"));
    engine.commit(&[&request("one", "ada", 0)]).unwrap();
    let who = Who::local("cli:test");
    engine.opt_in(&who, "ada").unwrap();
    let going = engine.remove(&Target::User("ada".to_owned()), 0).unwrap();
    gate.wait();
    assert_eq!(count(&client, "opt_ins"), 0);
    engine.opt_in(&who, "ada").unwrap();
    gate.open();
    assert_eq!(going.wait().unwrap().events, 5);
    let known = ["events", "users WHERE user = 'ada'", "opt_ins WHERE user = 'ada'"];
    assert_eq!(known.map(|question| count(&client, question)), [0, 1, 1]);
    engine.close();
}

#[test]
fn a_session_that_goes_while_its_events_are_looked_up_is_not_heard_of_again() {
    let Some(live) = Live::start() else { return };
    let deletion = Gate::before(&live, deletes(&live, ["DELETE FROM events ", "DELETE FROM events_local "]));
    let look_up = Gate::before_port(deletion.port(), "(SELECT hour FROM sessions WHERE session IN ");
    let (client, mut engine) = (live.client("looked_up"), store_at(&live, look_up.port(), "looked_up"));
    let mut again = request("gone", "ada", 0);
    engine.commit(&[&again]).unwrap();
    let going = engine.remove(&Target::Session("gone".to_owned()), 0).unwrap();
    deletion.wait();
    // Now it is looked up by two questions: four are known, and the answer about this one comes when it is gone.
    again[0].envelope.events[0].has_arrived = true;
    let commit = std::thread::spawn(move || {
        let stored = told(&engine.commit(&[&again]).unwrap());
        (engine, stored)
    });
    look_up.wait();
    deletion.open();
    wait_for_none(&client, "sessions WHERE session = 'gone'");
    look_up.open();
    let (engine, stored) = commit.join().unwrap();
    assert_eq!(stored, [(1, 4)]);
    let step = going.wait().unwrap();
    assert_eq!((step.events, step.sessions, step.next), (6, 1, None));
    for table in ["events", "sessions", "occurrences", "users"] {
        assert_eq!(count(&client, table), 0, "{table}");
    }
    engine.close();
}

#[test]
fn a_user_whose_removal_waits_for_its_turn_is_not_believed_any_more_and_may_opt_in_meanwhile() {
    let Some(live) = Live::start() else { return };
    let gate = Gate::before(&live, deletes(&live, ["DELETE FROM events ", "DELETE FROM events_local "]));
    let client = live.client("turns");
    let opened = open(&Live::client_at(gate.port(), "turns"), &live.dir("turns"), true).unwrap();
    let (mut engine, consents) = (opened.engine, opened.consents);
    engine.commit(&[&request("one", "ada", 0), &request("two", "eve", 1)]).unwrap();
    let who = Who::local("cli:test");
    engine.opt_in(&who, "eve").unwrap();
    let first = engine.remove(&Target::User("ada".to_owned()), 0).unwrap();
    gate.wait();
    // As it is where what users have said was read again just now.
    consents.set("eve", true);
    let second = engine.remove(&Target::UserId("eve".to_owned()), 0).unwrap();
    assert_eq!((consents.is_opted_in("eve"), count(&client, "opt_ins")), (false, 0));
    engine.opt_in(&who, "eve").unwrap();
    gate.open();
    assert_eq!([first, second].map(|going| going.wait().unwrap().events), [5, 5]);
    assert_eq!((count(&client, "events"), count(&client, "events WHERE user = 'eve'")), (5, 0));
    assert_eq!((count(&client, "(SELECT DISTINCT user FROM users)"), count(&client, "opt_ins")), (1, 1));
    engine.close();
}

#[test]
fn who_is_just_about_to_have_opted_in_is_no_user_who_is_forgotten() {
    let Some(live) = Live::start() else { return };
    let deletion = Gate::before(&live, deletes(&live, ["DELETE FROM events ", "DELETE FROM events_local "]));
    let word = Gate::before_port(deletion.port(), "INSERT+INTO+opt_ins+");
    let (client, mut engine) = (live.client("about"), store_at(&live, word.port(), "about"));
    engine.commit(&[&request("one", "ada", 0)]).unwrap();
    let going = engine.remove(&Target::UserId("ada".to_owned()), 0).unwrap();
    deletion.wait();
    let opting = std::thread::spawn(move || {
        engine.opt_in(&Who::local("cli:test"), "ada").unwrap();
        engine
    });
    word.wait();
    deletion.open();
    wait_for_none(&client, "events WHERE user = 'ada'");
    // What is left to be done of the removal comes to its end, or waits.
    for _ in 0..50 {
        assert!(count(&client, "users") > 0, "the user is known, and is about to have said so");
        std::thread::sleep(Duration::from_millis(5));
    }
    word.open();
    let engine = opting.join().unwrap();
    assert_eq!(going.wait().unwrap().next, None);
    assert_eq!(["(SELECT DISTINCT user FROM users)", "opt_ins"].map(|of| count(&client, of)), [1, 1]);
    engine.close();
}
