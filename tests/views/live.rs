//! The dashboard of a process, as it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lastword::clock::{Clock, Timestamp};
use lastword::views::{Change, Dashboard, Event, Live, SessionState, View};
use lastword::{Reporter, event};
use serde_json::json;

use crate::{PATIENCE, TRACE, reporter, work};

#[test]
fn what_a_program_does_is_seen_in_its_dashboard() {
    let live = Live::new();
    let reporter = reporter(&live);
    work(&reporter);
    assert!(reporter.blocking_flush(PATIENCE).is_drained());
    let dashboard = live.dashboard();
    let state = dashboard.state(dashboard.totals.last().unwrap());
    assert_eq!((state.total_tokens, state.total_cost, state.total_tool_calls), (300, 0.002, 2));
    assert_eq!((state.active_session, state.total_sessions, state.error_rate), (true, 1, Some(1.0 / 3.0)));
    assert_eq!(state.last_1m.counts.requests, 3, "all of it was lately");
    assert_eq!(dashboard.errors.total(), 4, "the model's, the tool's, the user's and the disk's");
    assert_eq!((dashboard.llm().memory_operations, dashboard.totals.counts().decisions), (1, 1));
    assert_eq!(dashboard.totals.roles().user, 1);
    let trace = dashboard.traces.get(TRACE.parse().unwrap()).unwrap();
    assert_eq!((trace.len(), trace.running(), trace.failed(), trace.name()), (6, 1, 2, "invoke_agent"));
    let run = dashboard.runs.get("run_1").unwrap();
    assert_eq!((run.status(), run.spans(), run.counts().tool_calls), ("completed", 5, 2));
    reporter.blocking_stop(PATIENCE);
    assert_eq!(live.with(|dashboard| dashboard.sessions.get("session-1").unwrap().state()), SessionState::Ended);
}

#[test]
fn a_file_of_the_same_events_comes_to_the_same_dashboard() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    let live = Live::new();
    let file = lastword::sink::Jsonl::new(&path);
    let reporter = Reporter::builder("session-1").sink(live.clone()).sink(file).enabled(true).start().unwrap();
    work(&reporter);
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let mut of_file = Dashboard::default();
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        of_file.apply(&Event::from_line(line.as_bytes()).unwrap());
    }
    let of_process = live.dashboard();
    assert_eq!(of_file.totals, of_process.totals);
    assert_eq!(of_file.traces, of_process.traces);
    // All but since when they count, which only the process knows.
    let (mut one, mut other) = (serde_json::to_value(&of_file).unwrap(), serde_json::to_value(&of_process).unwrap());
    for kept in [&mut one, &mut other] {
        kept.as_object_mut().unwrap().remove("since_nanos");
    }
    assert_eq!(one, other);
}

#[test]
fn who_subscribed_is_told_of_each_change() {
    let live = Live::new();
    let mut changes = live.subscribe();
    let reporter = reporter(&live);
    event!(
        reporter,
        "operation",
        "gen_ai.operation.name" = "execute_tool",
        "gen_ai.tool.name" = "bash",
        duration_ms = 5,
        status = "error"
    );
    event!(reporter, "operation", "gen_ai.operation.name" = "chat", "gen_ai.usage.output_tokens" = 7, status = "ok");
    reporter.log("metrics", json!({"series": [{"name": "jobs", "type": "counter", "value": 2}]}));
    reporter.blocking_stop(PATIENCE);
    live.reset();
    let mut told = Vec::new();
    while let Some(change) = changes.try_next() {
        told.push(change);
    }
    let [start, tool, error, request, metric, end, reset] = &told[..] else { panic!("{told:?}") };
    assert!(matches!(start, Change::SessionStarted { session_id, .. } if session_id == "session-1"), "{start:?}");
    assert!(
        matches!(tool, Change::ToolExecuted { tool, duration_ms: Some(5.0), success: false, .. } if tool == "bash"),
        "{tool:?}"
    );
    assert!(matches!(error, Change::Error(error) if &*error.error_type == "tool_error"), "{error:?}");
    assert!(
        matches!(request, Change::ApiRequest { output_tokens: 7, success: true, latency_ms: None, .. }),
        "{request:?}"
    );
    assert!(matches!(metric, Change::Metric { name, value: 2.0, .. } if name == "jobs"), "{metric:?}");
    assert!(matches!(end, Change::SessionEnded { .. }) && matches!(reset, Change::Reset), "{told:?}");
}

