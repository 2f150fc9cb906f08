//! Programs that use an SDK: most do well, and each way to fail is there.

use serde_json::{Value, json};

use super::session::Session;
use super::{Dice, HOUR, MINUTE, SECOND, resolve};

/// The version that is in use now.
pub(super) const LATEST: &str = "2.4.0";
const VERSIONS: [&str; 4] = ["2.3.0", "2.3.1", LATEST, LATEST];

/// An exception as it is told.
struct Failure(&'static str, &'static str, &'static str, &'static str);

const TIMEOUT: Failure = Failure(
    "ERROR",
    "sdk::Timeout",
    "no answer of api.example.org/v1/samples after 30000 ms",
    "caused by: operation timed out\n   0: atlas::http::Pool::send\n             at src/http/pool.rs:214\n   1: atlas::Client::sample\n             at src/client.rs:88\n   2: main",
);
const MISSING: Failure = Failure(
    "ERROR",
    "KeyError",
    "'user_id'",
    "  File \"app/login.py\", line 41, in session_of\n    return SESSIONS[request[\"user_id\"]]\nKeyError: 'user_id'",
);
const PANIC: Failure = Failure(
    "CRITICAL",
    "panic",
    "index out of bounds: the len is 3 but the index is 3",
    "   0: rust_begin_unwind\n   1: core::panicking::panic_bounds_check\n   2: atlas::decode::token\n             at src/decode.rs:57\n   3: atlas::Client::decode\n             at src/client.rs:131",
);
const DIVERGED: Failure = Failure("ERROR", "TrainingError", "loss is NaN at step 1841", "");

/// Sends the sessions of a day, the silent one first: it has the longest silence then.
pub(super) fn send(address: &str, now: i64) {
    Session::begin("batch-night-0417", "2.3.1", now - 7 * HOUR)
        .wait(SECOND)
        .say("job.begun", "INFO", &json!({"rows": 1_800_000}))
        .send(address);
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for number in 0..28_i64 {
        let begun = now - 23 * HOUR + number * 48 * MINUTE + dice.time(20 * MINUTE);
        ordinary(number, begun, &mut dice).send(address);
    }
    resolve(address, MISSING.1);
    resolve(address, TIMEOUT.1);
    // The second of them comes back in the version after that in which it was mended.
    for (number, ago) in [(1, 20), (2, 9)] {
        let mut session = Session::begin(&format!("web-again-{number}"), LATEST, now - ago * MINUTE);
        fail(user(&mut session, number), &TIMEOUT);
        // Later than it was said to be dealt with, by the clock of this program, which is a little ahead.
        session.at = super::now() + SECOND;
        fail(&mut session, &TIMEOUT).send(address);
    }
    crashed(address, now);
    lossy(address, now);
    fatal(address, now);
    let mut live = Session::begin("service-live", LATEST, super::now());
    live.send(address);
}

/// Says who uses a session: one of 30 buckets.
fn user(session: &mut Session, number: i64) -> &mut Session {
    let bucket = number * 7 % 30;
    session.bucket = Some(bucket);
    session.wait(SECOND / 50).say("session.user", "INFO", &json!({ "user_bucket": bucket }))
}

fn fail<'s>(session: &'s mut Session, failure: &Failure) -> &'s mut Session {
    session.wait(SECOND).fail(failure.0, failure.1, failure.2, failure.3)
}

/// One that does its work, with what always goes wrong a little.
fn ordinary(number: i64, begun: i64, dice: &mut Dice) -> Session {
    let version = VERSIONS[usize::try_from(number / 7).unwrap()];
    let mut session = Session::begin(&format!("web-{:06x}", 0x5a_17c3 + number * 7919), version, begun);
    user(&mut session, number);
    for step in 0..30 + dice.roll(40) {
        session.wait(dice.time(40 * SECOND));
        let took = 12.0 + 0.5 * f64::from(u32::try_from(dice.roll(400)).unwrap());
        let call = json!({"span_name": format!("GET /v1/{}", dice.pick(&["samples", "models", "jobs"])), "duration_ms": took, "status": "ok"});
        match dice.roll(30) {
            0 => session.say("cache.miss", "WARNING", &json!({"key": step, "hit": false})),
            1 => session.say(
                "user_error",
                "WARNING",
                &json!({"error_type": "sdk::Error", "message": "rank must be positive", "status_code": 422}),
            ),
            2 => session.say("retry", "DEBUG", &json!({"attempt": 2, "after_ms": 250})),
            _ => session.say("operation", "INFO", &call),
        };
    }
    let failures: &[&Failure] = match number % 7 {
        1 if number < 20 => &[&MISSING],
        2 => &[&TIMEOUT, &TIMEOUT],
        _ if number >= 24 => &[&PANIC, &PANIC, &PANIC],
        5 => &[&DIVERGED],
        _ => &[],
    };
    for failure in failures {
        fail(&mut session, failure);
    }
    session.say("metrics", "INFO", &metrics(dice)).wait(SECOND).end();
    session
}

