//! Facts, each an event of its own.

use std::time::Duration;

use lastword::metrics::{ApiRequest, MessageRole};
use serde_json::json;

use crate::Recorded;

const REQUEST: ApiRequest<'_> = ApiRequest {
    provider: "openai",
    model: "gpt-4o",
    prompt_tokens: 0,
    completion_tokens: 50,
    cost_usd: 0.0,
    latency: Duration::from_millis(400),
    error: None,
};

#[test]
fn a_request_to_a_model_is_an_operation_and_zeros_are_kept() {
    let recorded = Recorded::start();
    let _ = recorded.metrics.record_api_request(&REQUEST);
    let failed = ApiRequest { cost_usd: f64::NAN, error: Some(("timeout", "no answer in 30 s")), ..REQUEST };
    let _ = recorded.metrics.record_api_request(&failed);
    let events = recorded.end();
    let expected = json!({
        "span_name": "chat gpt-4o", "gen_ai.operation.name": "chat", "duration_ms": 400.0, "status": "ok",
        "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cost": 0.0,
    });
    assert_eq!(events[0], ("operation".to_owned(), expected));
    let failed = &events[1].1;
    assert_eq!((&failed["status"], &failed["error.type"]), (&json!("error"), &json!("timeout")));
    assert_eq!((&failed["error.message"], failed.get("gen_ai.usage.cost")), (&json!("no answer in 30 s"), None));
}

#[test]
fn a_tool_and_an_error_say_what_failed() {
    let recorded = Recorded::start();
    let _ = recorded.metrics.record_tool_execution("bash", Duration::from_millis(1_200), Err("exit code 1"));
    let _ =
        recorded.metrics.record_error("parse", "token=ghp_0123456789abcdefghijABCDEFGHIJ012345", json!({"line": 7}));
    let sink = recorded.sink.clone();
    let events = recorded.end();
    assert_eq!(
        (&events[0].1["gen_ai.tool.name"], &events[0].1["error.message"]),
        (&json!("bash"), &json!("exit code 1"))
    );
    assert_eq!((&events[1].1["error.type"], &events[1].1["context"]), (&json!("parse"), &json!({"line": 7})));
    assert!(!events[1].1.to_string().contains("ghp_"), "a message is redacted as every text is");
    let severities: Vec<_> = sink.events().iter().map(|event| event["severity"].as_str().unwrap().to_owned()).collect();
    assert_eq!(severities, ["INFO", "ERROR", "ERROR", "INFO"]);
}

#[test]
fn what_happens_in_a_conversation_carries_its_id() {
    let recorded = Recorded::start();
    let metrics = &recorded.metrics;
    assert_eq!(metrics.end_session(), None);
    let _ = metrics.record_message(MessageRole::System);
    let _ = metrics.start_session("c1");
    let _ = metrics.record_message(MessageRole::User);
    let _ = metrics.record_api_request(&REQUEST);
    let _ = metrics.start_session("c2");
    let _ = metrics.record_error("E", "m", ());
    assert_eq!(metrics.end_session().as_deref(), Some("c2"));
    let _ = metrics.record_message(MessageRole::Tool);
    let events = recorded.end();
    let ids: Vec<_> = events
        .iter()
        .map(|(name, data)| (name.as_str(), data["gen_ai.conversation.id"].as_str().unwrap_or("")))
        .collect();
    let expected = [
        ("conversation.message", ""),
        ("conversation.start", "c1"),
        ("conversation.message", "c1"),
        ("operation", "c1"),
        ("conversation.end", "c1"),
        ("conversation.start", "c2"),
        ("error", "c2"),
        ("conversation.end", "c2"),
        ("conversation.message", ""),
    ];
    assert_eq!(ids, expected);
}
