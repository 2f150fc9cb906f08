use super::*;

#[track_caller]
fn is(value: Value, side: Side, expected: Value) {
    assert_eq!(canonical(value, side), Some(expected));
}

fn text(role: &str, text: &str) -> Value {
    json!({ "role": role, "parts": [{ "type": "text", "content": text }] })
}

#[test]
fn openai_says_a_conversation_with_its_calls_of_tools() {
    let said = json!([
        { "role": "system", "content": "be brief" },
        { "role": "user", "content": [{ "type": "text", "text": "hi" }, { "type": "image_url", "image_url": { "url": "u" } }] },
        { "role": "assistant", "content": null,
          "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{\"q\":1}" } }] },
        { "role": "tool", "tool_call_id": "c1", "content": "found" },
    ]);
    let expected = json!([
        text("system", "be brief"),
        { "role": "user", "parts": [{ "type": "text", "content": "hi" }, { "type": "image_url", "image_url": { "url": "u" } }] },
        { "role": "assistant", "parts": [{ "type": "tool_call", "id": "c1", "name": "look", "arguments": { "q": 1 } }] },
        { "role": "tool", "parts": [{ "type": "tool_call_response", "id": "c1", "response": "found" }] },
    ]);
    is(said.clone(), Side::Input, expected.clone());
    is(Value::from(said.to_string()), Side::Input, expected.clone());
    is(json!({ "messages": said, "model": "m" }), Side::Input, expected);
    let choice = json!({ "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "done" } }] });
    let expected = json!([{ "role": "assistant", "parts": [{ "type": "text", "content": "done" }], "index": 0, "finish_reason": "stop" }]);
    is(choice, Side::Output, expected);
}

#[test]
fn the_items_of_openais_responses_are_messages() {
    let said = json!([
        { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "yes", "annotations": [] }] },
        { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "c", "output": "4" },
    ]);
    let expected = json!([
        { "role": "assistant", "type": "message", "parts": [{ "type": "text", "content": "yes", "annotations": [] }] },
        { "role": "assistant", "parts": [{ "type": "tool_call", "id": "c", "name": "f", "arguments": {} }] },
        { "role": "tool", "parts": [{ "type": "tool_call_response", "id": "c", "response": "4" }] },
    ]);
    is(said, Side::Output, expected);
}

#[test]
fn anthropic_vercel_google_and_langchain_say_the_same() {
    let expected = json!([
        { "role": "assistant", "parts": [{ "type": "tool_call", "id": "t", "name": "f", "arguments": { "a": 1 } }] },
        { "role": "tool", "parts": [{ "type": "tool_call_response", "id": "t", "response": "r" }] },
    ]);
    let anthropic = json!([
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t", "name": "f", "input": { "a": 1 } }] },
        { "role": "tool", "content": [{ "type": "tool_result", "tool_use_id": "t", "content": "r" }] },
    ]);
    is(anthropic, Side::Input, expected.clone());
    let vercel = json!([
        { "role": "assistant", "content": [{ "type": "tool-call", "toolCallId": "t", "toolName": "f", "args": { "a": 1 } }] },
        { "role": "tool", "content": [{ "type": "tool-result", "toolCallId": "t", "result": "r" }] },
    ]);
    is(vercel, Side::Input, expected);
    is(json!([{ "role": "model", "parts": [{ "text": "hi" }] }]), Side::Output, json!([text("assistant", "hi")]));
    let langchain = json!([[{ "type": "human", "content": "hi" }, { "type": "ai", "data": { "content": "ho" } }]]);
    is(langchain, Side::Input, json!([text("user", "hi"), text("assistant", "ho")]));
    let prompt = json!({ "system": "s", "prompt": "p" });
    is(prompt, Side::Input, json!([text("system", "s"), text("user", "p")]));
}

#[test]
fn what_is_canonical_stays_as_it_is_and_a_text_is_a_message() {
    let canonical = json!([{ "role": "user", "parts": [{ "type": "text", "content": "hi" }] }]);
    is(canonical.clone(), Side::Input, canonical);
    is(Value::from("hi {"), Side::Output, json!([text("assistant", "hi {")]));
    is(json!("{\"a\":1}"), Side::Input, json!([text("user", "{\"a\":1}")]));
}

fn written(value: &Value) -> Value {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out, 0);
    write(&mut object, gen_ai::INPUT_MESSAGES, value);
    object.end();
    serde_json::from_slice::<Value>(&out).unwrap()[gen_ai::INPUT_MESSAGES].take()
}

#[test]
fn what_the_form_has_no_place_for_is_written_as_it_was_sent() {
    let user = json!({ "role": "user", "content": "hi" });
    for kept in [
        json!({ "messages": [user], "tools": ["look"], "temperature": 0.25 }),
        json!([{ "role": "assistant", "tool_calls": "not json" }]),
        json!([{ "role": "assistant", "tool_calls": ["no object"] }]),
        json!([{ "role": "assistant", "tool_calls": [{ "id": "c", "function": "look" }] }]),
        json!([{ "role": "assistant", "message": ["a", "b"] }]),
    ] {
        assert_eq!(written(&kept), kept);
    }
    let exact = "{\"n\":123456789012345678901234567890}";
    let call = json!([{ "role": "assistant", "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": exact } }] }]);
    assert_eq!(written(&call)[0]["parts"][0]["arguments"], exact);
    assert_eq!(written(&json!([user])), json!([text("user", "hi")]));
    // A list within a message stays one, so that what names a user in it is seen.
    let nested = json!([{ "role": "user", "content": [[{ "user_id": "grace" }]] }]);
    assert_eq!(written(&nested)[0]["parts"][0]["content"][0]["user_id"], "grace");
}

#[test]
fn what_is_no_message_is_none() {
    for value in [json!(null), json!(4), json!([]), json!({}), json!({ "a": 1 }), json!([1]), json!("")] {
        assert_eq!(canonical(value.clone(), Side::Input), None, "{value}");
    }
    let mut deep = json!("x");
    (0..100).for_each(|_| deep = json!([deep]));
    assert_eq!(canonical(deep, Side::Input), None);
}
