//! Data of every kind, sent to a collector as clients send it.
//!
//! The same each time but for the time: it ends now, so that pages of the last day have all of it.

mod agents;
mod hostile;
mod programs;
mod session;

use std::time::{SystemTime, UNIX_EPOCH};

#[allow(unused_imports, reason = "for the tests alone")]
pub(crate) use hostile::{ATTRIBUTE, SCRIPT, TURNED};
use serde_json::Value;

use crate::http;
use session::Session;

/// A second, in the unit of times here.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

/// Sends what programs and agents of a team did within a day.
pub(crate) fn day(address: &str) {
    programs::send(address, now());
    agents::send(address, now());
}

/// Sends texts that try to break out of where they are shown.
pub(crate) fn hostile(address: &str) {
    hostile::send(address, now());
}

/// Sends so many events of little sessions, spread over a day.
pub(crate) fn many(address: &str, events: usize) {
    programs::send_many(address, now(), events);
}

/// Says that a session which has not ended still lives, by an event of a name that no other has.
#[allow(dead_code, reason = "for the tests alone")]
pub(crate) fn beat(address: &str, count: usize) {
    let mut session = Session::resume("service-live", programs::LATEST, now(), 1 + count);
    session.say(&beat_name(count), "INFO", &serde_json::json!({ "count": count })).send(address);
}

/// Returns the name of that event.
pub(crate) fn beat_name(count: usize) -> String {
    format!("beat.{count}.")
}

/// Posts JSON, which must be taken.
fn post(address: &str, path: &str, body: &str) {
    let (status, answer) = http::post(address, path, body);
    assert_eq!(status, 200, "{path}: {answer}");
}

/// Says that all exceptions of a type are dealt with.
fn resolve(address: &str, error_type: &str) {
    let (status, answer) = http::get(address, "/api/exceptions?limit=1000");
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let groups = answer["exceptions"].as_array().unwrap();
    for group in groups.iter().filter(|group| group["error_type"] == error_type) {
        let path = format!("/api/exceptions/{}", group["fingerprint"].as_str().unwrap());
        let body = r#"{"resolved":true}"#;
        let head = format!("PATCH {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        assert_eq!(http::ask(address, &head, body).0, 200, "{path}");
    }
}

/// Numbers that look like chance and are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    /// Returns one of 0 to `sides` - 1.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Returns the same as a signed number.
    fn time(&mut self, sides: i64) -> i64 {
        i64::try_from(self.roll(u64::try_from(sides).unwrap())).unwrap()
    }

    /// Picks one.
    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }
}
