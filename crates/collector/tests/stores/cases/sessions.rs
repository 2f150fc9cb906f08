//! Sessions: late, out of order, with gaps, ended in every way, side by side, removed.

use serde_json::json;

use super::Case;
use crate::fixture::Fixture;
use crate::send::{end, event, events, exception, start, told};

pub const CASES: [Case; 8] = [
    ("events that come late and out of order", out_of_order),
    ("gaps that close from either side", gaps),
    ("two sessions that take turns", in_turns),
    ("sessions that ended in every way", ends),
    ("what a client says that it dropped", drops),
    ("events of years ago and of days ahead", far_away),
    ("a session that is removed leaves nothing", removed),
    ("events are kept as long as is said of their class", kept),
];

fn out_of_order(fixture: &mut Fixture) {
    fixture.events("s", &[event(7, "a", 7_000, "n", json!({})), told(5, "b", 5_000, "n", "DEBUG", json!({}))]);
    fixture.events("s", &[told(3, "c", 3_000, "n", "ERROR", json!({})), exception(4, 4_000, "CRITICAL", "E", "m")]);
    fixture.events("s", &[end(8, 8_000)]);
    fixture.events("s", &[start(0, 0)]);
    fixture.events("s", &[event(9, "d", 9_000, "behind the end", json!({}))]);
    let session = fixture.json("/api/sessions/s");
    assert_eq!(session["by_severity"], json!({"DEBUG": 1, "INFO": 4, "WARNING": 0, "ERROR": 1, "CRITICAL": 1}));
    assert_eq!((&session["state"], &session["fatal"], &session["missing"]), (&json!("ended"), &json!(true), &json!(3)));
    assert_eq!(
        (&session["first_event"], &session["last_event"]),
        (&json!(crate::send::at(0)), &json!(crate::send::at(9_000)))
    );
}

fn gaps(fixture: &mut Fixture) {
    for (indexes, missing, gaps) in [
        (vec![4, 5], 4, 1),
        (vec![0, 1, 9, 12], 7, 3),
        (vec![2, 8, 10], 4, 3),
        (vec![3, 6, 7], 1, 1),
        (vec![11], 0, 0),
        (vec![40], 27, 1),
    ] {
        fixture.events("s", &events(indexes));
        let session = fixture.json("/api/sessions/s");
        assert_eq!((&session["missing"], &session["gaps"]), (&json!(missing), &json!(gaps)), "{session}");
        fixture.ask("/sessions/s");
    }
    fixture.events("odd", &events((0..2_600).step_by(2)));
    let odd = fixture.json("/api/sessions/odd");
    assert_eq!((&odd["gaps"], odd["gap_list"].as_array().unwrap().len()), (&json!(1299), 1000));
    // One that was given twice closes no gap twice.
    let mut twice = events([0, 2, 3]);
    twice.push(event(2, "other", 2_000, "tick", json!({})));
    fixture.events("twice", &twice);
    assert_eq!(fixture.json("/api/sessions/twice")["missing"], 1);
}

fn in_turns(fixture: &mut Fixture) {
    for turn in 0..12 {
        let session = ["s", "t"][usize::try_from(turn % 2).unwrap()];
        fixture.events_of(
            session,
            ["1.0", "1.1"][usize::try_from(turn / 6).unwrap()],
            &events([turn / 2 * 2, turn / 2 * 2 + 1]),
        );
    }
    fixture.events("s", &[end(12, 12_000)]);
    assert_eq!(fixture.all("/api/events?session=t&order=asc", "events").len(), 12);
    assert_eq!(fixture.json("/api/sessions/s")["state"], "ended");
    assert_eq!(fixture.json("/api/sessions/t")["state"], "open");
}

/// Sessions that ended well, by a fatal error, by a crash, and not at all.
pub fn ends_of_all_kinds(fixture: &mut Fixture) {
    let fatal = exception(1, 1_000, "CRITICAL", "Panic", "boom");
    let recovered =
        told(1, "r", 1_000, "session.recovered", "WARNING", json!({"events": 1, "torn": 0, "signal": "SIGSEGV"}));
    let all = [
        ("s-open", vec![start(0, 0), event(1, "a", 1_000, "n", json!({}))]),
        ("s-ended", vec![start(0, 0), exception(1, 1_000, "ERROR", "E", "m"), end(2, 2_000)]),
        ("s-fatal", vec![end(2, 2_000), start(0, 0), fatal.clone()]),
        ("s-later", vec![end(0, 0), fatal]),
        ("s-crashed", vec![start(0, 0), recovered, end(2, 2_000)]),
        ("sessionless-1", vec![event(4, "a", 0, "n", json!({}))]),
    ];
    for (session, events) in all {
        fixture.events(session, &events);
    }
}

