//! What all views have to keep: merged they are the view of all, they are bounded, and nothing in an event harms them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples::{NOW, Sample, any_samples, fold, fold_data};
use super::*;
use crate::clock::Timestamp;

const A_MINUTE: Timestamp = Timestamp::from_unix_nanos(NOW + 60_000_000_000);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_views_of_two_sets_merged_are_the_view_of_both_in_any_order(
        samples in any_samples(24),
        sides in prop::collection::vec(any::<bool>(), 24),
        shuffle in any::<u64>(),
    ) {
        let whole: Dashboard = fold(&samples);
        let mut shuffled: Vec<(u64, &Sample, bool)> = samples.iter().zip(sides).map(|(sample, side)| {
            ((sample.index ^ shuffle).wrapping_mul(0x9e37_79b9_7f4a_7c15), sample, side)
        }).collect();
        shuffled.sort_by_key(|(key, ..)| *key);
        let (mut one, mut another) = (Dashboard::default(), Dashboard::default());
        for (_, sample, side) in shuffled {
            sample.apply_view(if side { &mut one } else { &mut another });
        }
        let mut other_way = another.clone();
        other_way.merge(one.clone());
        one.merge(another);
        prop_assert_eq!(&one, &whole);
        prop_assert_eq!(&other_way, &whole);
    }

    #[test]
    fn a_view_that_is_kept_and_read_back_goes_on_as_if_nothing_had_been(samples in any_samples(16), split in 0_usize..16) {
        let (before, after) = samples.split_at(split.min(samples.len()));
        let kept = serde_json::to_string(&fold::<Dashboard>(before)).unwrap();
        let mut read: Dashboard = serde_json::from_str(&kept).unwrap();
        after.iter().for_each(|sample| sample.apply_view(&mut read));
        prop_assert_eq!(read, fold::<Dashboard>(&samples));
    }
}

fn chat(latency: u64, ok: bool) -> Value {
    json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o", "duration_ms": latency,
        "status": if ok { "ok" } else { "error" }, "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cost": 0.001})
}

fn tool(name: &str, latency: u64, ok: bool) -> Value {
    json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "duration_ms": latency, "status": if ok { "ok" } else { "error" }})
}

#[test]
fn a_provider_has_a_mean_of_500_and_an_error_rate_of_a_half() {
    let dashboard: Dashboard = fold_data("operation", [chat(400, true), chat(600, false)]);
    let row = dashboard.providers.get("openai", "gpt-4o").unwrap();
    assert_eq!((row.latency().mean_ms(), row.counts().error_rate()), (Some(500.0), Some(0.5)));
    assert_eq!((row.counts().requests, row.counts().tokens(), row.counts().cost()), (2, 300, 0.002));
    let state = dashboard.state(A_MINUTE);
    assert_eq!((state.error_rate, state.avg_response_ms), (Some(0.5), Some(500.0)));
}

#[test]
fn a_call_that_went_well_in_its_third_attempt_went_well_though_two_attempts_failed() {
    let attempt = |attempt: u64, ok| {
        let mut data = chat(10, ok);
        data["attempt"] = attempt.into();
        data
    };
    let data = [attempt(1, false), attempt(2, false), attempt(3, true), attempt(1, true)];
    let providers: Providers = fold_data("operation", data);
    let row = providers.get("openai", "gpt-4o").unwrap();
    assert_eq!((row.counts().requests, row.calls()), (4, 2));
    assert_eq!((row.counts().success_rate(), row.call_success_rate()), (Some(0.5), Some(1.0)));
}

#[test]
fn a_tool_counts_since_ever_and_measures_its_latest_hundred_calls() {
    let tools: Tools = fold_data("operation", (0..200).map(|latency| tool("bash", latency, true)));
    let bash = tools.get("bash").unwrap();
    assert_eq!(
        (bash.calls(), bash.min_ms(), bash.max_ms(), bash.lifetime_min_ms()),
        (200, Some(100.0), Some(199.0), Some(0.0))
    );
    let metric = tools.metric("bash", Percentile::NearestRank).unwrap();
    assert_eq!((metric.total_calls, metric.min_latency_ms), (200, Some(100.0)));
}

