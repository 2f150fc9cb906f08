//! What events mean: counts, traces, runs, metrics, exceptions, and whose they are.

use serde_json::json;

use super::common::{Dir, Server, body, event, exception, named};
use super::{is_whole, opt_in};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn span(index: usize, name: &str, of: &str, more: &str) -> String {
    let data = format!(r#"{{"trace_id":"{TRACE}","span_id":"00f067aa0ba902b{index}","span_name":"{of}"{more}}}"#);
    named(index, &format!("s-{index}"), name, "INFO", &data)
}

#[test]
fn events_are_counted_by_minute_and_hour_name_and_severity_and_once_however_often_they_are_sent() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let events: Vec<String> = (0..30).map(event).collect();
    for _ in 0..2 {
        server.telemetry(body("s", &events)).is(200);
    }
    server.telemetry(body("t", &[named(0, "w", "n", "WARNING", "{}"), exception(1, "ERROR", "E", "m")])).is(200);
    let counts = |query: &str| server.get(&format!("/api/stats?since=2026-11-20T09:00:00Z&{query}")).is(200).json();
    let minutes = counts("by=minute");
    let (begin, hour) = ("2026-11-20T09:20:00.000000Z", "2026-11-20T09:00:00.000000Z");
    let expected = json!([
        { "begin": begin, "name": "UNHANDLED_EXCEPTION", "severity": "ERROR", "count": 1 },
        { "begin": begin, "name": "n", "severity": "INFO", "count": 30 },
        { "begin": begin, "name": "n", "severity": "WARNING", "count": 1 },
    ]);
    assert_eq!(minutes["counts"], expected);
    assert_eq!(counts("by=hour&name=n&severity=warning")["counts"][0]["begin"], hour);
    assert_eq!(counts("until=2026-11-20T09:20:00Z")["counts"], json!([]));
    let error = server.get("/api/stats?by=day").is(400).error();
    assert_eq!(error, "`by` is `day`: it must be minute or hour");
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn a_trace_has_its_figures_as_a_whole_and_its_events_are_found() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let call = r#","parent_span_id":"00f067aa0ba902b1","duration_ms":250.5,"status":"error","gen_ai.operation.name":"chat",
        "gen_ai.usage.input_tokens":100,"gen_ai.usage.output_tokens":20,"gen_ai.usage.cost":0.25"#;
    server.telemetry(body("s", &[event(0), span(1, "span.start", "invoke_agent", ""), event(3)])).is(200);
    let within =
        named(4, "w", "cache.miss", "INFO", &format!(r#"{{"trace_id":"{TRACE}","span_id":"00f067aa0ba902b2"}}"#));
    let mention = named(5, "m", "note", "INFO", &format!(r#"{{"about":"{TRACE}"}}"#));
    server.telemetry(body("s", &[span(2, "span.end", "chat", call), within, mention])).is(200);
    let trace = server.get(&format!("/api/traces/{TRACE}")).is(200).json();
    assert_eq!(
        (&trace["name"], &trace["session_id"], &trace["duration_ms"]),
        (&json!("invoke_agent"), &json!("s"), &json!(null))
    );
    assert_eq!((&trace["started"], &trace["ended"], &trace["errors"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!((&trace["model_calls"], &trace["tokens_in"], &trace["cost"]), (&json!(1), &json!(100), &json!(0.25)));
    server
        .telemetry(body(
            "s",
            &[span(1, "span.end", "invoke_agent", r#","duration_ms":900,"status":"ok""#).replace("s-1", "s-9")],
        ))
        .is(200);
    let listed = server.all("/api/traces?failed=true&session=s", "traces");
    assert_eq!((listed.len(), &listed[0]["duration_ms"], &listed[0]["ended"]), (1, &json!(900.0), &json!(2)));
    assert_eq!(server.all("/api/traces?failed=false", "traces").len(), 0);
    let ids: Vec<_> =
        server.events(&format!("trace={TRACE}")).into_iter().map(|event| event["event_id"].clone()).collect();
    assert_eq!(ids, [json!("s-1"), json!("s-2"), json!("w"), json!("s-9")]);
    server.get(&format!("/api/traces/{}", TRACE.replace('4', "5"))).is(404);
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn a_run_is_running_until_it_says_how_it_ended() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let run = |index, kind: &str, more: &str| {
        named(index, &format!("r-{index}"), &format!("run.{kind}"), "INFO", &format!(r#"{{"run_id":"run_1"{more}}}"#))
    };
    server.telemetry(body("s", &[run(0, "run_start", r#","objective":"mend it""#), run(1, "error", "")])).is(200);
    let status = || {
        let run = server.get("/api/runs/run_1").is(200).json();
        (run["status"].clone(), run["events"].clone(), run["errors"].clone())
    };
    assert_eq!(status(), (json!("running"), json!(2), json!(1)));
    server.telemetry(body("s", &[run(2, "run_end", r#","status":"failed""#)])).is(200);
    assert_eq!(status(), (json!("failed"), json!(3), json!(1)));
    let runs = server.all("/api/runs?status=failed", "runs");
    assert_eq!((&runs[0]["objective"], runs[0]["ended"].is_string()), (&json!("mend it"), true));
    assert_eq!(server.events("run=run_1").len(), 3);
    server.get("/api/runs/run_2").is(404);
}

#[test]
fn points_of_a_series_add_up_by_minute_whoever_reports_them() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let point = |index: usize, value: f64| {
        let series = format!(
            r#"{{"interval_ms":1000,"series":[{{"name":"requests","type":"counter","labels":{{"route":"/a"}},"value":{value}}},
                {{"name":"took","type":"histogram","unit":"ms","count":4,"sum":10,"min":1,"max":5,"bounds":[2],"buckets":[2,2]}},
                {{"name":"odd"}}]}}"#
        );
        named(index, &format!("m-{index}"), "metrics", "INFO", &series)
    };
    server.telemetry(body("s", &[point(0, 3.0), point(1, 4.0)])).is(200);
    server.telemetry(body("t", &[point(2, 5.0)])).is(200);
    let series = server.all("/api/series", "series");
    assert_eq!(series.len(), 2);
    let of = |name: &str| {
        let series = server.all(&format!("/api/series?name={name}"), "series");
        let points = server.get(&format!("/api/series/{}", series[0]["id"])).is(200).json();
        (points["series"].clone(), points["minutes"].clone())
    };
    let (requests, minutes) = of("requests");
    assert_eq!((&requests["labels"], &requests["last"]), (&json!({ "route": "/a" }), &json!(5.0)));
    assert_eq!(
        (minutes.as_array().unwrap().len(), &minutes[0]["sum"], &minutes[0]["max"]),
        (1, &json!(12.0), &json!(5.0))
    );
    let (took, minutes) = of("took");
    assert_eq!((&took["type"], &took["unit"]), (&json!("histogram"), &json!("ms")));
    assert_eq!((&minutes[0]["count"], &minutes[0]["min"], &minutes[0]["max"]), (&json!(12), &json!(1.0), &json!(5.0)));
    server.get("/api/series/99").is(404);
}

#[test]
fn events_are_found_by_any_piece_of_their_text_in_either_case_and_by_version_and_user() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for batch in 0..50 {
        let note = if batch == 33 { r#"{"note":"a Kitchen-Sink, 50% größer"}"# } else { r#"{"note":"nothing"}"# };
        let events: Vec<String> = (0..20)
            .map(|index| named(index, &format!("e-{batch}-{index}"), "n", "INFO", if index == 7 { note } else { "{}" }))
            .collect();
        server.telemetry(body(&format!("s-{batch}"), &events)).is(200);
    }
    for text in ["kitchen", "ITCHEN-s", "50%25%20gr", "gr%C3%B6%C3%9Fer", "e-33-7", "Ki"] {
        let found = server.events(&format!("text={text}"));
        assert_eq!((found.len(), &found[0]["session_id"]), (1, &json!("s-33")), "{text}");
    }
    assert_eq!(server.events("text=unicorn").len(), 0);
    assert_eq!(server.events("text=nothing").len(), 49);
    opt_in(&server, "ada%20%22x%22");
    let user = named(0, "u", "n", "INFO", r#"{"user_id":"ada \"x\""}"#);
    server.telemetry(body("u", &[user, event(1)]).replace("0.38.0", "0.39.0")).is(200);
    assert_eq!(server.events("version=0.39.0").len(), 2);
    assert_eq!(server.events("user=ada%20%22x%22").len(), 1);
    assert_eq!(server.events("user=ada").len(), 0);
}

#[test]
fn exceptions_tell_their_versions_and_about_how_many_users_and_come_back_after_they_were_resolved() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let happened = |session: &str, version: &str, time: &str, bucket: usize| {
        // Its name on the wire, and that of Datadog and OTLP.
        let key = if bucket.is_multiple_of(2) { "user_bucket" } else { "userBucket" };
        let event = exception(bucket, "ERROR", "TimeoutError", "no answer after 30 s")
            .replace("2026-11-20T09:20:34Z", time)
            .replace(r#""error_type""#, &format!(r#""event_data":{{"{key}":{bucket}}},"error_type""#));
        server.telemetry(body(session, &[event]).replace("0.38.0", version)).is(200);
    };
    happened("a", "1.0", "2026-11-20T09:20:34Z", 3);
    happened("b", "1.1", "2026-11-20T09:30:34Z", 4);
    happened("c", "1.1", "2026-11-20T09:40:34Z", 4);
    let group = || server.all("/api/exceptions", "exceptions").remove(0);
    let versions: Vec<_> =
        group()["versions"].as_array().unwrap().iter().map(|v| (v["version"].clone(), v["count"].clone())).collect();
    assert_eq!(versions, [(json!("1.1"), json!(2)), (json!("1.0"), json!(1))]);
    assert_eq!((&group()["users_affected"], &group()["state"]), (&json!("2"), &json!("open")));
    assert_eq!(server.all("/api/exceptions?version=1.1", "exceptions").len(), 1);
    assert_eq!(server.all("/api/exceptions?version=2", "exceptions").len(), 0);

    let path = format!("/api/exceptions/{}", group()["fingerprint"].as_str().unwrap());
    let json = [("content-type", "application/json")];
    server.client().send("PATCH", &path, &json, br#"{"resolved":true}"#).is(200);
    assert_eq!(server.all("/api/exceptions?state=resolved", "exceptions").len(), 1);
    // The clock of its client is days behind: what counts is that it comes after somebody said so.
    happened("d", "1.0", "2026-11-20T09:50:34Z", 5);
    assert_eq!((&group()["state"], &group()["count"]), (&json!("regressed"), &json!(4)));
    assert!(group()["regressed_at"].as_str() > Some("2026-11-20T09:50:34Z"), "when it was received: {}", group());
    server.client().send("PATCH", &path, &json, br#"{"resolved":true}"#).is(200);
    happened("d", "1.0", "2026-11-20T09:50:34Z", 5);
    assert_eq!(group()["state"], "resolved", "what was there before is sent again");
    happened("e", "1.2", "2099-11-20T09:50:34Z", 6);
    assert_eq!((&group()["state"], &group()["count"]), (&json!("regressed"), &json!(5)));
    server.client().send("PATCH", &path, &json, br#"{"resolved":"yes"}"#).is(400);
    server.client().send("PATCH", "/api/exceptions/none", &json, br#"{"resolved":true}"#).is(404);
    server.stop().unwrap();
    is_whole(&dir);
}

#[test]
fn the_view_has_the_columns_that_other_programs_read() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    opt_in(&server, "ada");
    let data = r#"{"user_id":"ada","repo_id":"r-1","n":1}"#;
    server
        .telemetry(body("s", &[named(7, "id-7", "test.run.completed", "INFO", data), exception(1, "ERROR", "E", "m")]))
        .is(200);
    server.stop().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    let mut find = connection
        .prepare(
            "SELECT id, repo_id, user_id, event_type, event_data, event_timestamp FROM telemetry_events ORDER BY id",
        )
        .unwrap();
    let rows: Vec<[Option<String>; 6]> = find
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?]))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let text = |text: &str| Some(text.to_owned());
    let time = text("2026-11-20T09:20:34.000Z");
    assert_eq!(rows[0], [text("id-7"), text("r-1"), text("ada"), text("test.run.completed"), text(data), time.clone()]);
    assert_eq!(rows[1], [text("x-1"), None, None, text("UNHANDLED_EXCEPTION"), None, time]);
}

#[test]
fn a_trace_is_of_the_session_of_its_outermost_span_whichever_was_heard_of_first() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let span = |index: usize, id: &str, within: &str| {
        let data = format!(
            r#"{{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"{id}",{within}"span_name":"x","duration_ms":1.0,"status":"ok"}}"#
        );
        named(index, &format!("{id}-end"), "span.end", "INFO", &data)
    };
    let within = r#""parent_span_id":"0000000000000001","#;
    server.telemetry(body("worker", &[span(0, "0000000000000002", within)])).is(200);
    server.telemetry(body("front", &[span(0, "0000000000000001", "")])).is(200);
    server.telemetry(body("worker", &[span(1, "0000000000000003", within)])).is(200);
    let trace = server.get("/api/traces/4bf92f3577b34da6a3ce929d0e0e4736").is(200).json();
    assert_eq!(trace["session_id"], "front");
    assert_eq!(server.all("/api/traces?session=front", "traces").len(), 1);
}

#[test]
fn figures_beyond_all_bounds_add_nothing_and_keep_nothing_from_being_stored() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let call = |index: usize, cost: &str, tokens: &str| {
        let data = format!(
            r#"{{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"{index:016x}","span_name":"chat","duration_ms":1e300,"gen_ai.operation.name":"chat","gen_ai.request.model":"m","gen_ai.usage.cost":{cost},"gen_ai.usage.input_tokens":{tokens}}}"#
        );
        named(index, &format!("c-{index}"), "span.end", "INFO", &data)
    };
    let point = |value: &str| format!(r#"{{"series":[{{"name":"g","type":"gauge","value":{value}}}]}}"#);
    let calls = [
        [
            call(0, "1e308", "9223372036854775807"),
            call(1, "1e308", "10"),
            named(2, "m-2", "metrics", "INFO", &point("1e308")),
        ],
        [call(3, "-1e308", "-5"), call(4, "-1e308", "1"), named(5, "m-5", "metrics", "INFO", &point("-1e308"))],
        [call(6, "0.5", "7"), call(7, "0.25", "8"), named(8, "m-8", "metrics", "INFO", &point("3"))],
    ];
    calls.iter().for_each(|events| drop(server.telemetry(body("s", events)).is(200)));
    let trace = server.get("/api/traces").is(200).json()["traces"][0].clone();
    assert_eq!((trace["cost"].as_f64(), trace["tokens_in"].as_i64()), (Some(0.75), Some(26)), "{trace}");
    let call = server.get("/api/calls?since=2026-11-01").is(200).json()["calls"][0].clone();
    assert_eq!((call["calls"].as_i64(), call["cost"].as_f64()), (Some(6), Some(0.75)), "{call}");
}

#[test]
fn a_request_that_can_never_be_stored_is_refused_alone() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0)])).is(200);
    let database = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    let refuse = "CREATE TRIGGER poisoned BEFORE INSERT ON events WHEN NEW.body LIKE '%poison%'
                  BEGIN SELECT RAISE(ABORT, 'no'); END";
    database.execute_batch(refuse).unwrap();
    std::thread::scope(|scope| {
        for client in 0..4 {
            let server = &server;
            scope.spawn(move || {
                for round in 0..20 {
                    let name = if client == 0 { "poison" } else { "fine" };
                    let sent = named(round, &format!("e-{client}-{round}"), name, "INFO", "{}");
                    let answer = server.telemetry(body(&format!("s-{client}"), &[sent]));
                    assert_eq!(answer.status, if client == 0 { 400 } else { 200 }, "{}", answer.body);
                }
            });
        }
    });
    assert_eq!(server.get("/api/health").is(200).json()["ok"], true);
    assert_eq!(server.get("/api/stats?since=2026-11-01&by=hour&name=fine").is(200).json()["counts"][0]["count"], 60);
}
