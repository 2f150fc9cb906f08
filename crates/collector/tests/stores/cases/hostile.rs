//! Texts and ids that somebody made up to break something.

use serde_json::json;

use super::Case;
use crate::fixture::Fixture;
use crate::known::escaped;
use crate::send::{event, exception, told};

pub const CASES: [Case; 3] = [
    ("a text is looked for as it is", texts),
    ("ids may be any text", ids),
    ("values may be of any size and form", values),
];

const TEXTS: [&str; 22] = [
    "50%_done",
    "50xydone",
    "a\\b",
    "a\\\\b",
    "it's",
    "say \"x\"",
    "Größe",
    "GRÖSSE",
    "İstanbul",
    "日本語テキスト",
    "🦀 crab",
    "tab\there",
    "line\nbreak",
    "nul\u{0}byte",
    "'; DROP TABLE events; --",
    "{x:String}",
    "$$quoted$$",
    "/* comment */ -- x",
    "UPPER lower MiXeD",
    "\u{202e}backwards",
    "a",
    "ab",
];

fn texts(fixture: &mut Fixture) {
    for (index, text) in (0..).zip(TEXTS) {
        fixture.events("s", &[event(index, &format!("t-{index}"), index * 1_000, "said", json!({"text": text}))]);
        fixture.events("x", &[exception(index, index * 1_000, "ERROR", &format!("E{}", index % 3), text)]);
    }
    let queries = TEXTS.into_iter().chain([
        "%",
        "_",
        "\\",
        "\"",
        "'",
        "50%",
        "%_",
        "upper LOWER mixed",
        "gr",
        "öß",
        "\u{0}",
        "none of it",
        "本語",
        "\\n",
        "it''s",
    ]);
    for text in queries {
        let text = escaped(text);
        for path in ["/api/events?order=asc", "/api/events?severity=error&limit=3"] {
            fixture.ask(&format!("{path}&text={text}"));
        }
        fixture.ask(&format!("/api/exceptions?text={text}"));
        fixture.ask(&format!("/find?q={text}"));
        fixture.ask(&format!("/api/events?name={text}"));
        fixture.ask(&format!("/api/sessions?id={text}"));
        fixture.ask(&format!("/api/runs?objective={text}"));
    }
    assert_eq!(fixture.all("/api/events?session=s&text=50%25_", "events").len(), 1);
    assert_eq!(fixture.all("/api/events?session=s&text=UPPER%20lower", "events").len(), 1);
    assert_eq!(fixture.all("/api/events?session=s&text=upper%20LOWER", "events").len(), 1);
}

fn ids(fixture: &mut Fixture) {
    let long = "x".repeat(300);
    let very_long = "ö".repeat(900);
    let all = TEXTS.into_iter().chain([
        "..",
        "../..",
        "a/b c",
        "?x=1&y=2#z",
        "%2e%2e",
        "<script>",
        "~a~2Fb",
        "-",
        " ",
        &long,
        &very_long,
    ]);
    for (index, id) in (0..).zip(all) {
        fixture.send("PATCH", &format!("/api/users/{}", escaped(id)), "{\"telemetry_opt_in\":true}");
        let data = json!({"user_id": id, "run_id": id, "trace_id": crate::send::trace(9), "span_id": "0000000000000001", "gen_ai.tool.name": id,
            "gen_ai.operation.name": "execute_tool", "status": "ok", "span_name": id, "duration_ms": 1});
        let body = crate::send::body(
            id,
            id,
            &[
                event(index, id, index * 1_000, id, data.clone()),
                event(index + 1, &format!("{id}-span"), index * 1_000, "span.end", data),
                exception(index + 2, index * 1_000, "ERROR", id, id),
            ],
        );
        fixture.send("POST", "/api/v1/telemetry", &body);
        let id = escaped(id);
        for path in [
            format!("/api/sessions/{id}"),
            format!("/sessions/{id}"),
            format!("/api/runs/{id}"),
            format!("/runs/{id}"),
            format!("/events/{id}"),
        ] {
            fixture.ask(&path);
        }
        for parameter in ["session", "run", "user", "version", "name"] {
            fixture.ask(&format!("/api/events?{parameter}={id}"));
        }
        fixture.ask(&format!("/api/users?user={id}"));
        fixture.ask(&format!("/api/exceptions?session={id}"));
        fixture.ask(&format!("/calls/tool/{id}?{}", crate::send::range()));
    }
    for path in ["/api/sessions/it%27s", "/api/users/say%20%22x%22", "/api/sessions/a%5Cb"] {
        fixture.send("DELETE", path, "").is(200);
    }
    assert_eq!(fixture.opt("%27%3B%20DROP%20TABLE%20events%3B%20--", false)["events"], 2);
}

fn values(fixture: &mut Fixture) {
    let data = [
        json!({"n": 1.5e300, "m": -0.0, "i": i64::MAX, "u": u64::MAX, "deep": [[[[{"a": null}]]]]}),
        json!({"text": "x".repeat(200_000)}),
        json!({"duration_ms": 1e18, "span_id": "0000000000000001", "trace_id": crate::send::trace(1), "span_name": "long", "status": "ok"}),
        json!({"duration_ms": -5, "span_id": "0000000000000002", "trace_id": crate::send::trace(1), "span_name": "short", "status": "odd"}),
        json!({"gen_ai.usage.input_tokens": i64::MAX, "gen_ai.usage.cost": 1e300, "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
            "span_id": "0000000000000003", "trace_id": crate::send::trace(1), "span_name": "x", "status": "ok", "duration_ms": 0}),
        json!({"gen_ai.usage.input_tokens": -7, "gen_ai.usage.cost": -1.5, "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
            "span_id": "0000000000000004", "trace_id": crate::send::trace(1), "span_name": "x", "status": "ok", "duration_ms": 0.0004}),
        json!({"trace_id": "not hex", "span_id": "zz", "run_id": 7, "user_id": {"a": 1}}),
        json!([1, 2]),
    ];
    for (index, data) in (0..).zip(data) {
        for (place, name) in [(0, "span.end"), (1, "n")] {
            let event =
                told(index * 2 + place, &format!("{name}-{index}"), index * 1_000, name, "WARNING", data.clone());
            fixture.send("POST", "/api/v1/telemetry", &crate::send::body("s", "1.0", &[event]));
        }
    }
    fixture.events("high", &[event(i64::from(i32::MAX) * 2, "a", 0, "n", json!({})), event(0, "b", 0, "n", json!({}))]);
    fixture.send(
        "POST",
        "/api/v1/telemetry",
        &crate::send::body("negative", "1.0", &[event(-5, "a", 0, "n", json!({}))]),
    );
    for time in [
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2106-02-07T06:28:16Z",
        "soon",
    ] {
        let mut odd = event(0, time, 0, "n", json!({}));
        odd["timestamp"] = time.into();
        fixture.send("POST", "/api/v1/telemetry", &crate::send::body("times", "1.0", &[odd]));
    }
    crate::questions::parameters(fixture, "/api/traces", 0);
}
