//! What a program does is seen in its dashboard: as it runs, from a file of its events, as text, and in Prometheus' format.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod hostile;
mod live;
mod promtool;

use std::time::Duration;

use lastword::views::Live;
use lastword::{Reporter, UserError};
use serde_json::json;

/// How long is waited for what happens at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Starts a reporter whose events are seen in this dashboard.
pub(crate) fn reporter(live: &Live) -> Reporter {
    Reporter::builder("session-1").sink(live.clone()).enabled(true).start().unwrap()
}

/// Does something of everything that has a meaning: 3 calls of models, of which one fails, 2 of tools, of which one fails, and so on.
pub(crate) fn work(reporter: &Reporter) {
    let span = |id: u64, more: serde_json::Value| {
        let mut data = json!({"trace_id": TRACE, "span_id": format!("{id:016x}"), "status": "ok", "duration_ms": 12.25, "run_id": "run_1"});
        if id > 1 {
            data["parent_span_id"] = "0000000000000001".into();
        }
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let chat = |status: &str| {
        json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o", "status": status,
            "span_name": "chat gpt-4o", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cost": 0.001})
    };
    reporter.log("run.run_start", json!({"run_id": "run_1", "objective": "show it"}));
    reporter.log(
        "span.start",
        json!({"trace_id": TRACE, "span_id": "0000000000000001", "span_name": "invoke_agent", "run_id": "run_1"}),
    );
    reporter.log("span.end", span(2, chat("ok")));
    reporter.log("span.end", span(3, chat("error")));
    reporter.log("operation", json!({"duration_ms": 500, "gen_ai.operation.name": "embeddings", "gen_ai.provider.name": "local", "status": "ok"}));
    let tool =
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bash", "span_name": "execute_tool bash"});
    reporter.log("span.end", span(4, tool.clone()));
    let mut failed = span(5, tool);
    failed
        .as_object_mut()
        .unwrap()
        .extend([("status".into(), json!("error")), ("error.message".into(), json!("no such file"))]);
    reporter.log("span.end", failed);
    reporter.log(
        "span.end",
        span(6, json!({"gen_ai.operation.name": "memory", "memory.operation": "add", "span_name": "memory add"})),
    );
    reporter.log(
        "operation",
        json!({"gen_ai.operation.name": "decision", "decision.choices": ["a", "b"], "decision.selected": "b"}),
    );
    for role in ["user", "assistant"] {
        reporter.log("conversation.message", json!({"gen_ai.conversation.id": "c-1", "role": role}));
    }
    reporter.log(
        "metrics",
        json!({"interval_ms": 1_000, "series": [
        {"name": "jobs", "type": "counter", "labels": {"queue": "mail"}, "value": 7},
        {"name": "depth", "type": "gauge", "value": 0.1, "count": 1, "min": 0.1, "max": 0.1}]}),
    );
    reporter.log_error(&UserError::new("no such model").status(404));
    reporter.log_error(&std::io::Error::other("the disk is gone"));
    reporter.log("run.run_end", json!({"run_id": "run_1", "status": "completed"}));
}
