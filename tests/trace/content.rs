//! What a span says, and what it does not.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lastword::privacy::{PiiStr, Privacy};
use lastword::{Reporter, async_traced, traced};
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::support::{SOON, seen, seen_by};

#[test]
fn zeros_are_kept_and_what_is_no_price_is_left_out() {
    let seen = seen();
    let mut call = seen.reporter.model_call("openai", "gpt-4o");
    call.usage(0, 0).cost(0.0).attempt(1).prompt_length(0).response_length(0).finish_reasons([]);
    call.first_chunk().set("cached", false).set("note", "");
    call.end();
    let mut call = seen.reporter.model_call("openai", "other");
    call.cost(f64::NAN).cost(-1.0).cost(f64::INFINITY);
    call.end();
    let spans = seen.spans();
    let end = spans["chat gpt-4o"].end();
    for (key, expected) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("openai")),
        ("gen_ai.request.model", json!("gpt-4o")),
        ("gen_ai.usage.input_tokens", json!(0)),
        ("gen_ai.usage.output_tokens", json!(0)),
        ("gen_ai.usage.cost", json!(0.0)),
        ("gen_ai.response.finish_reasons", json!([])),
        ("attempt", json!(1)),
        ("prompt_length", json!(0)),
        ("response_length", json!(0)),
        ("cached", json!(false)),
        ("note", json!("")),
        ("span_kind", json!("client")),
        ("status", json!("ok")),
    ] {
        assert_eq!(end[key], expected, "{key}");
    }
    assert!(end["gen_ai.response.time_to_first_chunk"].is_f64());
    assert_eq!(spans["chat gpt-4o"].start["gen_ai.request.model"], "gpt-4o", "it is known from the start");
    assert_eq!(spans["chat other"].end().get("gen_ai.usage.cost"), None);
}

#[test]
fn each_thing_that_an_agent_does_has_its_span() {
    let seen = seen();
    let agent = seen.reporter.agent("planner");
    agent.in_scope(|| {
        seen.reporter.retrieval("docs").documents(0);
        seen.reporter.memory("add").set("bytes", 7);
        seen.reporter.decision(["bash", "search"]).selected("search");
        seen.reporter.tool_call("search").call_id("call_1");
        let mut call = seen.reporter.model_call("openai", "text-embedding-3");
        call.operation("embeddings");
    });
    agent.end();
    let spans = seen.spans();
    for (name, key, expected) in [
        ("invoke_agent planner", "gen_ai.agent.name", json!("planner")),
        ("retrieval docs", "documents", json!(0)),
        ("memory add", "memory.operation", json!("add")),
        ("decision", "decision.choices", json!(["bash", "search"])),
        ("decision", "decision.selected", json!("search")),
        ("execute_tool search", "gen_ai.tool.name", json!("search")),
        ("execute_tool search", "gen_ai.tool.call.id", json!("call_1")),
    ] {
        assert_eq!(spans[name].end()[key], expected, "{name}");
    }
    assert_eq!(spans["embeddings text-embedding-3"].start["gen_ai.operation.name"], "chat");
}

#[test]
fn content_is_there_only_where_it_is_asked_for() {
    let tell = |reporter: &Reporter| {
        let mut call = reporter.model_call("openai", "gpt-4o");
        call.input(&["tell me a secret"]).output(&["ghp_abcdefghijklmnopqrstuvwxyz0123456789"]);
        call.end();
        let mut call = reporter.tool_call("bash");
        call.arguments(&json!({"command": "ls", "deep": {"a": {"b": 1}}})).result(&"x".repeat(1_000));
        call.end();
    };
    let plain = seen();
    tell(&plain.reporter);
    for event in plain.events() {
        let event = event.to_string();
        assert!(!["messages", "arguments", "secret", "xxx"].iter().any(|word| event.contains(word)), "{event}");
    }
    let asked = seen_by(Privacy::new().model_content().tool_input());
    tell(&asked.reporter);
    let spans = asked.spans();
    let (call, tool) = (spans["chat gpt-4o"].end(), spans["execute_tool bash"].end());
    assert_eq!(call["gen_ai.input.messages"], json!(["tell me a secret"]));
    assert_eq!(call["gen_ai.output.messages"], json!(["[redacted:github]"]), "it is redacted all the same");
    assert_eq!(tool["gen_ai.tool.call.arguments"], json!({"command": "ls", "deep": {"a": "{1 item}"}}));
    assert_eq!(tool["gen_ai.tool.call.result"], format!("{}… (of 1000 characters)", "x".repeat(128)));
}

/// A value that does what no value should.
struct Rude(bool);

impl Serialize for Rude {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        assert!(!self.0, "no");
        Err(serde::ser::Error::custom("no"))
    }
}