/// Points of a counter, a gauge and a histogram.
fn metrics(dice: &mut Dice) -> Value {
    let buckets: Vec<u64> = (0..5).map(|_| dice.roll(40)).collect();
    let count: u64 = buckets.iter().sum();
    json!({"interval_ms": 60_000, "series": [
        {"name": "requests", "type": "counter", "labels": {"route": "/v1/samples"}, "value": 40 + dice.roll(90)},
        {"name": "queue.depth", "type": "gauge", "value": dice.roll(12), "count": 6, "min": 0, "max": 12},
        {"name": "request.duration", "type": "histogram", "unit": "ms", "count": count, "sum": count * 47, "min": 2, "max": 900,
         "bounds": [10, 50, 100, 500], "buckets": buckets},
    ]})
}

/// One whose process was ended by a signal; a later process tells of it.
fn crashed(address: &str, now: i64) {
    let mut session = Session::begin("train-gpu-7", LATEST, now - 2 * HOUR);
    user(&mut session, 3);
    for step in 0..60 {
        session.wait(20 * SECOND).say("train.step", "DEBUG", &json!({"step": step, "loss": 2.1 / f64::from(step + 1)}));
    }
    session.wait(SECOND).say("memory.low", "WARNING", &json!({"free_mb": 118}));
    let recovered = json!({"events": 61, "torn": 1, "pid": 4711, "signal": "SIGSEGV"});
    session.wait(MINUTE).say("session.recovered", "WARNING", &recovered).send(address);
}

/// One of which events got lost on the way, and whose client had no room for others.
fn lossy(address: &str, now: i64) {
    let mut session = Session::begin("edge-berlin-12", "2.3.1", now - 95 * MINUTE);
    for round in 0..12 {
        session.wait(30 * SECOND).say("frame.sent", "INFO", &json!({"frame": round, "bytes": 64_000}));
        if round == 4 {
            session.lose(42);
        }
        if round == 8 {
            session.lose(1).say("telemetry.dropped", "WARNING", &json!({"queue_full": 1204, "too_large": 3}));
        }
    }
    session.wait(SECOND).end().send(address);
}

/// One that a fatal error ended.
fn fatal(address: &str, now: i64) {
    let mut session = Session::begin("worker-eu-3", LATEST, now - 35 * MINUTE);
    user(&mut session, 4);
    for job in 0..9 {
        session.wait(MINUTE).say("job.done", "INFO", &json!({"job": 300 + job, "seconds": 41.5}));
    }
    session.wait(SECOND).say("disk.low", "WARNING", &json!({"free_mb": 12, "path": "/var/lib/worker"}));
    let message = "can't write /var/lib/worker/queue: no space left on device (os error 28)";
    session.wait(SECOND).fail("CRITICAL", "std::io::Error", message, "   0: worker::queue::flush\n   1: worker::main");
    session.end().send(address);
}

/// So many events, 500 a session.
pub(super) fn send_many(address: &str, now: i64, events: usize) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (each, sessions) = (500, events.div_ceil(500));
    for number in 0..sessions {
        let place = i64::try_from(number * 1000 / sessions).unwrap();
        let mut session = Session::begin(&format!("many-{number}"), LATEST, now - 24 * HOUR + place * 24 * HOUR / 1000);
        for step in 2..each {
            session.wait(SECOND);
            let name = ["http.request", "cache.hit", "train.step", "user.action"][step % 4];
            let severity =
                if dice.roll(200) == 0 { "ERROR" } else { *dice.pick(&["INFO", "INFO", "DEBUG", "WARNING"]) };
            session.say(name, severity, &json!({"step": step, "took_ms": dice.roll(900)}));
        }
        session.end().send(address);
    }
}
