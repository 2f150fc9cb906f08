//! What each place shows, read as its users read it.

use std::collections::BTreeMap;
use std::path::Path;

use lastword::views::Counts;
use serde_json::Value;

/// The figures of a session that a place shows, by name. A place does not show all of them. Costs are in millionths of a dollar.
pub type Figures = BTreeMap<&'static str, u64>;

/// Returns how many lines there are.
pub fn count_of(lines: &str) -> u64 {
    lines.lines().count() as u64
}

pub fn of_counts(counts: &Counts) -> Figures {
    Figures::from([
        ("model calls", counts.requests),
        ("failed model calls", counts.request_errors),
        ("retries", counts.retries),
        ("input tokens", counts.input_tokens),
        ("output tokens", counts.output_tokens),
        ("cost", counts.cost_nanos / 1_000),
        ("tool calls", counts.tool_calls),
        ("failed tool calls", counts.tool_errors),
        ("memory operations", counts.memory_operations),
        ("decisions", counts.decisions),
        ("errors", counts.errors),
        ("events", counts.events),
    ])
}

/// `metrics.json` of a run, and the lines of its `events.jsonl`.
pub fn of_run_files(runs: &Path, id: &str) -> Figures {
    let read = |name: &str| std::fs::read_to_string(runs.join(id).join(name)).unwrap();
    let lines: Vec<Value> = read("events.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count() as u64;
    let failed = lines.iter().filter(|line| line["type"] == "tool_result" && line["data"]["success"] == false).count();
    let mut figures = of_run_metrics(&serde_json::from_str(&read("metrics.json")).unwrap());
    figures.extend([("failed tool calls", failed as u64), ("decisions", count("decision"))]);
    figures
}

/// The metrics of a run: its file, and what `lastword runs show --json` has of it.
pub fn of_run_metrics(metrics: &Value) -> Figures {
    let number = |name: &str| whole(&metrics[name], 1.0);
    Figures::from([
        ("input tokens", number("promptTokens")),
        ("output tokens", number("totalTokens") - number("promptTokens")),
        ("cost", whole(&metrics["totalCost"], 1e6)),
        ("tool calls", number("toolCallCount")),
    ])
}

/// `lastword traces summary --json`.
pub fn of_summary(summary: &Value) -> Figures {
    let number = |name: &str| whole(&summary[name], 1.0);
    Figures::from([
        ("model calls", number("llm_calls")),
        ("failed model calls", number("llm_failures")),
        ("retries", number("llm_retries")),
        ("tool calls", number("tool_calls")),
        ("failed tool calls", number("tool_failures")),
        ("memory operations", number("memory_operations")),
    ])
}

/// `lastword metrics --json`: the state of the dashboard, and the same figures of the last five minutes.
pub fn of_metrics(shown: &Value) -> Figures {
    let state = &shown["state"];
    let figures = of_counts(&serde_json::from_value(state["last_5m"]["counts"].clone()).unwrap());
    let of_all_time = [
        ("tool calls", whole(&state["total_tool_calls"], 1.0)),
        ("errors", whole(&state["total_errors"], 1.0)),
        ("cost", whole(&state["total_cost"], 1e6)),
    ];
    for (name, figure) in of_all_time {
        assert_eq!(figure, figures[name], "{name}: the session took less than five minutes");
    }
    figures
}

/// What Prometheus would scrape: each figure is the sum over a family.
pub fn of_prometheus(text: &str) -> Figures {
    let sum = |family: &str| -> f64 {
        let samples: Vec<f64> = text
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| series.split('{').next() == Some(family))
            .map(|(_, value)| value.parse().unwrap())
            .collect();
        assert!(!samples.is_empty(), "{family} is not in {text}");
        samples.iter().sum()
    };
    let figure = |name, family: &str| (name, rounded(sum(family)));
    Figures::from([
        figure("model calls", "tinker_provider_requests_total"),
        figure("failed model calls", "tinker_provider_errors_total"),
        figure("retries", "tinker_provider_retries_total"),
        figure("input tokens", "tinker_input_tokens_total"),
        figure("output tokens", "tinker_output_tokens_total"),
        ("cost", rounded(sum("tinker_cost_usd_total") * 1e6)),
        figure("tool calls", "tinker_tool_calls_total"),
        figure("failed tool calls", "tinker_tool_errors_total"),
        figure("memory operations", "tinker_memory_operations_total"),
        figure("decisions", "tinker_decisions_total"),
        figure("errors", "tinker_errors_total"),
        figure("events", "tinker_events_total"),
    ])
}

fn whole(value: &Value, times: f64) -> u64 {
    rounded(value.as_f64().unwrap_or_else(|| panic!("{value} is no number")) * times)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}
