//! All of it at once, in an order by lot, and what clients of other products send.

use serde_json::{Value, json};

use super::{Case, metrics, runs, sessions, spans};
use crate::dice::Dice;
use crate::fixture::Fixture;
use crate::questions;
use crate::send::{at, end, exception, start, told};

pub const CASES: [Case; 3] = [
    ("every parameter alone and in pairs, of a store that has everything", everything),
    ("requests by lot, some sent again, some sessions removed", by_lot),
    ("what clients of other products send", products),
];

fn everything(fixture: &mut Fixture) {
    fixture.opt("ada", true);
    sessions::ends_of_all_kinds(fixture);
    spans::agents(fixture, 5);
    runs::three(fixture);
    metrics::all(fixture);
    lot(fixture, &mut Dice::new(1), 25);
    questions::every(fixture);
    questions::parameters(fixture, "/", 20);
}

/// Sends requests of six sessions by lot. Returns them.
fn lot(fixture: &mut Fixture, dice: &mut Dice, count: usize) -> Vec<(String, String, Vec<Value>)> {
    // Groups that come up at once have no order among them, and that of one whose first is removed is another in another store.
    for kind in 0..4 {
        let first = exception(100 + kind, kind, "WARNING", &format!("Error{kind}"), "no answer after 1 s");
        fixture.events("runs", &[first]);
    }
    for run in 0..3 {
        fixture.events(
            "runs",
            &[told(run, &format!("run-{run}"), run, "n", "DEBUG", json!({"run_id": format!("run_{run}")}))],
        );
    }
    let mut all = Vec::new();
    for _ in 0..count {
        let session = format!("s-{}", dice.below(6));
        let version = (*dice.of(&["1.0", "1.1", "2.0", ""])).to_owned();
        let mut events: Vec<Value> = (0..dice.below(9)).map(|_| one(dice)).collect();
        dice.shuffle(&mut events);
        fixture.events_of(&session, &version, &events);
        all.push((session, version, events));
    }
    all
}

/// An event by lot. Its id and its number say what it is: the same ones are the same event.
fn one(dice: &mut Dice) -> Value {
    let index = i64::try_from(dice.below(60)).unwrap();
    let ms = index * 77_000;
    match index % 10 {
        0 => start(index, ms),
        1 | 2 => exception(
            index,
            ms,
            ["ERROR", "CRITICAL", "WARNING"][usize::try_from(index % 3).unwrap()],
            &format!("Error{}", index % 4),
            &format!("no answer after {index} s"),
        ),
        3 => end(index, ms),
        4 => told(index, &format!("id-{index}"), ms, "telemetry.dropped", "WARNING", json!({"queue_full": index})),
        5 => told(
            index,
            &format!("id-{index}"),
            ms,
            "n",
            "DEBUG",
            json!({"user_id": "ada", "run_id": format!("run_{}", index % 3)}),
        ),
        6 => told(index, &format!("id-{index}"), ms, "session.recovered", "WARNING", json!({"signal": "SIGKILL"})),
        _ => told(
            index,
            &format!("id-{index}"),
            ms,
            ["tick", "tock"][usize::try_from(index % 2).unwrap()],
            "INFO",
            json!({"n": index, "trace_id": crate::send::trace(3)}),
        ),
    }
}

fn by_lot(fixture: &mut Fixture) {
    for seed in 0..2 {
        let mut dice = Dice::new(seed);
        let mut sent = lot(fixture, &mut dice, 20);
        dice.shuffle(&mut sent);
        for (session, version, events) in sent.iter().take(8) {
            fixture.events_of(session, version, events);
        }
        questions::every(fixture);
        fixture.send("DELETE", &format!("/api/sessions/s-{seed}"), "").is(200);
        questions::every(fixture);
        fixture.restart();
    }
}

fn products(fixture: &mut Fixture) {
    let event = json!({"event_id": "a017631e51354217b1c959476a6497f8", "timestamp": at(1_000), "platform": "native", "level": "fatal", "release": "a@1",
        "environment": "e", "exception": {"values": [{"type": "Error", "module": "std::io", "value": "no", "mechanism": {"type": "panic", "handled": false}}]}});
    let session = |status: &str, ms: i64| {
        json!({"sid": "62944df3-d9c8-4ae9-8fc0-1f9cc7e8d5d0", "init": ms == 0, "started": at(0), "timestamp": at(ms),
        "status": status, "errors": 1, "seq": ms, "attrs": {"release": "a@1", "environment": "e"}})
    };
    let report = json!({"timestamp": at(3_000), "discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 3}]});
    let mut envelope = "{}\n".to_owned();
    for (kind, payload) in [
        ("session", session("ok", 0)),
        ("event", event),
        ("client_report", report),
        ("session", session("crashed", 2_000)),
    ] {
        let payload = payload.to_string();
        envelope.push_str(&format!("{}\n{payload}\n", json!({"type": kind, "length": payload.len()})));
    }
    let datadog = json!([{"ddsource": "python", "service": "shop", "hostname": "h", "message": "low stock", "status": "warn", "timestamp": at(4_000), "ddtags": "env:suite"},
        {"service": "shop", "hostname": "h", "message": "failed", "status": "error", "timestamp": at(5_000), "error": {"kind": "KeyError", "message": "k", "stack": "KeyError: k"}}]);
    for _ in 0..2 {
        fixture.send("POST", "/api/7/envelope/", &envelope).is(200);
        fixture.send("POST", "/api/v2/logs", &datadog.to_string()).is(202);
        let line = json!({"timestamp": at(6_000), "level": "error", "message": "m", "err": {"type": "TimeoutError", "message": "no answer after 5 s"}});
        fixture.send("POST", "/api/v1/logs?session=lines", &format!("{line}\n")).is(200);
    }
    assert_eq!(fixture.all("/api/exceptions", "exceptions").len(), 3);
    questions::every(fixture);
}
