//! What an agent reports of its work, as events with a meaning.

use lastword::{Reporter, Severity};
use serde_json::{Value, json};

use crate::support::Recorder;

/// The trace of the whole session.
pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// A trace that never comes to its end.
pub const OPEN_TRACE: &str = "4bf92f35ffffffffffffffffffffffff";

/// A span that ended.
pub fn span(trace: &str, id: u64, parent: Option<u64>, name: &str, ms: f64, more: &Value) -> Value {
    let mut data = json!({
        "trace_id": trace, "span_id": format!("{id:016x}"), "span_name": name, "duration_ms": ms,
        "status": if more.get("error.type").is_some() { "error" } else { "ok" },
    });
    let fields = data.as_object_mut().unwrap();
    fields.extend(parent.map(|parent| ("parent_span_id".to_owned(), format!("{parent:016x}").into())));
    fields.extend(more.as_object().unwrap().clone());
    data
}

/// A call of a model.
pub fn chat(attempt: u32, tokens: (u64, u64), error: Option<&str>) -> Value {
    let mut data = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": tokens.0, "gen_ai.usage.output_tokens": tokens.1, "gen_ai.usage.cost": 0.001,
        "attempt": attempt,
    });
    if let Some(message) = error {
        data["error.type"] = "JSONDecodeError".into();
        data["error.message"] = message.into();
    }
    data
}

fn tool(name: &str, error: Option<&str>) -> Value {
    let mut data = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name});
    if let Some(message) = error {
        data["error.type"] = "PermissionError".into();
        data["error.message"] = message.into();
    }
    data
}

fn end(reporter: &Reporter, data: Value) {
    let severity = if data["status"] == "error" { Severity::Error } else { Severity::Info };
    assert!(reporter.log_with(severity, "span.end", data).is_accepted());
}

/// Reports a loop of several steps: three attempts at two calls of a model, two tools of which one fails, a memory
/// operation, a decision; and a second trace whose root does not end.
pub fn work(recorder: &Recorder) {
    let reporter = &recorder.reporter;
    let start = |trace: &str, name: &str| {
        let data = json!({"trace_id": trace, "span_id": format!("{:016x}", 1), "span_name": name});
        assert!(reporter.log("span.start", data).is_accepted());
    };
    start(TRACE, "agent.run");
    end(reporter, span(TRACE, 2, Some(1), "chat gpt-4o", 1_500.0, &chat(1, (100, 0), Some("Expecting value: line 1"))));
    end(reporter, span(TRACE, 3, Some(1), "chat gpt-4o", 900.0, &chat(2, (100, 50), None)));
    end(reporter, span(TRACE, 5, Some(4), "open /etc/shadow", 2.0, &json!({})));
    end(reporter, span(TRACE, 4, Some(1), "execute_tool bash", 12.0, &tool("bash", Some("EACCES: permission denied"))));
    end(reporter, span(TRACE, 6, Some(1), "execute_tool calculator", 0.25, &tool("calculator", None)));
    end(
        reporter,
        span(
            TRACE,
            7,
            Some(1),
            "memory add",
            0.0,
            &json!({"gen_ai.operation.name": "memory", "memory.operation": "add"}),
        ),
    );
    end(
        reporter,
        span(
            TRACE,
            8,
            Some(1),
            "decision",
            1.0,
            &json!({"gen_ai.operation.name": "decision", "decision.selected": "answer"}),
        ),
    );
    end(reporter, span(TRACE, 9, Some(1), "chat gpt-4o", 600.0, &chat(1, (200, 80), None)));
    end(reporter, span(TRACE, 10, Some(77), "from elsewhere", 5.0, &json!({})));
    end(reporter, span(TRACE, 1, None, "agent.run", 3_100.0, &json!({"gen_ai.operation.name": "invoke_agent"})));
    start(OPEN_TRACE, "agent.other");
    let series = json!([
        {"name": "cache_hits_total", "type": "counter", "value": 7, "labels": {"tier": "l1"}},
        {"name": "queue_depth", "type": "gauge", "value": 2.5, "count": 3, "min": 1, "max": 4, "unit": "jobs"},
    ]);
    assert!(reporter.log("metrics", json!({"interval_ms": 10_000, "series": series})).is_accepted());
}
