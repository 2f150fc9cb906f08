//! Lines of logs, over HTTP.

use serde_json::json;

use super::common::{Dir, Server};
use super::{name, one};

const PATH: &str = "/api/v1/logs";
const AT: &str = "2026-11-20T09:20:34.000000Z";

#[test]
fn an_error_in_a_line_is_grouped_with_those_like_it_whatever_logger_wrote_it() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let stack = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nTimeoutError: no answer after 30 s";
    let lines = [
        json!({"time": 1_795_166_434_000_i64, "level": 50, "msg": "m", "err": {"type": "TimeoutError", "message": "no answer after 5 s"}}),
        json!({"asctime": "2026-11-20 09:20:34,000", "levelname": "ERROR", "message": "m", "exc_info": stack}),
    ];
    server.post(PATH, lines.map(|line| line.to_string()).join("\n")).is(200);
    let groups = server.all("/api/exceptions?limit=10", "exceptions");
    assert_eq!((groups.len(), &groups[0]["count"], &groups[0]["error_type"]), (1, &2.into(), &"TimeoutError".into()));
}

#[test]
fn the_same_lines_twice_are_stored_once_if_they_say_when_they_were() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let timed = json!({"timestamp": AT, "level": "info", "message": "timed", "metadata": {"a": 1}, "requestId": "r-1"});
    let body = format!("{timed}\n{}\n", json!({"message": "timeless"}));
    for _ in 0..2 {
        server.post(&format!("{PATH}?session=s"), &body).is(200);
    }
    let events = server.events("session=s");
    let timed = one(&events, |event| event["event_data"]["message"] == "timed");
    assert_eq!(
        (name(timed), &timed["timestamp"], &timed["event_data"]["requestId"]),
        ("log", &AT.into(), &"r-1".into())
    );
    assert_eq!(events.len(), 3, "what happened twice is there twice");
}
