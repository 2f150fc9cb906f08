//! What nobody should send: it is refused with a reason, or kept as what it is, and the collector goes on.

use serde_json::{Value, json};

use super::captured::{body, requests};
use super::common::{Answer, Dir, Server};
use super::sentry::envelope;

const PATHS: [&str; 6] =
    ["/api/7/envelope/", "/api/7/store/", "/api/v2/logs", "/v1/traces/ingest", "/batch/", "/api/v1/logs"];

/// What any request may be answered with: it was taken, or the sender is told why not.
#[track_caller]
fn is_clear(answer: &Answer, sent: &str) {
    assert!(matches!(answer.status, 200 | 202 | 400 | 413), "{}: {} for {sent}", answer.status, answer.body);
    let told = answer.json();
    if answer.status >= 400 {
        let reason = ["error", "detail"].iter().find_map(|name| told[*name].as_str());
        assert!(reason.is_some_and(|reason| reason.len() > 10), "{} for {sent}", answer.body);
    }
}

#[test]
fn bodies_torn_anywhere_lose_nothing_but_what_is_torn() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut client = server.client();
    for (path, body, _) in requests() {
        let step = (body.len() / 20).max(1);
        for end in (0..body.len()).step_by(step) {
            let answer = client.send("POST", path, &[], &body[..end]);
            is_clear(&answer, &format!("{path} torn at {end}"));
        }
    }
    server.get("/api/health").is(200);
}

/// Replaces each value of a body in turn by each of some others.
fn mutants(value: &Value, of: &mut Vec<Value>) {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(""),
        json!("x"),
        json!([]),
        json!([[], 1]),
        json!({}),
        json!({"": {}}),
    ];
    fn places(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
                }
            }
            Value::Array(items) => {
                for (place, value) in items.iter().enumerate().take(3) {
                    places(value, &format!("{at}/{place}"), all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    places(value, "", &mut all);
    for (number, place) in all.iter().enumerate() {
        // Each place gets one of them; all of them come often.
        for odd in odd.iter().cycle().skip(number).take(1) {
            let mut mutant = value.clone();
            *mutant.pointer_mut(place).unwrap() = odd.clone();
            of.push(mutant);
        }
    }
}

#[test]
fn wrong_types_everywhere_are_refused_or_kept_as_they_are() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut client = server.client();
    for (path, name) in
        [("/api/v2/logs", "datadog_0.body"), ("/v1/traces/ingest", "agents_0.body"), ("/batch/", "posthog_0.body")]
    {
        let mut all = Vec::new();
        mutants(&serde_json::from_slice(&body(name)).unwrap(), &mut all);
        assert!(all.len() > 20);
        for mutant in all {
            is_clear(&client.send("POST", path, &[], mutant.to_string().as_bytes()), &mutant.to_string());
        }
    }
    for number in 0..10 {
        let text = String::from_utf8(body(&format!("sentry_{number}.body"))).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let kind = serde_json::from_str::<Value>(lines[1]).unwrap()["type"].clone();
        let mut all = Vec::new();
        mutants(&serde_json::from_str(lines[2]).unwrap(), &mut all);
        for mutant in all {
            let sent = envelope(&json!({"event_id": "e"}), &[(kind.as_str().unwrap(), mutant)]);
            is_clear(&client.send("POST", PATHS[0], &[], sent.as_bytes()), &sent);
        }
    }
    // All of it can be read back.
    assert!(server.events("").len() > 200);
}

#[test]
fn what_is_nested_deeply_is_refused_or_can_be_read_back() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for levels in [50, 100, 120, 127, 128, 10_000] {
        let deep = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let event =
            format!("{{\"event\":\"e\",\"message\":\"m\",\"extra\":{deep},\"properties\":{{\"deep\":{deep}}}}}");
        let item = format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}", event.len());
        let span = format!(
            "{{\"data\":[{{\"object\":\"trace.span\",\"id\":\"s\",\"trace_id\":\"t\",\"span_data\":{{\"x\":{deep}}}}}]}}"
        );
        for (path, body) in [
            (PATHS[0], &item),
            (PATHS[1], &event),
            (PATHS[2], &event),
            (PATHS[3], &span),
            (PATHS[4], &event),
            (PATHS[5], &event),
        ] {
            is_clear(&server.post(path, body), path);
        }
    }
    assert!(server.events("").len() > 6);
}