fn ends(fixture: &mut Fixture) {
    ends_of_all_kinds(fixture);
    let state = |fixture: &mut Fixture, session: &str| {
        let session = fixture.json(&format!("/api/sessions/{session}"));
        (session["state"].as_str().unwrap().to_owned(), session["fatal"].as_bool().unwrap())
    };
    assert_eq!(state(fixture, "s-open"), ("open".to_owned(), false));
    assert_eq!(state(fixture, "s-fatal"), ("ended".to_owned(), true));
    assert_eq!(state(fixture, "s-later"), ("ended".to_owned(), false));
    assert_eq!(state(fixture, "s-crashed"), ("crashed".to_owned(), false));
    assert_eq!(fixture.json("/api/sessions/s-crashed")["signal"], "SIGSEGV");
    fixture.restart_with(|config| config.silent_after(std::time::Duration::ZERO));
    assert_eq!(state(fixture, "s-open"), ("silent".to_owned(), false));
    crate::questions::every(fixture);
    crate::questions::parameters(fixture, "/sessions", 0);
}

fn drops(fixture: &mut Fixture) {
    let said = |index, id: &str, data| told(index, id, index * 1_000, "telemetry.dropped", "WARNING", data);
    let first = said(0, "a", json!({"queue_full": 3, "too_large": 1}));
    let second = said(1, "b", json!({"queue_full": 4, "odd": "x", "none": 0}));
    fixture.events("s", std::slice::from_ref(&first));
    fixture.events("s", &[first, second]);
    fixture.events("t", &[said(0, "a", json!({"rate": 1}))]);
    fixture.events("u", &[event(0, "a", 0, "n", json!({}))]);
    assert_eq!(fixture.json("/api/sessions/s")["drops"], json!({"queue_full": 7, "too_large": 1}));
    assert_eq!(fixture.all("/api/sessions?lost=true", "sessions").len(), 2);
}

fn far_away(fixture: &mut Fixture) {
    const DAY: i64 = 86_400_000;
    let old = [
        event(0, "a", -DAY * 9_000, "old", json!({})),
        exception(1, -DAY * 400, "ERROR", "E", "m 1"),
        event(2, "c", -DAY * 40, "n", json!({})),
    ];
    fixture.events("old", &old);
    fixture.events(
        "ahead",
        &[
            event(0, "a", DAY * 3, "ahead", json!({})),
            exception(1, DAY * 4_000, "ERROR", "E", "m 2"),
            event(2, "c", DAY, "n", json!({})),
        ],
    );
    fixture.events("now", &events(0..3));
    let again = fixture.events("old", &old);
    assert_eq!(again["duplicates"], 3);
    for range in [
        "since=2001-01-01T00:00:00Z",
        "until=2001-01-01T00:00:00Z",
        "since=2001-01-01T00:00:00Z&until=2099-01-01T00:00:00Z",
    ] {
        for path in ["/api/events", "/api/sessions", "/api/exceptions", "/api/stats", "/", "/events", "/sessions"] {
            fixture.ask(&format!("{path}?{range}"));
        }
    }
    assert_eq!(fixture.all("/api/events?name=old", "events").len(), 1);
}

fn removed(fixture: &mut Fixture) {
    let trace = |id: u64| json!({"trace_id": crate::send::trace(id), "span_id": format!("{id:016x}"), "span_name": "x", "duration_ms": 5, "status": "ok"});
    for session in ["gone", "kept"] {
        let number = u64::from(session == "gone");
        let mut sent = events(0..40);
        sent.extend([
            exception(40, 40_000, "ERROR", "E", "shared"),
            exception(
                41,
                41_000,
                "ERROR",
                "E",
                &format!("of {} alone", ["one", "the other"][usize::from(session == "gone")]),
            ),
            event(42, "sp", 42_000, "span.end", trace(7)),
            event(43, "sq", 43_000, "span.end", trace(8 + number)),
            event(44, "ru", 44_000, "run.run_start", json!({"run_id": format!("run-{number}"), "objective": "Fix it"})),
            event(45, "only", 45_000, &format!("only of {session}"), json!({})),
            end(46, 46_000),
        ]);
        fixture.events(session, &sent);
    }
    assert_eq!(fixture.send("DELETE", "/api/sessions/gone", "").is(200).json()["events"], 47);
    assert_eq!(fixture.send("DELETE", "/api/sessions/gone", "").is(200).json()["events"], 0);
    fixture.ask("/api/sessions/gone").is(404);
    for path in ["/api/events?session=gone", "/api/events?text=gone", "/api/events?name=only%20of%20gone"] {
        assert!(fixture.all(path, "events").is_empty(), "{path}");
    }
    assert_eq!(fixture.all("/api/traces", "traces").len(), 2);
    assert_eq!(fixture.all("/api/runs", "runs").len(), 1);
    crate::questions::every(fixture);
    // It may come again.
    assert_eq!(fixture.events("gone", &events(0..3))["accepted"], 3);
}

fn kept(fixture: &mut Fixture) {
    let span = json!({"trace_id": crate::send::trace(1), "span_id": "00f067aa0ba902b7", "span_name": "x"});
    let sent = [
        event(0, "e", 0, "n", json!({})),
        event(1, "s", 1_000, "span.end", span),
        event(2, "l", 2_000, "log", json!({})),
        exception(3, 3_000, "ERROR", "E", "m"),
    ];
    fixture.events("s", &sent);
    fixture.age();
    let keep = lastword_collector::Retention { spans_days: 7, logs_days: 9, exceptions_days: 0, ..Default::default() };
    fixture.restart_with(|config| config.retention(keep));
    fixture.wait_for_events(2);
    assert!(fixture.server().all("/api/traces", "traces").is_empty(), "a trace goes with its last event");
}
