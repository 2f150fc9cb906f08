//! Removing: by session, by user, and the id of a user alone.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;

use super::common::{Dir, Server, body, end, event, exception, named, until};
use super::{is_whole, opt_in};

#[test]
fn a_session_is_removed_with_all_that_speaks_of_it_and_what_is_sent_again_is_stored_again() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events: Vec<String> =
        (0..300).map(|index| named(index, &format!("id-{index}"), &format!("n{}", index % 3), "INFO", "{}")).collect();
    for chunk in events.chunks(7) {
        server.telemetry(body("gone", chunk)).is(200);
    }
    server.telemetry(body("gone", &[exception(300, "ERROR", "E", "m"), end(301)])).is(200);
    server.telemetry(body("kept", &[event(0), exception(1, "ERROR", "E", "m")])).is(200);
    let removed = server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200).json();
    assert_eq!(removed["events"], 302);
    server.get("/api/sessions/gone").is(404);
    assert_eq!(server.events("").len(), 2);
    let group = &server.all("/api/exceptions", "exceptions")[0];
    assert_eq!((&group["count"], &group["sessions"]), (&json!(1), &json!(1)));
    assert_eq!(group["sample"]["session_id"], "kept", "the sample is one that is there");
    assert_eq!(server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200).json()["events"], 0);

    let again = server.telemetry(body("gone", &events[..7])).is(200).json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(7), &json!(0)));
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn names_that_no_event_has_any_more_are_forgotten_and_may_come_again() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let hostile = |from: usize| -> Vec<String> {
        let name = |index| format!("{index} of as many names as events");
        (from..from + 500).map(|index| named(index, &format!("id-{index}"), &name(index), "INFO", "{}")).collect()
    };
    server.telemetry(body("gone", &hostile(0))).is(200);
    server.telemetry(body("kept", &[event(0), hostile(7)[0].clone()])).is(200);
    let names = || -> i64 {
        let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
        connection.query_row("SELECT count(*) FROM names", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(names(), 501);
    server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200);
    assert_eq!(names(), 2, "those that another event has stay");
    server.telemetry(body("new", &hostile(400))).is(200);
    assert_eq!(server.events("name=450%20of%20as%20many%20names%20as%20events").len(), 1);
    let counts = server.get("/api/stats?since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z").json();
    let of = |name: &str| counts["counts"].as_array().unwrap().iter().filter(|count| count["name"] == name).count();
    assert_eq!((of("7 of as many names as events"), of("8 of as many names as events")), (1, 0));
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn a_removal_of_many_steps_comes_to_its_end_though_nobody_waits_for_the_answer() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events: Vec<String> = (0..7000).map(event).collect();
    for chunk in events.chunks(1000) {
        server.telemetry(body("gone", chunk)).is(200);
    }
    let mut asked = TcpStream::connect(server.address).unwrap();
    asked.write_all(b"DELETE /api/sessions/gone HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    until("a step is done", || server.get("/api/sessions/gone").json()["events"] != 7000);
    drop(asked);
    until("all of it is gone", || server.get("/api/sessions/gone").status == 404);
    assert_eq!(server.events("").len(), 0);
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn a_row_is_never_given_twice_so_that_whoever_follows_misses_nothing() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("gone", &(0..10).map(event).collect::<Vec<_>>())).is(200);
    let resume = server.get("/api/events?order=asc").json()["resume"].as_str().unwrap().to_owned();
    server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200);
    server.telemetry(body("new", &[event(0)])).is(200);
    let follow = format!("/api/events?order=asc&after={resume}");
    assert_eq!(server.get(&follow).json()["events"][0]["session_id"], "new");
    server.client().send("DELETE", "/api/sessions/new", &[], b"").is(200);
    server.stop().unwrap();
    let server = Server::start(dir.config());
    server.telemetry(body("newer", &[event(0)])).is(200);
    assert_eq!(server.get(&follow).json()["events"][0]["session_id"], "newer", "also after a start");
}

#[test]
fn all_events_that_name_a_user_are_removed_and_their_neighbours_stay() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    opt_in(&server, "ada");
    opt_in(&server, "bob");
    let of =
        |index, user: &str| named(index, &format!("u-{index}"), "n", "INFO", &format!(r#"{{"user_id":"{user}"}}"#));
    server.telemetry(body("s", &[event(0), of(1, "ada"), of(2, "bob"), of(3, "ada")])).is(200);
    server.telemetry(body("t", &[of(0, "ada")])).is(200);
    let removed = server.client().send("DELETE", "/api/users/ada", &[], b"").is(200).json();
    assert_eq!(removed["events"], 3);
    let left: Vec<_> = server.events("").into_iter().map(|event| event["event_id"].clone()).collect();
    assert_eq!(left, [json!("id-0"), json!("u-2")]);
    assert_eq!(server.all("/api/users", "users").len(), 1);
    let session = server.get("/api/sessions/s").json();
    assert_eq!((&session["events"], &session["missing"]), (&json!(2), &json!(0)), "what was removed is not missing");
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn nobody_has_opted_in_who_did_not_say_so_and_who_withdraws_is_named_by_no_event_any_more() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let said = |text: &str| format!(r#"{{"a":"b",  "user_id" :"ada","b":[{text}]}}"#);
    let opted_in = || server.all("/api/users?user=ada", "users").first().map(|user| user["telemetry_opt_in"].clone());
    server.telemetry(body("before", &[named(0, "u-0", "n", "INFO", &said("0"))])).is(200);
    assert_eq!((opted_in(), server.events("user=ada").len()), (None, 0));
    opt_in(&server, "ada");
    assert_eq!(opted_in(), Some(json!(true)));
    server.telemetry(body("s", &[named(0, "u-0", "n", "INFO", &said("1")), event(1)])).is(200);
    assert_eq!(server.events("user=ada").len(), 1);

    let json = [("content-type", "application/json")];
    let changed =
        server.client().send("PATCH", "/api/users/ada", &json, br#"{"telemetry_opt_in":false}"#).is(200).json();
    assert_eq!((changed["events"].as_u64(), opted_in()), (Some(1), None));
    assert_eq!(server.events("user=ada").len(), 0);
    let answer = server.get("/api/events?session=s&order=asc&limit=1").body;
    assert!(answer.contains(r#""event_data":{"a":"b",  "user_id" :null,"b":[1]}"#), "{answer}");
    server.stop().unwrap();
    is_whole(&dir);
}