#[test]
fn a_slow_subscriber_is_told_how_much_it_lost_and_holds_nobody() {
    let live = Live::new();
    let mut slow = live.subscribe();
    let reporter = reporter(&live);
    for _ in 0..3_000 {
        event!(reporter, "operation", "gen_ai.operation.name" = "execute_tool", status = "ok");
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let Some(Change::Lost(lost)) = slow.try_next() else { panic!("nothing was lost") };
    let seen = std::iter::from_fn(|| slow.try_next()).count() as u64;
    assert_eq!(lost + seen, 3_002, "with the start and the end of the session");
    assert_eq!(live.with(|dashboard| dashboard.totals.counts().tool_calls), 3_000);
}

#[test]
fn errors_that_nobody_listens_to_harm_nobody() {
    let live = Live::new();
    drop(live.subscribe());
    let reporter = reporter(&live);
    for _ in 0..150 {
        reporter.log("error", json!({"error.type": "timeout", "error.message": "late"}));
    }
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    assert_eq!(live.with(|dashboard| (dashboard.errors.total(), dashboard.errors.kept())), (150, 100));
}

#[test]
fn six_metrics_are_there_before_anything_happens() {
    let export = Dashboard::default().export(Timestamp::from_unix_nanos(0));
    let metrics = export["metrics"].as_array().unwrap();
    let told: Vec<_> =
        metrics.iter().map(|metric| ["name", "type", "unit"].map(|field| metric[field].as_str())).collect();
    let expected = [
        [Some("tokens_total"), Some("counter"), Some("tokens")],
        [Some("cost_total"), Some("counter"), Some("usd")],
        [Some("response_time"), Some("histogram"), Some("ms")],
        [Some("tool_execution_time"), Some("histogram"), Some("ms")],
        [Some("messages_total"), Some("counter"), None],
        [Some("errors_total"), Some("counter"), None],
    ];
    assert_eq!(told, expected);
    assert!(metrics.iter().all(|metric| metric["description"].as_str().is_some_and(|text| !text.is_empty())));
}

#[test]
fn after_a_reset_nothing_has_happened_and_the_uptime_begins_anew() {
    let nanos = Arc::new(AtomicU64::new(1_000_000_000_000));
    let live = Live::with_clock(Clock::manual(Arc::clone(&nanos)));
    let reporter = reporter(&live);
    work(&reporter);
    assert!(reporter.blocking_flush(PATIENCE).is_drained());
    nanos.fetch_add(90_000_000_000, Ordering::Relaxed);
    let now = || Timestamp::from_unix_nanos(nanos.load(Ordering::Relaxed));
    assert_eq!(live.with(|dashboard| dashboard.state(now()).uptime_ms), 90_000);
    live.reset();
    let dashboard = live.dashboard();
    let state = dashboard.state(now());
    assert_eq!((state.uptime_ms, state.total_tokens, state.total_errors, dashboard.traces.len()), (0, 0, 0, 0));
    let jobs = dashboard.metrics.named("jobs").next().unwrap().1;
    assert_eq!((jobs.sum(), jobs.count()), (0.0, 0), "it is still known by name");
    assert_eq!(dashboard.export(now())["metrics"].as_array().unwrap().len(), 8);
}

#[test]
fn a_dashboard_that_was_kept_goes_on_in_the_next_process() {
    let kept = {
        let live = Live::new();
        let reporter = reporter(&live);
        work(&reporter);
        reporter.blocking_stop(PATIENCE);
        serde_json::to_string(&live.dashboard()).unwrap()
    };
    let live = Live::new();
    live.restore(serde_json::from_str(&kept).unwrap());
    let reporter = Reporter::builder("session-2").sink(live.clone()).enabled(true).start().unwrap();
    work(&reporter);
    reporter.blocking_stop(PATIENCE);
    let dashboard = live.dashboard();
    assert_eq!((dashboard.totals.counts().tokens(), dashboard.sessions.seen()), (600, 2));
    assert_eq!(dashboard.tools.reliability("bash").calls, 4);
    assert_eq!(dashboard.metrics.named("jobs").next().unwrap().1.sum(), 14.0);
}

#[test]
fn a_dashboard_is_drawn_at_once_and_again_until_it_is_stopped() {
    let live = Live::new();
    let (sent, shown) = std::sync::mpsc::channel();
    let watch = live.watch(Duration::from_millis(20), 72, move |text| drop(sent.send(text.to_owned()))).unwrap();
    let first = shown.recv_timeout(PATIENCE).unwrap();
    assert!(first.lines().all(|line| line.chars().count() == 72) && !first.contains("Top Tools"));
    let reporter = reporter(&live);
    work(&reporter);
    reporter.blocking_stop(PATIENCE);
    // The next drawing may have been begun before.
    let seen = (0..3).any(|_| shown.recv_timeout(PATIENCE).unwrap().contains("Top Tools"));
    assert!(seen);
    watch.stop();
    while shown.try_recv().is_ok() {}
    assert!(shown.recv().is_err(), "nobody draws any more");
}
