use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::views::samples::{NOW, Sample, any_samples, fold, fold_data};

mod strict;
use strict::parse;

const NOW_AT: Timestamp = Timestamp::from_unix_nanos(NOW + 10_900_000_000);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_the_events_say_a_strict_parser_takes_it(samples in any_samples(16)) {
        let text = prometheus(&fold(&samples), NOW_AT, PROMETHEUS_PREFIX);
        let parsed = parse(&text);
        prop_assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), text);
    }
}

fn dashboard() -> Dashboard {
    let chat = |latency: u64, status: &str| {
        Sample::new(
            latency,
            "operation",
            json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "open\\ai", "status": status,
            "gen_ai.request.model": "gpt\"4\"\nnew", "duration_ms": latency, "gen_ai.usage.input_tokens": 100, "gen_ai.usage.cost": 0.25}),
        )
    };
    let tool =
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "bash", "duration_ms": 20, "status": "ok"});
    fold(&[
        chat(5, "ok"),
        chat(7, "error"),
        Sample::new(8, "operation", tool),
        Sample::new(9, "conversation.message", json!({"role": "user"})),
    ])
}

#[test]
fn the_families_have_the_figures_of_the_dashboard() {
    let samples = parse(&prometheus(&dashboard(), NOW_AT, "grok_")).unwrap();
    let model = r#"{provider="open\\ai",model="gpt\"4\"\nnew"#;
    for (sample, value) in [
        ("grok_tokens_total", 200.0),
        ("grok_cost_usd_total", 0.5),
        ("grok_tool_calls_total", 1.0),
        ("grok_error_rate_percent", 50.0),
        ("grok_uptime_seconds", 5.0),
        (r#"grok_tool_duration_ms{tool="bash",stat="avg"}"#, 20.0),
        (r#"grok_tool_executions_total{tool="bash",status="ok"}"#, 1.0),
        (r#"grok_errors_total{type="model_error"}"#, 1.0),
        (r#"grok_messages_total{role="user"}"#, 1.0),
        (&format!("grok_provider_requests_total{model}\"}}"), 2.0),
        (&format!("grok_provider_errors_total{model}\"}}"), 1.0),
        (&format!("grok_provider_latency_ms_bucket{model}\",le=\"5\"}}"), 1.0),
        (&format!("grok_provider_latency_ms_bucket{model}\",le=\"10\"}}"), 2.0),
        (&format!("grok_provider_latency_ms_bucket{model}\",le=\"+Inf\"}}"), 2.0),
        (&format!("grok_provider_latency_ms_sum{model}\"}}"), 12.0),
        (&format!("grok_provider_latency_ms_count{model}\"}}"), 2.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample}: {samples:#?}");
    }
}

#[test]
fn a_histogram_of_the_programs_own_keeps_its_name_and_counts_what_is_at_most_a_bound() {
    let observed = |buckets: [u64; 8], sum: u64| {
        json!({"series": [{"name": "http_request_duration_ms", "type": "histogram", "count": 1, "sum": sum, "labels": {"route": "/api"},
            "bounds": [50, 100, 200, 300, 500, 1_000, 2_000], "buckets": buckets}]})
    };
    let text = |data| prometheus(&fold_data("metrics", data), NOW_AT, PROMETHEUS_PREFIX);
    let twelve = parse(&text(vec![observed([1, 0, 0, 0, 0, 0, 0, 0], 12)])).unwrap();
    let name = |what: &str| format!("http_request_duration_ms{what}");
    for bound in ["50", "100", "200", "300", "500", "1000", "2000", "+Inf"] {
        assert_eq!(twelve[&name(&format!("_bucket{{route=\"/api\",le=\"{bound}\"}}"))], 1.0, "{bound}");
    }
    assert_eq!((twelve[&name("_sum{route=\"/api\"}")], twelve[&name("_count{route=\"/api\"}")]), (12.0, 1.0));
    let long = parse(&text(vec![observed([0, 0, 0, 0, 0, 0, 0, 1], 2_500)])).unwrap();
    assert_eq!(long[&name("_bucket{route=\"/api\",le=\"2000\"}")], 0.0);
    assert_eq!(long[&name("_bucket{route=\"/api\",le=\"+Inf\"}")], 1.0);
}

#[test]
fn names_that_prometheus_has_not_are_made_valid_and_none_is_there_twice() {
    let series = |name: &str, kind: &str| json!({"name": name, "type": kind, "value": 1, "count": 1, "sum": 1, "labels": {"le": "x", "a-b": "1", "a.b": "2"}});
    let data = json!({"series": [series("jobs done", "counter"), series("jobs.done", "counter"), series("1st", "gauge"), series("h", "histogram"),
        series("h_count", "gauge"), series("tinker_tokens_total", "counter"), series("h", "gauge"), series("h", "counter"), series("日本", "gauge")]});
    let text = prometheus(&fold_data("metrics", [data]), NOW_AT, PROMETHEUS_PREFIX);
    let samples = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let labels = r#"{a_b="1",a_b_="2",label_le="x"}"#;
    for name in ["jobs_done_total", "jobs_done_other_total", "_1st", "tinker_tokens_other_total", "__"] {
        assert!(samples.contains_key(&format!("{name}{labels}")), "{name}: {samples:#?}");
    }
    assert_eq!(samples["tinker_tokens_total"], 0.0, "ours is not touched");
}

#[test]
fn names_without_end_are_bounded_and_their_sum_is_exact() {
    let tool = |number: u64| json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": format!("tool-{number}"), "status": "ok"});
    let count = 4 * crate::limits::VIEW_TOOLS_MAX as u64;
    let text = prometheus(&fold_data("operation", (0..count).map(tool)), NOW_AT, PROMETHEUS_PREFIX);
    let samples = parse(&text).unwrap();
    let of_tools: Vec<f64> = samples
        .iter()
        .filter(|(name, _)| name.starts_with("tinker_tool_executions_total"))
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(of_tools.len(), 2 * (crate::limits::VIEW_TOOLS_MAX + 1));
    #[allow(clippy::cast_precision_loss)]
    let expected = count as f64;
    assert_eq!(of_tools.iter().sum::<f64>(), expected);
}