#[test]
fn ten_thousand_items_are_taken_and_one_more_is_refused_as_a_whole() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let repeated = |head: &str, item: &dyn Fn(usize) -> String, tail: &str, count: usize, between: &str| {
        let items: Vec<String> = (0..count).map(item).collect();
        format!("{head}{}{tail}", items.join(between))
    };
    let log = |number: usize| {
        format!("{{\"timestamp\":{number},\"body\":\"b\",\"message\":\"m\",\"event\":\"e\",\"uuid\":\"u-{number}\"}}")
    };
    let span = |number: usize| {
        format!(
            "{{\"object\":\"trace.span\",\"id\":\"span_{number}\",\"trace_id\":\"t\",\"ended_at\":\"2026-11-20T09:20:34Z\"}}"
        )
    };
    for (count, is_taken) in [(10_000, true), (10_001, false)] {
        let status = |taken: u16| if is_taken { taken } else { 413 };
        server.post(PATHS[0], repeated("{}\n{\"type\":\"log\"}\n{\"items\":[", &log, "]}", count, ",")).is(status(200));
        server.post(PATHS[2], repeated("[", &log, "]", count, ",")).is(status(202));
        server.post(PATHS[3], repeated("{\"data\":[", &span, "]}", count, ",")).is(status(200));
        server.post(PATHS[4], repeated("{\"batch\":[", &log, "]}", count, ",")).is(status(200));
        let lines = repeated("", &log, "", count, "\n");
        server.post("/api/v1/logs?session=lines", lines).is(status(200));
    }
    server.post(PATHS[0], format!("{{}}\n{}", "{\"type\":\"log\",\"length\":2}\n{}\n".repeat(10_001))).is(413);
    let sessions = server.all("/api/sessions?limit=100", "sessions");
    let events: u64 = sessions.iter().map(|session| session["events"].as_u64().unwrap()).sum();
    assert_eq!(events, 50_000, "{sessions:?}");
}

#[test]
fn an_item_larger_than_an_event_may_be_is_refused_alone() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let large = json!({"event": "e", "message": "x".repeat(1 << 20), "properties": {}});
    let small = json!({"event": "e", "message": "m"});
    let body = envelope(&json!({}), &[("event", large.clone()), ("event", small.clone())]);
    let answer = server.post(PATHS[0], body).is(200).json();
    assert!(answer["refused"][0]["reason"].as_str().unwrap().contains("at most 1048576 are taken"), "{answer}");
    for (path, status) in [(PATHS[2], 202), (PATHS[4], 200), (PATHS[5], 200)] {
        let answer = server.post(path, json!([large, small]).to_string()).is(status).json();
        assert_eq!(answer["refused"][0]["index"], 0, "{path}: {answer}");
    }
    assert_eq!(server.events("").len(), 4);
}

#[test]
fn what_is_repeated_by_every_event_of_a_request_is_short_or_stored_once() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let long = "r".repeat(1 << 20);
    let minutes: Vec<Value> = (0..2_000).map(|minute| json!({"started": minute * 60, "exited": 1})).collect();
    let sessions = json!({"attrs": {"release": long, "environment": long, "x": long}, "aggregates": minutes});
    let reasons: Vec<Value> =
        (0..5_000).map(|n| json!({"reason": format!("r{n}"), "category": "c", "quantity": 1})).collect();
    let report = json!({"discarded_events": reasons});
    let span = |n: usize| json!({"trace_id": "t", "span_id": format!("s-{n}"), "timestamp": 1.0});
    let spans: Vec<Value> = (0..2_000).map(span).collect();
    let transaction = json!({"release": long, "timestamp": 1.0, "spans": spans});
    let items = [("sessions", sessions), ("client_report", report), ("transaction", transaction)];
    server.post(PATHS[0], envelope(&json!({}), &items)).is(200);
    let sessions = server.all("/api/sessions?limit=100", "sessions");
    let count = |name: &str| sessions.iter().map(|session| session[name].as_u64().unwrap_or(0)).sum::<u64>();
    assert!(count("events") >= 4_001, "{sessions:?}");
    let dropped = server.events("name=telemetry.dropped");
    let reasons = dropped[0]["event_data"].as_object().unwrap();
    assert_eq!((reasons.len(), &reasons["other"]), (65, &4_936.into()));
    // A tag that comes two hundred thousand times.
    let tags: Vec<String> = (0..200_000).map(|n| format!("a:{n}")).collect();
    let answer = server.post(PATHS[2], json!({"message": "m", "ddtags": tags.join(",")}).to_string());
    is_clear(&answer, "many tags");
}
