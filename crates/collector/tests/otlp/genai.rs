//! What is said of generative AI, under whatever names, is counted once.

use lastword::views::{Dashboard, Event, View};
use lastword_collector::Collector;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::common::{Dir, Server};
use crate::{JSON, PROTOBUF, int, post, span, text, traces};

/// Sends spans and returns the data of each.
pub(super) fn told(server: &Server, spans: Vec<Span>) -> Vec<Value> {
    post(server, "/v1/traces", PROTOBUF, &traces(spans)).is(200);
    server.events("name=span.end").into_iter().map(|mut event| event["event_data"].take()).collect()
}

pub(super) fn dashboard(server: &Server) -> Dashboard {
    let mut dashboard = Dashboard::default();
    for event in server.events("") {
        dashboard.apply(&Event::from_json(&event).unwrap());
    }
    dashboard
}

fn usage(data: &Value) -> (Option<&str>, Option<&str>, Option<u64>, Option<u64>) {
    let text = |name: &str| data[name].as_str();
    let model = text("gen_ai.request.model");
    let tokens = |name: &str| data[name].as_u64();
    (text("gen_ai.operation.name"), model, tokens("gen_ai.usage.input_tokens"), tokens("gen_ai.usage.output_tokens"))
}

pub(super) fn spans_of(all: Vec<Vec<KeyValue>>) -> Vec<Span> {
    (0..).zip(all).map(|(number, attributes)| span(number, "x", attributes)).collect()
}

#[test]
fn a_call_of_a_model_is_one_by_whatever_names() {
    let conventions = vec![
        vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", "m"),
            int("gen_ai.usage.input_tokens", 7),
            int("gen_ai.usage.output_tokens", 3),
        ],
        vec![
            text("gen_ai.system", "openai"),
            text("llm.request.type", "chat"),
            text("gen_ai.request.model", "m"),
            int("gen_ai.usage.prompt_tokens", 7),
            int("gen_ai.usage.completion_tokens", 3),
        ],
        vec![
            text("openinference.span.kind", "LLM"),
            text("llm.model_name", "m"),
            int("llm.token_count.prompt", 7),
            int("llm.token_count.completion", 3),
        ],
        vec![
            text("ai.operationId", "ai.generateText.doGenerate"),
            text("ai.model.id", "m"),
            text("ai.model.provider", "openai.chat"),
            int("ai.usage.promptTokens", 7),
            int("ai.usage.completionTokens", 3),
        ],
        vec![
            text("llm.request.type", "chat"),
            text("llm.request.model", "m"),
            int("llm.usage.prompt_tokens", 7),
            int("llm.usage.completion_tokens", 3),
        ],
        vec![
            text("langfuse.observation.type", "generation"),
            text("langfuse.observation.model.name", "m"),
            text("langfuse.observation.usage_details", r#"{"input": 7, "output": 3, "total": 10}"#),
            text("langfuse.observation.cost_details", r#"{"input": 0.25, "output": 0.5}"#),
        ],
    ];
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let told = told(&server, spans_of(conventions.clone()));
    for data in &told {
        assert_eq!(usage(data), (Some("chat"), Some("m"), Some(7), Some(3)), "{data}");
    }
    assert_eq!(told[3]["gen_ai.provider.name"], "openai");
    assert_eq!((&told[3]["ai.usage.promptTokens"], &told[5]["gen_ai.usage.cost"]), (&json!(7), &json!(0.75)));
    let total = *dashboard(&server).totals.counts();
    let calls = conventions.len() as u64;
    assert_eq!((total.requests, total.input_tokens, total.output_tokens), (calls, 7 * calls, 3 * calls));
}

#[test]
fn what_a_parent_repeats_of_its_children_is_counted_once_in_any_order() {
    let usage = |mut attributes: Vec<KeyValue>| {
        attributes.extend([
            text("gen_ai.request.model", "m"),
            int("gen_ai.usage.input_tokens", 10),
            int("ai.usage.promptTokens", 10),
            int("llm.token_count.prompt", 10),
        ]);
        attributes
    };
    let spans = spans_of(vec![
        usage(vec![text("gen_ai.operation.name", "invoke_agent")]),
        usage(vec![text("gen_ai.operation.name", "chat")]),
        usage(vec![text("ai.operationId", "ai.streamText")]),
        usage(vec![text("ai.operationId", "ai.streamText.doStream")]),
        usage(vec![text("openinference.span.kind", "CHAIN")]),
        usage(vec![text("openinference.span.kind", "AGENT")]),
        usage(vec![text("langfuse.observation.type", "span")]),
        usage(vec![text("agent_name", "helper")]),
    ]);
    for spans in [spans.clone(), spans.into_iter().rev().collect()] {
        let dir = Dir::new();
        let server = Server::start(dir.config());
        let data = told(&server, spans);
        assert!(data.iter().all(|data| data["gen_ai.usage.input_tokens"] == 10), "what was sent stays");
        let total = *dashboard(&server).totals.counts();
        assert_eq!((total.requests, total.input_tokens), (2, 20));
    }
}

#[test]
fn tools_agents_and_retrievals_are_known_by_whatever_names() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let told = told(
        &server,
        spans_of(vec![
            vec![text("openinference.span.kind", "TOOL"), text("tool.name", "bash")],
            vec![
                text("ai.operationId", "ai.toolCall"),
                text("ai.toolCall.name", "bash"),
                text("ai.toolCall.args", "{}"),
            ],
            vec![text("gen_ai.tool.name", "bash")],
            vec![text("traceloop.span.kind", "tool"), text("gen_ai.tool.name", "bash")],
            vec![text("openinference.span.kind", "RETRIEVER")],
            vec![text("langfuse.observation.type", "agent"), text("gen_ai.agent.name", "a")],
        ]),
    );
    for data in &told[..4] {
        assert_eq!(
            (&data["gen_ai.operation.name"], &data["gen_ai.tool.name"]),
            (&json!("execute_tool"), &json!("bash")),
            "{data}"
        );
    }
    assert_eq!(
        (&told[4]["gen_ai.operation.name"], &told[5]["gen_ai.operation.name"]),
        (&json!("retrieval"), &json!("invoke_agent"))
    );
    assert_eq!(told[1]["gen_ai.tool.call.arguments"], "{}");
}

