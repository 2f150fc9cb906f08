//! Alerts on exceptions and sessions: when they count, and what is told of them.

use std::sync::mpsc::Receiver;

use serde_json::{Value, json};

use super::alerts::{Posts, config, fresh_named};
use crate::common::{Dir, Server, body, end, event, exception};
use crate::{PATIENCE, wait_for};

const HOOK: &str = "[[receiver]]\nname='ops'\nwebhook='http://example.test'\n";

/// Starts a collector with rules, and returns what it posts.
fn watched(dir: &Dir, rules: &str) -> (Server, Receiver<(String, Value)>) {
    let (posts, posted) = Posts::new(0);
    (Server::start_with(config(dir, &format!("{rules}\n{HOOK}")), |collector| collector.poster(posts)), posted)
}

/// Returns what is posted next: who tells of several at once may be answered in any order.
fn told(posted: &Receiver<(String, Value)>) -> Value {
    posted.recv_timeout(PATIENCE).unwrap().1
}

/// Returns the state of the first rule.
fn first(server: &Server) -> Value {
    server.get("/api/alerts").is(200).json()["alerts"][0].clone()
}

#[test]
fn a_crash_that_is_delivered_days_late_is_told_by_name_with_a_link_to_what_was_counted() {
    let dir = Dir::new();
    let rules = "url = 'https://example.test/lastword/'
        [[alert]]\nname='New'\nvalue='new_exceptions'\nwindow='1h'\nabove=0
        [[alert]]\nname='Crashes'\nvalue='crash_rate'\nwindow='1h'\nabove=0.4\nat_least=2";
    let (server, posted) = watched(&dir, rules);
    // Their clients say that all of it happened days ago.
    server.telemetry(body("good", &[event(0), end(1)])).is(200);
    let crash = exception(0, "CRITICAL", "TimeoutError", "no answer after 30 s\nat main");
    server.telemetry(body("bad", &[crash, end(1)])).is(200);
    let mut both = [told(&posted), told(&posted)];
    both.sort_by_key(|told| told["alert"] != "New");
    let [new, crashes] = both;
    assert_eq!((&new["state"], &new["value"]), (&"firing".into(), &1.0.into()));
    let about = &new["exceptions"][0];
    assert_eq!((&about["error_type"], &about["version"]), (&"TimeoutError".into(), &"0.38.0".into()));
    assert_eq!(about["message"], "no answer after 30 s");
    let page = about["page"].as_str().unwrap();
    let summary = new["summary"].as_str().unwrap();
    assert!(summary.ends_with(&format!(": TimeoutError: no answer after 30 s (0.38.0, {page})")), "{summary}");
    let path = |link: &Value| link.as_str().unwrap().strip_prefix("https://example.test/lastword").unwrap().to_owned();
    assert!(server.get(&path(&about["page"])).is(200).body.contains("no answer after 30 s"));
    let counted = server.get(&path(&new["page"])).is(200).body;
    assert!(counted.contains(&path(&about["page"])), "{counted}");
    assert!(server.get("/alerts").body.contains("no answer after 30 s"));
    // What is kept of it for later is no text of a program's: that may be removed.
    let history = server.get("/api/alerts").json()["history"].as_array().unwrap().clone();
    let kept = history.iter().find(|kept| kept["alert"] == "New").unwrap();
    let named = json!([{ "error_type": "", "message": "", "version": null, "page": page }]);
    assert_eq!((&kept["alert"], &kept["exceptions"]), (&"New".into(), &named), "{kept}");
    assert!(!kept["summary"].as_str().unwrap().contains("TimeoutError"), "{kept}");

    let told = (&crashes["alert"], &crashes["value"], crashes.get("exceptions"));
    assert_eq!(told, (&"Crashes".into(), &0.5.into(), None));
    let counted = server.get(&path(&crashes["page"])).is(200).body;
    assert!(counted.contains("href=\"/sessions/bad\"") && !counted.contains("href=\"/sessions/good\""), "{counted}");

    // When it is removed, it is told no more, though the alert goes on.
    server.client().send("DELETE", "/api/sessions/bad", &[], b"").is(200);
    let now = server.get("/api/alerts").is(200).body;
    assert!(now.contains("an exception") && !now.contains("TimeoutError") && !now.contains("no answer"), "{now}");
}

