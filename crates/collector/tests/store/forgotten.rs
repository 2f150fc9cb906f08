//! What is removed is not counted any more: what is left is what there would be if it had never come.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::common::{Dir, Server, body, exception, named};
use super::is_whole;

/// Numbers by lot, the same in each run.
struct Lot(u64);

impl Lot {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// A request of a session.
struct Request {
    session: String,
    body: String,
}

/// Writes requests of eight sessions, whose versions change, of events made by `event` of their index.
fn requests(lot: &mut Lot, count: usize, mut event: impl FnMut(&mut Lot, usize) -> String) -> Vec<Request> {
    let mut all = Vec::new();
    for request in 0..count {
        let session = format!("s-{}", lot.below(8));
        let events: Vec<String> =
            (0..=lot.below(5)).map(|place| event(lot, request * 10 + usize::try_from(place).unwrap())).collect();
        let version = lot.of(&["1.0", "1.1", "2.0", ""]);
        let mut body: Value = serde_json::from_str(&body(&session, &events)).unwrap();
        body["sdk_version"] = if version.is_empty() { Value::Null } else { json!(version) };
        all.push(Request { session, body: body.to_string() });
    }
    all
}

fn send<'r>(server: &Server, requests: impl IntoIterator<Item = &'r Request>) {
    for request in requests {
        server.telemetry(&request.body).is(200);
    }
}

fn is_kept(session: &str) -> bool {
    session.as_bytes().last().is_some_and(|digit| digit % 2 == 0)
}

/// Removes every other session, or all.
fn remove(server: &Server, all: bool) {
    for session in (0..8).map(|number| format!("s-{number}")).filter(|session| all || !is_kept(session)) {
        server.client().send("DELETE", &format!("/api/sessions/{session}"), &[], b"").is(200);
    }
}