#[test]
fn a_cost_that_nobody_said_is_estimated_by_the_table_and_says_so() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.path()).unwrap();
    let prices = dir.path().join("prices.json");
    std::fs::write(&prices, r#"{"version": "mine-1", "models": {"m": {"input": 2, "output": 10, "cache_read": 1}}}"#)
        .unwrap();
    let server = Server::start(dir.config().prices(&prices));
    let call = |more: Vec<KeyValue>| {
        let mut attributes = vec![
            text("gen_ai.operation.name", "chat"),
            int("gen_ai.usage.input_tokens", 1_000_000),
            int("gen_ai.usage.output_tokens", 100_000),
        ];
        attributes.extend(more);
        attributes
    };
    let told = told(
        &server,
        spans_of(vec![
            call(vec![
                text("gen_ai.request.model", "vendor/m-2026-01-01"),
                int("gen_ai.usage.cache_read.input_tokens", 500_000),
            ]),
            call(vec![
                text("gen_ai.request.model", "m"),
                crate::attribute(
                    "gen_ai.usage.cost",
                    opentelemetry_proto::tonic::common::v1::any_value::Value::DoubleValue(0.5),
                ),
            ]),
            call(vec![text("gen_ai.request.model", "other")]),
        ]),
    );
    assert_eq!(
        (&told[0]["gen_ai.usage.cost"], &told[0]["gen_ai.usage.cost_estimated_by"]),
        (&json!(2.5), &json!("mine-1"))
    );
    assert_eq!((&told[1]["gen_ai.usage.cost"], told[1].get("gen_ai.usage.cost_estimated_by")), (&json!(0.5), None));
    assert_eq!(told[2].get("gen_ai.usage.cost"), None);
    let error = Collector::open(dir.config().prices(dir.path().join("none"))).unwrap_err().to_string();
    assert!(error.starts_with("the table of prices "), "{error}");
}

#[test]
fn agents_of_the_command_line_tell_of_calls_in_their_logs() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let attributes = |pairs: &[(&str, &str)]| -> Value {
        pairs.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
    };
    let claude = attributes(&[
        ("event.name", "api_request"),
        ("session.id", "c-1"),
        ("model", "claude-x"),
        ("input_tokens", "10"),
        ("output_tokens", "5"),
        ("cache_read_tokens", "90"),
        ("cost_usd", "0.25"),
        ("duration_ms", "1500"),
    ]);
    let tool = attributes(&[
        ("event.name", "tool_result"),
        ("session.id", "c-1"),
        ("tool_name", "Bash"),
        ("success", "false"),
        ("error", "denied"),
        ("duration_ms", "20"),
    ]);
    let codex = attributes(&[
        ("event.name", "codex.sse_event"),
        ("event.kind", "response.completed"),
        ("model", "gpt-x"),
        ("input_token_count", "70"),
        ("output_token_count", "7"),
        ("cached_token_count", "60"),
    ]);
    let delta = attributes(&[
        ("event.name", "codex.sse_event"),
        ("event.kind", "response.output_text.delta"),
        ("model", "gpt-x"),
    ]);
    let claude_in_a_span = json!({"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
        "body": {"stringValue": "claude_code.api_request"}, "attributes": claude});
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"body": {"stringValue": "claude_code.api_request"}, "attributes": claude},
        {"body": {"stringValue": "claude_code.tool_result"}, "attributes": tool},
        {"attributes": codex}, {"attributes": delta}, claude_in_a_span]}]}]});
    post(&server, "/v1/logs", JSON, body.to_string().as_bytes()).is(200);
    let operations = server.events("name=operation");
    let names: Vec<_> = operations.iter().map(|event| event["event_data"]["span_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["claude_code.api_request", "claude_code.tool_result", "codex.sse_event"]);
    let call = &operations[0]["event_data"];
    assert_eq!(
        (&call["gen_ai.usage.input_tokens"], &call["gen_ai.usage.cost"]),
        (&json!(100), &json!(0.25)),
        "with the cached"
    );
    assert_eq!((&call["duration_ms"], &call["input_tokens"]), (&json!(1500.0), &json!("10")));
    assert_eq!(
        (&operations[1]["event_data"]["status"], &operations[1]["event_data"]["error.message"]),
        (&json!("error"), &json!("denied"))
    );
    // The span tells of the call, so the record within it does not.
    assert_eq!(server.events("name=claude_code.api_request").len(), 1);
    assert_eq!(server.events("name=codex.sse_event").len(), 1);
    let dashboard = dashboard(&server);
    let total = *dashboard.totals.counts();
    assert_eq!((total.requests, total.input_tokens, total.output_tokens), (2, 170, 12));
    assert_eq!(total.tool_errors, 1);
}