#[test]
fn every_text_of_a_span_is_redacted_and_no_value_harms_the_span() {
    let seen = seen();
    let secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let mut span = seen.reporter.span(format!("clone with {secret}"));
    span.set("url", format!("https://{secret}@github.com")).set("api_key", 17).set("list", [json!({"a": secret})]);
    span.set("rude", Rude(false)).set("ruder", Rude(true)).set("who", PiiStr::new("Ada")).set("big", u128::MAX);
    let deep = (0..200).fold(json!(secret), |inner, _| json!([inner]));
    span.set("deep", deep).set("status", 200).fail_with("auth", &format!("{secret} is no key"));
    span.end();
    let events = seen.events();
    let end = &events[2]["event_data"];
    assert!(!serde_json::to_string(&events).unwrap().contains("ghp_"), "{events:?}");
    assert_eq!((&end["api_key"], &end["who"]), (&json!("[redacted]"), &json!("***")));
    assert_eq!(end["rude"], "<its Serialize failed>");
    assert_eq!((&end["data.status"], &end["status"]), (&json!(200), &json!("error")));
    assert_eq!((&end["error.type"], &end["error.message"]), (&json!("auth"), &json!("[redacted:github] is no key")));
    assert_eq!(events[2]["severity"], "ERROR");
}

#[test]
fn a_span_that_says_too_much_is_told_without_what_is_too_much() {
    let seen = seen();
    let mut span = seen.reporter.span("large");
    for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        span.set(key, "x ".repeat(32 * 1024));
    }
    span.end();
    let spans = seen.spans();
    let end = spans["large"].end();
    assert_eq!((&end["attributes_dropped"], &end["status"], end.get("a")), (&json!(10), &json!("ok"), None));
}

#[test]
fn what_fails_in_a_span_goes_on_as_it_is_and_is_what_the_span_failed_with() {
    let seen = seen();
    let error = traced!(seen.reporter, "parse", "seven".parse::<u32>()).unwrap_err();
    assert_eq!(error, "seven".parse::<u32>().unwrap_err());
    let number = std::hint::black_box(7);
    let payload =
        catch_unwind(AssertUnwindSafe(|| traced!(seen.reporter.tool_call("rm"), panic!("no {number}")))).unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().unwrap(), "no 7");
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        let _span = seen.reporter.span("held");
        std::panic::panic_any(7);
    }));
    assert_eq!(dropped.unwrap_err().downcast_ref::<i32>(), Some(&7));
    let boxed: Result<(), Box<dyn std::error::Error>> = traced!(seen.reporter, "boxed", Err("as text".into()));
    assert_eq!(boxed.unwrap_err().to_string(), "as text");
    let spans = seen.spans();
    for (name, error_type, message) in [
        ("parse", "core::num::error::ParseIntError", "invalid digit found in string"),
        ("execute_tool rm", "panic", "no 7"),
        ("held", "panic", "a panic went through it"),
        ("boxed", "dyn Error", "as text"),
    ] {
        let end = spans[name].end();
        assert_eq!(end["status"], "error", "{name}");
        assert_eq!((&end["error.type"], &end["error.message"]), (&json!(error_type), &json!(message)), "{name}");
    }
}

#[tokio::test]
async fn a_future_is_watched_from_its_first_poll_until_it_is_ready_or_dropped() {
    let seen = seen();
    let reporter = &seen.reporter;
    assert_eq!(async_traced!(reporter, "ready", async { Ok::<_, String>(7) }).await, Ok(7));
    let failed = async_traced!(reporter, "failed", async { Err::<u32, _>("it's broken") }).await;
    assert_eq!(failed, Err("it's broken"));
    let hangs = async_traced!(reporter, "dropped", std::future::pending::<()>());
    drop(tokio::time::timeout(std::time::Duration::from_millis(1), hangs).await);
    drop(async_traced!(reporter, "never polled", async {}));
    let mut lent = reporter.model_call("openai", "gpt-4o");
    assert!(async_traced!(&mut lent, async { Err::<(), _>("overloaded") }).await.is_err());
    lent.usage(7, 0);
    lent.end();
    let panics = tokio::spawn(async_traced!(reporter.clone().span("panicked"), async { panic!("oh") }));
    assert!(tokio::time::timeout(SOON, panics).await.unwrap().unwrap_err().is_panic());
    let spans = tokio::task::spawn_blocking(move || seen.spans()).await.unwrap();
    assert_eq!(spans["ready"].end()["status"], "ok");
    assert_eq!(spans["failed"].end()["error.message"], "it's broken");
    assert_eq!(spans["dropped"].end()["error.type"], "cancelled");
    assert_eq!(spans["panicked"].end()["error.message"], "oh");
    assert!(!spans.contains_key("never polled"));
    let lent = spans["chat gpt-4o"].end();
    assert_eq!((&lent["error.message"], &lent["gen_ai.usage.input_tokens"]), (&json!("overloaded"), &json!(7)));
}
