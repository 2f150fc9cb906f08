//! Spans of a program, as Sentry has them.

use lastword::traced;
use serde_json::json;

use crate::peers::{PATIENCE, Peer};
use crate::support::*;

#[test]
fn a_span_is_a_transaction_with_its_name_its_operation_and_its_status() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).traces_sample_rate(1.0)).start().unwrap();
    let root = reporter.trace("answer the user");
    root.model_call("openai", "gpt-4o").usage(7, 0);
    let failed = traced!(root.tool_call("bash"), Err::<(), _>("no shell"));
    assert!(failed.is_err());
    let id = root.context().unwrap();
    drop(root);
    let report = reporter.blocking_stop(PATIENCE);
    assert!(report.is_drained(), "{report}");
    assert_eq!(reporter.stats().sinks[0].withheld, 3, "that a span began is not sent");
    let transactions = payloads(&peer, "transaction");
    let of = |name: &str| &transactions.iter().find(|one| one["transaction"] == name).unwrap()["contexts"]["trace"];
    assert_eq!(transactions.len(), 3);
    assert_eq!((&of("chat gpt-4o")["op"], &of("chat gpt-4o")["status"]), (&json!("chat"), &json!("ok")));
    let tool = of("execute_tool bash");
    assert_eq!((&tool["op"], &tool["status"]), (&json!("execute_tool"), &json!("internal_error")));
    assert_eq!(
        (&tool["trace_id"], &tool["parent_span_id"]),
        (&json!(id.trace_id().to_string()), &json!(id.span_id().to_string()))
    );
    assert!(logs(&peer).iter().all(|log| !log["body"].as_str().unwrap().starts_with("span.")));
    assert!(payloads(&peer, "event").is_empty(), "a span that failed is where its trace is");
}

#[test]
fn a_failed_span_of_a_trace_that_is_not_sent_is_an_issue_by_its_own_name() {
    let peer = Peer::start();
    let reporter = quick("s").sink(sentry(&peer).traces_sample_rate(0.0)).start().unwrap();
    assert!(traced!(reporter.tool_call("bash"), Err::<(), _>("no shell")).is_err());
    let report = reporter.blocking_stop(PATIENCE);
    assert!(report.is_drained(), "{report}");
    let [issue] = &payloads(&peer, "event")[..] else { panic!("one issue") };
    assert_eq!(
        (&issue["message"], &issue["extra"]["error.message"]),
        (&json!("execute_tool bash"), &json!("no shell"))
    );
}
