//! Large values: stored once, and never missed.

use serde_json::json;

use super::common::{Dir, Server, body, event, named};
use super::{is_whole, opt_in};

fn blobs(dir: &Dir) -> i64 {
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    connection.query_row("SELECT count(*) FROM blobs", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_large_value_is_stored_once_and_each_event_comes_back_byte_for_byte() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    opt_in(&server, "ada");
    let prompt = format!("\"{} a Needle \\u00e9 {}\"", "x".repeat(20_000), "größe".repeat(2000));
    let said = |index: usize| {
        let data = format!(r#"{{"n":{index}, "prompt" : {prompt},"user_id":"ada","answer":[{prompt}] }}"#);
        named(index, &format!("e-{index}"), "model", "INFO", &data)
    };
    let events: Vec<String> = (0..10).map(said).chain([event(10)]).collect();
    server.telemetry(body("s", &events)).is(200);
    server.telemetry(body("t", &events)).is(200);
    let mut answer = server.get("/api/events?order=asc&session=s&limit=100").is(200).body;
    for event in &events {
        let expected = format!("{},\"session_id\":\"s\"}}", event.strip_suffix('}').unwrap());
        assert!(answer.contains(&expected), "byte for byte");
        answer = answer.replacen(&expected, "", 1);
    }
    assert_eq!(blobs(&dir), 2, "the prompt, and the list with it");
    assert_eq!(server.events("text=a%20needle").len(), 20);
    assert_eq!(server.events("text=another%20needle").len(), 0);

    let json = [("content-type", "application/json")];
    server.client().send("PATCH", "/api/users/ada", &json, br#"{"telemetry_opt_in":false}"#).is(200);
    let first = server.get("/api/events?order=asc&session=s&limit=1").is(200).body;
    assert!(
        first.contains(&events[0].replace(r#""ada""#, "null")[..events[0].len() - 2]),
        "all but the id is as it was"
    );
    assert_eq!(server.events("text=a%20needle").len(), 20);

    server.client().send("DELETE", "/api/sessions/s", &[], b"").is(200);
    assert_eq!(blobs(&dir), 2, "the other session has them");
    assert_eq!(server.get("/api/sessions/t").json()["events"], json!(11));
    server.stop().unwrap();
    is_whole(&dir);
    let server = Server::start(dir.config());
    server.client().send("DELETE", "/api/sessions/t", &[], b"").is(200);
    assert_eq!(blobs(&dir), 0);
    server.stop().unwrap();
    is_whole(&dir);
}
