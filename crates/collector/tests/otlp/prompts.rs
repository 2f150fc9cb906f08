//! Prompts, answers and providers, whatever client tells of them.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde_json::{Value, json};

use crate::common::{Dir, Server};
use crate::genai::{dashboard, spans_of, told};
use crate::{int, text};

/// What a call was given and came to, as a dashboard reads it.
fn messages(data: &Value) -> (&Value, &Value) {
    (&data["gen_ai.input.messages"], &data["gen_ai.output.messages"])
}

#[test]
fn prompts_and_answers_have_one_form_whatever_client_tells_of_them_and_what_was_sent_stays() {
    let prompt = r#"[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]"#;
    let ways = vec![
        // Traceloop's OpenLLMetry.
        vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.prompt.0.role", "system"),
            text("gen_ai.prompt.0.content", "be brief"),
            text("gen_ai.prompt.1.role", "user"),
            text("gen_ai.prompt.1.content", "hi"),
            text("gen_ai.completion.0.role", "assistant"),
            text("gen_ai.completion.0.content", "ho"),
        ],
        // OpenInference.
        vec![
            text("openinference.span.kind", "LLM"),
            text("llm.input_messages.0.message.role", "system"),
            text("llm.input_messages.0.message.content", "be brief"),
            text("llm.input_messages.1.message.role", "user"),
            text("llm.input_messages.1.message.contents.0.message_content.type", "text"),
            text("llm.input_messages.1.message.contents.0.message_content.text", "hi"),
            text("llm.output_messages.0.message.role", "assistant"),
            text("llm.output_messages.0.message.content", "ho"),
            text("output.value", "the whole answer"),
        ],
        // Vercel's AI SDK.
        vec![
            text("ai.operationId", "ai.generateText.doGenerate"),
            text("ai.prompt.messages", prompt),
            text("ai.response.text", "ho"),
        ],
        // Langfuse.
        vec![
            text("langfuse.observation.type", "generation"),
            text("langfuse.observation.input", prompt),
            text("langfuse.observation.output", r#"{"role":"assistant","content":"ho"}"#),
        ],
    ];
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let input = json!([
        { "role": "system", "parts": [{ "type": "text", "content": "be brief" }] },
        { "role": "user", "parts": [{ "type": "text", "content": "hi" }] },
    ]);
    let output = json!([{ "role": "assistant", "parts": [{ "type": "text", "content": "ho" }] }]);
    let told = told(&server, spans_of(ways.clone()));
    assert_eq!(told.len(), ways.len());
    for (data, sent) in told.iter().zip(ways) {
        assert_eq!(messages(data), (&input, &output), "{data}");
        assert!(sent.iter().all(|attribute| data.get(&attribute.key).is_some()), "{data}");
    }
}

#[test]
fn calls_of_tools_and_the_older_events_of_spans_are_messages_too() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let call = |begin: &str, wrap: &str| {
        vec![
            text(&format!("{begin}.0.{wrap}role"), "assistant"),
            text(&format!("{begin}.0.{wrap}tool_calls.0.{}id", wrap.replace("message", "tool_call")), "c"),
        ]
    };
    let mut traceloop = call("gen_ai.completion", "");
    traceloop.extend([
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.completion.0.tool_calls.0.name", "look"),
        text("gen_ai.completion.0.tool_calls.0.arguments", r#"{"q":1}"#),
        text("gen_ai.completion.0.finish_reason", "tool_calls"),
    ]);
    let mut inference = call("llm.output_messages", "message.");
    inference.extend([
        text("openinference.span.kind", "LLM"),
        text("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "look"),
        text("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", r#"{"q":1}"#),
        text("llm.output_messages.0.message.finish_reason", "tool_calls"),
    ]);
    let mut spans = spans_of(vec![traceloop, inference, vec![text("gen_ai.operation.name", "chat")]]);
    let event = |name: &str, attributes: Vec<KeyValue>| opentelemetry_proto::tonic::trace::v1::span::Event {
        name: name.to_owned(),
        attributes,
        ..Default::default()
    };
    spans[2].events = vec![
        event("gen_ai.user.message", vec![text("gen_ai.event.content", r#"{"role":"user","content":"hi"}"#)]),
        event(
            "gen_ai.choice",
            vec![text("message", r#"{"content":"ho"}"#), text("finish_reason", "stop"), int("index", 0)],
        ),
    ];
    let told = told(&server, spans);
    let call = json!([{ "role": "assistant", "finish_reason": "tool_calls",
        "parts": [{ "type": "tool_call", "id": "c", "name": "look", "arguments": { "q": 1 } }] }]);
    assert_eq!((messages(&told[0]).1, messages(&told[1]).1), (&call, &call));
    let (input, output) = messages(&told[2]);
    assert_eq!(*input, json!([{ "role": "user", "parts": [{ "type": "text", "content": "hi" }] }]));
    let said = json!([{ "role": "assistant", "parts": [{ "type": "text", "content": "ho" }], "finish_reason": "stop", "index": 0 }]);
    assert_eq!(*output, said);
}

#[test]
fn messages_that_leave_no_room_are_left_as_they_were_sent_and_odd_ones_harm_nothing() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let large = format!(r#"[{{"role":"user","content":"{}"}}]"#, "x".repeat(600_000));
    let deep = format!("gen_ai.prompt.0.{}x", "1.".repeat(5_000));
    let all = vec![
        vec![text("ai.operationId", "ai.generateText.doGenerate"), text("ai.prompt.messages", &large)],
        vec![
            text("gen_ai.operation.name", "chat"),
            text(&deep, "a"),
            text("gen_ai.prompt.18446744073709551615.content", "b"),
        ],
    ];
    let told = told(&server, spans_of(all));
    assert_eq!(told[0]["ai.prompt.messages"].as_str().map(str::len), Some(large.len()));
    assert!(told[0].get("gen_ai.input.messages").is_none());
    assert_eq!(messages(&told[1]).0, &json!([{ "role": "user", "parts": [{ "type": "text", "content": "b" }] }]));
}

#[test]
fn a_model_that_says_no_provider_has_its_makers_name_where_that_is_known() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let call = |model: &str| vec![text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", model)];
    let told = told(&server, spans_of(vec![call("claude-sonnet-4-5"), call("my-own-model")]));
    assert_eq!(told[0]["gen_ai.provider.name"], "anthropic");
    assert!(told[1].get("gen_ai.provider.name").is_none());
    let text = dashboard(&server).render(lastword::clock::Clock::system().now(), 100);
    assert!(text.contains("anthropic/claude-sonnet-4-5") && !text.contains("unknown/"), "{text}");
}