fn rows(dir: &Dir, sql: &str) -> Vec<Vec<rusqlite::types::Value>> {
    let connection = Connection::open(dir.path().join("lastword.db")).unwrap();
    let mut find = connection.prepare(sql).unwrap();
    let columns = find.column_count();
    let rows = find.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Compares what `look` sees of a store that lost some sessions with what it sees of one in which only the others ever were; then removes all, and
/// looks whether any of these tables still has a row.
#[track_caller]
fn compare<T: PartialEq + std::fmt::Debug>(requests: &[Request], look: impl Fn(&Server, &Dir) -> T, tables: &[&str]) {
    let (lost, never) = (Dir::new(), Dir::new());
    let server = Server::start(lost.config());
    send(&server, requests);
    remove(&server, false);
    let other = Server::start(never.config());
    send(&other, requests.iter().filter(|request| is_kept(&request.session)));
    assert_eq!(look(&server, &lost), look(&other, &never));
    server.stop().unwrap();
    is_whole(&lost);
    let server = Server::start(lost.config());
    remove(&server, true);
    for table in tables {
        assert_eq!(rows(&lost, &format!("SELECT * FROM {table}")), Vec::<Vec<_>>::new(), "{table}");
    }
    server.stop().unwrap();
    is_whole(&lost);
}

/// A call that ended in one of three hours; its costs add up exactly.
fn call(lot: &mut Lot, index: usize, name: &str) -> String {
    let (took, tokens, cost) = (lot.below(100_000), lot.below(5_000), lot.below(8));
    let status = lot.of(&["ok", "ok", "error"]);
    let what = if name.starts_with("tool") {
        format!(r#""gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"{name}""#)
    } else {
        format!(
            r#""gen_ai.operation.name":"chat","gen_ai.provider.name":"p","gen_ai.request.model":"{name}",
               "gen_ai.usage.input_tokens":{tokens},"gen_ai.usage.cost":{cost}.25"#
        )
    };
    let data = format!(r#"{{"span_name":"x","duration_ms":{took},"status":"{status}",{what}}}"#);
    let event = named(index, &format!("op-{index}"), "operation", "INFO", &data);
    event.replace("T09:", lot.of(&["T09:", "T10:", "T23:"]))
}

const COUNTED: &str = "calls, errors, tokens_in, tokens_out, tokens_cached, cost, timed, total_us, spread";

#[test]
fn what_is_left_of_calls_is_what_there_would_be_if_the_removed_had_never_come() {
    for seed in 1..5 {
        let mut lot = Lot(seed);
        let all = requests(&mut lot, 80, |lot, index| {
            let name = lot.of(&["tool-a", "tool-b", "model-a", "model-b", "model-c"]);
            call(lot, index, name)
        });
        let look = |_: &Server, dir: &Dir| {
            rows(
                dir,
                &format!("SELECT hour, kind, name, provider, version, {COUNTED} FROM calls ORDER BY 1, 2, 3, 4, 5"),
            )
        };
        compare(&all, look, &["calls"]);
    }
}

#[test]
fn calls_of_an_hour_with_too_many_names_add_up_to_what_is_left_whoever_came_first() {
    let mut lot = Lot(7);
    let all = requests(&mut lot, 400, |lot, index| {
        let name = format!("tool-{}", lot.below(250));
        call(lot, index, &name).replace("T23:", "T09:")
    });
    let look = |_: &Server, dir: &Dir| {
        rows(
            dir,
            "SELECT hour, kind, sum(calls), sum(errors), sum(timed), sum(total_us) FROM calls GROUP BY 1, 2 ORDER BY 1, 2",
        )
    };
    compare(&all, look, &["calls"]);
}

#[test]
fn a_name_is_counted_in_one_place_of_its_hour_though_room_is_made_for_it_meanwhile() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let tool = |index: usize, number: usize| {
        let data = format!(
            r#"{{"duration_ms":{index},"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"tool-{number}"}}"#
        );
        named(index, &format!("op-{index}"), "operation", "INFO", &data)
    };
    server.telemetry(body("full", &(0..200).map(|index| tool(index, index)).collect::<Vec<_>>())).is(200);
    server.telemetry(body("more", &[tool(700, 700)])).is(200);
    // There is room again, but not for a name that is counted with others.
    server.client().send("DELETE", "/api/sessions/full", &[], b"").is(200);
    server.telemetry(body("late", &[tool(701, 700)])).is(200);
    server.client().send("DELETE", "/api/sessions/more", &[], b"").is(200);
    let left = rows(&dir, "SELECT calls, total_us FROM calls");
    assert_eq!(left, [[1.into(), 701_000.into()]]);
    server.client().send("DELETE", "/api/sessions/late", &[], b"").is(200);
    assert!(rows(&dir, "SELECT * FROM calls").is_empty());
    server.telemetry(body("new", &[tool(702, 700)])).is(200);
    assert_eq!(
        rows(&dir, "SELECT name FROM calls"),
        [["tool-700".to_owned().into()]],
        "there is room in an hour without others"
    );
}

#[test]
fn the_longest_call_is_shown_no_more_when_it_is_removed() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let of = |session: &str, index: usize, took: u64| {
        let data =
            format!(r#"{{"duration_ms":{took},"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"bash"}}"#);
        server.telemetry(body(session, &[named(index, &format!("op-{index}"), "operation", "INFO", &data)])).is(200);
    };
    of("kept", 0, 100);
    of("gone", 1, 90_000);
    of("gone", 2, 1);
    server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200);
    let calls = server.get("/api/calls?since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z").is(200).json();
    for figure in ["min_ms", "max_ms"] {
        let told = calls["calls"][0][figure].as_f64().unwrap();
        assert!((told / 100.0 - 1.0).abs() < 0.125, "{figure}: {told}");
    }
}

/// What is told of all groups of exceptions; a group's place among them is decided by who came first.
fn groups(server: &Server, _: &Dir) -> Vec<Value> {
    let mut groups = server.all("/api/exceptions", "exceptions");
    for group in &mut groups {
        let versions = group["versions"].as_array_mut().unwrap();
        versions.sort_by_key(|version| version["version"].as_str().unwrap().to_owned());
    }
    groups.sort_by_key(|group| group["fingerprint"].as_str().unwrap().to_owned());
    groups
}

/// An exception of one of three kinds, whose messages differ in a number, at a moment of a day, of a user or of none.
fn failure(lot: &mut Lot, index: usize) -> String {
    let (kind, severity) = (lot.of(&["A", "B", "C"]), lot.of(&["WARNING", "ERROR", "CRITICAL"]));
    let bucket = lot.below(60);
    let time = format!("T{:02}:{:02}:{:02}.", lot.below(24), lot.below(60), lot.below(60));
    let failed = exception(index, severity, kind, &format!("no answer for {index} ms")).replace("T09:20:34", &time);
    let failed = failed.replace(".Z\"", &format!(".{index:06}Z\""));
    if bucket < 30 {
        return failed
            .replace(r#","error_type""#, &format!(r#","event_data":{{"user_bucket":{bucket}}},"error_type""#));
    }
    failed
}

#[test]
fn what_is_left_of_a_group_of_exceptions_is_what_there_would_be_if_the_removed_had_never_come() {
    for seed in 1..5 {
        let mut lot = Lot(seed);
        let all = requests(&mut lot, 60, |lot, index| {
            if lot.below(8) == 0 {
                let data = format!(r#"{{"user_bucket":{}}}"#, index % 30);
                return named(index, &format!("u-{index}"), "session.user", "INFO", &data);
            }
            failure(lot, index)
        });
        let tables =
            ["exceptions", "exception_versions", "exception_sessions", "exception_tallies", "exception_counts"];
        compare(&all, groups, &tables);
    }
}

#[test]
fn of_very_many_exceptions_the_first_and_the_last_that_are_left_are_known_by_the_minute() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let at = |index: usize, time: &str| {
        exception(index, "ERROR", "E", "m").replace("2026-11-20T09:20:34Z", &format!("2026-11-20T{time}Z"))
    };
    for request in 0..9 {
        let events: Vec<String> = (0..500).map(|index| at(request * 500 + index, "12:30:15")).collect();
        server.telemetry(body("kept", &events)).is(200);
    }
    let gone = [at(0, "01:00:00"), at(1, "12:30:59"), at(2, "23:00:00").replace(r#""ERROR""#, r#""CRITICAL""#)];
    server.telemetry(body("gone", &gone)).is(200);
    server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200);
    let group = &server.all("/api/exceptions", "exceptions")[0];
    assert_eq!((&group["count"], &group["sessions"], &group["severity"]), (&json!(4500), &json!(1), &json!("ERROR")));
    for times in [group, &group["versions"][0]] {
        let (first, last) = (times["first_seen"].as_str().unwrap(), times["last_seen"].as_str().unwrap());
        assert!(first.starts_with("2026-11-20T12:30:00") && last.starts_with("2026-11-20T12:30:59.999"), "{times}");
    }
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn a_session_says_once_who_its_user_is_and_its_exceptions_are_counted_as_that_users() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let said = |index: usize, bucket: u8| {
        named(
            index,
            &format!("u-{index}"),
            "session.user",
            "INFO",
            &format!(r#"{{"user_bucket":{bucket},"user_id":"ada"}}"#),
        )
    };
    let users = |server: &Server| server.all("/api/exceptions", "exceptions")[0]["users_affected"].clone();
    server.telemetry(body("before", &[said(0, 3)])).is(200);
    server.telemetry(body("before", &[exception(1, "ERROR", "E", "m"), exception(2, "ERROR", "E", "m")])).is(200);
    assert_eq!(users(&server), json!("1"));
    server.telemetry(body("after", &[exception(0, "ERROR", "E", "m")])).is(200);
    assert_eq!(users(&server), json!("1"));
    server.telemetry(body("after", &[said(1, 4)])).is(200);
    assert_eq!(users(&server), json!("2"), "also where the exception came first");
    server.client().send("DELETE", "/api/sessions/after", &[], b"").is(200);
    assert_eq!(users(&server), json!("1"));
    let removed = server.client().send("DELETE", "/api/users/ada", &[], b"").is(200).json();
    assert_eq!(
        (&removed["events"], users(&server)),
        (&json!(1), Value::Null),
        "and nobody is counted whom nothing speaks of"
    );
    server.stop().unwrap();
    is_whole(&dir);
}

/// An event of a trace and a run that go through several sessions: the root of the trace and the end of the run are of one.
fn step(lot: &mut Lot, index: usize) -> String {
    let trace = format!(r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e473{}""#, lot.below(3));
    let run = format!(r#""run_id":"run-{}""#, lot.below(3));
    let (took, minute) = (lot.below(900), lot.below(60));
    let (name, data) = match lot.below(4) {
        0 => (
            "span.end",
            format!(
                r#"{trace},{run},"span_id":"{index:016x}","parent_span_id":"00f067aa0ba902b7","span_name":"s","duration_ms":{took},
                   "gen_ai.operation.name":"chat","gen_ai.usage.input_tokens":{took},"gen_ai.usage.cost":0.5,"status":"error""#
            ),
        ),
        1 => ("run.error", format!(r#"{run},"user_id":"user-{}""#, lot.below(3))),
        2 => (
            "metrics",
            format!(
                r#""series":[{{"name":"jobs","type":"counter","labels":{{"q":"{}"}},"value":{took},"count":{}}}]"#,
                lot.below(3),
                lot.below(3) + 1
            ),
        ),
        _ => (
            "span.start",
            format!(r#"{trace},"span_id":"{index:016x}","parent_span_id":"00f067aa0ba902b7","span_name":"s""#),
        ),
    };
    named(index, &format!("e-{index}"), name, "INFO", &format!("{{{data}}}"))
        .replace("T09:20:", &format!("T09:{minute:02}:"))
}

#[test]
fn what_is_left_of_traces_runs_users_and_metrics_is_what_there_would_be_if_the_removed_had_never_come() {
    for seed in 1..4 {
        let mut lot = Lot(seed);
        let mut all = requests(&mut lot, 80, step);
        let root = r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4730","span_id":"00f067aa0ba902b7","span_name":"secret","duration_ms":9}"#;
        let ended = r#"{"run_id":"run-0","objective":"secret","status":"failed"}"#;
        let gone = [named(900, "r", "span.end", "INFO", root), named(901, "e", "run.run_end", "INFO", ended)];
        all.insert(40, Request { session: "s-1".to_owned(), body: body("s-1", &gone) });
        let look = |_: &Server, dir: &Dir| {
            [
                "SELECT hex(trace_id), (SELECT session_id FROM sessions WHERE id = session), name, duration_us, first_us, last_us, events, started,
                     ended, errors, model_calls, tokens_in, cost FROM traces ORDER BY 1",
                "SELECT run_id, (SELECT session_id FROM sessions WHERE id = session), objective, status, ended_us, first_us, last_us, events, errors,
                     model_calls, tokens_in, cost FROM runs ORDER BY 1",
                "SELECT user_id, first_us, last_us FROM users ORDER BY 1",
                "SELECT name, labels, minute, count, sum FROM series JOIN points ON series = id ORDER BY 1, 2, 3",
            ]
            .map(|sql| rows(dir, sql))
        };
        compare(&all, look, &["traces", "runs", "users", "series", "points"]);
    }
}

#[test]
fn of_a_trace_and_a_run_that_are_very_large_figures_are_exact_and_what_a_removed_event_said_is_not_known() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let of = |index: usize, name: &str, more: &str| {
        let data = format!(
            r#"{{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4730","span_id":"{index:016x}","run_id":"r","duration_ms":1,"gen_ai.operation.name":"chat",
                "gen_ai.usage.input_tokens":10,"gen_ai.usage.cost":0.5{more}}}"#
        );
        named(index, &format!("e-{index}"), name, "INFO", &data)
    };
    for request in 0..9 {
        let child = |index: usize| {
            of(request * 500 + index, "span.end", r#","span_name":"child","parent_span_id":"00f067aa0ba902b7""#)
        };
        server.telemetry(body("kept", &(0..500_usize).map(child).collect::<Vec<_>>())).is(200);
    }
    let gone = [
        of(9000, "span.end", r#","span_name":"secret","status":"error""#),
        of(9001, "run.run_end", r#","objective":"secret","status":"failed""#),
    ];
    server.telemetry(body("gone", &gone)).is(200);
    let trace = || server.get("/api/traces/4bf92f3577b34da6a3ce929d0e0e4730").is(200).json();
    let run = || server.get("/api/runs/r").is(200).json();
    assert_eq!((&trace()["name"], &run()["objective"]), (&json!("secret"), &json!("secret")));
    server.client().send("DELETE", "/api/sessions/gone", &[], b"").is(200);
    for (left, events) in [(trace(), 4500), (run(), 4500)] {
        assert_eq!((&left["events"], &left["errors"]), (&json!(events), &json!(0)), "{left}");
        assert_eq!((&left["tokens_in"], &left["cost"]), (&json!(45_000), &json!(2250.0)));
        assert!(!left.to_string().contains("secret") && !left.to_string().contains("failed"), "{left}");
    }
    server.stop().unwrap();
    is_whole(&dir);
}
