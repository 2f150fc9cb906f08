//! Users: opted in, forgotten, removed.

use serde_json::{Value, json};

use super::Case;
use crate::fixture::Fixture;
use crate::questions;
use crate::send::{event, events};

pub const CASES: [Case; 3] = [
    ("nobody is named who did not opt in, nor who took it back", consent),
    ("all events that name a user are removed", removed),
    ("who has opted in is known after a restart", kept),
];

fn of(index: i64, user: &str) -> Value {
    event(index, &format!("u-{index}"), index * 1_000, "n", json!({"a": "b", "user_id": user, "b": [index]}))
}

fn consent(fixture: &mut Fixture) {
    fixture.events("before", &[of(0, "ada")]);
    assert!(fixture.all("/api/events?user=ada", "events").is_empty());
    fixture.opt("ada", true);
    fixture.opt("eve", true);
    fixture.events("s", &[of(0, "ada"), of(1, "bob"), of(2, "eve"), of(3, "ada")]);
    fixture.events("t", &[of(0, "ada")]);
    assert_eq!(fixture.all("/api/events?user=ada", "events").len(), 3);
    assert_eq!(fixture.all("/api/sessions?user=ada", "sessions").len(), 2);
    fixture.pages("/api/users", "users", 1);
    fixture.pages("/api/users?opted_in=true", "users", 1);
    questions::every(fixture);
    // Its events stay, and do not say whose they are.
    assert_eq!(fixture.opt("ada", false)["events"], 3);
    assert!(fixture.all("/api/events?user=ada", "events").is_empty());
    assert!(fixture.all("/api/events?text=ada", "events").is_empty());
    assert_eq!(fixture.json("/api/sessions/s")["events"], 4);
    let again = fixture.events("s", &[of(3, "ada"), of(4, "ada")]);
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(1), &json!(1)));
    assert_eq!(fixture.opt("nobody", false)["events"], 0);
    assert_eq!(fixture.send("PATCH", "/api/users/ada", "{}").status, 400);
    assert_eq!(fixture.all("/api/users?user=ada", "users").len(), 0);
    fixture.opt("ada", true);
    fixture.events("s", &[of(5, "ada")]);
    assert_eq!(fixture.all("/api/events?user=ada", "events").len(), 1);
}

fn removed(fixture: &mut Fixture) {
    for user in ["ada", "bob"] {
        fixture.opt(user, true);
    }
    fixture.events("s", &[of(0, "bob"), of(1, "ada"), of(2, "bob"), of(3, "ada")]);
    fixture.events("t", &[of(0, "ada")]);
    fixture.events("u", &events(0..3));
    assert_eq!(fixture.send("DELETE", "/api/users/ada", "").is(200).json()["events"], 3);
    assert_eq!(fixture.all("/api/events", "events").len(), 5);
    let session = fixture.json("/api/sessions/s");
    assert_eq!((&session["events"], &session["missing"]), (&json!(2), &json!(0)), "what was removed is not missing");
    assert_eq!(fixture.send("DELETE", "/api/users/ada", "").is(200).json()["events"], 0);
    fixture.pages("/api/users", "users", 10);
    questions::every(fixture);
    fixture.events("s", &[of(1, "ada"), of(7, "bob")]);
}

fn kept(fixture: &mut Fixture) {
    fixture.opt("ada", true);
    fixture.opt("bob", true);
    fixture.opt("bob", false);
    fixture.restart();
    fixture.events("s", &[of(0, "ada"), of(1, "bob")]);
    assert_eq!(
        (fixture.all("/api/events?user=ada", "events").len(), fixture.all("/api/events?user=bob", "events").len()),
        (1, 0)
    );
    assert_eq!(fixture.all("/api/audit", "entries").iter().filter(|entry| entry["actor"] == "anyone").count(), 3);
}