#[test]
fn the_95th_percentile_is_the_nearest_rank_or_one_more_where_asked_for() {
    for (calls, nearest, floor) in
        [(1, 1, 1), (5, 5, 5), (19, 19, 19), (20, 19, 20), (21, 20, 20), (99, 95, 95), (100, 95, 96)]
    {
        let tools: Tools = fold_data("operation", (1..=calls).map(|latency| tool("t", latency, true)));
        let row = tools.get("t").unwrap();
        let figures = [row.p95_ms(Percentile::NearestRank), row.p95_ms(Percentile::SeedFloor)];
        assert_eq!(figures, [Some(f64::from(nearest)), Some(f64::from(floor))], "of {calls}");
    }
}

#[test]
fn reliability_is_eight_parts_success_and_two_parts_speed() {
    for (calls, score) in [
        (vec![(150, true)], 0.999),
        (vec![(300, false)], 0.198),
        (vec![(50, true), (50, true)], 0.999_67),
        (vec![(25_000, true), (25_000, false)], 0.433_33),
        (vec![(60_000, true)], 0.8),
    ] {
        let count = calls.len() as u64;
        let tools: Tools = fold_data("operation", calls.into_iter().map(|(latency, ok)| tool("t", latency, ok)));
        let reliability = tools.reliability("t");
        assert!((reliability.score - score).abs() < 0.000_01, "{score}: {}", reliability.score);
        assert_eq!(reliability.calls, count);
    }
    let unknown = Tools::default().reliability("never called");
    assert_eq!((unknown.score, unknown.calls), (0.5, 0));
}

#[test]
fn a_duration_that_is_none_is_not_measured_and_the_call_counts() {
    let odd = |duration: Value| json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t", "duration_ms": duration});
    let tools: Tools = fold_data("operation", [odd(json!(-5)), odd(json!(null)), odd(json!("12")), odd(json!(0))]);
    let row = tools.get("t").unwrap();
    assert_eq!((row.calls(), row.timed(), row.avg_ms()), (4, 1, Some(0.0)), "0 is a duration");
    let json = serde_json::to_value(Tools::default().metrics(Percentile::NearestRank)).unwrap();
    assert_eq!(json, json!([]));
    let untimed: Tools = fold_data("operation", [odd(json!(null))]);
    let json = serde_json::to_value(untimed.metric("t", Percentile::NearestRank).unwrap()).unwrap();
    assert_eq!(
        (json.get("min_latency_ms"), &json["success_rate"]),
        (None, &json!(1.0)),
        "what there is no figure of is left out"
    );
}

#[test]
fn the_tool_summary_has_whole_figures_and_a_text_of_its_own_for_none() {
    let tools: Tools = fold_data("operation", [tool("bash", 150, true), tool("bash", 50, false), tool("ls", 1, true)]);
    assert_eq!(
        tools.summary(),
        "Tool metrics\n  bash: 2 calls, 50% success, avg 100ms, p95 150ms\n  ls: 1 calls, 100% success, avg 1ms, p95 1ms\n"
    );
    assert_eq!(Tools::default().summary(), "No tool calls recorded yet.\n");
}

#[test]
fn of_150_errors_the_latest_100_are_kept_and_all_are_counted() {
    let errors: Errors = fold_data(
        "error",
        (0..150).map(|number| json!({"error.type": "timeout", "error.message": format!("{number}")})),
    );
    assert_eq!((errors.total(), errors.kept(), errors.by_type()), (150, 100, vec![("timeout", 150)]));
    let recent: Vec<&str> = errors.recent(3).into_iter().map(|error| &*error.message).collect();
    assert_eq!(recent, ["149", "148", "147"]);
}

