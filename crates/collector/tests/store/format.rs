//! A store of an older format.

use serde_json::json;

use super::common::{Dir, Server, body, event, exception, named};
use super::{TO_FORMAT_6, TO_FORMAT_7, is_whole, to_format_5};

/// Makes a directory with the store that the program of format 2 left.
pub(super) fn of_format_2(dir: &Dir) {
    std::fs::create_dir(dir.path()).unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    connection.execute_batch(include_str!("../format_2.sql")).unwrap();
}

#[test]
fn a_store_of_format_2_comes_up_with_all_that_was_in_it_counted_grouped_and_found() {
    let dir = Dir::new();
    of_format_2(&dir);
    let server = Server::start(dir.config());
    assert_eq!(server.events("").len(), 11);
    let trace = server.get("/api/traces/4bf92f3577b34da6a3ce929d0e0e4736").is(200).json();
    assert_eq!(
        (&trace["name"], &trace["duration_ms"], &trace["ended"]),
        (&json!("invoke_agent"), &json!(900.0), &json!(2))
    );
    assert_eq!((&trace["tokens_in"], &trace["errors"], &trace["events"]), (&json!(100), &json!(1), &json!(3)));
    let calls = server.get("/api/calls?since=2026-11-20T00:00:00Z&kind=model").is(200).json();
    assert_eq!((&calls["calls"][0]["calls"], &calls["calls"][0]["tokens_in"]), (&json!(1), &json!(100)));
    let run = server.get("/api/runs/run_1").is(200).json();
    assert_eq!(
        (&run["status"], &run["objective"], &run["model_calls"]),
        (&json!("failed"), &json!("mend it"), &json!(1))
    );
    assert_eq!(server.all("/api/series", "series").len(), 2);
    assert_eq!(server.events("text=unicorn").len(), 1);
    assert_eq!(server.events("user=ada").len(), 1);
    let group = &server.all("/api/exceptions", "exceptions")[0];
    assert_eq!(
        (&group["count"], &group["versions"][0]["count"], &group["users_affected"]),
        (&json!(2), &json!(2), &json!("1"))
    );
    let hours = server.get("/api/stats?by=hour&since=2026-11-20T00:00:00Z").json();
    let sum: i64 = hours["counts"].as_array().unwrap().iter().map(|count| count["count"].as_i64().unwrap()).sum();
    assert_eq!(sum, 11);
    let again = server.telemetry(body("other", &[event(0), event(2)])).is(200).json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(1), &json!(1)));
    server.stop().unwrap();
    is_whole(&dir);
}

/// Makes of a store one of format 3: its ids are without the times of their events, and it has no audit trail.
fn as_in_format_3(dir: &Dir) {
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    to_format_5(&connection);
    let bodies = "FROM events JOIN batches ON events.row BETWEEN first_row AND last_row";
    connection
        .execute_batch(&format!(
            "DELETE FROM ids;
             INSERT INTO ids SELECT session, unhex(body ->> 'event_id', '-') {bodies} WHERE length(body ->> 'event_id') = 36;
             INSERT INTO ids SELECT session, body ->> 'event_id' {bodies} WHERE length(body ->> 'event_id') <> 36;
             DROP TABLE audit;
             DROP TABLE audit_known;
             PRAGMA user_version = 3;"
        ))
        .unwrap();
}

#[test]
fn ids_drawn_by_lot_are_known_again_after_the_step_from_format_3() {
    let dir = Dir::new();
    let ids = [
        "3f2b8c1e-2c4d-4e5f-8a6b-9c0d1e2f3a4b",
        "018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b",
        "642b3652356ec46f43ead45575b86b87-e8a40931eab9429c",
        "a",
    ];
    let events: Vec<String> = (0..).zip(ids).map(|(place, id)| named(place, id, "x", "INFO", "{}")).collect();
    let request = body("s", &events);
    let server = Server::start(dir.config());
    server.telemetry(&request).is(200);
    server.stop().unwrap();
    as_in_format_3(&dir);
    let server = Server::start(dir.config());
    let again = server.telemetry(&request).is(200).json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(4)));
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn exceptions_are_counted_over_time_from_before_the_step_from_format_5() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let at = |index, time: &str| exception(index, "ERROR", "E", "m").replace("2026-11-20T09:20:34Z", time);
    let times = ["2026-11-20T09:20:34Z", "2026-11-20T09:20:59Z", "2026-11-20T10:00:00Z", "1969-12-31T23:59:59Z"];
    let events: Vec<String> = (0..).zip(times).map(|(index, time)| at(index, time)).collect();
    server.telemetry(body("s", &events)).is(200);
    let fingerprint = server.all("/api/exceptions", "exceptions")[0]["fingerprint"].clone();
    let path = format!(
        "/api/exceptions/{}?since=2026-11-20T09:00:00Z&until=2026-11-20T11:00:00Z",
        fingerprint.as_str().unwrap()
    );
    let over_time = |server: &Server| server.get(&path).is(200).json()["over_time"].clone();
    let before = over_time(&server);
    server.stop().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    to_format_5(&connection);
    drop(connection);
    let server = Server::start(dir.config());
    assert_eq!(over_time(&server), before);
    let counts: Vec<i64> = before.as_array().unwrap().iter().map(|part| part["count"].as_i64().unwrap()).collect();
    assert_eq!(counts.iter().copied().filter(|count| *count > 0).collect::<Vec<_>>(), [2, 1]);
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn what_was_counted_before_the_step_from_format_6_can_be_taken_away_to_the_last() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let of_version = |version: &str, events: &[String]| {
        server.telemetry(body("s", events).replace("0.38.0", version)).is(200);
    };
    let call = r#"{"duration_ms":1,"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"bash"}"#;
    let user = named(2, "u", "session.user", "INFO", r#"{"user_bucket":7}"#);
    of_version("1.0", &[named(0, "o-0", "operation", "INFO", call), exception(1, "CRITICAL", "E", "m 1"), user]);
    of_version("2.0", &[named(3, "o-3", "operation", "INFO", call), exception(4, "ERROR", "E", "m 4")]);
    server.telemetry(body("kept", &[exception(0, "ERROR", "E", "m 5")])).is(200);
    server.stop().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    connection.execute_batch(TO_FORMAT_7).unwrap();
    connection.execute_batch(TO_FORMAT_6).unwrap();
    // As programs of that format did it: a part is counted of one version, and taken away from another.
    connection.execute_batch("UPDATE exceptions SET sessions = 9, buckets = 3; UPDATE calls SET calls = 5;").unwrap();
    drop(connection);
    let server = Server::start(dir.config());
    is_whole(&dir);
    let group = |server: &Server| server.all("/api/exceptions", "exceptions")[0].clone();
    let known = group(&server);
    assert_eq!(
        (&known["sessions"], &known["users_affected"], &known["severity"], known["versions"].as_array().unwrap().len()),
        (&json!(2), &json!("1"), &json!("CRITICAL"), 2)
    );
    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    let left = group(&server);
    assert_eq!((&left["error_message"], &left["severity"]), (&json!("m 5"), &json!("ERROR")));
    assert_eq!((&left["users_affected"], left["versions"].as_array().unwrap().len()), (&json!(null), 1));
    assert_eq!(server.get("/api/calls?since=2026-11-20T00:00:00Z").json()["calls"], json!([]));
    server.stop().unwrap();
    is_whole(&dir);
}
