//! Spans, and what models and tools are called for.

use serde_json::{Value, json};

use super::Case;
use crate::fixture::Fixture;
use crate::questions;
use crate::send::{failed, logs, model, nanos, range, span, spans, text, tool, trace};

pub const CASES: [Case; 4] = [
    ("a trace whose spans come in several requests, the root last", in_parts),
    ("calls of models and tools by all that they are asked by", calls),
    ("a call that is sent twice is counted once", twice),
    ("logs within a trace, and logs of none", records),
];

/// An agent that calls models and tools, of which some fail, in so many traces.
pub fn agents(fixture: &mut Fixture, count: u64) {
    for number in 0..count {
        let begun = i64::try_from(number).unwrap() * 240_000;
        let version = ["1.0", "1.1", "2.0"][usize::try_from(number % 3).unwrap()];
        let took = 30 + i64::try_from(number * number % 17).unwrap() * 41;
        let of = |id: u64, parent: u64, name: &str, took: i64, what: Vec<Value>| {
            span(number, (number * 100 + id, parent), name, (begun, took), what)
        };
        let root = number * 100 + 1;
        let mut all = vec![
            of(1, 0, "GET /buy", took * 3, vec![text("http.route", "/buy")]),
            of(
                2,
                root,
                "chat gpt-4o",
                took,
                model("openai", "gpt-4o", (100 + took, 20), 0.001 * f64::from(u32::try_from(took).unwrap())),
            ),
            of(3, root, "chat claude-x", took / 2, model("anthropic", "claude-x", (700, 7), 0.25)),
            of(4, root, "execute_tool bash", took / 3, tool("bash")),
            of(5, root, "execute_tool read", 1, tool("read")),
            of(6, root, "chat gpt-4o", took * 2, model("azure", "gpt-4o", (5, 1), 0.0)),
        ];
        if number % 3 == 1 {
            all[3] = failed(all[3].clone(), "exit code 1");
            all[2] = failed(all[2].clone(), "overloaded");
        }
        fixture.post("/v1/traces", &spans(&format!("i-{}", number % 2), version, &all));
    }
}

fn in_parts(fixture: &mut Fixture) {
    let of = |id: u64, parent: u64, begun: i64, took: i64| {
        span(1, (id, parent), &format!("span {id}"), (begun, took), vec![])
    };
    fixture.post("/v1/traces", &spans("i-1", "1.0", &[of(3, 2, 200, 100), failed(of(4, 2, 300, 50), "no")]));
    fixture.ask(&format!("/api/traces/{}", trace(1)));
    fixture.ask(&format!("/traces/{}", trace(1)));
    fixture.post("/v1/traces", &spans("i-2", "1.0", &[of(2, 1, 100, 500)]));
    fixture.post("/v1/traces", &spans("i-1", "1.0", &[of(1, 0, 0, 900), span(2, (9, 0), "another", (0, 5), vec![])]));
    fixture.post("/v1/traces", &spans("i-1", "1.0", &[of(1, 0, 0, 900)]));
    let told = fixture.json(&format!("/api/traces/{}", trace(1)));
    assert_eq!(
        (&told["name"], &told["ended"], &told["duration_ms"]),
        (&json!("span 1"), &json!(4), &json!(900.0)),
        "{told}"
    );
    assert_eq!(fixture.all("/api/traces?failed=true", "traces").len(), 1);
    assert_eq!(fixture.all("/api/traces?min_ms=100", "traces").len(), 1);
    fixture.pages("/api/traces", "traces", 1);
    fixture.ask(&format!("/api/traces/{}", trace(1).to_uppercase()));
    fixture.ask("/api/traces/zz");
    fixture.send("DELETE", "/api/sessions/i-1", "");
    fixture.ask(&format!("/api/traces/{}", trace(1)));
}

fn calls(fixture: &mut Fixture) {
    agents(fixture, 12);
    let range = range();
    let told = fixture.json(&format!("/api/calls?sort=calls&{range}"));
    let of_azure = told["calls"].as_array().unwrap().iter().find(|call| call["provider"] == "azure").unwrap();
    assert_eq!(
        (&of_azure["name"], &of_azure["calls"], &of_azure["tokens_in"]),
        (&json!("gpt-4o"), &json!(12), &json!(60)),
        "{told}"
    );
    let tools = fixture.json(&format!("/api/calls?kind=tool&name=bash&{range}"));
    assert_eq!((&tools["calls"][0]["calls"], &tools["calls"][0]["errors"]), (&json!(12), &json!(4)), "{tools}");
    questions::parameters(fixture, "/calls", 20);
    questions::parameters(fixture, "/traces", 5);
}

fn twice(fixture: &mut Fixture) {
    agents(fixture, 3);
    let range = range();
    let before = fixture.json(&format!("/api/calls?{range}"));
    agents(fixture, 3);
    assert_eq!(fixture.json(&format!("/api/calls?{range}")), before);
    let sessions = fixture.all("/api/sessions", "sessions");
    let session = sessions[0]["session_id"].as_str().unwrap();
    fixture.send("DELETE", &format!("/api/sessions/{}", crate::known::escaped(session)), "").is(200);
    let left = fixture.json(&format!("/api/calls?{range}"));
    assert_ne!(left, before);
    agents(fixture, 3);
    assert_eq!(
        fixture.json(&format!("/api/calls?{range}"))["calls"].as_array().unwrap().len(),
        before["calls"].as_array().unwrap().len()
    );
}

fn records(fixture: &mut Fixture) {
    let record = |ms: i64, severity: i64, body: &str| json!({"timeUnixNano": nanos(ms), "severityNumber": severity, "body": {"stringValue": body}});
    let mut within = record(10, 17, "it failed");
    within["traceId"] = trace(1).into();
    within["spanId"] = "0000000000000001".into();
    let mut raised = record(20, 17, "raised");
    raised["attributes"] = json!([
        text("exception.type", "KeyError"),
        text("exception.message", "k 7"),
        text("exception.stacktrace", "KeyError: k")
    ]);
    let sent = logs("i-1", &[record(0, 9, "low stock"), within, raised, record(30, 5, "quiet")]);
    fixture.post("/v1/logs", &sent);
    fixture.post("/v1/logs", &sent);
    fixture.post("/v1/traces", &spans("i-1", "1.0", &[span(1, (1, 0), "GET /buy", (0, 100), vec![])]));
    assert_eq!(fixture.all(&format!("/api/events?trace={}", trace(1)), "events").len(), 2);
    let trace = fixture.json(&format!("/api/traces/{}", trace(1)));
    assert_eq!(trace["errors"], 1, "{trace}");
}