#[test]
fn an_error_is_counted_once_whoever_tells_of_it() {
    let failed_tool = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bash", "status": "error",
        "error.type": "io", "error.message": "no such file"});
    let samples = [
        Sample { kind: crate::EventKind::UnhandledException, ..Sample::new(0, "ValueError", json!({})) },
        Sample::new(1, "user_error", json!({"error_type": "NotFound", "message": "no such model"})),
        Sample::new(2, "error", json!({"error.type": "timeout", "error.message": "late", "context": {"try": 2}})),
        Sample::new(3, "operation", failed_tool.clone()),
        Sample::new(4, "operation", chat(1, false)),
        // The span around them failed because they did.
        Sample::new(5, "operation", json!({"gen_ai.operation.name": "invoke_agent", "status": "error"})),
        Sample::new(6, "run.tool_result", json!({"tool": "bash", "success": false, "span_id": "b7ad6b7169203331"})),
    ];
    let dashboard: Dashboard = fold(&samples);
    let types: Vec<&str> = dashboard.errors.recent(10).into_iter().map(|error| &*error.error_type).collect();
    assert_eq!(types, ["model_error", "tool_error", "timeout", "NotFound", "ValueError"]);
    assert_eq!((dashboard.errors.total(), dashboard.totals.counts().errors), (5, 5));
    assert_eq!(dashboard.errors.recent(2)[1].context.as_deref(), Some(r#"{"tool":"bash"}"#));
    assert_eq!(&*dashboard.errors.recent(2)[1].message, "no such file");
    assert_eq!(dashboard.errors.recent(3)[2].context.as_deref(), Some(r#"{"try":2}"#));
}

#[test]
fn a_runs_tool_result_is_a_call_unless_a_span_tells_of_it_too() {
    let samples = [
        Sample::new(0, "run.run_start", json!({"run_id": "r", "objective": "mend it"})),
        Sample::new(1, "run.tool_result", json!({"run_id": "r", "tool": "bash", "success": false, "duration_ms": 5})),
        Sample::new(
            2,
            "run.tool_result",
            json!({"run_id": "r", "tool": "bash", "success": true, "span_id": "b7ad6b7169203331"}),
        ),
        Sample::new(
            3,
            "operation",
            json!({"run_id": "r", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7}),
        ),
        // As a run's file has it.
        Sample::new(
            3,
            "run.tool_result",
            json!({"run_id": "r", "toolName": "bash", "success": true, "durationMs": 15, "result": "ok"}),
        ),
        Sample::new(4, "run.run_end", json!({"run_id": "r", "status": "completed"})),
    ];
    let dashboard: Dashboard = fold(&samples);
    let run = dashboard.runs.get("r").unwrap();
    assert_eq!((run.objective(), run.status(), run.events()), ("mend it", "completed", 5));
    assert_eq!((run.counts().tool_calls, run.counts().tool_errors, run.counts().tokens()), (2, 1, 7));
    assert_eq!(run.duration(), Some(std::time::Duration::from_secs(4)));
    let bash = dashboard.tools.get("bash").unwrap();
    assert_eq!((bash.calls(), bash.avg_ms()), (2, Some(10.0)));
}

#[test]
fn the_totals_of_a_session_and_of_a_conversation_are_the_sums_of_their_events() {
    let in_conversation = |mut data: Value| {
        data["gen_ai.conversation.id"] = "c".into();
        data
    };
    let end = Sample { kind: crate::EventKind::SessionEnd, ..Sample::new(6, "", json!({})) };
    let samples = [
        Sample { kind: crate::EventKind::SessionStart, ..Sample::new(0, "", json!({})) },
        Sample::new(1, "conversation.start", in_conversation(json!({}))),
        Sample::new(2, "conversation.message", in_conversation(json!({"role": "user"}))),
        Sample::new(3, "operation", in_conversation(chat(400, true))),
        Sample::new(4, "operation", in_conversation(tool("bash", 5, false))),
        Sample::new(5, "conversation.message", json!({"role": "assistant"})),
    ];
    let mut dashboard: Dashboard = fold(&samples);
    assert_eq!(dashboard.sessions.get("s-1").unwrap().state(), SessionState::Running);
    assert!(dashboard.state(A_MINUTE).active_session);
    end.apply_view(&mut dashboard);
    let session = dashboard.sessions.get("s-1").unwrap();
    let counts = session.counts();
    assert_eq!(
        (counts.tool_calls, counts.tokens(), counts.cost(), counts.errors, counts.messages),
        (1, 150, 0.001, 1, 2)
    );
    assert_eq!((session.roles().user, session.roles().assistant, session.state()), (1, 1, SessionState::Ended));
    let conversation = dashboard.conversations.get("c").unwrap();
    assert_eq!((conversation.counts().tokens(), conversation.counts().messages, conversation.ended()), (150, 1, false));
    assert_eq!((dashboard.state(A_MINUTE).total_sessions, dashboard.state(A_MINUTE).active_session), (1, false));
    assert_eq!(dashboard.export(A_MINUTE)["session"]["total_tokens"], 150);
}

#[test]
fn rates_are_of_all_time_and_of_the_last_minutes_each_by_its_name() {
    // 150 tokens at 0 s, and 150 at 550 s; now is 600 s.
    let samples = [Sample::new(0, "operation", chat(400, true)), Sample::new(550, "operation", chat(600, false))];
    let dashboard: Dashboard = fold(&samples);
    let state = dashboard.state(Timestamp::from_unix_nanos(NOW + 600_000_000_000));
    assert_eq!((state.uptime_ms, state.total_tokens, state.tokens_per_minute), (600_000, 300, 30.0));
    assert_eq!(
        (state.last_1m.window_seconds, state.last_1m.tokens_per_minute, state.last_1m.error_rate),
        (60, 150.0, Some(1.0))
    );
    assert_eq!(
        (state.last_5m.tokens_per_minute, state.last_5m.avg_response_ms, state.avg_response_ms),
        (30.0, Some(600.0), Some(500.0))
    );
    assert!((state.cost_per_hour - 0.012).abs() < 1e-12);
    let at_start = dashboard.state(Timestamp::from_unix_nanos(NOW));
    assert_eq!((at_start.uptime_ms, at_start.tokens_per_minute, at_start.cost_per_hour), (0, 0.0, 0.0));
    let nothing = Dashboard::default().state(A_MINUTE);
    assert_eq!((nothing.error_rate, nothing.avg_response_ms, nothing.uptime_ms), (None, None, 0));
}

#[test]
fn users_are_estimated_by_the_buckets_of_their_sessions() {
    let users = |buckets: u64| {
        let dashboard: Dashboard = fold_data("session.user", (0..buckets).map(|bucket| json!({"user_bucket": bucket})));
        let state = dashboard.state(A_MINUTE);
        (state.users.round(), state.users_at_least)
    };
    assert_eq!(
        (users(0), users(1), users(15), users(30), users(40)),
        ((0.0, false), (1.0, false), (21.0, false), (100.0, true), (100.0, true))
    );
}

#[test]
fn the_lessons_figures_are_there_as_a_text_and_as_an_export() {
    let mut retry = chat(200, false);
    retry["attempt"] = 2.into();
    let mut data = vec![chat(1_000, true), chat(1_490, true), chat(1_045, true), retry];
    data.push(tool("calculator", 5, true));
    data.push(json!({"gen_ai.operation.name": "memory", "memory.operation": "add"}));
    let llm = fold_data::<Dashboard>("operation", data).llm();
    assert_eq!(
        llm.export(),
        json!({"llm_calls": 4, "llm_failures": 1, "llm_retries": 1, "llm_success_rate": "75.00%", "avg_latency_ms": 933.8,
        "tool_calls": 1, "tool_failures": 0, "tool_success_rate": "100.00%", "memory_operations": 1})
    );
    let rule = "=".repeat(40);
    assert_eq!(
        llm.summary(),
        format!(
            "{rule}\nTELEMETRY SUMMARY\n{rule}\nLLM Calls:      4\n  Success Rate: 75.00%\n  Avg Latency:  934ms\n  \
        Retries:      1\nTool Calls:     1\n  Success Rate: 100.00%\nMemory Ops:     1\n{rule}\n"
        )
    );
    let nothing = Llm::of(&Counts::default());
    assert_eq!((nothing.llm_success_rate, nothing.tool_success_rate, nothing.avg_latency_ms), (None, None, None));
    assert!(nothing.summary().contains("Success Rate: n/a"));
}
