//! What is within what, in whichever way a program runs.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use lastword::clock::Timestamp;
use lastword::testing::ManualClock;
use lastword::trace::{self, Context, SpanContext};
use lastword::{Reporter, async_traced, traced};
use serde_json::json;

use crate::support::{SOON, Told, seen, seen_with};

fn is_within(spans: &BTreeMap<String, Told>, inner: &str, outer: &str) -> bool {
    let (inner, outer) = (&spans[inner].start, &spans[outer].start);
    inner["trace_id"] == outer["trace_id"] && inner["parent_span_id"] == outer["span_id"]
}

#[test]
fn a_span_is_within_the_one_that_is_current_or_the_one_that_it_is_made_of() {
    let seen = seen();
    let root = seen.reporter.trace("root");
    let entered = root.enter();
    let inner = seen.reporter.span("inner");
    inner.in_scope(|| seen.reporter.span("innermost").end());
    drop(entered);
    seen.reporter.span("alone").end();
    root.child("child").end();
    drop((inner, root));
    let spans = seen.spans();
    for (inner, outer) in [("inner", "root"), ("innermost", "inner"), ("child", "root")] {
        assert!(is_within(&spans, inner, outer), "{inner}");
    }
    assert_ne!(spans["alone"].start["trace_id"], spans["root"].start["trace_id"]);
    assert_eq!(spans["root"].start.get("parent_span_id"), None);
    for (name, told) in &spans {
        let ids =
            |event: &serde_json::Value| ["trace_id", "span_id", "parent_span_id"].map(|id| event.get(id).cloned());
        assert_eq!(ids(&told.start), ids(told.end()), "{name}: the end says what the start said");
        assert_eq!(told.start["trace_id"].as_str().unwrap().len(), 32);
        assert_eq!(told.start["span_id"].as_str().unwrap().len(), 16);
        assert!(told.end()["duration_ms"].as_f64().unwrap() >= 0.0);
        assert_eq!((told.start.get("duration_ms"), told.start.get("status")), (None, None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_traces_at_once_do_not_mix() {
    let seen = seen();
    let one = |number: usize, reporter: Reporter| async move {
        let root = reporter.trace(format!("root {number}"));
        let work = root.wrap(async {
            for step in 0..5 {
                tokio::task::yield_now().await;
                async_traced!(reporter, format!("step {number} {step}"), async {
                    tokio::task::yield_now().await;
                    let reporter = reporter.clone();
                    let spawned = trace::spawn(async move {
                        tokio::task::yield_now().await;
                        reporter.span(format!("spawned {number} {step}")).end();
                    });
                    spawned.await.unwrap();
                })
                .await;
            }
        });
        work.await;
    };
    let tasks: Vec<_> = (0..100).map(|number| tokio::spawn(one(number, seen.reporter.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let spans = tokio::task::spawn_blocking(move || seen.spans()).await.unwrap();
    assert_eq!(spans.len(), 100 + 100 * 5 * 2);
    let traces: HashSet<_> = spans.values().map(|told| told.start["trace_id"].to_string()).collect();
    assert_eq!(traces.len(), 100);
    for number in 0..100 {
        for step in 0..5 {
            let (root, own) = (format!("root {number}"), format!("step {number} {step}"));
            assert!(is_within(&spans, &own, &root), "{own}");
            assert!(is_within(&spans, &format!("spawned {number} {step}"), &own), "{own}");
        }
    }
}

#[test]
fn a_thread_is_in_the_context_that_it_is_given() {
    let seen = seen();
    let root = seen.reporter.trace("root");
    let context = root.in_scope(Context::current);
    let reporter = seen.reporter.clone();
    std::thread::spawn(move || context.in_scope(|| reporter.span("given").end())).join().unwrap();
    let reporter = seen.reporter.clone();
    let entered = root.enter();
    std::thread::spawn(move || reporter.span("not given").end()).join().unwrap();
    drop((entered, root));
    let spans = seen.spans();
    assert!(is_within(&spans, "given", "root"));
    assert_eq!(spans["not given"].start.get("parent_span_id"), None);
}

#[test]
fn a_span_may_end_on_another_thread() {
    const fn is_shared<T: Send + Sync>(_: &T) {}
    let seen = seen();
    let root = seen.reporter.trace("root");
    let call = root.model_call("openai", "gpt-4o");
    is_shared(&call);
    std::thread::spawn(move || call.end()).join().unwrap();
    drop(root);
    let spans = seen.spans();
    assert!(is_within(&spans, "chat gpt-4o", "root"));
    assert_eq!(spans["chat gpt-4o"].end()["status"], "ok");
}

#[test]
fn a_trace_goes_on_from_and_to_other_processes() {
    let seen = seen();
    let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let parent: SpanContext = header.parse().unwrap();
    let span = seen.reporter.trace_in(parent, "handle");
    let onwards = span.context().unwrap();
    assert_eq!(onwards.trace_id(), parent.trace_id());
    assert_eq!(onwards.traceparent(), header.replace("b7ad6b7169203331", &onwards.span_id().to_string()));
    span.end();
    let told = &seen.spans()["handle"];
    assert_eq!(told.end()["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(told.end()["parent_span_id"], "b7ad6b7169203331");
}

#[test]
fn a_trace_is_reported_wholly_or_not_at_all() {
    let seen = seen_with(|builder| builder.sample("span.*", 0.25));
    for number in 0..400 {
        let root = seen.reporter.trace(format!("root {number}"));
        let is_sampled = root.context().unwrap().is_sampled();
        assert_eq!(root.context().unwrap().traceparent().ends_with("-01"), is_sampled);
        let child = root.child(format!("child {number} {is_sampled}"));
        assert_eq!(child.context().unwrap().is_sampled(), is_sampled);
    }
    // What another process has decided is decided.
    let of = |flags| format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}").parse().unwrap();
    seen.reporter.trace_in(of("01"), "sampled elsewhere").end();
    seen.reporter.trace_in(of("00"), "not sampled elsewhere").end();
    let spans = seen.spans();
    let roots = spans.keys().filter(|name| name.starts_with("root ")).count();
    assert!((40..=160).contains(&roots), "{roots}");
    for number in 0..400 {
        let has_root = spans.contains_key(&format!("root {number}"));
        assert_eq!(has_root, spans.contains_key(&format!("child {number} true")), "{number}");
        assert!(!spans.contains_key(&format!("child {number} false")));
    }
    assert!(spans.contains_key("sampled elsewhere") && !spans.contains_key("not sampled elsewhere"));
    assert_eq!(spans["sampled elsewhere"].end().get("sample_rate"), None, "what it stands for is not known here");
    let weighted = spans.values().filter(|told| told.end()["sample_rate"] == 0.25).count();
    assert_eq!(weighted, 2 * roots);
    let left_out = seen.reporter.stats().refused.get(lastword::DropReason::SampledOut);
    assert_eq!(left_out, 4 * (400 - roots as u64) + 2);
}

#[test]
fn starts_can_be_left_out_alone() {
    let seen = seen_with(|builder| builder.sample("span.start", 0.0));
    seen.reporter.trace("root").end();
    let names: Vec<_> =
        seen.events().iter().filter_map(|event| event["event_name"].as_str().map(str::to_owned)).collect();
    assert_eq!(names, ["span.end"]);
}

#[tokio::test]
async fn where_telemetry_is_off_code_runs_as_ever_and_a_trace_from_elsewhere_goes_through() {
    let reporter = Reporter::disabled();
    let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let span = reporter.trace_in(header.parse().unwrap(), "handle");
    let seen = span.in_scope(|| Context::current().span());
    assert_eq!(seen.unwrap().traceparent(), header);
    assert_eq!(reporter.trace("root").context(), None);
    assert!(traced!(reporter, "a", "x".parse::<u32>().is_err()));
    assert_eq!(async_traced!(reporter.model_call("a", "b"), async { 7 }).await, 7);
    tokio::time::timeout(SOON, span.wrap(tokio::task::yield_now())).await.unwrap();
}

#[test]
fn ids_are_new_ones_each_time() {
    let seen = seen();
    let contexts: Vec<_> = (0..10_000).map(|_| seen.reporter.trace("root").context().unwrap()).collect();
    assert_eq!(contexts.iter().map(SpanContext::trace_id).collect::<HashSet<_>>().len(), 10_000);
    assert_eq!(contexts.iter().map(SpanContext::span_id).collect::<HashSet<_>>().len(), 10_000);
    assert!(format!("{:.8}", contexts[0].trace_id()).len() == 8);
}

#[test]
fn a_span_lasts_as_long_as_the_monotonic_clock_says_and_its_times_are_utc() {
    let clock = ManualClock::new(Timestamp::from_unix_nanos(1_700_000_000_000_000_000));
    let seen = seen_with(|builder| builder.clock(clock.clock()));
    let mut call = seen.reporter.model_call("openai", "gpt-4o");
    clock.advance(Duration::from_micros(2_500));
    call.first_chunk();
    clock.advance(Duration::from_millis(10));
    call.first_chunk();
    call.end();
    let back = seen.reporter.span("back");
    clock.set(Timestamp::from_unix_nanos(1_600_000_000_000_000_000));
    back.end();
    let events = seen.events();
    let (call, back) = (&events[2], &events[4]);
    assert_eq!(
        (&events[1]["timestamp"], &call["timestamp"]),
        (&json!("2023-11-14T22:13:20.000000Z"), &json!("2023-11-14T22:13:20.012500Z"))
    );
    assert_eq!(call["event_data"]["duration_ms"], 12.5);
    assert_eq!(call["event_data"]["gen_ai.response.time_to_first_chunk"], 0.0025, "the first is the first");
    assert_eq!(back["event_data"]["duration_ms"], 0.0, "never negative");
}

#[test]
fn how_long_calls_took_by_the_length_of_their_prompts_is_read_off_their_spans() {
    let clock = ManualClock::new(Timestamp::from_unix_nanos(1_700_000_000_000_000_000));
    let seen = seen_with(|builder| builder.clock(clock.clock()));
    // A model that takes 10 ms for each hundred characters.
    for hundreds in (1..=20_u8).rev() {
        let mut call = seen.reporter.model_call("openai", "gpt-4o");
        call.prompt_length(usize::from(hundreds) * 100);
        clock.advance(Duration::from_millis(u64::from(hundreds) * 10));
        call.end();
    }
    let figure = |event: &serde_json::Value, name: &str| event["event_data"][name].as_f64();
    let of_call = |event| figure(event, "prompt_length").zip(figure(event, "duration_ms"));
    let mut told: Vec<_> = seen.events().iter().filter_map(of_call).collect();
    told.sort_by(|(one, _), (another, _)| one.total_cmp(another));
    let expected = (1..=20_u8).map(f64::from).map(|hundreds| (hundreds * 100.0, hundreds * 10.0));
    assert_eq!(told, expected.collect::<Vec<_>>());
}
