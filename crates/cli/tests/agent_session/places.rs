//! What each place shows, read as its users read it.

use std::path::Path;

use lastword::views::Counts;
use serde_json::Value;

/// The figures of a session. A place does not show all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    pub model_calls: Option<u64>,
    pub model_failures: Option<u64>,
    pub retries: Option<u64>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// Millionths of a dollar.
    pub cost_micros: Option<u64>,
    pub tool_calls: Option<u64>,
    pub tool_failures: Option<u64>,
    pub memory_operations: Option<u64>,
    pub decisions: Option<u64>,
    pub errors: Option<u64>,
    pub events: Option<u64>,
}

impl Figures {
    fn all(&self) -> [Option<u64>; 12] {
        let Self { model_calls, model_failures, retries, input_tokens, output_tokens, cost_micros, .. } = *self;
        let Self { tool_calls, tool_failures, memory_operations, decisions, errors, events, .. } = *self;
        [
            model_calls,
            model_failures,
            retries,
            input_tokens,
            output_tokens,
            cost_micros,
            tool_calls,
            tool_failures,
            memory_operations,
            decisions,
            errors,
            events,
        ]
    }

    /// Returns how many figures there are.
    pub fn known(&self) -> usize {
        self.all().iter().flatten().count()
    }

    /// Returns those figures of others which this place shows too.
    pub fn where_known(&self, others: &Self) -> Self {
        let figures = self.all().into_iter().zip(others.all()).map(|(own, other)| own.and(other));
        let [
            model_calls,
            model_failures,
            retries,
            input_tokens,
            output_tokens,
            cost_micros,
            tool_calls,
            tool_failures,
            memory_operations,
            decisions,
            errors,
            events,
        ] = figures.collect::<Vec<_>>().try_into().unwrap();
        Self {
            model_calls,
            model_failures,
            retries,
            input_tokens,
            output_tokens,
            cost_micros,
            tool_calls,
            tool_failures,
            memory_operations,
            decisions,
            errors,
            events,
        }
    }
}

/// Returns how many lines there are.
pub fn count_of(lines: &str) -> u64 {
    lines.lines().count() as u64
}

pub fn of_counts(counts: &Counts) -> Figures {
    Figures {
        model_calls: Some(counts.requests),
        model_failures: Some(counts.request_errors),
        retries: Some(counts.retries),
        input_tokens: Some(counts.input_tokens),
        output_tokens: Some(counts.output_tokens),
        cost_micros: Some(counts.cost_nanos / 1_000),
        tool_calls: Some(counts.tool_calls),
        tool_failures: Some(counts.tool_errors),
        memory_operations: Some(counts.memory_operations),
        decisions: Some(counts.decisions),
        errors: Some(counts.errors),
        events: Some(counts.events),
    }
}

/// `metrics.json` of a run, and the lines of its `events.jsonl`.
pub fn of_run_files(runs: &Path, id: &str) -> Figures {
    let read = |name: &str| std::fs::read_to_string(runs.join(id).join(name)).unwrap();
    let lines: Vec<Value> = read("events.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count() as u64;
    let failed = lines.iter().filter(|line| line["type"] == "tool_result" && line["data"]["success"] == false);
    Figures {
        tool_failures: Some(failed.count() as u64),
        decisions: Some(count("decision")),
        ..of_run_metrics(&serde_json::from_str(&read("metrics.json")).unwrap())
    }
}

fn of_run_metrics(metrics: &Value) -> Figures {
    let input_tokens = metrics["promptTokens"].as_u64();
    Figures {
        input_tokens,
        output_tokens: metrics["totalTokens"].as_u64().zip(input_tokens).map(|(total, input)| total - input),
        cost_micros: micros(&metrics["totalCost"]),
        tool_calls: metrics["toolCallCount"].as_u64(),
        ..Figures::default()
    }
}

/// `lastword runs show --json`.
pub fn of_run_shown(shown: &Value) -> Figures {
    of_run_metrics(&shown["metrics"])
}

/// `lastword traces summary --json`.
pub fn of_summary(summary: &Value) -> Figures {
    let number = |name: &str| Some(summary[name].as_u64().unwrap_or_else(|| panic!("{name} of {summary}")));
    Figures {
        model_calls: number("llm_calls"),
        model_failures: number("llm_failures"),
        retries: number("llm_retries"),
        tool_calls: number("tool_calls"),
        tool_failures: number("tool_failures"),
        memory_operations: number("memory_operations"),
        ..Figures::default()
    }
}

/// `lastword metrics --json`: the state of the dashboard, and the same figures of the last five minutes.
pub fn of_metrics(shown: &Value) -> Figures {
    let state = &shown["state"];
    let figures = of_counts(&serde_json::from_value(state["last_5m"]["counts"].clone()).unwrap());
    let of_state = Figures {
        tool_calls: state["total_tool_calls"].as_u64(),
        errors: state["total_errors"].as_u64(),
        ..figures.clone()
    };
    assert_eq!(of_state, figures, "the session took less than five minutes");
    assert_eq!(micros(&state["total_cost"]), figures.cost_micros);
    figures
}

/// What Prometheus would scrape.
pub fn of_prometheus(text: &str) -> Figures {
    let sum = |family: &str| -> Option<f64> {
        let samples = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let name = series.split('{').next()?;
            (name == family).then(|| value.parse::<f64>().unwrap())
        });
        let samples: Vec<f64> = samples.collect();
        assert!(!samples.is_empty(), "{family} is not in {text}");
        Some(samples.iter().sum())
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = |family: &str| sum(family).map(|sum| sum.round() as u64);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let cost_micros = sum("tinker_cost_usd_total").map(|dollars| (dollars * 1e6).round() as u64);
    Figures {
        model_calls: whole("tinker_provider_requests_total"),
        model_failures: whole("tinker_provider_errors_total"),
        retries: whole("tinker_provider_retries_total"),
        input_tokens: whole("tinker_input_tokens_total"),
        output_tokens: whole("tinker_output_tokens_total"),
        cost_micros,
        tool_calls: whole("tinker_tool_calls_total"),
        tool_failures: whole("tinker_tool_errors_total"),
        memory_operations: whole("tinker_memory_operations_total"),
        decisions: whole("tinker_decisions_total"),
        errors: whole("tinker_errors_total"),
        events: whole("tinker_events_total"),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn micros(dollars: &Value) -> Option<u64> {
    dollars.as_f64().map(|dollars| (dollars * 1e6).round() as u64)
}
