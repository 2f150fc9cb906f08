//! Spans of `tracing` as spans of traces.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lastword::trace::Context;
use lastword::{Reporter, observe};
use serde_json::json;
use tracing::instrument::WithSubscriber;
use tracing::{Level, info_span, instrument, span};
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Seen, Told, seen};

fn layered(seen: &Seen) -> impl tracing::Subscriber + Send + Sync + use<> {
    tracing_subscriber::registry().with(observe::Layer::new(&seen.reporter).all_spans())
}

fn is_within(inner: &Told, outer: &Told) -> bool {
    inner.start["trace_id"] == outer.start["trace_id"] && inner.start["parent_span_id"] == outer.start["span_id"]
}

#[instrument(skip(reporter), err)]
async fn fetch(reporter: Reporter, page: u32) -> Result<u32, String> {
    tokio::task::yield_now().await;
    inner(&reporter).await;
    if page == 7 { Err("no such page".to_owned()) } else { Ok(page) }
}

#[instrument(name = "inner", skip_all, fields(found = tracing::field::Empty))]
async fn inner(reporter: &Reporter) {
    reporter.tool_call("read").end();
    tokio::task::yield_now().await;
    tracing::Span::current().record("found", 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_that_are_instrumented_are_spans_within_one_another_and_within_ours() {
    let seen = seen();
    let subscriber = layered(&seen);
    let root = seen.reporter.trace("root");
    let work = async {
        assert!(fetch(seen.reporter.clone(), 7).await.is_err());
        assert!(Context::current().span() == root.context(), "what is left is not current any more");
    };
    root.wrap(work).with_subscriber(subscriber).await;
    drop(root);
    let spans = tokio::task::spawn_blocking(move || seen.spans()).await.unwrap();
    assert!(is_within(&spans["fetch"], &spans["root"]));
    assert!(is_within(&spans["inner"], &spans["fetch"]));
    assert!(is_within(&spans["execute_tool read"], &spans["inner"]));
    let fetch = spans["fetch"].end();
    assert_eq!((&fetch["status"], &fetch["error.message"]), (&json!("error"), &json!("no such page")));
    assert_eq!((&fetch["page"], &spans["inner"].end()["found"]), (&json!(7), &json!(0)));
    assert_eq!(spans["inner"].end()["status"], "ok");
}

#[test]
fn what_is_said_of_a_span_is_what_it_says() {
    let seen = seen();
    tracing::subscriber::with_default(layered(&seen), || {
        let outer = span!(
            Level::INFO,
            "outer",
            token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            error = tracing::field::Empty
        );
        let root = span!(parent: None, Level::INFO, "root");
        let child = span!(parent: &outer, Level::DEBUG, "child");
        outer.record("error", tracing::field::display("it broke"));
        let (entered, root_entered) = (outer.enter(), root.enter());
        // In the order in which they were entered.
        drop(entered);
        seen.reporter.span("ours").end();
        drop((root_entered, child));
        assert_eq!(Context::current().span(), None);
        let panics = catch_unwind(AssertUnwindSafe(|| info_span!("panics").in_scope(|| panic!("oh"))));
        assert!(panics.is_err());
    });
    let spans = seen.spans();
    assert_eq!(spans["outer"].end()["token"], "[redacted]");
    assert_eq!(
        (&spans["outer"].end()["error.type"], &spans["outer"].end()["error.message"]),
        (&json!("error"), &json!("it broke"))
    );
    assert!(is_within(&spans["child"], &spans["outer"]) && is_within(&spans["ours"], &spans["root"]));
    assert_eq!(spans["root"].start.get("parent_span_id"), None);
    assert_eq!(spans["panics"].end()["error.type"], "panic");
}

#[test]
fn spans_are_taken_by_name_and_not_of_another_session() {
    let seen = seen();
    let layer = observe::Layer::new(&seen.reporter).spans(["wanted"]);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info_span!("wanted", session_id = "another").in_scope(|| info_span!("wanted", n = 1));
        info_span!("other").in_scope(|| info_span!("wanted", n = 2));
        info_span!("wanted", session_id = "session-123", n = 3);
    });
    // Without being asked for, none is.
    let layer = observe::Layer::new(&seen.reporter);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || info_span!("wanted", n = 4));
    let ended: Vec<_> = seen.events().iter().filter(|event| event["event_name"] == "span.end").cloned().collect();
    let numbers: Vec<_> = ended.iter().map(|event| event["event_data"]["n"].clone()).collect();
    assert_eq!(numbers, [json!(2), json!(3)]);
}

#[test]
fn two_sessions_each_have_a_span_of_their_own() {
    let (one, two) = (seen(), seen());
    let subscriber = tracing_subscriber::registry()
        .with(observe::Layer::new(&one.reporter).all_spans())
        .with(observe::Layer::new(&two.reporter).all_spans());
    tracing::subscriber::with_default(subscriber, || {
        info_span!("both").in_scope(|| assert!(Context::current().span().is_some()));
        assert_eq!(Context::current().span(), None);
    });
    for seen in [one, two] {
        assert_eq!(seen.spans()["both"].end()["status"], "ok");
    }
}
