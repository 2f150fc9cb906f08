//! Exceptions: grouped, resolved, come again, opened again.

use serde_json::{Value, json};

use super::Case;
use crate::fixture::Fixture;
use crate::questions;
use crate::send::{event, exception};

pub const CASES: [Case; 4] = [
    ("exceptions that are alike are one group", alike),
    ("an exception that was resolved comes again and is opened again", marked),
    ("exceptions by version, time and user", by_version),
    ("exceptions go with their sessions", go),
];

fn group(fixture: &mut Fixture, kind: &str) -> Value {
    let groups = fixture.all("/api/exceptions?order=new", "exceptions");
    groups.into_iter().find(|group| group["error_type"] == kind).unwrap()
}

fn alike(fixture: &mut Fixture) {
    let batch = [
        exception(0, 0, "ERROR", "TimeoutError", "no answer after 30 s"),
        exception(1, 1_000, "CRITICAL", "TimeoutError", "no answer after 12.5 s"),
        exception(2, 2_000, "ERROR", "KeyError", "'user'"),
    ];
    fixture.events("one", &batch);
    fixture.events("one", &batch);
    fixture.events("two", &[exception(0, 500, "ERROR", "TimeoutError", "no answer after 1 s")]);
    let timeouts = group(fixture, "TimeoutError");
    assert_eq!(
        (&timeouts["count"], &timeouts["sessions"], &timeouts["severity"]),
        (&json!(3), &json!(2), &json!("CRITICAL"))
    );
    assert_eq!(
        (&timeouts["error_message"], &timeouts["sample"]["session_id"]),
        (&json!("no answer after 30 s"), &json!("one"))
    );
    // What came later and is older, or has another message, changes neither the sample nor the message.
    fixture.events("three", &[exception(0, -60_000, "ERROR", "TimeoutError", "no answer after 7 s")]);
    let timeouts = group(fixture, "TimeoutError");
    assert_eq!(
        (&timeouts["first_seen"], &timeouts["sample"]["session_id"]),
        (&json!(crate::send::at(-60_000)), &json!("one"))
    );
    questions::parameters(fixture, "/exceptions", 0);
}

fn marked(fixture: &mut Fixture) {
    let fail = |fixture: &mut Fixture, index: i64| {
        fixture.events(
            "s",
            &[
                exception(index, index * 1_000, "ERROR", "TimeoutError", "no answer"),
                exception(index + 1, index * 1_000, "ERROR", "KeyError", "k"),
            ],
        );
    };
    fail(fixture, 0);
    let fingerprint = group(fixture, "TimeoutError")["fingerprint"].as_str().unwrap().to_owned();
    let path = format!("/api/exceptions/{fingerprint}");
    let resolve = |fixture: &mut Fixture, resolved: bool| {
        fixture.send("PATCH", &path, &format!("{{\"resolved\":{resolved}}}")).is(200)
    };
    let stands = |fixture: &mut Fixture, state: &str| {
        let group = group(fixture, "TimeoutError");
        assert_eq!(group["state"], state, "{group}");
        for state in ["open", "resolved", "regressed"] {
            fixture.pages(&format!("/api/exceptions?state={state}"), "exceptions", 1);
        }
        fixture.pages("/api/exceptions?regressed=1h", "exceptions", 10);
        fixture.ask(&format!("/?{}", crate::send::range()));
        fixture.ask(&format!("/exceptions/{fingerprint}?{}", crate::send::range()));
        (group["resolved_at"].is_string(), group["regressed_at"].is_string())
    };
    assert_eq!(stands(fixture, "open"), (false, false));
    resolve(fixture, true);
    assert_eq!(stands(fixture, "resolved"), (true, false));
    resolve(fixture, true);
    // What was sent already is nothing new.
    fail(fixture, 0);
    assert_eq!(stands(fixture, "resolved"), (true, false));
    fail(fixture, 4);
    assert_eq!(stands(fixture, "regressed"), (false, true));
    resolve(fixture, true);
    stands(fixture, "resolved");
    resolve(fixture, false);
    stands(fixture, "open");
    fail(fixture, 8);
    stands(fixture, "open");
    assert_eq!(fixture.send("PATCH", "/api/exceptions/0000000000000000", "{\"resolved\":true}").status, 404);
    assert_eq!(fixture.send("PATCH", &path, "{\"resolved\":1}").status, 400);
    assert_eq!(fixture.all("/api/audit?action=exception.resolve", "entries").len(), 3);
    resolve(fixture, true);
    fixture.restart();
    stands(fixture, "resolved");
}

fn by_version(fixture: &mut Fixture) {
    for (place, version) in ["1.0", "1.1", "2.0", "1.0", "2.0"].into_iter().enumerate() {
        let place = i64::try_from(place).unwrap();
        let mut sent =
            exception(place, place * 600_000, "ERROR", "TimeoutError", &format!("no answer after {place} s"));
        sent["event_data"] = json!({"user_bucket": place * 3 % 4});
        fixture.events_of(
            &format!("s-{}", place % 3),
            version,
            &[sent, event(place + 50, &format!("e-{place}"), place, "n", json!({}))],
        );
    }
    let group = group(fixture, "TimeoutError");
    assert_eq!((&group["count"], group["versions"].as_array().unwrap().len()), (&json!(5), 3));
    let fingerprint = group["fingerprint"].as_str().unwrap();
    for since in [0, 600_000, 600_001, 2_400_000, 2_400_001] {
        let since = crate::send::at(since);
        fixture.ask(&format!("/api/exceptions/{fingerprint}?since={since}&until={}", crate::send::at(7_200_000)));
        fixture.pages(&format!("/api/exceptions?since={since}"), "exceptions", 10);
        fixture.pages(&format!("/api/exceptions?until={since}"), "exceptions", 10);
    }
}

/// What is left of the groups is in the order in which they came up: that of one whose first is gone may be another in another store.
fn go(fixture: &mut Fixture) {
    for (number, session) in (0..).zip(["gone-1", "kept", "gone-2"]) {
        let severity = if number == 0 { "CRITICAL" } else { "ERROR" };
        let alone = ["One", "Two", "Three"][usize::try_from(number).unwrap()];
        let sent = [
            exception(0, number * 1_000, severity, "Shared", &format!("of {number}")),
            exception(1, number * 1_000 + 500, "ERROR", alone, "alone"),
        ];
        fixture.events_of(session, session, &sent);
    }
    fixture.pages("/api/exceptions", "exceptions", 10);
    for session in ["gone-1", "gone-2"] {
        fixture.send("DELETE", &format!("/api/sessions/{session}"), "").is(200);
        questions::every(fixture);
    }
    let groups = fixture.all("/api/exceptions", "exceptions");
    let is_kept = |group: &Value| {
        group["sample"]["session_id"] == "kept" && group["sessions"] == 1 && group["severity"] == "ERROR"
    };
    assert!(groups.len() == 2 && groups.iter().all(is_kept), "{groups:?}");
}
