//! Runs with what they did, what they left and what they came from.

use serde_json::{Value, json};

use super::Case;
use crate::fixture::Fixture;
use crate::questions;
use crate::send::{at, told};

pub const CASES: [Case; 2] = [
    ("runs with steps, artifacts and a family", family),
    ("a run that ends before it begins, and one that never ends", odd),
];

fn event(index: i64, run: &str, name: &str, more: &Value) -> Value {
    let mut data = json!({"run_id": run});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    told(
        index,
        &format!("{run}-{index}"),
        index * 60_000,
        name,
        if name == "run.error" { "ERROR" } else { "INFO" },
        data,
    )
}

/// A run that calls a tool and a model, leaves a patch and ends.
pub fn run(id: &str, parent: Option<&str>, patch: &str, status: &str) -> Vec<Value> {
    let metadata =
        parent.map_or(json!({"tags": ["bugfix"]}), |parent| json!({"parentRolloutId": parent, "forkReason": "retry"}));
    let span = |id: &str, name: &str, more: Value| {
        let mut data = json!({"trace_id": crate::send::trace(0x70), "span_id": id, "span_name": name, "duration_ms": 12.5, "status": "ok"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let tool = span(
        "0000000000000001",
        "execute_tool bash",
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bash",
        "gen_ai.tool.call.arguments": "{\"command\":\"cargo <i>test\"}", "gen_ai.tool.call.result": "1 failed"}),
    );
    let chat = span(
        "00000000000000cc",
        "chat gpt-4o",
        json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 700, "gen_ai.usage.output_tokens": 33, "gen_ai.usage.cost": 0.5}),
    );
    let parts = [
        ("run.run_start", json!({"objective": format!("Fix the <b>login of {id} 100%"), "metadata": metadata})),
        ("span.end", tool),
        ("span.end", chat),
        ("run.decision", json!({"description": "Raise it", "selected": "30 s"})),
        ("run.patch_created", json!({"artifact": "patch.diff", "bytes": patch.len(), "content": patch})),
        ("run.artifact_saved", json!({"artifact": "screen.png", "bytes": 4096})),
        ("run.artifact_saved", json!({"artifact": "report.json", "content": "{\"failed\":[1,2]}"})),
        ("run.checkpoint", json!({"name": "after tests"})),
        ("run.error", json!({"message": "still red"})),
        ("run.run_end", json!({"status": status})),
    ];
    (0..).zip(parts).map(|(index, (name, more))| event(index, id, name, &more)).collect()
}

/// Three runs, each of which came from the one before.
pub fn three(fixture: &mut Fixture) {
    fixture.events("r-1", &run("run_1", None, "one\n<script>alert(1)</script>\n", "failed"));
    fixture.events("r-2", &run("run_2", Some("run_1"), "two\n", "completed"));
    fixture.events("r-3", &run("run_3", Some("run_2"), "two\n", "completed"));
}

fn family(fixture: &mut Fixture) {
    three(fixture);
    fixture.events("r-1", &run("run_1", None, "one\n<script>alert(1)</script>\n", "failed"));
    let first = fixture.json("/api/runs/run_1");
    assert_eq!(
        (&first["status"], &first["events"], &first["errors"]),
        (&json!("failed"), &json!(10), &json!(1)),
        "{first}"
    );
    assert_eq!(
        (&first["tokens_in"], &first["tokens_out"], &first["cost"]),
        (&json!(700), &json!(33), &json!(0.5)),
        "{first}"
    );
    for (query, runs) in [
        ("status=failed", 1),
        ("objective=LOGIN%20of%20run_3", 1),
        ("objective=%25", 3),
        ("objective=_%25", 0),
        ("session=r-2", 1),
    ] {
        assert_eq!(fixture.all(&format!("/api/runs?{query}"), "runs").len(), runs, "{query}");
    }
    for step in [1, 2, 5, 12, 900] {
        fixture.ask(&format!("/runs/run_1?step={step}"));
    }
    for artifact in ["patch.diff", "report.json", "screen.png", "none"] {
        fixture.ask(&format!("/runs/run_1/artifacts/{artifact}"));
    }
    fixture.ask("/runs/run_1/diff/run_2").is(200);
    fixture.ask("/runs/run_1/diff?other=run_3");
    fixture.pages("/api/runs", "runs", 1);
    questions::parameters(fixture, "/runs", 5);
    fixture.send("DELETE", "/api/sessions/r-2", "").is(200);
    assert_eq!(fixture.all("/api/runs", "runs").len(), 2);
}

fn odd(fixture: &mut Fixture) {
    let mut reversed = run("run_1", None, "p", "completed");
    reversed.reverse();
    for part in reversed.chunks(3) {
        fixture.events("a", part);
    }
    fixture.events("b", &run("run_2", None, "p", "failed")[..4]);
    // Two sessions tell of one run, and one says twice how it ended.
    fixture.events(
        "c",
        &[
            event(20, "run_2", "run.run_end", &json!({"status": "completed"})),
            event(21, "run_2", "run.run_end", &json!({"status": "failed"})),
        ],
    );
    fixture.events("d", &[event(0, "run/with ä \"quotes\"", "run.run_start", &json!({"objective": "Fix\u{0} it"}))]);
    assert_eq!(fixture.all("/api/runs", "runs").len(), 3);
    fixture.pages(&format!("/api/runs?since={}", at(600_000)), "runs", 10);
}