#[test]
fn an_exception_that_comes_again_after_it_was_resolved_is_told_until_somebody_says_that_it_is_again() {
    let dir = Dir::new();
    let rules =
        "[[alert]]\nname='Again'\nvalue='regressed'\nwindow='1h'\nabove=0\nsummary='{value} again: {exceptions}'";
    let (server, posted) = watched(&dir, rules);
    let thrown = |index, kind| exception(index, "ERROR", kind, "no answer");
    server.telemetry(body("s", &[thrown(0, "Fixed"), thrown(1, "Open")])).is(200);
    let group = server.all("/api/exceptions?text=fixed", "exceptions").remove(0);
    let path = format!("/exceptions/{}", group["fingerprint"].as_str().unwrap());
    let mark = || {
        let json = [("content-type", "application/json")];
        server.client().send("PATCH", &format!("/api{path}"), &json, br#"{"resolved":true}"#).is(200);
    };
    mark();
    wait_for("an evaluation", || Some(first(&server)).filter(|rule| rule["value"] == 0.0));
    // The clock of this one is slow.
    let again = body("t", &[thrown(0, "Fixed"), thrown(1, "Open")]).replace("0.38.0", "0.39.0");
    server.telemetry(again).is(200);
    let fired = told(&posted);
    assert_eq!((&fired["state"], &fired["value"]), (&"firing".into(), &1.0.into()));
    assert_eq!(fired["summary"], format!("1 again: Fixed: no answer (0.39.0, {path})"));
    let counted = server.get(fired["page"].as_str().unwrap()).is(200).body;
    assert!(counted.contains(">Fixed<") && !counted.contains(">Open<"), "{counted}");
    assert!(server.get("/metrics").body.contains("lastword_alert_firing{name=\"Again\"} 1"));
    mark();
    let over = told(&posted);
    assert_eq!((&over["state"], &over["summary"]), (&"resolved".into(), &"0 again: none".into()));
}

#[test]
fn an_error_that_a_program_dealt_with_is_told_with_a_link_to_its_event() {
    let dir = Dir::new();
    let (server, posted) = watched(&dir, "[[alert]]\nname='New'\nvalue='new_exceptions'\nwindow='1h'\nabove=0");
    let data = r#"{"error.type":"Declined","error.message":"card 17"}"#;
    server.telemetry(body("s", &[fresh_named(0, "error", "ERROR", data)])).is(200);
    let about = told(&posted)["exceptions"][0].clone();
    assert_eq!((&about["error_type"], &about["message"]), (&"Declined".into(), &"card 17".into()));
    assert!(server.get(about["page"].as_str().unwrap()).is(200).body.contains("card 17"));
}

#[test]
fn rules_about_sessions_look_at_no_event_however_many_there_are() {
    let dir = Dir::new();
    let rules = "[[alert]]\nname='Lost'\nvalue='missing'\nwindow='1h'\nabove=100
        [[alert]]\nname='Crashes'\nvalue='crash_rate'\nwindow='1h'\nabove=0.9
        [[alert]]\nname='Silent'\nvalue='silent_sessions'\nwindow='1h'\nabove=100";
    let server = Server::start(config(&dir, rules));
    server.telemetry(body("s", &[event(0), event(4)])).is(200);
    server.telemetry(body("t", &[event(0), end(1)])).is(200);
    let values = || {
        let alerts = server.get("/api/alerts").is(200).json()["alerts"].clone();
        let all = alerts.as_array().unwrap().iter();
        let all: Vec<_> = all.map(|rule| (rule["value"].clone(), rule.get("error").cloned())).collect();
        all
    };
    let known = |values: [f64; 3]| values.map(|value| (json!(value), None)).to_vec();
    wait_for("what is known", || (values() == known([3.0, 0.0, 0.0])).then_some(()));
    let lost = server.get("/sessions?missing=true").is(200).body;
    assert!(lost.contains("href=\"/sessions/s\"") && !lost.contains("href=\"/sessions/t\""), "{lost}");

    let store = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    store.busy_timeout(PATIENCE).unwrap();
    store.execute_batch("ALTER TABLE events RENAME TO gone").unwrap();
    let change = "UPDATE sessions SET max_index = 7, recovered = 1, last_received_us = last_received_us - 360000000 WHERE session_id = 's';
                  UPDATE sessions SET end_index = NULL, last_received_us = last_received_us - 360000000 WHERE session_id = 't'";
    store.execute_batch(change).unwrap();
    wait_for("what is known then", || (values() == known([6.0, 0.5, 1.0])).then_some(()));
    store.execute_batch("ALTER TABLE gone RENAME TO events").unwrap();
}
